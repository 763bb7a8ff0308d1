import assert from 'node:assert/strict';
import { workloadKey, type UsageReading, type WorkloadRef } from '../../src/controller/ports.ts';
import type { PrometheusOptions } from '../../src/prometheus/options.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import { containerMetrics, ownerMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { unpackUsage } from '../../src/recommend/unpacked.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';

const TO = Math.floor(Date.now() / 1000 / 3600) * 3600;
const HOURS = 12;
const FROM = TO - HOURS * 3600;
const fleet: WorkloadRef = { namespace: 'shop', kind: 'DaemonSet', name: 'agent' };

const pods: readonly SeedPod[] = ['bcdfg', 'cdfgh', 'dfghj', 'fghjk', 'ghjkl'].map((end, i) => ({
  namespace: 'shop',
  name: `agent-${end}`,
  uid: end,
  node: `node-${i}`,
  owners: [{ kind: 'DaemonSet', name: 'agent' }],
  startSeconds: FROM,
  endSeconds: TO,
  containers: [
    {
      name: 'agent',
      sizes: { requests: {}, limits: {} },
      usage: { cpuCores: () => 0.1 * (i + 1), memoryBytes: () => (i + 1) * 2 ** 20 },
    },
  ],
}));

async function read(url: string, options: Partial<PrometheusOptions> = {}): Promise<UsageReading> {
  const source = createPrometheusSource({ ...options, url });
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

describe('limits of a real Prometheus', function () {
  this.timeout(120_000);
  let free: RunningPrometheus;
  let tight: RunningPrometheus;
  before(async () => {
    // Owners are known of the last hour alone, so that finding the pods is within the tight limit.
    const lastHour = pods.map((pod) => ({ ...pod, startSeconds: TO - 3600 }));
    const series = [...pods.flatMap(containerMetrics), ...ownerMetrics(lastHour)];
    free = await startPrometheus({ series });
    // 144 steps a pod: one pod for the whole window has more samples than one query may load.
    tight = await startPrometheus({ series, flags: ['--query.max-samples=110'] });
  });
  after(async () => {
    await free.stop();
    await tight.stop();
  });

  it('are met by asking for fewer pods, then for shorter times, with the same result', async () => {
    const want = await read(free.url);
    const packed = want.usage.get(workloadKey(fleet))?.get('agent');
    assert.ok(packed !== undefined);
    assert.equal(unpackUsage(packed).days.at(-1)?.pods, 5);
    const outcomes: string[] = [];
    const got = await read(tight.url, { onCall: ({ outcome }) => outcomes.push(outcome) });
    assert.deepEqual(got, want);
    assert.ok(outcomes.includes('PrometheusOverloaded'), 'the limit was met at least once');
  });

  it('on the size of an answer are met in the same way', async () => {
    const want = await read(free.url);
    const outcomes: string[] = [];
    const got = await read(free.url, {
      maxAnswerBytes: 4000,
      onCall: ({ outcome }) => outcomes.push(outcome),
    });
    assert.deepEqual(got, want);
    assert.ok(outcomes.includes('PrometheusOverloaded'));
  });

  it('are a failure of the workload when one pod at one time is too much', async () => {
    const { usage, failures } = await read(free.url, { maxAnswerBytes: 100 });
    assert.equal(usage.size, 0);
    assert.equal(failures.get(workloadKey(fleet))?.reason, 'PrometheusOverloaded');
  });

  it('and a restart in between lose nothing', async () => {
    const before = await read(free.url);
    await free.halt();
    const { usage, failures } = await read(free.url);
    assert.equal(usage.size, 0);
    assert.deepEqual(failures.get(workloadKey(fleet)), {
      reason: 'PrometheusUnreachable',
      message:
        'find the pods of the workload: Prometheus cannot be reached: the connection was refused',
    });
    const restarted = read(free.url);
    await free.start();
    assert.deepEqual(await restarted, before, 'a reading that began while it was down');
    assert.deepEqual(await read(free.url), before);
  });
});
