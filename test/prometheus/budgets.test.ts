import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { workloadKey, type WorkloadRef } from '../../src/controller/ports.ts';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';
import { containerMetrics, ownerMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';

const TO = Math.floor(Date.now() / 1000);
const FROM = TO - 12 * 3600;
const AGENT: WorkloadRef = { namespace: 'shop', kind: 'DaemonSet', name: 'agent' };
const POD: SeedPod = {
  namespace: 'shop',
  name: 'agent-bcdfg',
  uid: 'bcdfg',
  node: 'node-1',
  owners: [{ kind: 'DaemonSet', name: 'agent' }],
  startSeconds: FROM,
  endSeconds: TO,
  containers: [
    {
      name: 'agent',
      sizes: { requests: {}, limits: {} },
      usage: { cpuCores: () => 0.1, memoryBytes: () => 2 ** 20 },
    },
  ],
};

describe('budgets before a real Prometheus', function () {
  this.timeout(60_000);
  let prometheus: RunningPrometheus;
  before(async () => {
    const series = [...containerMetrics(POD), ...ownerMetrics([POD])];
    prometheus = await startPrometheus({ series });
  });
  after(() => prometheus.stop());

  const QUERY = {
    targets: [{ workload: AGENT, pods: [POD.name] }],
    siblings: [AGENT],
    fromSeconds: FROM,
    toSeconds: TO,
  };

  // So little that the first answer takes more than a minute may save up.
  const tight: Readonly<Record<string, Partial<SourceOptions>>> = {
    'bytes, by query_range': { bytesPerSecond: 1, reader: 'query-range' },
    'samples, by query_range': { samplesPerSecond: 0.5, reader: 'query-range' },
    'bytes, by remote read': { bytesPerSecond: 1, reader: 'remote-read' },
    'samples, by remote read': { samplesPerSecond: 0.5, reader: 'remote-read' },
    "the server's time": { share: 1e-6 },
  };
  for (const [what, options] of Object.entries(tight)) {
    it(`of ${what} hold histories back, and no look at what containers do now`, async () => {
      const source = createPrometheusSource({ ...options, url: prometheus.url });
      const enough = new AbortController();
      try {
        // A read after a read: the first one is paid by the second.
        const readings = source
          .read(QUERY, enough.signal)
          .then(() => source.read(QUERY, enough.signal));
        const held = assert.rejects(readings, /seen enough/);
        while (source.budgets().heldSeconds < 0.2) await wait(20);
        assert.equal(source.budgets().active, 0);
        const live = await source.readNow({ namespaces: ['shop'] }, AbortSignal.timeout(5000));
        assert.equal(live.failure, undefined);
        assert.ok(source.budgets().waiting > 0, 'it is held as before');
        enough.abort(new Error('seen enough'));
        await held;
        assert.equal(source.budgets().waiting, 0);
      } finally {
        source.close();
      }
    });
  }

  it('that suffice change nothing of what is read', async () => {
    const budgets = { bytesPerSecond: 20e6, samplesPerSecond: 5e6, share: 1, concurrency: 1 };
    for (const reader of ['query-range', 'remote-read'] as const) {
      const readings = [{}, budgets].map(async (options) => {
        const source = createPrometheusSource({ ...options, reader, url: prometheus.url });
        const reading = await source.read(QUERY, AbortSignal.timeout(30_000));
        source.close();
        return reading;
      });
      const [free, kept] = await Promise.all(readings);
      assert.equal(free?.usage.get(workloadKey(AGENT))?.size, 1);
      assert.deepEqual(kept, free);
    }
  });

  it('count samples of both readers for the metrics', async () => {
    for (const [reader, kind] of [
      ['query-range', 'range'],
      ['remote-read', 'stream'],
    ] as const) {
      const samples = new Map<string, number>();
      const source = createPrometheusSource({
        url: prometheus.url,
        reader,
        onCall: (call) => samples.set(call.kind, (samples.get(call.kind) ?? 0) + call.samples),
      });
      await source.read(QUERY, AbortSignal.timeout(30_000));
      source.close();
      // Two metrics of one container, at least every five minutes of 12 hours.
      assert.ok(
        (samples.get(kind) ?? 0) >= 2 * 12 * 12 - 4,
        `${samples.get(kind) ?? 0} by ${kind}`,
      );
    }
  });
});
