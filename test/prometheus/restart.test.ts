import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { WorkloadRef } from '../../src/controller/ports.ts';
import { clusterMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import type { KeepUsage, KeptSoFar } from '../support/keep-usage.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';

const SCRIPT = join(import.meta.dirname, '../support/keep-usage.ts');
const DAY = 86_400;
const NOW = Math.floor(Date.now() / 1000);
const WINDOW = 14 * DAY;
/** Of what the first reading took. */
const MOST = 0.02;

const workloads = Array.from({ length: 6 }, (_, i): WorkloadRef => ({
  namespace: 'shop',
  kind: 'StatefulSet',
  name: `store-${i}`,
}));

/** Amounts that differ from sample to sample, as real ones do. */
const noise = (at: number): number => (Math.sin(at * 12.9898) * 43_758.5453) % 1;

const pods = workloads.map(({ namespace, kind, name }, i): SeedPod => ({
  namespace,
  name: `${name}-0`,
  uid: `${i}`,
  node: 'node-1',
  owners: [{ kind, name }],
  startSeconds: NOW - WINDOW - DAY,
  endSeconds: NOW,
  containers: [
    {
      name: 'main',
      sizes: { requests: {}, limits: {} },
      usage: {
        cpuCores: (at) => 0.2 + 0.1 * noise(at + i),
        memoryBytes: (at) => Math.round(2 ** 28 * (1 + 0.1 * noise(at + i))),
      },
    },
  ],
}));

describe('an operator that is killed', function () {
  this.timeout(60_000);
  let prometheus: RunningPrometheus;
  let folder: string;
  before(async () => {
    prometheus = await startPrometheus({ series: clusterMetrics(pods) });
    folder = await mkdtemp(join(tmpdir(), 'rightsize-restart-'));
  });
  after(async () => {
    await prometheus.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Until it has come so far; then it is killed, without a moment to save anything. */
  async function keepUntil(what: KeptSoFar['what']): Promise<KeptSoFar> {
    const asked: KeepUsage = { url: prometheus.url, folder, workloads, windowSeconds: WINDOW };
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(asked)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const told = JSON.parse(line) as KeptSoFar;
        if (told.what === what) return told;
      }
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
    assert.fail('it ended by itself');
  }

  const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`;

  it('goes on from what it saved, for less than 2 % of the bytes and samples of the first reading', async () => {
    const first = await keepUntil('saved');
    assert.equal(first.known, workloads.length);
    assert.ok(first.samples > 100_000, `${first.samples} samples`);
    const again = await keepUntil('read');
    assert.equal(again.known, workloads.length, 'all of the window is known');
    assert.ok(again.samples > 0, 'what is new was read');
    assert.ok(again.samples < MOST * first.samples, share(again.samples, first.samples));
    assert.ok(again.bytes < MOST * first.bytes, share(again.bytes, first.bytes));
    assert.deepEqual(await readdir(folder), ['usage.state']);
  });

  it('sets a file aside that is damaged, under a name that says so, and reads all anew', async () => {
    const first = await keepUntil('read');
    const path = join(folder, 'usage.state');
    const bytes = await readFile(path);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const again = await keepUntil('saved');
    assert.equal(again.known, workloads.length);
    assert.ok(again.samples > first.samples / MOST, `${again.samples} samples`);
    assert.match(again.warnings.join(), /the state file is not used: it is damaged/);
    const files = (await readdir(folder)).sort();
    assert.equal(files.length, 2);
    assert.equal(files[0], 'usage.state');
    assert.match(files[1] ?? '', /^usage\.state\.damaged-\d+$/);
    assert.deepEqual(await readFile(join(folder, files[1] ?? '')), bytes);
  });
});
