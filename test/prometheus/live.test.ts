import assert from 'node:assert/strict';
import { createPrometheusClient } from '../../src/prometheus/client.ts';
import { readLive } from '../../src/prometheus/live.ts';
import type { PrometheusOptions } from '../../src/prometheus/options.ts';
import { createSession } from '../../src/prometheus/session.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import { createTransport } from '../../src/prometheus/transport.ts';
import { LocalServer } from '../support/local-server.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import type { SeedSample, SeedSeries } from '../support/seed.ts';

const NOW = Math.floor(Date.now() / 1000);
const CPU = 'container_cpu_usage_seconds_total';
const MEMORY = 'container_memory_working_set_bytes';
const PERIODS = 'container_cpu_cfs_periods_total';
const THROTTLED = 'container_cpu_cfs_throttled_periods_total';
const OOM = 'container_oom_events_total';

type Labels = Readonly<Record<string, string>>;

/** Scraped every 15 s, last 4.25 s before now unless told; undefined: not scraped. */
function series(
  name: string,
  labels: Labels,
  valueAt: (secondsAgo: number) => number | undefined,
): SeedSeries {
  return {
    name,
    labels: { namespace: 'shop', container: 'app', ...labels },
    *samples(): Iterable<SeedSample> {
      for (let ago = 900 + 4.25; ago > 0; ago -= 15) {
        const value = valueAt(ago);
        if (value !== undefined) yield [NOW - ago, value];
      }
    },
  };
}

const seeds: readonly SeedSeries[] = [
  series(MEMORY, { pod: 'web' }, (ago) => 1000 - ago),
  series(CPU, { pod: 'web' }, (ago) => (ago > 30 ? 0 : 0.25 * (30 - ago))),
  series(PERIODS, { pod: 'web' }, (ago) => 10 * (905 - ago)),
  series(THROTTLED, { pod: 'web' }, (ago) => 3 * (905 - ago)),
  series(OOM, { pod: 'web' }, (ago) => (ago < 200 ? 5 : 4)),
  // Cgroup rows and sandboxes.
  series(MEMORY, { pod: 'web', container: '' }, () => 9e9),
  series(MEMORY, { pod: 'web', container: 'POD' }, () => 9e9),
  // Another cluster in the same store.
  series(MEMORY, { pod: 'web', cluster: 'other' }, () => 9e9),
  // Restarted: the old series ended, the new one has just begun.
  series(MEMORY, { pod: 'restarted', id: 'a' }, (ago) => (ago > 30 ? 500 : undefined)),
  series(MEMORY, { pod: 'restarted', id: 'b' }, (ago) => (ago < 30 ? 20 : undefined)),
  series(CPU, { pod: 'restarted' }, (ago) => (ago > 45 ? 2 * (1000 - ago) : 0.4 * (45 - ago))),
  // Two jobs scrape the same kubelet.
  series(MEMORY, { pod: 'twice', job: 'a' }, () => 50),
  series(MEMORY, { pod: 'twice', job: 'b' }, () => 50),
  series(CPU, { pod: 'twice', job: 'a' }, (ago) => 0.2 * (1000 - ago)),
  series(CPU, { pod: 'twice', job: 'b' }, (ago) => 0.2 * (1000 - ago)),
  // Nothing came for more than a minute.
  series(MEMORY, { pod: 'stale' }, (ago) => (ago > 120 ? 70 : undefined)),
  series(OOM, { pod: 'early' }, (ago) => (ago < 100 ? 1 : undefined)),
  series(MEMORY, { pod: 'early' }, () => 5),
  // Names that would match others where they are read as patterns.
  series(MEMORY, { pod: 'web', namespace: 'a.b' }, () => 1),
  series(MEMORY, { pod: 'web', namespace: 'axb' }, () => 2),
];

