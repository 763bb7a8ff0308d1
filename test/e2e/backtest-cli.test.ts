// `rightsize backtest` as a user runs it, on a cluster and its Prometheus.
//   test/cluster/run.sh mocha test/e2e/backtest-cli.test.ts
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Comparison } from '../../src/backtest/comparison.ts';
import type { Backtest } from '../../src/backtest/run.ts';
import { apply, until } from '../support/cluster.ts';
import { LocalServer } from '../support/local-server.ts';
import { rightsize, startRightsize } from '../support/rightsize.ts';
import { openScene, policy, type Scene, type SceneWorkload } from '../support/scene.ts';

const workloads: readonly SceneWorkload[] = [
  {
    kind: 'Deployment',
    name: 'web',
    labels: { tier: 'front' },
    containers: [
      {
        name: 'web',
        uses: { cpu: [0.1, 0.4], memoryMi: 300 },
        requests: { cpu: 1, memory: 2 ** 30 },
      },
    ],
  },
  {
    kind: 'StatefulSet',
    name: 'db',
    labels: { tier: 'back' },
    containers: [{ name: 'db', uses: { cpu: [0.2, 0.3], memoryMi: 700 } }],
  },
];

const EXIT: Readonly<Record<string, number>> = { kept: 0, missed: 1, 'too little data': 3 };

type Result = Pick<Backtest, 'verdict' | 'outcomes'> & {
  readonly comparisons: readonly Comparison[];
};

describe('rightsize backtest on a cluster', function () {
  this.timeout(60_000);
  let scene: Scene;
  let folder: string;
  let args: readonly string[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-backtest-'));
    scene = await openScene({ prefix: 'e2e-backtest', workloads });
    const { namespace } = scene;
    await apply(policy(namespace, 'careful', { riskTolerance: { profile: 'Careful' } }), {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { namespace, name: 'defaults' },
      spec: {
        limits: [{ type: 'Container', defaultRequest: { cpu: '50m', memory: '2Gi' } }],
      },
    });
    const from = ['--source=prometheus', `--prometheus-url=${scene.prometheus().url}`];
    args = ['backtest', ...from, '-n', namespace];
  });

  after(async () => {
    await rm(folder, { recursive: true });
    await scene.close();
  });

  it('gives a verdict, and what the requests of today would have kept', async () => {
    const { code, stdout, stderr } = await rightsize([...args, '--against=current', '-o', 'json']);
    const { verdict, outcomes, comparisons } = JSON.parse(stdout) as Result;
    assert.equal(code, EXIT[verdict]);
    assert.deepEqual(
      outcomes.map(({ resource, risk, all }) => [resource, risk, all.series]),
      [
        ['cpu', 0.05, 2],
        ['memory', 0.01, 2],
      ],
    );
    assert.deepEqual(
      outcomes.map(({ datasets }) => datasets.map(({ dataset }) => dataset)),
      [[scene.namespace], [scene.namespace]],
    );
    // The request of `web` is never exceeded, the 50m that a LimitRange gives to `db` always is.
    const [cpu, memory] = comparisons.map(({ current }) => current);
    assert.deepEqual([cpu?.series, cpu?.ex], [2, 0.5]);
    assert.deepEqual([memory?.series, memory?.daysHit], [2, 0]);
    assert.equal(
      stderr,
      '2 of 2 workloads have another risk by their own policy: all are replayed at 5% for CPU and 1% for memory\n',
    );
  });

  it('gives the same bytes on the same data', async () => {
    const run = async () => {
      const files = ['rows.csv', 'page.html'].map((name) => join(folder, name));
      const [rows = '', page = ''] = files;
      const out = [`--recommendations-out=${rows}`, `--html=${page}`];
      const { stdout } = await rightsize([...args, '--against=current,max', ...out]);
      return [stdout, ...(await Promise.all(files.map((file) => readFile(file, 'utf8'))))];
    };
    const hour = (): number => Math.floor(Date.now() / 3_600_000);
    let began: number;
    let runs: readonly (readonly string[])[];
    do {
      began = hour();
      runs = [await run(), await run()];
    } while (hour() !== began);
    assert.deepEqual(runs[1], runs[0]);
    const [table = '', rows = '', page = ''] = runs[0] ?? [];
    assert.match(table, /^today .* 2 series whose request is known$/m);
    assert.match(rows, new RegExp(`^${scene.namespace}/Deployment/web/web,cpu,\\d+,`, 'm'));
    assert.match(page, /request today/);
    assert.match(page, /<th scope="row">today<\/th>/);
  });

  it('keeps to the labels, the window and the risk of the flags', async () => {
    const flags = ['-l', 'tier=front', '--window=5d', '--profile=Careful', '-o', 'json'];
    const { code, stdout, stderr } = await rightsize([...args, ...flags]);
    const { verdict, outcomes } = JSON.parse(stdout) as Result;
    assert.deepEqual(
      { code, verdict, stderr },
      { code: 3, verdict: 'too little data', stderr: '' },
    );
    assert.deepEqual(
      outcomes.map(({ resource, protocol, risk, all }) => [resource, protocol, risk, all.series]),
      [
        ['cpu', 'short', 0.02, 1],
        ['memory', 'short', 0.005, 1],
      ],
    );
  });

  it('says that there is too little data where there is nothing', async () => {
    const { code, stdout, stderr } = await rightsize([...args, '-l', 'tier=none']);
    assert.equal(code, 3);
    assert.match(stdout, /verdict: too little data\n$/);
    assert.match(stderr, /has the labels of --selector\n$/);
  });

  it('refuses a Prometheus that is not there, with exit code 2', async () => {
    const nowhere = '--prometheus-url=http://127.0.0.1:1';
    const { code, stdout, stderr } = await rightsize([...args, nowhere]);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    assert.match(
      stderr,
      /^rightsize: no usage can be read: .*Prometheus cannot be reached.* \(and 1 more\)\n$/,
    );
  });

  it('ends with exit code 130 when it is interrupted in the middle of a reading', async () => {
    const silent = new LocalServer(() => undefined);
    try {
      const command = startRightsize([...args, `--prometheus-url=${await silent.start()}`]);
      await until(20_000, () => assert.ok(silent.requests.length > 0));
      command.signal('SIGINT');
      assert.deepEqual(await command.done, {
        code: 130,
        stdout: '',
        stderr: 'interrupted; nothing was changed\n',
      });
    } finally {
      await silent.stop();
    }
  });
});
