import assert from 'node:assert/strict';
import { workloadKey, type UsageReading, type WorkloadRef } from '../../src/controller/ports.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import { unpackUsage } from '../../src/recommend/unpacked.ts';
import { DAY_SECONDS, type UsageHistory } from '../../src/recommend/usage.ts';
import { clusterMetrics, containerMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import type { SeedSeries } from '../support/seed.ts';

const MI = 2 ** 20;
const DAYS = 4;
const TO = Math.floor(Date.now() / 1000 / DAY_SECONDS) * DAY_SECONDS;
const FROM = TO - DAYS * DAY_SECONDS;

function deployment(namespace: string, name: string): WorkloadRef {
  return { namespace, kind: 'Deployment', name };
}

/** A pod of a ReplicaSet of the Deployment, with the same use all its life. */
function pod(
  ref: WorkloadRef,
  names: readonly [replicaSet: string, end: string],
  life: { fromDay: number; toDay: number; cores: number; bytes: number },
): SeedPod {
  const replicaSet = `${ref.name}-${names[0]}`;
  return {
    namespace: ref.namespace,
    name: `${replicaSet}-${names[1]}`,
    uid: `${ref.namespace}-${replicaSet}-${names[1]}`,
    node: 'node-1',
    owners: [
      { kind: 'ReplicaSet', name: replicaSet },
      { kind: 'Deployment', name: ref.name },
    ],
    // A sample at midnight would belong to the day before, and be seen in the first five minutes of the next.
    startSeconds: FROM + life.fromDay * DAY_SECONDS + 60,
    endSeconds: FROM + life.toDay * DAY_SECONDS - 600,
    containers: [
      {
        name: 'app',
        sizes: { requests: {}, limits: {} },
        usage: { cpuCores: () => life.cores, memoryBytes: () => life.bytes },
      },
    ],
  };
}

/** The namespaces `shop` and `bare` hold the same; of `bare`, kube-state-metrics never said a word. */
function twins(namespace: string): readonly SeedPod[] {
  const web = deployment(namespace, 'web');
  const webApi = deployment(namespace, 'web-api');
  return [
    pod(web, ['5d8f7c9b4', 'bcdfg'], { fromDay: 0, toDay: 4, cores: 0.1, bytes: 100 * MI }),
    pod(webApi, ['7c9b45d8f', 'bcdfg'], { fromDay: 0, toDay: 4, cores: 0.7, bytes: 700 * MI }),
    pod(webApi, ['6d8f7c9b4', 'hjklm'], { fromDay: 0, toDay: 1, cores: 0.7, bytes: 800 * MI }),
  ];
}

const cart = deployment('shop', 'cart');
/** Redeployed after each day: four ReplicaSets, each with its own level of use. */
const cartPods = ['bcdfghjklm', 'cdfghjklmn', 'dfghjklmnp', 'fghjklmnpq'].map((replicaSet, day) =>
  pod(cart, [replicaSet, 'x7k2p'], {
    fromDay: day,
    toDay: day + 1,
    cores: 0.1 * (day + 1),
    bytes: (day + 1) * 100 * MI,
  }),
);

function series(
  name: string,
  labels: Readonly<Record<string, string>>,
  valueAt: (timeSeconds: number) => number | undefined,
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

const CPU = 'container_cpu_usage_seconds_total';
const MEMORY = 'container_memory_working_set_bytes';

/** What real servers hold beside what one wants: bare pods of the namespace `odd`. */
const odd: readonly SeedSeries[] = [
  // Two jobs scrape the same kubelet.
  series(CPU, { pod: 'twice', job: 'kubelet' }, (time) => 0.2 * (time - FROM)),
  series(CPU, { pod: 'twice', job: 'cadvisor' }, (time) => 0.2 * (time - FROM)),
  series(MEMORY, { pod: 'twice', job: 'kubelet' }, () => 50 * MI),
  series(MEMORY, { pod: 'twice', job: 'cadvisor' }, () => 50 * MI),
  // The pod's cgroup and its sandbox would add up to more than the container.
  series(CPU, { pod: 'twice', container: '' }, (time) => 9 * (time - FROM)),
  series(CPU, { pod: 'twice', container: 'POD' }, (time) => 9 * (time - FROM)),
  // The counter begins again at zero every six hours.
  series(CPU, { pod: 'resets' }, (time) => 0.3 * ((time - FROM) % 21_600)),
  // Nothing was scraped on the second day.
  series(CPU, { pod: 'gap' }, (time) =>
    Math.floor((time - FROM - 1) / DAY_SECONDS) === 1 ? undefined : 0.4 * (time - FROM),
  ),
  // NaN and infinities in between.
  series(MEMORY, { pod: 'nan' }, (time) => (time % 7200 < 3600 ? NaN : 60 * MI)),
  series(MEMORY, { pod: 'infinite' }, (time) => (time % 7200 < 3600 ? Infinity : 60 * MI)),
];

const killed: SeedPod = {
  ...pod(deployment('shop', 'killed'), ['5d8f7c9b4', 'x7k2p'], {
    fromDay: 0,
    toDay: 4,
    cores: 0,
    bytes: 0,
  }),
  containers: [
    {
      name: 'app',
      sizes: { requests: {}, limits: { cpu: 0.5 } },
      // Asks for twice its limit for an hour of the third day: throttled for half of the periods.
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

describe('usage history from a real Prometheus', function () {
  this.timeout(120_000);
  let prometheus: RunningPrometheus;
  before(async () => {
    prometheus = await startPrometheus({
      series: [
        ...clusterMetrics([...twins('shop'), ...cartPods, killed]),
        ...twins('bare').flatMap(containerMetrics),
        ...odd,
      ],
    });
  });
  after(() => prometheus.stop());

  async function read(
    refs: readonly WorkloadRef[],
    livePods: readonly string[] = [],
  ): Promise<UsageReading> {
    const source = createPrometheusSource({ url: prometheus.url });
    try {
      return await source.read(
        {
          targets: refs.map((workload) => ({ workload, pods: livePods })),
          siblings: [
            cart,
            ...['shop', 'bare'].flatMap((namespace) => [
              deployment(namespace, 'web'),
              deployment(namespace, 'web-api'),
              deployment(namespace, 'killed'),
            ]),
          ],
          fromSeconds: FROM,
          toSeconds: TO,
        },
        AbortSignal.timeout(60_000),
      );
    } finally {
      source.close();
    }
  }

  function historyOf(reading: UsageReading, ref: WorkloadRef): UsageHistory {
    assert.deepEqual([...reading.failures], []);
    const packed = reading.usage.get(workloadKey(ref))?.get('app');
    assert.ok(packed !== undefined, `${workloadKey(ref)} has a history`);
    return unpackUsage(packed);
  }

  function peaksMi(history: UsageHistory): readonly (number | undefined)[] {
    return history.days.map(({ memoryPeakBytes: peak }) => peak && peak / MI);
  }

  /** To the hundredth: where a series ends within its 5 minutes, the rate is a little low. */
  function meanCores(history: UsageHistory): readonly number[] {
    return history.days.map(({ hours }) => {
      const seen = hours.cpu.filter((hour) => hour !== undefined);
      const sum = seen.reduce((total, hour) => total + hour.sum, 0);
      const samples = seen.reduce((total, hour) => total + hour.samples, 0);
      return Math.round((100 * sum) / samples) / 100;
    });
  }

  it('is complete for a workload that was redeployed three times', async () => {
    const history = historyOf(await read([cart]), cart);
    assert.deepEqual(
      history.days.map(({ startSeconds }) => (startSeconds - FROM) / DAY_SECONDS),
      [0, 1, 2, 3],
    );
    assert.deepEqual(meanCores(history), [0.1, 0.2, 0.3, 0.4]);
    assert.deepEqual(peaksMi(history), [100, 200, 300, 400]);
    for (const { cpuCoverage, memoryCoverage } of history.days) {
      assert.ok(cpuCoverage > 0.98 && memoryCoverage > 0.98);
    }
  });

  for (const namespace of ['shop', 'bare']) {
    const how = namespace === 'shop' ? 'with' : 'without';
    it(`keeps web and web-api apart ${how} owner metrics`, async () => {
      const web = deployment(namespace, 'web');
      const webApi = deployment(namespace, 'web-api');
      const reading = await read([web, webApi]);
      assert.deepEqual(peaksMi(historyOf(reading, web)), [100, 100, 100, 100]);
      assert.deepEqual(meanCores(historyOf(reading, web)), [0.1, 0.1, 0.1, 0.1]);
      assert.deepEqual(peaksMi(historyOf(reading, webApi)), [800, 700, 700, 700]);
      assert.deepEqual(
        historyOf(reading, webApi)
          .days.map(({ pods }) => pods)
          .slice(2),
        [1, 1],
      );
      assert.equal(historyOf(reading, webApi).days[0]?.pods, 2);
      assert.deepEqual(
        reading.warnings.map(({ reason }) => reason),
        namespace === 'shop' ? [] : ['OwnerMetricsMissing'],
      );
    });
  }

  it('says once for all namespaces that owner metrics are missing', async () => {
    const reading = await read([deployment('bare', 'web'), deployment('bare', 'web-api')]);
    assert.equal(reading.warnings.length, 1);
  });

  const bare = deployment('odd', 'odd');

  it('counts a container once that two jobs scrape, without its cgroup and sandbox', async () => {
    const reading = await read([bare], ['twice']);
    const history = historyOf(reading, bare);
    assert.deepEqual([...(reading.usage.get(workloadKey(bare)) ?? [])].length, 1);
    assert.deepEqual(meanCores(history), [0.2, 0.2, 0.2, 0.2]);
    assert.deepEqual(peaksMi(history), [50, 50, 50, 50]);
    const [, second] = history.days;
    const samples = second?.hours.cpu.reduce((sum, hour) => sum + (hour?.samples ?? 0), 0);
    assert.equal(samples, 288);
  });

  it('sees no use in the reset of a counter', async () => {
    const history = historyOf(await read([bare], ['resets']), bare);
    for (const mean of meanCores(history)) assert.ok(mean > 0.29 && mean <= 0.3, `${mean}`);
  });

  it('leaves the day out in which nothing was scraped', async () => {
    const history = historyOf(await read([bare], ['gap']), bare);
    assert.deepEqual(meanCores(history), [0.4, 0.4, 0.4]);
    assert.deepEqual(
      history.days.map(({ startSeconds }) => (startSeconds - FROM) / DAY_SECONDS),
      [0, 2, 3],
    );
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
    const killedRef = deployment('shop', 'killed');
    const { days } = historyOf(await read([killedRef]), killedRef);
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
    const refs = [cart, deployment('shop', 'web'), deployment('shop', 'web-api')];
    const [first, second] = [await read(refs), await read(refs)];
    assert.deepEqual(first, second);
  });
});