describe('live usage from a real Prometheus', function () {
  this.timeout(60_000);
  let prometheus: RunningPrometheus;
  before(async () => {
    prometheus = await startPrometheus({ series: seeds });
  });
  after(() => prometheus.stop());

  async function read(
    namespaces: readonly string[],
    options: Partial<PrometheusOptions> = {},
  ): ReturnType<typeof readLive> {
    const matchers = [{ label: 'cluster', operator: '!=', value: 'other' }] as const;
    const settings = { url: prometheus.url, ...options };
    const transport = createTransport(settings);
    const client = createPrometheusClient(settings, transport);
    try {
      const session = createSession(client, matchers, AbortSignal.timeout(30_000));
      return await readLive(session, { namespaces, nowSeconds: NOW, concurrency: 2 });
    } finally {
      transport.close();
    }
  }

  async function usageOf(pod: string) {
    const { pods, failure } = await read(['shop']);
    assert.equal(failure, undefined);
    const usage = pods.get(`shop/${pod}`)?.get('app');
    assert.ok(usage !== undefined);
    return usage;
  }

  it('has exact times, figures and spans', async () => {
    assert.deepEqual(await usageOf('web'), {
      atSeconds: NOW - 4.25,
      memoryBytes: 995.75,
      cpuCores: 0.25,
      cpuSinceSeconds: NOW - 19.25,
      throttledShare: 0.3,
      throttledSinceSeconds: NOW - 289.25,
      oomKilledSeconds: NOW - 199.25,
    });
  });

  it('is that of the container that runs, once it was restarted', async () => {
    const { memoryBytes, cpuCores } = await usageOf('restarted');
    assert.equal(memoryBytes, 20);
    assert.ok(Math.abs((cpuCores ?? NaN) - 0.4) < 1e-9);
  });

  it('is not added up over two jobs', async () => {
    const { memoryBytes, cpuCores } = await usageOf('twice');
    assert.equal(memoryBytes, 50);
    assert.ok(Math.abs((cpuCores ?? NaN) - 0.2) < 1e-9);
  });

  it('that is stale has its own time', async () => {
    const { atSeconds, memoryBytes } = await usageOf('stale');
    assert.deepEqual([atSeconds, memoryBytes], [NOW - 124.25, 70]);
  });

  it('has no OOM kill of a counter that begins above zero', async () => {
    assert.equal((await usageOf('early')).oomKilledSeconds, undefined);
  });

  it('is of the namespaces that were asked for, literally', async () => {
    const { pods } = await read(['a.b', 'shop', 'none']);
    assert.equal(pods.get('a.b/web')?.get('app')?.memoryBytes, 1);
    assert.deepEqual([...(pods.get('shop/web')?.keys() ?? [])], ['app']);
    assert.ok(!pods.has('axb/web'));
  });

  it('costs four queries a look, and one to know that there are no OOM kills', async () => {
    let calls = 0;
    await read(['a.b', 'axb'], { onCall: () => calls++ });
    assert.equal(calls, 5);
    await read([], { onCall: () => calls++ });
    assert.equal(calls, 5);
  });

  it('that is too much for one answer is asked for by half of the namespaces', async () => {
    const want = await read(['a.b', 'axb']);
    const outcomes: string[] = [];
    const got = await read(['a.b', 'axb'], {
      maxAnswerBytes: 700,
      onCall: ({ outcome }) => outcomes.push(outcome),
    });
    assert.deepEqual(got, want);
    assert.ok(outcomes.includes('PrometheusOverloaded'));
  });

  it('is read through the source', async () => {
    const source = createPrometheusSource({ url: prometheus.url });
    const { failure } = await source.readNow({ namespaces: ['shop'] }, AbortSignal.timeout(9000));
    source.close();
    assert.equal(failure, undefined);
  });

  it('is a failure while the server is down, and there again after it', async () => {
    await prometheus.halt();
    const { pods, failure } = await read(['shop']);
    assert.equal(pods.size, 0);
    assert.equal(failure?.reason, 'PrometheusUnreachable');
    await prometheus.start();
    assert.equal((await usageOf('web')).memoryBytes, 995.75);
  });
});

// A real Prometheus cannot be made to give these answers.
describe('live usage from a Prometheus that fails', () => {
  const answers = {
    refuses: '{"status":"error","errorType":"bad_data","error":"no"}',
    warns:
      '{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["a store is away"]}',
    knows: `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"namespace":"shop","pod":"web","container":"app"},"values":[[${NOW},"7"]]}]}}`,
    none: '{"status":"success","data":{"resultType":"vector","result":[]}}',
  };

  async function readFrom(answer: (query: string) => keyof typeof answers | 'Silence') {
    const server = new LocalServer((request, response) => {
      let body = '';
      request.on('data', (part) => (body += String(part)));
      request.on('end', () => {
        const kind = answer(new URLSearchParams(body).get('query') ?? '');
        if (kind === 'Silence') return;
        response.writeHead(kind === 'refuses' ? 400 : 200).end(answers[kind]);
      });
    });
    const source = createPrometheusSource({ url: await server.start() });
    try {
      return await source.readNow({ namespaces: ['shop'] }, AbortSignal.timeout(1000));
    } finally {
      source.close();
      await server.stop();
    }
  }

  it('keeps what other queries answered', async () => {
    const { pods, failure } = await readFrom((query) => {
      if (query.includes('increase')) return 'none';
      return query.startsWith(CPU) ? 'refuses' : 'knows';
    });
    const usage = pods.get('shop/web')?.get('app');
    assert.deepEqual([usage?.memoryBytes, usage?.cpuCores], [7, undefined]);
    assert.deepEqual(failure, {
      reason: 'PrometheusRefused',
      message: 'read what containers do now: Prometheus answered 400: no',
    });
  });

  it('says that an answer was partial', async () => {
    const { failure } = await readFrom((query) => (query.includes('increase') ? 'none' : 'warns'));
    assert.equal(failure?.reason, 'PrometheusPartialAnswer');
  });

  it('rejects on abort', () =>
    assert.rejects(
      readFrom(() => 'Silence'),
      { name: 'TimeoutError' },
    ));
});
