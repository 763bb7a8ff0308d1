// What a restart with --state-dir costs Prometheus, after a kill and with a file that was damaged.
//   test/cluster/run.sh mocha test/e2e/statedir.test.ts
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apply, until } from '../support/cluster.ts';
import type { RunningOperator } from '../support/operator.ts';
import { recommendationsIn, targetsOf } from '../support/own-objects.ts';
import { openScene, policy, type Scene, type SceneWorkload } from '../support/scene.ts';

const workloads: readonly SceneWorkload[] = ['web', 'cart'].map((name) => ({
  kind: 'Deployment',
  name,
  containers: [
    {
      name: 'main',
      uses: { cpu: [0.1, 0.4], memoryMi: 300 },
      requests: { cpu: 1, memory: 2 ** 30 },
    },
  ],
}));
const FILE = 'usage.state';

describe('the operator with a folder for its state', function () {
  this.timeout(60_000);
  let scene: Scene;
  let folder: string;
  let operator: RunningOperator;
  /** Of the first reading. */
  let firstSamples: number;
  let versions: readonly string[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-state-'));
    scene = await openScene({ prefix: 'e2e-state', workloads });
    await apply(policy(scene.namespace, 'default'));
  });
  after(async () => {
    await scene.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts it, and waits until it has read usage. */
  async function started(): Promise<void> {
    operator = await scene.operator({ flags: [`--state-dir=${join(folder, 'usage')}`] });
    await until(20_000, async () =>
      assert.match(await operator.log(), /"unread":0,"msg":"usage read"/),
    );
  }

  async function samplesRead(): Promise<number> {
    const text = await (await fetch(`${operator.url}/metrics`)).text();
    const counts = [...text.matchAll(/^rightsize_prometheus_received_samples_total\S* (\d+)$/gm)];
    return counts.reduce((sum, [, samples]) => sum + Number(samples), 0);
  }

  const versionsNow = async () =>
    [...(await recommendationsIn(scene.connection, scene.namespace)).values()].map(
      ({ metadata }) => metadata.resourceVersion,
    );

  it('makes the folder and saves what it has read', async () => {
    await started();
    firstSamples = await samplesRead();
    await until(20_000, async () => {
      const found = await recommendationsIn(scene.connection, scene.namespace);
      assert.equal(targetsOf(found).length, workloads.length);
      assert.ok((await readdir(join(folder, 'usage'))).includes(FILE));
    });
    versions = await versionsNow();
  });

  it('reads only what is new after it was killed, and says the same', async () => {
    assert.equal(await operator.end('SIGKILL'), 'SIGKILL');
    await started();
    assert.match(await operator.log(), /"workloads":2,"msg":"usage taken from the state file"/);
    const samples = await samplesRead();
    // Nothing is scraped here, so that late samples of some hours are looked for as well, by chunks of two hours; where something
    // is, test/prometheus/restart.test.ts holds it to 2 %.
    assert.ok(samples > 0 && samples < 0.05 * firstSamples, `${samples} of ${firstSamples}`);
    assert.deepEqual(await versionsNow(), versions);
  });

  it('sets a damaged file aside, names it and reads all anew', async () => {
    assert.equal(await operator.end('SIGTERM'), 0);
    const path = join(folder, 'usage', FILE);
    const bytes = await readFile(path);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await started();
    const samples = await samplesRead();
    assert.ok(samples > 0.9 * firstSamples, `${samples} of ${firstSamples}`);
    const aside = (await readdir(join(folder, 'usage'))).find((name) => name !== FILE);
    assert.match(aside ?? '', /^usage\.state\.damaged-\d+$/);
    const said = (await operator.log()).split('\n').find((line) => line.includes('"aside"'));
    assert.match(said ?? '', /the state file is not used: it is damaged/);
    assert.ok(said?.includes(aside ?? ''), said);
    assert.deepEqual(await versionsNow(), versions);
  });
});
