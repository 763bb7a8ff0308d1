import assert from 'node:assert/strict';
import { workloadKey, type WorkloadRef } from '../../src/controller/ports.ts';
import { createPrometheusSource, type PrometheusSource } from '../../src/prometheus/source.ts';
import { unpackUsage } from '../../src/recommend/unpacked.ts';
import { clusterMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { COLLECTING } from '../support/collected.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import { startReadProxy, type ReadProxy } from '../support/read-proxy.ts';

const HOUR = 3600;
const TO = Math.floor(Date.now() / 1000 / HOUR) * HOUR - HOUR;
const FROM = TO - 6 * HOUR;

/** Two ReplicaSets of `cart`, one after the other, and one of `cart-api`, whose name begins alike. */
const redeployed: readonly SeedPod[] = [
  ['cart', '5d8f7c9b4', 'bcdfg', 100, 0, 3],
  ['cart', '6d8f7c9b4', 'hjklm', 200, 3, 6],
  ['cart-api', '7c9b45d8f', 'bcdfg', 300, 0, 6],
].map(([name, replicaSet, end, bytes, fromHour, toHour]) => ({
  namespace: 'shop',
  name: `${name}-${replicaSet}-${end}`,
  uid: `${name}-${replicaSet}`,
  node: 'node-1',
  owners: [
    { kind: 'ReplicaSet', name: `${name}-${replicaSet}` },
    { kind: 'Deployment', name: String(name) },
  ],
  startSeconds: FROM + Number(fromHour) * HOUR,
  endSeconds: FROM + Number(toHour) * HOUR,
  containers: [
    {
      name: 'app',
      sizes: { requests: {}, limits: {} },
      usage: { cpuCores: () => 0.1, memoryBytes: () => Number(bytes) },
    },
  ],
}));

/** Former pods: one whose use of CPU was not kept, and one that was killed before anyone saw it use something. */
const scarce: readonly SeedPod[] = ['till-5d8f7c9b4-bcdfg', 'till-5d8f7c9b4-hjklm'].map((name) => ({
  namespace: 'bank',
  name,
  uid: name,
  node: 'node-1',
  owners: [
    { kind: 'ReplicaSet', name: 'till-5d8f7c9b4' },
    { kind: 'Deployment', name: 'till' },
  ],
  startSeconds: FROM,
  endSeconds: FROM + 2 * HOUR,
  containers: [
    {
      name: 'app',
      sizes: { requests: {}, limits: {} },
      usage: { cpuCores: () => 0.1, memoryBytes: () => 700 },
      restartSeconds: [FROM + HOUR / 2],
      oomKillSeconds: name.endsWith('hjklm') ? [FROM + HOUR / 2] : [],
    },
  ],
}));

function asKept(series: ReturnType<typeof clusterMetrics>): ReturnType<typeof clusterMetrics> {
  const dropped: Readonly<Record<string, RegExp>> = {
    'till-5d8f7c9b4-bcdfg': /^container_cpu_usage/,
    'till-5d8f7c9b4-hjklm': /^container_/,
  };
  return series.filter(({ name, labels }) => dropped[labels['pod'] ?? '']?.test(name) !== true);
}

const cart: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'cart' };
const redeployedCart = redeployed.slice(0, 2).map(({ name }) => name);

/** Names of the pods of `cart` that were read, none of which is known before. */
async function cartPods(source: PrometheusSource, fromSeconds: number): Promise<readonly string[]> {
  const query = {
    targets: [{ workload: cart, pods: [] }],
    siblings: [cart],
    fromSeconds,
    toSeconds: TO,
  };
  const reading = await source.readAs(COLLECTING, query, AbortSignal.timeout(30_000));
  assert.deepEqual([...reading.failures, ...reading.warnings], []);
  const { memory = [] } = reading.usage.get(workloadKey(cart))?.get('app') ?? {};
  return [...new Set(memory.map(([pod]) => pod))].sort();
}

