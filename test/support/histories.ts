import assert from 'node:assert/strict';
import { workloadKey, type UsageReading, type WorkloadRef } from '../../src/controller/ports.ts';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';
import { unpackUsage } from '../../src/recommend/unpacked.ts';
import { DAY_SECONDS, type UsageHistory } from '../../src/recommend/usage.ts';
import { clusterMetrics, containerMetrics, type SeedPod } from './cluster-metrics.ts';
import type { SeedSeries } from './seed.ts';

const MI = 2 ** 20;
const DAYS = 4;
const TO = Math.floor(Date.now() / 1000 / DAY_SECONDS) * DAY_SECONDS;
const FROM = TO - DAYS * DAY_SECONDS;

const cart = deployment('shop', 'cart');
const killed = deployment('shop', 'killed');
const bare = deployment('odd', 'odd');

function deployment(namespace: string, name: string): WorkloadRef {
  return { namespace, kind: 'Deployment', name };
}

interface Life {
  readonly fromDay: number;
  readonly toDay: number;
  readonly cores: number;
  readonly mebibytes: number;
}

function pod(ref: WorkloadRef, replicaSet: string, life: Life): SeedPod {
  const owner = `${ref.name}-${replicaSet}`;
  return {
    namespace: ref.namespace,
    name: `${owner}-x7k2p`,
    uid: `${ref.namespace}-${owner}`,
    node: 'node-1',
    owners: [
      { kind: 'ReplicaSet', name: owner },
      { kind: 'Deployment', name: ref.name },
    ],
    // A sample at midnight would belong to the day before, and be seen in the first five minutes of the next.
    startSeconds: FROM + life.fromDay * DAY_SECONDS + 60,
    endSeconds: FROM + life.toDay * DAY_SECONDS - 600,
    containers: [
      {
        name: 'app',
        sizes: { requests: {}, limits: {} },
        usage: { cpuCores: () => life.cores, memoryBytes: () => life.mebibytes * MI },
      },
    ],
  };
}

/** Redeployed after each day, each time with its own level of use. */
const cartPods = ['bcdfghjklm', 'cdfghjklmn', 'dfghjklmnp', 'fghjklmnpq'].map((replicaSet, day) =>
  pod(cart, replicaSet, {
    fromDay: day,
    toDay: day + 1,
    cores: 0.1 * (day + 1),
    mebibytes: 100 * (day + 1),
  }),
);

/** Names of which one is the beginning of the other; the namespace `bare` has no owner metrics. */
function twins(namespace: string): readonly SeedPod[] {
  const whole = { fromDay: 0, toDay: DAYS };
  return [
    pod(deployment(namespace, 'web'), '5d8f7c9b4', { ...whole, cores: 0.1, mebibytes: 100 }),
    pod(deployment(namespace, 'web-api'), '7c9b45d8f', { ...whole, cores: 0.7, mebibytes: 700 }),
  ];
}

const killedPod: SeedPod = {
  ...pod(killed, '5d8f7c9b4', { fromDay: 0, toDay: DAYS, cores: 0, mebibytes: 0 }),
  containers: [
    {
      name: 'app',
      sizes: { requests: {}, limits: { cpu: 0.5 } },
      // Asks for twice its limit for two hours of the third day: throttled for half of the periods.
      usage: {
        cpuCores: (time) =>
          time > FROM + 2.5 * DAY_SECONDS && time <= FROM + 2.5 * DAY_SECONDS + 7200 ? 1 : 0.1,
        memoryBytes: () => 10 * MI,
      },
      restartSeconds: [FROM + 1.3 * DAY_SECONDS, FROM + 1.6 * DAY_SECONDS],
      oomKillSeconds: [FROM + 1.6 * DAY_SECONDS],
    },
  ],
};

type Labels = Readonly<Record<string, string>>;

function cpu(labels: Labels, valueAt: (time: number) => number | undefined): SeedSeries {
  return series('container_cpu_usage_seconds_total', labels, valueAt);
}

function memory(labels: Labels, valueAt: (time: number) => number | undefined): SeedSeries {
  return series('container_memory_working_set_bytes', labels, valueAt);
}

