import assert from 'node:assert/strict';
import { workloadKey } from '../../src/controller/ports.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import type { PackedUsage } from '../../src/recommend/packed.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import { startReadProxy, type ReadAnswer, type ReadProxy } from '../support/read-proxy.ts';
import type { SeedSeries } from '../support/seed.ts';

const HOUR = 3600;
/** 20 minutes past a full hour: the minutes after the last whole hour count for use alone. */
const TO = Math.floor(Date.now() / 1000 / HOUR) * HOUR - 2 * HOUR + 1200;
const WEB = { namespace: 'shop', kind: 'Deployment', name: 'web' } as const;
const POD = 'web-5d8f7c9b4-x7k2p';

/** As scraped each minute, and wild after the window has ended. */
function series(
  name: string,
  [calm, wild]: readonly [calm: number, wild: number],
  labels: Readonly<Record<string, string>> = {},
): SeedSeries {
  const isCounter = name.endsWith('_total');
  return {
    name,
    labels: { namespace: WEB.namespace, pod: POD, container: 'app', ...labels },
    *samples() {
      let sum = 1000;
      for (let time = TO - 30 * HOUR + 23; time <= TO + HOUR; time += 60) {
        const value = time > TO ? wild : calm;
        sum += value;
        yield [time, isCounter ? sum : value];
      }
    },
  };
}

const DATA: readonly SeedSeries[] = [
  series('container_cpu_usage_seconds_total', [6, 600]),
  series('container_memory_working_set_bytes', [2 ** 26, 2 ** 33]),
  series('container_cpu_cfs_periods_total', [600, 600]),
  series('container_cpu_cfs_throttled_periods_total', [60, 600]),
  series('container_oom_events_total', [0, 1]),
  series('kube_pod_container_status_restarts_total', [0, 1]),
  series('kube_pod_container_status_last_terminated_reason', [0, 1], { reason: 'OOMKilled' }),
  // Nobody named it, and it was not there before the window had ended.
  {
    ...series('container_memory_working_set_bytes', [1, 1], { pod: 'web-5d8f7c9b4-later' }),
    *samples() {
      for (let time = TO + 600; time <= TO + HOUR; time += 60) yield [time, 2 ** 26];
    },
  },
];

interface Seen {
  readonly packed: PackedUsage;
  /** Of remote reads. */
  readonly samples: number;
  readonly calls: readonly string[];
}

describe('windows without an end', function () {
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

  /** The last of some readings, one after the other, by one source. */
  async function read(
    windows: readonly { readonly seconds: number; readonly endsNow: boolean }[],
  ): Promise<Seen> {
    let samples = 0;
    const source = createPrometheusSource({
      url: proxy.url,
      reader: 'auto',
      onCall: (call) => {
        if (call.kind === 'stream') samples += call.samples;
      },
    });
    let packed: PackedUsage | undefined;
    try {
      for (const { seconds, endsNow } of windows) {
        [samples, proxy.calls.length] = [0, 0];
        const query = {
          targets: [{ workload: WEB, pods: [POD] }],
          siblings: [WEB],
          fromSeconds: TO - seconds,
          toSeconds: TO,
          isContinued: true,
          endsNow,
        };
        const { usage, failures } = await source.read(query, AbortSignal.timeout(30_000));
        assert.deepEqual([...failures.values()], []);
        packed = usage.get(workloadKey(WEB))?.get('app');
      }
    } finally {
      source.close();
    }
    assert.ok(packed, 'nothing was read');
    return { packed, samples, calls: [...proxy.calls] };
  }

  const short = { seconds: 3 * HOUR, endsNow: true };
  const closed = { ...short, endsNow: false };

  it('come to the same as with one, whatever came after them', async () => {
    const without = await read([short]);
    const withEnd = await read([closed]);
    assert.deepEqual(without.packed, withEnd.packed);
    assert.ok(without.samples > withEnd.samples, `${without.samples}, ${withEnd.samples} samples`);
  });

  it('are those of less than a day alone', async () => {
    const day = { seconds: 24 * HOUR, endsNow: true };
    const withEnd = await read([{ ...day, endsNow: false }]);
    const { samples, calls } = await read([day]);
    assert.equal(samples, withEnd.samples);
    assert.ok(!calls.includes('status/buildinfo'));
    assert.equal((await read([short, day])).samples, withEnd.samples);
  });

  it('are asked of Prometheus itself alone', async () => {
    proxy.builds.push((response) => {
      const data = { version: '2.17.0', revision: 'abc', application: 'Grafana Mimir' };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ status: 'success', data }));
    });
    assert.equal((await read([short])).samples, (await read([closed])).samples);
  });

  it('have an end at once, and later, where a server refuses one without', async () => {
    const pass: ReadAnswer = async (response, askServer) => {
      const { type, body } = await askServer();
      response.setHeader('content-type', type).end(body);
    };
    const refuse: ReadAnswer = (response) => {
      response.writeHead(400).end('the query time range exceeds the limit');
    };
    const withEnd = await read([closed]);
    proxy.answers.push(pass, refuse);
    const refused = await read([short]);
    assert.deepEqual([refused.packed, refused.samples], [withEnd.packed, withEnd.samples]);
    proxy.answers.push(pass, refuse);
    const later = await read([short, short]);
    assert.deepEqual([later.packed, later.samples], [withEnd.packed, withEnd.samples]);
    assert.deepEqual(later.calls, ['read']);
  });
});
