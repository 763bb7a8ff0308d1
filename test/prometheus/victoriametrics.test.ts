import assert from 'node:assert/strict';
import { workloadKey, type UsageReading, type WorkloadRef } from '../../src/controller/ports.ts';
import { isPrometheus } from '../../src/prometheus/buildinfo.ts';
import { createPrometheusClient } from '../../src/prometheus/client.ts';
import type { PrometheusOptions } from '../../src/prometheus/options.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import { createTransport } from '../../src/prometheus/transport.ts';
import { unpackUsage } from '../../src/recommend/unpacked.ts';
import { DAY_SECONDS } from '../../src/recommend/usage.ts';
import { clusterMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { HISTORIES, itReadsHistories, OWNED, readHistories } from '../support/histories.ts';
import type { SeedSeries } from '../support/seed.ts';
import {
  importSeries,
  startVictoriaMetrics,
  writeStaleMarkers,
  type RunningVictoriaMetrics,
} from '../support/victoriametrics.ts';

const HOUR = 3600;
const MIDNIGHT = Math.floor(Date.now() / 1000 / DAY_SECONDS) * DAY_SECONDS;

/** Six hours of a pod, up to half a minute before an hour before midnight. */
function endedSeries(pod: string): readonly SeedSeries[] {
  const metrics = ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes'];
  return metrics.map((name) => ({
    name,
    labels: { namespace: 'odd', pod, container: 'app' },
    *samples() {
      for (let ago = 7 * HOUR; ago > HOUR; ago -= 60)
        yield [MIDNIGHT - ago - 30, 0.5 * (8 * HOUR - ago)];
    },
  }));
}

async function ask(url: string, form: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams(form);
  const signal = AbortSignal.timeout(30_000);
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body, signal });
  assert.equal(response.status, 200);
  return response.text();
}

describe('usage history from a real VictoriaMetrics', function () {
  this.timeout(120_000);
  let server: RunningVictoriaMetrics;
  before(async () => {
    server = await startVictoriaMetrics({ series: HISTORIES });
  });
  after(() => server.stop());

  itReadsHistories(() => ({ url: server.url, reader: 'auto' }));

  it('is read by queries, since remote read is not offered', async () => {
    const source = createPrometheusSource({ url: server.url, reader: 'auto' });
    const { name, why } = await source.chooseReader(AbortSignal.timeout(9000));
    source.close();
    assert.equal(name, 'query-range');
    assert.match(why, /^the server offers no remote read: Prometheus answered 400/);
  });

  it('is not taken for Prometheus by what it says of its build', async () => {
    const options = { url: server.url };
    const transport = createTransport(options);
    const client = createPrometheusClient(options, transport);
    assert.equal(await isPrometheus(client, AbortSignal.timeout(9000)), false);
    transport.close();
  });

  it('is the same whether or not a series ends with a stale marker', async () => {
    const [ended, marked] = ['ended', 'marked'].map(endedSeries);
    assert.ok(ended !== undefined && marked !== undefined);
    await importSeries(server.url, [...ended, ...marked]);
    await writeStaleMarkers(server.url, marked, MIDNIGHT - HOUR + 30);
    const isThere = async (pod: string): Promise<boolean> => {
      const form = { query: `{pod="${pod}"}`, time: String(MIDNIGHT - HOUR + 35) };
      return (await ask(server.url, form)).includes('"value"');
    };
    assert.deepEqual([await isThere('ended'), await isThere('marked')], [true, false]);
    const ref: WorkloadRef = { namespace: 'odd', kind: 'Deployment', name: 'odd' };
    const read = (pod: string) => readHistories({ url: server.url }, [ref], [pod]);
    assert.deepEqual(await read('marked'), await read('ended'));
  });

  it('is a failure while the server is down, and there again after it', async () => {
    const before = await readHistories({ url: server.url });
    await server.halt();
    const { usage, failures } = await readHistories({ url: server.url });
    assert.equal(usage.size, 0);
    assert.deepEqual(
      OWNED.map((ref) => failures.get(workloadKey(ref))?.reason),
      OWNED.map(() => 'PrometheusUnreachable'),
    );
    await server.start();
    assert.deepEqual(await readHistories({ url: server.url }), before);
  });
});

// Halved, no part ends at midnight: VictoriaMetrics, which finds series by day, leaves those out then that begin there.
const TO = MIDNIGHT - 7 * HOUR;
const FROM = TO - 12 * HOUR;
const fleet: WorkloadRef = { namespace: 'shop', kind: 'DaemonSet', name: 'agent'.repeat(8) };

