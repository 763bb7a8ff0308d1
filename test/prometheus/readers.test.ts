import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { workloadKey } from '../../src/controller/ports.ts';
import { PrometheusError } from '../../src/prometheus/prometheuserror.ts';
import { createRemoteReader, SeriesSink } from '../../src/prometheus/remoteread.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';
import { createStreamClient, type StreamOptions } from '../../src/prometheus/stream.ts';
import { createTransport } from '../../src/prometheus/transport.ts';
import { collect } from '../support/collected.ts';
import { frameOf } from '../support/frames.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import { startReadProxy, type ReadAnswer, type ReadProxy } from '../support/read-proxy.ts';
import type { SeedSeries } from '../support/seed.ts';

const TO = Math.floor(Date.now() / 1000 / 3600) * 3600 - 3600;
const FROM = TO - 6 * 3600;
const STREAMED = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse';

function series(
  name: string,
  labels: Readonly<Record<string, string>>,
  valueAt: (secondsIn: number) => number,
): SeedSeries {
  return {
    name,
    labels: { namespace: 'odd', container: 'app', ...labels },
    *samples() {
      // As scraped at second 23 of each minute.
      for (let time = FROM - 3600 + 23; time <= TO + 600; time += 60) {
        yield [time, valueAt(time - FROM)];
      }
    },
  };
}

const HOUR = 3600;
const odd = { namespace: 'odd', kind: 'Deployment', name: 'odd' } as const;
const many = ['late-1', 'late-2'].map((name) => ({ ...odd, name }));
const pods = ['first', 'second', 'third'];
const data: readonly SeedSeries[] = [
  ...pods.flatMap((pod, i) => [
    series('container_cpu_usage_seconds_total', { pod }, (t) => 5000 + 0.1 * (i + 1) * t),
    series('container_memory_working_set_bytes', { pod }, () => 1000 * (i + 1)),
  ]),
  series('container_cpu_cfs_periods_total', { pod: 'first' }, (t) => 50_000 + 10 * t),
  // Throttled in a quarter of the periods, in the fourth hour in three quarters.
  series('container_cpu_cfs_throttled_periods_total', { pod: 'first' }, (t) => {
    const fourth = Math.min(HOUR, Math.max(0, t - 3 * HOUR));
    return 20_000 + 2.5 * t + 5 * fourth;
  }),
  series('kube_pod_container_status_restarts_total', { pod: 'first' }, (t) =>
    t < 1.5 * HOUR ? 3 : t < 4.5 * HOUR ? 4 : 6,
  ),
  series(
    'kube_pod_container_status_last_terminated_reason',
    { pod: 'first', reason: 'OOMKilled' },
    (t) => (t < 1.5 * HOUR || t > 4.5 * HOUR ? 0 : 1),
  ),
  series('container_oom_events_total', { pod: 'first' }, (t) => (t < 2.2 * HOUR ? 0 : 1)),
  series(
    'kube_pod_container_status_terminated_reason',
    { pod: 'second', reason: 'OOMKilled' },
    (t) => (t < 5 * HOUR ? 0 : 1),
  ),
];

