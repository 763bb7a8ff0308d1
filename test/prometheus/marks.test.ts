import assert from 'node:assert/strict';
import { workloadKey, type UsageQuery } from '../../src/controller/ports.ts';
import { createPrometheusSource, type PrometheusSource } from '../../src/prometheus/source.ts';
import type { PackedUsage } from '../../src/recommend/packed.ts';
import { unpackUsage } from '../../src/recommend/unpacked.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import { startReadProxy, type ReadProxy } from '../support/read-proxy.ts';
import type { SeedSeries } from '../support/seed.ts';

const HOUR = 3600;
const PAST = 480;
/** Of the last two hours that begin where chunks do and are over. */
const EVEN = Math.floor(Date.now() / 1000 / (2 * HOUR)) * 2 * HOUR - 6 * HOUR;
const WEB = { namespace: 'shop', kind: 'Deployment', name: 'web' } as const;
const PODS = ['web-5d8f7c9b4-x7k2p', 'web-5d8f7c9b4-q9w4z'];

/** A series of one of the pods, scraped every so many seconds. */
function series(
  name: string,
  pod: string,
  { step, change }: { readonly step: number; readonly change: (time: number) => number },
): SeedSeries {
  const isCounter = name.endsWith('_total');
  return {
    name,
    labels: { namespace: WEB.namespace, pod, container: 'app' },
    *samples() {
      let sum = 1000;
      for (let time = EVEN - 30 * HOUR + 23; time <= EVEN + 5 * HOUR; time += step) {
        sum += change(time);
        yield [time, isCounter ? sum : change(time)];
      }
    },
  };
}

const wavy = (time: number): number => 3 + (Math.floor(time / 60) % 17);
const DATA: readonly SeedSeries[] = PODS.flatMap((pod, index) => [
  // The second is scraped so seldom that it has no sample in the first minute of an hour.
  ...['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes'].map((name) =>
    series(name, pod, { step: index === 0 ? 60 : 170, change: wavy }),
  ),
  series('container_cpu_cfs_periods_total', pod, { step: 60, change: () => 600 }),
  series('container_cpu_cfs_throttled_periods_total', pod, {
    step: 60,
    change: (time) => 10 * wavy(time),
  }),
  series('kube_pod_container_status_restarts_total', pod, {
    step: 60,
    change: (time) => Number(time > EVEN + 1800 && time <= EVEN + 1860),
  }),
]);

describe('refreshes that go on from marks', function () {
  this.timeout(60_000);
  let prometheus: RunningPrometheus;
  let proxy: ReadProxy;
  before(async () => {
    prometheus = await startPrometheus({ series: DATA });
    proxy = await startReadProxy(prometheus.url);
  });
  after(async () => {
    await proxy.stop();
    await prometheus.stop();
  });

  let samples = 0;
  let source: PrometheusSource;
  beforeEach(() => {
    source = open();
  });
  afterEach(() => {
    source.close();
  });

  function open(): PrometheusSource {
    return createPrometheusSource({
      url: proxy.url,
      reader: 'remote-read',
      onCall: (call) => (samples += call.kind === 'stream' ? call.samples : 0),
    });
  }

  interface Seen {
    readonly packed: PackedUsage;
    readonly samples: number;
  }

  /** Hours after `EVEN`, up to some minutes past the last one. */
  async function read(
    [from, to]: readonly [number, number],
    change: Partial<UsageQuery> = {},
    by = source,
  ): Promise<Seen> {
    samples = 0;
    const query = {
      targets: [{ workload: WEB, pods: PODS }],
      siblings: [WEB],
      fromSeconds: EVEN + from * HOUR,
      toSeconds: EVEN + to * HOUR + PAST,
      isContinued: true,
      ...change,
    };
    const { usage, failures } = await by.read(query, AbortSignal.timeout(30_000));
    assert.deepEqual([...failures.keys()], []);
    const packed = usage.get(workloadKey(WEB))?.get('app');
    assert.ok(packed, 'nothing was read');
    return { packed, samples };
  }

  /** The same by a source that has read nothing before. */
  async function readAlone(hours: readonly [number, number]): Promise<Seen> {
    const alone = open();
    try {
      return await read(hours, {}, alone);
    } finally {
      alone.close();
    }
  }

  it('come to the same with fewer samples, after a first reading and after each other', async () => {
    await read([-29, 0]);
    for (const hours of [
      [0, 1],
      [1, 2],
      [2, 3],
    ] as const) {
      const [marked, alone] = [await read(hours), await readAlone(hours)];
      assert.deepEqual(marked.packed, alone.packed, `from hour ${hours[0]}`);
      // A chunk of two hours of both pods' use is 120 and 42 samples of two series each; at odd hours none is spared.
      const spared = alone.samples - marked.samples;
      if (hours[0] === 1) assert.equal(spared, 0);
      else assert.ok(spared >= 320 && spared <= 328, `spared ${spared} samples`);
    }
  });

  it('do so still when what was missing a day before was read meanwhile', async () => {
    await read([-1, 0]);
    await read([-29, -26], { endsNow: false });
    const [marked, alone] = [await read([0, 1]), await readAlone([0, 1])];
    assert.deepEqual(marked.packed, alone.packed);
    assert.ok(alone.samples - marked.samples >= 320);
  });

  it('read all after a reading that failed', async () => {
    proxy.answers.push((response) => void response.writeHead(403).end());
    await assert.rejects(read([-1, 0]), /shop\/Deployment\/web/);
    assert.deepEqual(proxy.answers, []);
    const [after, alone] = [await read([0, 1]), await readAlone([0, 1])];
    assert.deepEqual(after.packed, alone.packed);
    assert.equal(after.samples, alone.samples);
  });

  it('read all where a pod is there that was not when the marks were made', async () => {
    const [first = ''] = PODS;
    await read([-1, 0], { targets: [{ workload: WEB, pods: [first] }], siblings: [WEB] });
    const other = { ...WEB, name: 'web-other' };
    const two = {
      targets: [
        { workload: WEB, pods: [first] },
        { workload: other, pods: PODS.slice(1) },
      ],
      siblings: [WEB, other],
    };
    const { samples: both } = await read([0, 1], two);
    assert.equal(both, (await readAlone([0, 1])).samples);
  });

  it('read the restarts of those pods alone that may have had any', async () => {
    const restarts = async (restartedPods: UsageQuery['restartedPods']) => {
      const seen = await read([0, 1], restartedPods && { restartedPods });
      const { days } = unpackUsage(seen.packed);
      return [days.reduce((sum, { signals }) => sum + signals.restarts, 0), seen.samples];
    };
    const [all, samplesOfAll] = await restarts(undefined);
    const [one, samplesOfOne] = await restarts(new Map([['shop', PODS.slice(1)]]));
    const [none, samplesOfNone] = await restarts(new Map([['shop', []]]));
    assert.deepEqual([all, one, none], [2, 1, 0]);
    const perPod = (samplesOfAll ?? NaN) - (samplesOfOne ?? NaN);
    assert.ok(perPod > 100, `${perPod} samples of one pod`);
    assert.equal((samplesOfOne ?? NaN) - (samplesOfNone ?? NaN), perPod);
  });
});
