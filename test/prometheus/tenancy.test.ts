import assert from 'node:assert/strict';
import { workloadKey, type UsageReading, type WorkloadRef } from '../../src/controller/ports.ts';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';
import type { LabelMatcher } from '../../src/prometheus/queries.ts';
import { createRemoteReader, SeriesSink } from '../../src/prometheus/remoteread.ts';
import { createSeriesLister } from '../../src/prometheus/serieslist.ts';
import { createStreamClient, type StreamClient } from '../../src/prometheus/stream.ts';
import { createFence, matchersOf } from '../../src/prometheus/tenancy.ts';
import { createTransport, type Transport } from '../../src/prometheus/transport.ts';
import { containerMetrics, ownerMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import { startStub, type StubPrometheus } from '../support/stub-prometheus.ts';

const TO = Math.floor(Date.now() / 1000 / 3600) * 3600;
const FROM = TO - 6 * 3600;
const SHOP: WorkloadRef = { namespace: 'shop', kind: 'DaemonSet', name: 'agent' };
const BANK: WorkloadRef = { ...SHOP, namespace: 'bank' };

const pods = [SHOP, BANK].map(({ namespace, kind, name }): SeedPod => ({
  namespace,
  name: `${name}-bcdfg`,
  uid: namespace,
  node: 'node-1',
  owners: [{ kind, name }],
  startSeconds: FROM,
  endSeconds: TO,
  containers: [
    {
      name: 'agent',
      sizes: { requests: {}, limits: {} },
      usage: { cpuCores: () => 0.1, memoryBytes: () => 2 ** 20 },
    },
  ],
}));

describe('an operator of one namespace', function () {
  this.timeout(60_000);
  let prometheus: RunningPrometheus;
  before(async () => {
    const series = [...pods.flatMap(containerMetrics), ...ownerMetrics(pods)];
    prometheus = await startPrometheus({ series });
  });
  after(() => prometheus.stop());

  async function read(options: Partial<SourceOptions>): Promise<UsageReading> {
    const source = createPrometheusSource({ ...options, url: prometheus.url });
    const targets = [SHOP, BANK].map((workload) => ({ workload, pods: [`agent-bcdfg`] }));
    const window = { fromSeconds: FROM, toSeconds: TO };
    try {
      return await source.read(
        { targets, siblings: [SHOP, BANK], ...window },
        AbortSignal.timeout(30_000),
      );
    } finally {
      source.close();
    }
  }

  for (const reader of ['query-range', 'remote-read'] as const) {
    it(`sees nothing of another one by ${reader}, even if it asks`, async () => {
      const all = await read({ reader });
      assert.equal(all.usage.get(workloadKey(BANK))?.size, 1);
      const own = await read({ reader, namespaces: ['shop'] });
      assert.deepEqual(own.usage.get(workloadKey(SHOP)), all.usage.get(workloadKey(SHOP)));
      assert.equal(own.usage.get(workloadKey(SHOP))?.size, 1);
      assert.equal(own.usage.get(workloadKey(BANK))?.size, 0);
    });
  }

  it('is not kept in by a namespace whose name looks like a pattern', async () => {
    const own = await read({ namespaces: ['.*', 'b.nk'] });
    assert.equal(own.usage.get(workloadKey(BANK))?.size, 0);
    assert.equal(own.usage.get(workloadKey(SHOP))?.size, 0);
  });
});

describe('a stream of an operator of one namespace', () => {
  const shop = { label: 'namespace', operator: '=', value: 'shop' } as const;
  const bank = { ...shop, value: 'bank' };
  const window = { fromMs: FROM * 1000, toMs: TO * 1000 };
  let stub: StubPrometheus;
  let transport: Transport;
  let client: StreamClient;
  before(async () => {
    stub = await startStub();
    const options = { url: stub.url, namespaces: ['shop'] };
    transport = createTransport(options);
    client = createStreamClient(options, transport);
  });
  after(async () => {
    transport.close();
    await stub.stop();
  });
  beforeEach(() => (stub.requests.length = 0));

  it('is not asked for samples of another one', async () => {
    const read = (...queries: readonly (readonly LabelMatcher[])[]) =>
      createRemoteReader(client).read(
        queries.map((matchers) => ({ matchers, ...window })),
        new SeriesSink(() => undefined),
        AbortSignal.timeout(5000),
      );
    await assert.rejects(read([bank]), /is not sent/);
    await assert.rejects(read([shop], []), /is not sent/);
    await assert.rejects(read([{ ...shop, operator: '!=' }]), /is not sent/);
    assert.equal(stub.requests.length, 0);
    await assert.rejects(read([shop]), /404/);
    assert.equal(stub.requests.length, 1);
  });

  it('is not asked for series of another one', async () => {
    const list = (...selectors: readonly string[]) =>
      createSeriesLister(client).list(
        { selectors, fromSeconds: FROM, toSeconds: TO },
        AbortSignal.timeout(5000),
      );
    await assert.rejects(list('up{namespace="shop"}', 'up{namespace="bank"}'), /is not sent/);
    assert.equal(stub.requests.length, 0);
    assert.deepEqual((await list('up{namespace="shop"}')).data, []);
  });
});

describe('the fence of queries', () => {
  const url = 'http://prometheus:9090';
  const fence = createFence(matchersOf({ url, namespaces: ['shop', 'b{a}nk'] }));
  const WITHIN = String.raw`namespace=~"shop|b\\{a\\}nk"`;

  for (const query of [
    `up{${WITHIN}}`,
    `max by (namespace, pod) (rate(a_total{pod="x}",${WITHIN}}[5m])) > 0`,
    `a{${WITHIN}} / on (namespace, pod) group_left (node) b{${WITHIN},x="by (y)"}`,
  ]) {
    it(`lets ${query} through`, () => assert.doesNotThrow(() => fence(query)));
  }

  for (const query of [
    'up',
    'up{}',
    'up{namespace="shop"}',
    `up{x=${JSON.stringify(WITHIN)}}`,
    `up{${WITHIN}} or down{namespace="bank"}`,
    `up{${WITHIN}} + down`,
    `sum(rate(down[5m])) + up{${WITHIN}}`,
    `{__name__="up"}`,
    `up{other_${WITHIN}}`,
  ]) {
    it(`sends no ${query}`, () => assert.throws(() => fence(query), /is not sent/));
  }
});