describe('pods of histories', function () {
  this.timeout(60_000);
  let prometheus: RunningPrometheus;
  let proxy: ReadProxy;
  before(async () => {
    const series = asKept(clusterMetrics([...redeployed, ...scarce]));
    prometheus = await startPrometheus({ series });
    proxy = await startReadProxy(prometheus.url);
  });
  after(async () => {
    await proxy.stop();
    await prometheus.stop();
  });
  beforeEach(() => {
    proxy.answers.length = 0;
    proxy.lists.length = 0;
    proxy.calls.length = 0;
  });

  it('are those of redeployed workloads, by owner metrics', async () => {
    const workload = cart;
    const other: WorkloadRef = { ...workload, name: 'cart-api' };
    const podsBy = async (
      reader: 'remote-read' | 'query-range',
      { live, fromSeconds }: { live: readonly string[]; fromSeconds: number },
    ): Promise<readonly string[]> => {
      const source = createPrometheusSource({ url: proxy.url, reader });
      proxy.calls.length = 0;
      try {
        const targets = [{ workload, pods: live }];
        const reading = await source.readAs(
          COLLECTING,
          { targets, siblings: [workload, other], fromSeconds, toSeconds: TO },
          AbortSignal.timeout(30_000),
        );
        assert.deepEqual([...reading.failures, ...reading.warnings], []);
        const { memory = [] } = reading.usage.get(workloadKey(workload))?.get('app') ?? {};
        return [...new Set(memory.map(([pod, , bytes]) => `${pod} ${bytes}`))].sort();
      } finally {
        source.close();
      }
    };
    const want = ['cart-5d8f7c9b4-bcdfg 100', 'cart-6d8f7c9b4-hjklm 200'];
    const never = { live: [], fromSeconds: FROM };
    assert.deepEqual(await podsBy('query-range', never), want);
    assert.deepEqual(await podsBy('remote-read', { ...never, fromSeconds: TO - 25 * HOUR }), want);
    assert.deepEqual(proxy.calls, ['series', 'series', 'series', 'read'], 'of a long window');
    assert.deepEqual(await podsBy('remote-read', never), want);
    assert.deepEqual(proxy.calls, ['read', 'series', 'series', 'read'], 'of a short window');
    const live = ['cart-6d8f7c9b4-hjklm'];
    assert.deepEqual(await podsBy('remote-read', { ...never, live }), want);
    assert.deepEqual(proxy.calls, ['read', 'series', 'series', 'read'], 'with a former pod');
  });

  it('are not asked for where all that have usage are there', async () => {
    const refs = ['cart', 'cart-api'].map((name): WorkloadRef => ({
      namespace: 'shop',
      kind: 'Deployment',
      name,
    }));
    const live = [['cart-6d8f7c9b4-hjklm'], ['cart-api-7c9b45d8f-bcdfg']];
    const source = createPrometheusSource({ url: proxy.url, reader: 'remote-read' });
    try {
      const reading = await source.readAs(
        COLLECTING,
        {
          targets: refs.map((workload, i) => ({ workload, pods: live[i] ?? [] })),
          siblings: refs,
          fromSeconds: TO - 2 * HOUR,
          toSeconds: TO,
        },
        AbortSignal.timeout(30_000),
      );
      assert.deepEqual([...reading.failures, ...reading.warnings], []);
      assert.deepEqual(
        refs.map((ref) => reading.usage.get(workloadKey(ref))?.get('app')?.memory.length),
        [120, 120],
      );
      assert.deepEqual(proxy.calls, ['read']);
    } finally {
      source.close();
    }
  });

  it('are asked for by name where whole namespaces are too many for one answer', async () => {
    const source = createPrometheusSource({ url: proxy.url, reader: 'remote-read' });
    proxy.answers.push(
      (response) =>
        void response
          .writeHead(400, { 'content-type': 'text/plain' })
          .end('query would load too many samples into memory'),
    );
    try {
      assert.deepEqual(await cartPods(source, FROM), redeployedCart);
      assert.deepEqual(proxy.calls, ['read', 'series', 'series', 'series', 'read']);
    } finally {
      source.close();
    }
  });

  it('are asked for by their names alone where a list of their series is too long', async () => {
    const source = createPrometheusSource({ url: proxy.url, reader: 'remote-read' });
    const row = JSON.stringify({ __name__: 'up', name: 'x'.repeat(1000) });
    const long = `{"status":"success","data":[${Array(17_000).fill(row).join(',')}]}`;
    proxy.lists.push(
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(long),
    );
    try {
      assert.deepEqual(await cartPods(source, TO - 25 * HOUR), redeployedCart);
      assert.deepEqual(proxy.calls, ['series', 'label/pod/values', 'series', 'series', 'read']);
    } finally {
      source.close();
    }
  });

  it('are handed on as soon as they are complete, and are not in the result then', async () => {
    const refs = ['cart', 'cart-api', 'gone'].map((name): WorkloadRef => ({
      namespace: 'shop',
      kind: 'Deployment',
      name,
    }));
    for (const reader of ['query-range', 'remote-read'] as const) {
      const source = createPrometheusSource({ url: proxy.url, reader });
      const parts: string[] = [];
      try {
        const reading = await source.read(
          {
            targets: refs.map((workload) => ({ workload, pods: [] })),
            siblings: refs,
            fromSeconds: TO - 25 * HOUR,
            toSeconds: TO,
          },
          AbortSignal.timeout(30_000),
          ({ usage, failures }) => {
            assert.equal(failures.size, 0);
            for (const [key, containers] of usage)
              parts.push(`${key} ${[...containers.keys()].join()}`);
          },
        );
        assert.deepEqual(parts.sort(), [
          'shop/Deployment/cart app',
          'shop/Deployment/cart-api app',
          'shop/Deployment/gone ',
        ]);
        assert.deepEqual([...reading.usage, ...reading.failures], [], reader);
      } finally {
        source.close();
      }
    }
  });

  it('are those of which memory alone was kept, or an OOM kill alone', async () => {
    const workload: WorkloadRef = { namespace: 'bank', kind: 'Deployment', name: 'till' };
    for (const fromSeconds of [FROM, TO - 25 * HOUR]) {
      const source = createPrometheusSource({ url: proxy.url, reader: 'remote-read' });
      try {
        const { usage, failures } = await source.read(
          {
            targets: [{ workload, pods: [] }],
            siblings: [workload],
            fromSeconds,
            toSeconds: TO,
          },
          AbortSignal.timeout(30_000),
        );
        assert.deepEqual([...failures], []);
        const packed = usage.get(workloadKey(workload))?.get('app') ?? assert.fail('no history');
        const { days } = unpackUsage(packed);
        assert.deepEqual(
          days.flatMap(({ memoryPeakBytes }) => Math.round(memoryPeakBytes ?? 0)),
          days.map(() => 700),
        );
        assert.equal(
          days.reduce((sum, { signals }) => sum + signals.oomKills, 0),
          1,
        );
      } finally {
        source.close();
      }
    }
  });
});