function series(
  name: string,
  labels: Labels,
  valueAt: (time: number) => number | undefined,
): SeedSeries {
  return {
    name,
    labels: { namespace: 'odd', container: 'app', ...labels },
    *samples() {
      for (let time = FROM; time <= TO; time += 60) {
        const value = valueAt(time);
        if (value !== undefined) yield [time, value];
      }
    },
  };
}

/** What real servers hold beside what one wants: bare pods of the namespace `odd`. */
const odd: readonly SeedSeries[] = [
  // Two jobs scrape the same kubelet, which tells of the pod's cgroup and of its sandbox as well.
  ...['kubelet', 'cadvisor'].flatMap((job) => [
    cpu({ pod: 'twice', job }, (time) => 0.2 * (time - FROM)),
    memory({ pod: 'twice', job }, () => 50 * MI),
  ]),
  ...['', 'POD'].map((container) => cpu({ pod: 'twice', container }, (time) => 9 * (time - FROM))),
  // The counter begins again at zero every six hours.
  cpu({ pod: 'resets' }, (time) => 0.3 * ((time - FROM) % 21_600)),
  // Nothing was scraped on the second day, from a minute before it on: VictoriaMetrics takes a sample that stands at
  // the very beginning of its 5 minutes, alone, for a rate of zero.
  cpu({ pod: 'gap' }, (time) =>
    time >= FROM + DAY_SECONDS - 60 && time <= FROM + 2 * DAY_SECONDS
      ? undefined
      : 0.4 * (time - FROM),
  ),
  memory({ pod: 'nan' }, (time) => (time % 7200 < 3600 ? NaN : 60 * MI)),
  memory({ pod: 'infinite' }, (time) => (time % 7200 < 3600 ? Infinity : 60 * MI)),
];

/** Four days of a small cluster up to the last midnight, for a server to hold; about 200,000 samples. */
export const HISTORIES: readonly SeedSeries[] = [
  ...clusterMetrics([...cartPods, ...twins('shop'), killedPod]),
  ...twins('bare').flatMap(containerMetrics),
  ...odd,
];

/** Every workload of the small cluster that has owner metrics. */
export const OWNED: readonly WorkloadRef[] = [
  cart,
  killed,
  deployment('shop', 'web'),
  deployment('shop', 'web-api'),
];

/** Reads the usage of workloads over the four days. */
export async function readHistories(
  options: SourceOptions,
  refs: readonly WorkloadRef[] = OWNED,
  livePods: readonly string[] = [],
): Promise<UsageReading> {
  const source = createPrometheusSource(options);
  const siblings = [...OWNED, deployment('bare', 'web'), deployment('bare', 'web-api')];
  const targets = refs.map((workload) => ({ workload, pods: livePods }));
  try {
    return await source.read(
      { targets, siblings, fromSeconds: FROM, toSeconds: TO },
      AbortSignal.timeout(60_000),
    );
  } finally {
    source.close();
  }
}

