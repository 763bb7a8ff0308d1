import assert from 'node:assert/strict';
import type { GridUsage } from '../../src/backtest/gridfold.ts';
import { BIN_SECONDS, DAY_BINS } from '../../src/backtest/grid.ts';
import { backtest } from '../../src/backtest/run.ts';
import { gridFolding } from '../../src/cli/clusterfleet.ts';
import { workloadKey, type WorkloadRef } from '../../src/controller/ports.ts';
import type { ReadingOf } from '../../src/prometheus/jobs.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import { DAY_SECONDS } from '../../src/recommend/usage.ts';
import { clusterMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';

const MI = 2 ** 20;
const DAYS = 9;
const TO = Math.floor(Date.now() / 1000 / DAY_SECONDS) * DAY_SECONDS;
const FROM = TO - DAYS * DAY_SECONDS;
const HOUR = 3600;
const web: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'web' };
const late: WorkloadRef = { namespace: 'shop', kind: 'StatefulSet', name: 'late' };
const REFS = [web, late];

type Use = SeedPod['containers'][number]['usage'];

function pod(
  name: string,
  owners: SeedPod['owners'],
  life: { readonly fromSeconds: number; readonly toSeconds: number; readonly usage: Use },
): SeedPod {
  return {
    namespace: 'shop',
    name,
    uid: name,
    node: 'node-1',
    owners,
    startSeconds: life.fromSeconds,
    endSeconds: life.toSeconds,
    containers: [{ name: 'app', sizes: { requests: {}, limits: {} }, usage: life.usage }],
  };
}

const OF_WEB = [
  { kind: 'ReplicaSet', name: 'web-5d8f7c9b4' },
  { kind: 'Deployment', name: 'web' },
];

/** Two replicas that take turns at being the hot one, half a day each; the second ends a day before the end. */
const pods: readonly SeedPod[] = [
  pod('web-5d8f7c9b4-bcdfg', OF_WEB, {
    fromSeconds: FROM,
    toSeconds: TO,
    usage: {
      cpuCores: (time) => (isMorning(time) ? 0.6 : 0.2),
      memoryBytes: () => 100 * MI,
    },
  }),
  pod('web-5d8f7c9b4-cdfgh', OF_WEB, {
    fromSeconds: FROM,
    toSeconds: TO - DAY_SECONDS,
    usage: {
      cpuCores: (time) => (isMorning(time) ? 0.2 : 0.4),
      memoryBytes: () => 300 * MI,
    },
  }),
  pod('late-0', [{ kind: 'StatefulSet', name: 'late' }], {
    fromSeconds: FROM + DAY_SECONDS,
    toSeconds: FROM + DAY_SECONDS + 3 * HOUR,
    usage: { cpuCores: () => 0.1, memoryBytes: () => 50 * MI },
  }),
];

function isMorning(timeSeconds: number): boolean {
  return timeSeconds % DAY_SECONDS < DAY_SECONDS / 2;
}

describe('usage for a backtest from a real Prometheus', function () {
  this.timeout(120_000);
  let prometheus: RunningPrometheus;
  before(async () => {
    prometheus = await startPrometheus({ series: clusterMetrics(pods) });
  });
  after(() => prometheus.stop());

  async function read(concurrency = 4): Promise<ReadingOf<GridUsage>> {
    const source = createPrometheusSource({ url: prometheus.url, concurrency });
    const window = { fromSeconds: FROM, toSeconds: TO };
    const query = {
      targets: REFS.map((workload) => ({ workload, pods: [] })),
      siblings: REFS,
      ...window,
    };
    try {
      return await source.readAs(gridFolding(window), query, AbortSignal.timeout(60_000));
    } finally {
      source.close();
    }
  }

  async function gridOf(ref: WorkloadRef): Promise<GridUsage> {
    const { usage, failures } = await read();
    assert.deepEqual([...failures], []);
    const grid = usage.get(workloadKey(ref))?.get('app');
    assert.ok(grid);
    return grid;
  }

  /** The middle of an hour, by hours from the beginning. */
  function atHour(values: Float64Array, hour: number): number {
    return Math.round(1000 * (values[hour * 12 + 6] ?? NaN)) / 1000;
  }

  it('takes the replica that used most in each 5 minutes', async () => {
    const { cpu, memory, startSeconds, stepSeconds } = await gridOf(web);
    assert.deepEqual([startSeconds, stepSeconds], [FROM, BIN_SECONDS]);
    assert.equal(cpu.length, DAYS * DAY_BINS);
    assert.deepEqual(
      [6, 18, 24 + 6, 24 + 18].map((hour) => atHour(cpu, hour)),
      [0.6, 0.4, 0.6, 0.4],
    );
    assert.equal(atHour(memory, 18), 300 * MI);
  });

  it('takes what is left of the others when a replica is gone', async () => {
    const { cpu, memory } = await gridOf(web);
    const lastDay = 24 * (DAYS - 1);
    assert.equal(atHour(cpu, lastDay + 18), 0.2);
    assert.equal(atHour(memory, lastDay + 18), 100 * MI);
  });

  it('begins and ends with the samples of the container', async () => {
    const { cpu, memory, startSeconds } = await gridOf(late);
    // The sample at the very start stands for the 5 minutes before it.
    assert.equal(startSeconds, FROM + DAY_SECONDS - BIN_SECONDS);
    assert.equal(memory.length, cpu.length);
    assert.ok(Math.abs(cpu.length - 3 * 12) <= 2, `${cpu.length} bins of 3 hours`);
  });

  it('asks for use alone, since signals are not replayed', async () => {
    let calls = 0;
    const source = createPrometheusSource({ url: prometheus.url, onCall: () => calls++ });
    const window = { fromSeconds: FROM, toSeconds: TO };
    const query = { targets: [{ workload: web, pods: [] }], siblings: REFS, ...window };
    await source.readAs(gridFolding(window), query, AbortSignal.timeout(60_000));
    source.close();
    // Pods with usage, three kinds of owners, CPU and memory.
    assert.equal(calls, 6);
  });

  it('gives the same verdict on the same data, however many queries run at once', async () => {
    const verdicts = await Promise.all(
      [1, 4].map(async (concurrency) => {
        const { usage } = await read(concurrency);
        const fleet = REFS.flatMap((ref) => {
          const grid = usage.get(workloadKey(ref))?.get('app');
          return grid === undefined
            ? []
            : [{ dataset: ref.namespace, series: `${ref.kind}/${ref.name}/app`, ...grid }];
        });
        const { outcomes, verdict, tooShort } = backtest(fleet, {
          risks: { cpu: 0.05, memory: 0.01 },
          confidence: 0.95,
          cadence: 'steady',
          coresOf: () => 1,
        });
        return { outcomes, verdict, tooShort };
      }),
    );
    assert.deepEqual(verdicts[0], verdicts[1]);
    assert.equal(verdicts[0]?.tooShort, 1);
    const cpu = verdicts[0].outcomes.find(({ resource }) => resource === 'cpu');
    assert.equal(cpu?.verdict, 'too little data', 'two days of one container');
  });
});
