// What reading costs a server in memory. By itself, as it needs Go and some minutes: mocha test/bench/pressure.test.ts, with
// BENCH_PROMETHEUS=$(test/bench/build.sh server) of a current Prometheus, else of the one in the path.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { UsageReading } from '../../src/controller/ports.ts';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';
import { build, startFleetServer, type FleetServer } from './fleetserver.ts';
import { writeRemotely } from '../support/remote-write.ts';

/** 14 days of a sample a minute of so many pass 50 million samples of one metric, which a query may load by default. */
const CONTAINERS = 2600;
/** Of a cluster of that size the newest samples of some twenty series of each container are in the server's memory. */
const HEAD_SERIES = 60_000;
/** That come at once, so many times a second: a sample of each every 20 s. */
const HEAD_PART = 1500;
const PARTS_A_SECOND = 2;
const MEGABYTE = 2 ** 20;
/** Of samples of all series, until the server's memory has come to its level. */
const ROUNDS = 3;
/** While nobody reads it is watched for so many collections of Go's, at most so long. */
const IDLE_COLLECTIONS = 3;
const MOST_IDLE_SECONDS = 150;

describe('a real Prometheus that holds 2,600 containers', function () {
  this.timeout(600_000);
  let server: FleetServer;
  let folder: string;
  const scrapes = new AbortController();
  let scraping: Promise<void>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-pressure-'));
    const { signal } = new AbortController();
    server = await startFleetServer({
      seeder: await build('seed', signal),
      prometheus: process.env['BENCH_PROMETHEUS'] ?? 'prometheus',
      containers: CONTAINERS,
      folder,
      onProgress: () => undefined,
      signal,
    });
  });
  after(async () => {
    scrapes.abort();
    await scraping;
    await server.halt();
    await rm(folder, { recursive: true, force: true });
  });

  /** What the process holds of its own, without files that it maps. */
  async function ownBytes(): Promise<number> {
    const status = await readFile(`/proc/${server.pid()}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** What a server is always busy with: it takes samples in, and lets its memory grow and collects it meanwhile. */
  async function scrape(): Promise<void> {
    for (let from = 0; !scrapes.signal.aborted; from = (from + HEAD_PART) % HEAD_SERIES) {
      const timeMs = Date.now();
      const series = Array.from({ length: HEAD_PART }, (_, i) => ({
        labels: {
          __name__: `head_${(from + i) % 40}`,
          namespace: `team-${(from + i) % 97}`,
          pod: `api-5d8f7c9b4-${from + i}`,
          container: 'app',
        },
        samples: [{ timeMs, bits: 0n }],
      }));
      await writeRemotely(server.url, series);
      await wait(1000 / PARTS_A_SECOND);
    }
  }

  async function collections(): Promise<number> {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/^go_gc_duration_seconds_count (\d+)$/m.exec(text)?.[1]);
  }

  /** The most that it holds while nobody reads: its memory grows until Go collects, again and again. */
  async function idleBytes(): Promise<number> {
    const before = await collections();
    let most = 0;
    for (let second = 0; second < MOST_IDLE_SECONDS; second++) {
      for (let i = 0; i < 10; i++) {
        most = Math.max(most, await ownBytes());
        await wait(100);
      }
      if ((await collections()) >= before + IDLE_COLLECTIONS) break;
    }
    return most;
  }

  it('refuses one query for all of a metric', async () => {
    const query = 'container_memory_working_set_bytes{container!=""}[14d]';
    const url = `${server.url}/api/v1/query?time=${server.toSeconds}&query=${encodeURIComponent(query)}`;
    const response = await fetch(url);
    assert.equal(response.status, 422);
    assert.match(await response.text(), /query processing would load too many samples/);
    await server.restart();
    scraping = scrape();
    await wait(ROUNDS * (HEAD_SERIES / HEAD_PART / PARTS_A_SECOND) * 1000);
  });

  // Over what it holds at most while nobody reads. By query_range, for which the server works out each answer, it takes
  // more than the quarter that is the goal; every hundredth workload is read so, as each takes it 50 times as long.
  for (const { reader, of, more } of [
    { reader: 'remote-read', of: 1, more: 0.25 },
    { reader: 'query-range', of: 100, more: 0.5 },
  ] as const) {
    it(`is read to the end by ${reader} with at most ${100 * more}% more memory`, async () => {
      const idle = await idleBytes();
      let most = 0;
      const look = setInterval(() => {
        void ownBytes().then((bytes) => (most = Math.max(most, bytes)));
      }, 20);
      const { usage, failures } = await read({ reader }, of).finally(() => clearInterval(look));
      assert.deepEqual([...failures.values()], []);
      const found = [...usage.values()].filter((containers) => containers.size > 0);
      assert.equal(found.length, Math.ceil(server.fleet.length / of));
      const told = `${(idle / MEGABYTE).toFixed(0)} MB idle, ${(most / MEGABYTE).toFixed(0)} MB at most`;
      assert.ok(idle > 100 * MEGABYTE, `it is no server of that size: ${told}`);
      assert.ok(most <= idle * (1 + more), told);
      console.log(`      ${told}`);
    });
  }

  async function read(options: Partial<SourceOptions>, of: number): Promise<UsageReading> {
    const source = createPrometheusSource({ ...options, url: server.url });
    const siblings = server.fleet.map(
      ({ namespace, name }) => ({ namespace, kind: 'Deployment', name }) as const,
    );
    const targets = siblings.flatMap((workload, i) =>
      i % of === 0 ? [{ workload, pods: server.fleet[i]?.pods.slice(-1) ?? [] }] : [],
    );
    try {
      return await source.read(
        { targets, siblings, fromSeconds: server.fromSeconds, toSeconds: server.toSeconds },
        AbortSignal.timeout(300_000),
      );
    } finally {
      source.close();
    }
  }
});