/** Declares the tests of what a reading of `HISTORIES` must give, whatever the server is. */
export function itReadsHistories(optionsOf: () => SourceOptions): void {
  const read = (refs: readonly WorkloadRef[], livePods: readonly string[] = []) =>
    readHistories(optionsOf(), refs, livePods);

  it('is complete for a workload that was redeployed three times', async () => {
    const history = historyOf(await read([cart]), cart);
    assert.deepEqual(daysOf(history), [0, 1, 2, 3]);
    assertMeans(history, [0.1, 0.2, 0.3, 0.4]);
    assert.deepEqual(peaksMi(history), [100, 200, 300, 400]);
    for (const { cpuCoverage, memoryCoverage } of history.days) {
      assert.ok(cpuCoverage > 0.98 && memoryCoverage > 0.98, `${cpuCoverage}, ${memoryCoverage}`);
    }
  });

  for (const namespace of ['shop', 'bare']) {
    const how = namespace === 'shop' ? 'with' : 'without';
    it(`keeps web and web-api apart ${how} owner metrics`, async () => {
      const [web, webApi] = [deployment(namespace, 'web'), deployment(namespace, 'web-api')];
      const reading = await read([web, webApi]);
      assert.deepEqual(peaksMi(historyOf(reading, web)), [100, 100, 100, 100]);
      assertMeans(historyOf(reading, webApi), [0.7, 0.7, 0.7, 0.7]);
      assert.deepEqual(
        reading.warnings.map(({ reason }) => reason),
        namespace === 'shop' ? [] : ['OwnerMetricsMissing'],
      );
    });
  }

  it('counts a container once that two jobs scrape, without its cgroup and sandbox', async () => {
    const history = historyOf(await read([bare], ['twice']), bare);
    assertMeans(history, [0.2, 0.2, 0.2, 0.2]);
    assert.deepEqual(peaksMi(history), [50, 50, 50, 50]);
    assert.equal(history.days[1]?.cpuCoverage, 1);
  });

  it('sees no use in the reset of a counter', async () => {
    const history = historyOf(await read([bare], ['resets']), bare);
    assertMeans(history, [0.3, 0.3, 0.3, 0.3]);
  });

  it('leaves the day out in which nothing was scraped', async () => {
    const history = historyOf(await read([bare], ['gap']), bare);
    assertMeans(history, [0.4, 0.4, 0.4]);
    assert.deepEqual(daysOf(history), [0, 2, 3]);
  });

  for (const name of ['nan', 'infinite']) {
    it(`takes a value that is ${name} as missing`, async () => {
      const history = historyOf(await read([bare], [name]), bare);
      assert.deepEqual(peaksMi(history), [60, 60, 60, 60]);
      for (const { memoryCoverage } of history.days) {
        assert.ok(memoryCoverage > 0.45 && memoryCoverage < 0.6, `${memoryCoverage}`);
      }
    });
  }

  it('counts restarts, OOM kills and the throttled share of their days', async () => {
    const { days } = historyOf(await read([killed]), killed);
    assert.deepEqual(
      days.map(({ signals }) => [signals.restarts, signals.oomKills]),
      [
        [0, 0],
        [2, 1],
        [0, 0],
        [0, 0],
      ],
    );
    const shares = days.map(({ signals }) => Math.round(signals.throttledShare * 10) / 10);
    assert.deepEqual(shares, [0, 0, 0.5, 0]);
  });

  it('is empty, not a failure, for a workload that never ran', async () => {
    const absent = deployment('nowhere', 'nothing');
    const reading = await read([absent]);
    assert.deepEqual([...reading.failures, ...reading.warnings], []);
    assert.equal(reading.usage.get(workloadKey(absent))?.size, 0);
  });

  it('is the same in both of two readings', async () => {
    assert.deepEqual(await read(OWNED), await read(OWNED));
  });
}

/** The history of the container of a workload that was read without any failure. */
function historyOf(reading: UsageReading, ref: WorkloadRef): UsageHistory {
  assert.deepEqual([...reading.failures], []);
  const packed = reading.usage.get(workloadKey(ref))?.get('app');
  assert.ok(packed !== undefined, `${workloadKey(ref)} has a history`);
  return unpackUsage(packed);
}

function daysOf(history: UsageHistory): readonly number[] {
  return history.days.map(({ startSeconds }) => (startSeconds - FROM) / DAY_SECONDS);
}

function peaksMi(history: UsageHistory): readonly (number | undefined)[] {
  return history.days.map(({ memoryPeakBytes: peak }) => peak && peak / MI);
}

/** Within 2 %: CPU is kept within 1 %, and a rate is a little low where a series begins or a counter is reset. */
function assertMeans(history: UsageHistory, want: readonly number[]): void {
  const means = history.days.map(({ hours: { cpu } }) => {
    const hours = cpu.filter((hour) => hour !== undefined);
    const sum = hours.reduce((total, hour) => total + hour.sum, 0);
    return sum / hours.reduce((total, { samples }) => total + samples, 0);
  });
  assert.equal(means.length, want.length);
  const areNear = means.every((mean, day) => Math.abs(mean / (want[day] ?? NaN) - 1) < 0.02);
  assert.ok(areNear, `${means.join(', ')} instead of ${want.join(', ')}`);
}