describe('readers of histories', function () {
  this.timeout(60_000);
  let prometheus: RunningPrometheus;
  let proxy: ReadProxy;
  before(async () => {
    prometheus = await startPrometheus({ series: data });
    proxy = await startReadProxy(prometheus.url);
  });
  after(async () => {
    await proxy.stop();
    await prometheus.stop();
  });
  beforeEach(() => {
    proxy.answers.length = 0;
    proxy.calls.length = 0;
  });

  const window = { fromSeconds: FROM, toSeconds: TO };
  const read = (reader: 'auto' | 'remote-read' | 'query-range', wanted = pods) =>
    collect({ url: proxy.url, reader }, wanted, window);
  const notFound: ReadAnswer = (response) => {
    response.writeHead(404).end('404 page not found\n');
  };

  it('agree on throttling, restarts, OOM events and OOM kills', async () => {
    const raw = await read('remote-read');
    const range = await read('query-range');
    assert.ok(range.signals.length > 0);
    const plain = (signals: typeof raw.signals) =>
      signals.map(({ timeSeconds, signals: of }) => {
        const { throttledShare, ...counts } = of as { throttledShare: number };
        return { timeSeconds, ...counts, throttled: Math.round(throttledShare * 1e6) / 1e6 };
      });
    assert.deepEqual(plain(raw.signals), plain(range.signals));
    assert.ok(plain(raw.signals).some(({ throttled }) => throttled === 0.75));
  });

  describe('by auto', () => {
    it('are remote read where the server streams, told with the reason', async () => {
      const source = createPrometheusSource({ url: proxy.url, reader: 'auto' });
      try {
        assert.deepEqual(source.reader(), {
          name: 'query-range',
          why: 'remote read was not tried yet',
        });
        const want = { name: 'remote-read', why: 'the server answers streamed remote reads' };
        assert.deepEqual(await source.chooseReader(AbortSignal.timeout(10_000)), want);
        assert.deepEqual(source.reader(), want);
        await source.chooseReader(AbortSignal.timeout(10_000));
        assert.deepEqual(proxy.calls, ['read'], 'it is tried once');
      } finally {
        source.close();
      }
      assert.equal((await read('auto')).stepSeconds, 60);
    });

    it('are query_range where the server knows no remote read', async () => {
      proxy.answers.push(notFound, notFound);
      const source = createPrometheusSource({ url: proxy.url, reader: 'auto' });
      try {
        const { name, why } = await source.chooseReader(AbortSignal.timeout(10_000));
        assert.equal(name, 'query-range');
        assert.match(why, /^the server offers no remote read: Prometheus answered 404/);
      } finally {
        source.close();
      }
      const auto = await read('auto');
      assert.equal(auto.stepSeconds, 300);
      assert.deepEqual(auto, await read('query-range'));
    });

    it('are tried again in the next reading when the server refused all that it was asked', async () => {
      const refusing: ReadAnswer = (response) => void response.writeHead(401).end();
      const source = createPrometheusSource({ url: proxy.url, reader: 'auto' });
      try {
        proxy.always = refusing;
        const signal = AbortSignal.timeout(20_000);
        const query = { targets: [{ workload: odd, pods }], siblings: [odd], ...window };
        const { failures } = await source.read(query, signal);
        assert.equal([...failures.values()][0]?.reason, 'PrometheusRefused');
        proxy.always = undefined;
        assert.equal((await source.chooseReader(signal)).name, 'remote-read');
      } finally {
        proxy.always = undefined;
        source.close();
      }
    });

    it('go on by query_range with what was not handed on when something begins to break', async () => {
      const source = createPrometheusSource({ url: proxy.url, reader: 'auto' });
      try {
        const signal = AbortSignal.timeout(20_000);
        // A day is not read by whole namespaces, and hundreds of pods are a batch: the first one is read and handed on, and then remote read is refused.
        const targets = [odd, ...many].map((workload) => ({
          workload,
          pods:
            workload === odd
              ? pods
              : Array.from({ length: 400 }, (_, i) => `${workload.name}-${i}`),
        }));
        await source.chooseReader(signal);
        const told: string[] = [];
        const { usage } = await source.read(
          { targets, siblings: [odd, ...many], fromSeconds: TO - 25 * HOUR, toSeconds: TO },
          signal,
          (part) => {
            told.push(...part.usage.keys());
            proxy.answers.push(notFound, notFound);
          },
        );
        told.push(...usage.keys());
        assert.deepEqual(
          told.toSorted(),
          targets.map(({ workload }) => workloadKey(workload)).sort(),
        );
        assert.equal(source.reader().name, 'query-range');
      } finally {
        source.close();
      }
    });

    it('read all anew by query_range when something breaks long answers', async () => {
      const breaking: ReadAnswer = async (response, askServer) => {
        const { type, body } = await askServer();
        response.setHeader('content-type', type).end(body.subarray(0, body.length - 9));
      };
      const passing: ReadAnswer = async (response, askServer) => {
        const { type, body } = await askServer();
        response.setHeader('content-type', type).end(body);
      };
      proxy.answers.push(passing, breaking, breaking);
      const got = await read('auto', ['first']);
      assert.equal(got.stepSeconds, 300, 'what is kept by the minute is told of a coarser step');
      assert.deepEqual(got, await read('query-range', ['first']));
    });

    it('try once more when an answer was cut short', async () => {
      const passing: ReadAnswer = async (response, askServer) => {
        const { type, body } = await askServer();
        response.setHeader('content-type', type).end(body);
      };
      const cut: ReadAnswer = async (response, askServer) => {
        const { type, body } = await askServer();
        response.setHeader('content-type', type).end(body.subarray(0, body.length - 9));
      };
      proxy.answers.push(passing, cut);
      assert.deepEqual(await read('auto', ['first']), await read('remote-read', ['first']));
    });

    it('are tried again in the next reading when the server was busy', async () => {
      const busy: ReadAnswer = (response) => void response.writeHead(500).end();
      proxy.answers.push(busy);
      const source = createPrometheusSource({ url: proxy.url, reader: 'auto' });
      try {
        const first = await source.chooseReader(AbortSignal.timeout(10_000));
        assert.equal(first.why, 'remote read could not be tried: Prometheus answered 500');
        const second = await source.chooseReader(AbortSignal.timeout(10_000));
        assert.equal(second.name, 'remote-read');
      } finally {
        source.close();
      }
    });
  });

  describe('by remote read', () => {
    const streamed =
      (body: Uint8Array): ReadAnswer =>
      (response) =>
        void response.writeHead(200, { 'content-type': STREAMED }).end(body);
    const faults: Readonly<
      Record<string, { answer: ReadAnswer; reason: string; message: RegExp; options?: object }>
    > = {
      'a frame with a wrong checksum': {
        answer: async (response, askServer) => {
          const { type, body } = await askServer();
          body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
          response.setHeader('content-type', type).end(body);
        },
        reason: 'PrometheusAnswerInvalid',
        message: /a frame with a wrong checksum/,
      },
      'a body that ends within a frame': {
        answer: async (response, askServer) => {
          const { type, body } = await askServer();
          response.setHeader('content-type', type).end(body.subarray(0, body.length / 2));
        },
        reason: 'PrometheusAnswerInvalid',
        message: /a body that was cut short/,
      },
      'a connection that ends within a frame': {
        answer: async (response, askServer) => {
          const { type, body } = await askServer();
          response.setHeader('content-type', type).setHeader('content-length', body.length);
          response.write(body.subarray(0, body.length / 2), () => response.destroy());
        },
        reason: 'PrometheusAnswerInvalid',
        message: /a body that was cut short/,
      },
      'all samples at once': {
        answer: (response) =>
          void response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end('x'),
        reason: 'PrometheusAnswerInvalid',
        message: /a remote read without streaming/,
      },
      'a packed body': {
        answer: (response) =>
          void response
            .writeHead(200, { 'content-type': STREAMED, 'content-encoding': 'gzip' })
            .end(gzipSync(Buffer.alloc(1_000_000))),
        reason: 'PrometheusAnswerInvalid',
        message: /a stream that is packed/,
      },
      'a frame that is no message': {
        answer: streamed(frameOf(Uint8Array.of(0x0a, 0xff, 0xff))),
        reason: 'PrometheusAnswerInvalid',
        message: /not a ChunkedReadResponse/,
      },
      'words of its own': {
        answer: (response) =>
          void response.writeHead(400, { 'content-type': 'text/plain' }).end('no such\nthing'),
        reason: 'PrometheusRefused',
        message: /^Prometheus answered 400: no such thing$/,
      },
      'a page for people': {
        answer: (response) =>
          void response.writeHead(403, { 'content-type': 'text/html' }).end('<p>log in</p>'),
        reason: 'PrometheusRefused',
        message: /^Prometheus answered 403$/,
      },
      'a redirect': {
        answer: (response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
        reason: 'PrometheusRefused',
        message: /redirects are not followed/,
      },
      'nothing for too long': {
        answer: (response) => void response.writeHead(200, { 'content-type': STREAMED }).write('x'),
        reason: 'PrometheusTimeout',
        message: /sent less than 64 KiB for 0\.3 s/,
        options: { timeoutSeconds: 0.3 },
      },
      'an answer without an end': {
        answer: (response) => {
          const frame = frameOf(new Uint8Array(0));
          const many = Buffer.concat(Array<Uint8Array>(10_000).fill(frame));
          response.writeHead(200, { 'content-type': STREAMED });
          const more = (): void => {
            while (!response.destroyed && response.write(many));
            response.once('drain', more);
          };
          more();
        },
        reason: 'PrometheusOverloaded',
        message: /more than 1000000 bytes/,
        options: { maxStreamBytes: 1_000_000 },
      },
    };
    for (const [what, { answer, reason, message, options }] of Object.entries(faults)) {
      it(`say ${reason} for ${what}`, async () => {
        proxy.answers.push(answer);
        const failure = await failureOfRead(options);
        assert.equal(failure.reason, reason);
        assert.match(failure.message, message);
      });
    }

    async function failureOfRead(options: Partial<StreamOptions> = {}): Promise<PrometheusError> {
      const settings = { url: proxy.url, ...options };
      const transport = createTransport(settings);
      const client = createStreamClient(settings, transport);
      const reader = createRemoteReader(client);
      const matchers = [{ label: 'pod', operator: '=', value: 'first' }] as const;
      const query = { matchers, fromMs: FROM * 1000, toMs: TO * 1000 };
      try {
        await reader.read([query], new SeriesSink(() => undefined), AbortSignal.timeout(10_000));
      } catch (error) {
        assert.ok(error instanceof PrometheusError, String(error));
        return error;
      } finally {
        transport.close();
      }
      assert.fail('nothing failed');
    }

    it('leave no part of an answer in memory', async () => {
      const long: ReadAnswer = (response) => void response.end(Buffer.alloc(1_000_000, 'x'));
      proxy.answers.push(long);
      const transport = createTransport({ url: proxy.url });
      const parts: Uint8Array[] = [];
      let bytes = 0;
      await createStreamClient({ url: proxy.url }, transport).post(
        {
          path: 'read',
          selectors: [],
          headers: {},
          data: Buffer.from(''),
          checkKind: () => undefined,
          take(part) {
            parts.push(part);
            bytes += part.length;
            return undefined;
          },
        },
        AbortSignal.timeout(10_000),
      );
      transport.close();
      assert.equal(bytes, 1_000_000);
      const left = parts.reduce((sum, part) => sum + part.length, 0);
      // What came in a few bytes may lie in memory that Node shares out.
      assert.ok(left < 8192, `${left} bytes`);
    });

    it('try again when the server is busy, and count nothing twice', async () => {
      const want = await read('remote-read');
      const busy: ReadAnswer = (response) =>
        void response.writeHead(429, { 'retry-after': '0' }).end();
      proxy.answers.push(busy);
      assert.deepEqual(await read('remote-read'), want);
    });

    it('ask for half of the pods when all are too many for one answer', async () => {
      const long = { fromSeconds: TO - 25 * HOUR, toSeconds: TO };
      const readLong = () => collect({ url: proxy.url, reader: 'remote-read' }, pods, long);
      const want = await readLong();
      const tooMuch: ReadAnswer = (response) =>
        void response
          .writeHead(400, { 'content-type': 'text/plain' })
          .end('query would load too many samples into memory');
      proxy.answers.push(tooMuch);
      proxy.calls.length = 0;
      assert.deepEqual(await readLong(), want);
      assert.equal(proxy.calls.filter((path) => path === 'read').length, 3);
    });

    it('are a failure of the workload where the server offers none', async () => {
      proxy.answers.push(notFound);
      await assert.rejects(read('remote-read'), /PrometheusRefused: .*answered 404/);
    });

    it('end at once when they are told to', async () => {
      const silent: ReadAnswer = () => undefined;
      proxy.answers.push(silent);
      const settings = { url: proxy.url };
      const transport = createTransport(settings);
      const client = createStreamClient(settings, transport);
      const reader = createRemoteReader(client);
      const abort = new AbortController();
      const matchers = [{ label: 'pod', operator: '=', value: 'first' }] as const;
      const reading = reader.read(
        [{ matchers, fromMs: 0, toMs: TO * 1000 }],
        new SeriesSink(() => undefined),
        abort.signal,
      );
      abort.abort(new Error('enough'));
      await assert.rejects(reading, /enough/);
      transport.close();
    });
  });
});