/** 380 pods of an hour: in one query their names would be longer than the 16 KB that it takes unless told. */
const pods: readonly SeedPod[] = Array.from({ length: 380 }, (_, i) => ({
  namespace: fleet.namespace,
  name: `${fleet.name}-${(i + 1e5).toString(36).padStart(5, '0')}`,
  uid: String(i),
  node: `node-${i}`,
  owners: [fleet],
  startSeconds: FROM + (i % 11) * HOUR,
  endSeconds: FROM + ((i % 11) + 1) * HOUR,
  containers: [
    {
      name: 'agent',
      sizes: { requests: {}, limits: {} },
      usage: { cpuCores: () => 0.001 * i, memoryBytes: () => (i + 1) * 2 ** 20 },
    },
  ],
}));

async function readFleet(options: PrometheusOptions): Promise<UsageReading> {
  const source = createPrometheusSource(options);
  try {
    return await source.read(
      {
        targets: [{ workload: fleet, pods: [] }],
        siblings: [fleet],
        fromSeconds: FROM,
        toSeconds: TO,
      },
      AbortSignal.timeout(60_000),
    );
  } finally {
    source.close();
  }
}

/** A series that takes much more to be told of than connections hold. */
const FILLER: SeedSeries = {
  name: 'filler',
  labels: { text: 'x'.repeat(150) },
  *samples() {
    for (let time = TO - 80 * HOUR; time < TO; time++) yield [time, 1];
  },
};

describe('limits of a real VictoriaMetrics', function () {
  this.timeout(120_000);
  const running: RunningVictoriaMetrics[] = [];
  let want: UsageReading;
  before(async () => {
    const free = await start('-search.maxQueryLen=1MB');
    want = await readFleet({ url: free.url });
    const packed = want.usage.get(workloadKey(fleet))?.get('agent');
    assert.ok(packed !== undefined);
    const peaks = unpackUsage(packed).days.map(({ memoryPeakBytes }) => memoryPeakBytes ?? 0);
    assert.equal(Math.max(...peaks), pods.length * 2 ** 20, 'the last of the pods was read');
  });
  after(async () => {
    for (const server of running) await server.stop();
  });

  async function start(...flags: readonly string[]): Promise<RunningVictoriaMetrics> {
    const server = await startVictoriaMetrics({ series: clusterMetrics(pods), flags });
    running.push(server);
    return server;
  }

  const limits = {
    'the length of a query': [],
    'samples of a query': ['-search.maxQueryLen=1MB', '-search.maxSamplesPerQuery=9000'],
    'points of a series': ['-search.maxQueryLen=1MB', '-search.maxPointsPerTimeseries=140'],
  };
  for (const [limit, flags] of Object.entries(limits)) {
    it(`on ${limit} are met by asking for less, with the same result`, async () => {
      const { url } = await start(...flags);
      const outcomes: string[] = [];
      const got = await readFleet({ url, onCall: ({ outcome }) => outcomes.push(outcome) });
      assert.deepEqual([...got.failures], []);
      assert.deepEqual(got, want);
      assert.ok(outcomes.includes('PrometheusOverloaded'), 'the limit was met at least once');
    });
  }

  it('on series are a failure that says so where even the pods cannot be listed', async () => {
    const { url } = await start('-search.maxUniqueTimeseries=100');
    const { usage, failures } = await readFleet({ url });
    assert.equal(usage.size, 0);
    const failure = failures.get(workloadKey(fleet));
    assert.equal(failure?.reason, 'PrometheusOverloaded');
    assert.match(failure.message, /the number of matching timeseries exceeds 100/);
  });

  it('on queries at once are met by asking again', async () => {
    const { url } = await start('-search.maxConcurrentRequests=1', '-search.maxQueueDuration=10ms');
    await importSeries(url, [FILLER]);
    // An answer of some 60 MB that nobody reads: it keeps the one place.
    const unread = new AbortController();
    const parameters = new URLSearchParams({ 'match[]': FILLER.name, max_rows_per_line: '1' });
    const { signal } = unread;
    const held = await fetch(`${url}/api/v1/export?${parameters.toString()}`, { signal });
    assert.equal(held.status, 200);
    const outcomes: string[] = [];
    const got = await readFleet({
      url,
      concurrency: 1,
      onCall: ({ outcome }) => {
        outcomes.push(outcome);
        if (outcome === 'PrometheusOverloaded') unread.abort();
      },
    });
    assert.equal(outcomes[0], 'PrometheusOverloaded');
    assert.deepEqual(got, want);
  });
});
