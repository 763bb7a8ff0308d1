import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createRemoteReader, SeriesSink } from '../../src/prometheus/remoteread.ts';
import { createStreamClient } from '../../src/prometheus/stream.ts';
import { createXorDecoder, sampleBuffer } from '../../src/prometheus/xor.ts';
import { createTransport } from '../../src/prometheus/transport.ts';
import { collect } from '../support/collected.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import { rawSeries } from '../support/raw-series.ts';
import { writeRemotely } from '../support/remote-write.ts';
import type { SeedSeries } from '../support/seed.ts';
import { bitsOf, STALE_BITS, type RawSample } from '../support/xor-encoder.ts';

const DAY_MS = 86_400_000;
const NAME = 'anything';

describe('raw samples of a real Prometheus', function () {
  this.timeout(120_000);
  let prometheus: RunningPrometheus;
  before(async () => {
    prometheus = await startPrometheus({ flags: ['--web.enable-remote-write-receiver'] });
  });
  after(() => prometheus.stop());

  async function readRemotely(run: string): Promise<ReadonlyMap<string, readonly RawSample[]>> {
    const settings = { url: prometheus.url };
    const transport = createTransport(settings);
    const client = createStreamClient(settings, transport);
    const reader = createRemoteReader(client);
    const decode = createXorDecoder();
    const buffer = sampleBuffer();
    const bits = new BigUint64Array(buffer.values.buffer);
    const found = new Map<string, RawSample[]>();
    const matchers = [
      { label: '__name__', operator: '=', value: NAME },
      { label: 'run', operator: '=~', value: run },
    ] as const;
    const query = { matchers, fromMs: 0, toMs: Date.now() + 365 * DAY_MS };
    try {
      await reader.read(
        [query],
        new SeriesSink(({ labels, chunks }) => {
          const series = labels.get('series') ?? '';
          const samples = found.get(series) ?? [];
          found.set(series, samples);
          for (let chunk = 0; chunk < chunks.length; chunk++) {
            const [begin, end] = [chunks.beginOf(chunk), chunks.endOf(chunk)];
            const count = decode(chunks.bytes, buffer, begin, end);
            for (let i = 0; i < count; i++) {
              samples.push({ timeMs: buffer.times[i] ?? NaN, bits: bits[i] ?? 0n });
            }
          }
        }),
        AbortSignal.timeout(30_000),
      );
    } finally {
      transport.close();
    }
    return found;
  }

  /** As the HTTP API tells them in JSON. */
  async function readJson(
    run: string,
    endMs: number,
  ): Promise<ReadonlyMap<string, readonly (readonly [number, string])[]>> {
    const form = new URLSearchParams({
      query: `${NAME}{run="${run}"}[60d]`,
      time: String(endMs / 1000 + 1),
    });
    const response = await fetch(`${prometheus.url}/api/v1/query`, { method: 'POST', body: form });
    const answer = (await response.json()) as {
      data: { result: { metric: { series: string }; values: [number, string][] }[] };
    };
    return new Map(answer.data.result.map(({ metric, values }) => [metric.series, values]));
  }

  it('are what was written and what JSON says, bit for bit', async () => {
    let firstMs = Date.now() - 25 * DAY_MS;
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(rawSeries(fc.integer({ min: 0, max: 3_600_000 })), { minLength: 1, maxLength: 8 }),
        async (relative) => {
          const run = String(runs++);
          const beginMs = firstMs;
          const written = relative.map((samples) =>
            samples
              .filter(({ timeMs }) => timeMs < DAY_MS)
              .map(({ timeMs, bits }) => ({ timeMs: beginMs + timeMs, bits })),
          );
          firstMs += DAY_MS;
          await writeRemotely(
            prometheus.url,
            written.map((samples, i) => ({
              labels: { __name__: NAME, run, series: String(i) },
              samples,
            })),
          );
          const got = await readRemotely(run);
          assert.deepEqual([...got.keys()].sort(), written.map((_, i) => String(i)).sort());
          const json = await readJson(run, firstMs);
          written.forEach((samples, i) => {
            assert.deepEqual(got.get(String(i)), samples);
            assert.deepEqual(
              (json.get(String(i)) ?? []).map(([seconds, text]) => [
                Math.round(seconds * 1000),
                text,
              ]),
              samples
                .filter(({ bits }) => bits !== STALE_BITS)
                .map(({ timeMs, bits }) => [timeMs, asText(json.get(String(i)), timeMs, bits)]),
            );
          });
        },
      ),
      { numRuns: 20, endOnFailure: true },
    );
  });

  /** The text that JSON has for a time, where it reads as these bits; else what it should have been. */
  function asText(
    values: readonly (readonly [number, string])[] | undefined,
    timeMs: number,
    bits: bigint,
  ): string {
    const want = new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? NaN;
    const text = values?.find(([seconds]) => Math.round(seconds * 1000) === timeMs)?.[1];
    const got = text === undefined ? undefined : numberOf(text);
    return text !== undefined && Object.is(got, want) ? text : String(want);
  }
});

function numberOf(text: string): number {
  const infinity = /^([+-])Inf$/.exec(text);
  return infinity === null ? Number(text) : infinity[1] === '+' ? Infinity : -Infinity;
}

const TO = Math.floor(Date.now() / 1000 / 3600) * 3600 - 3600;
const FROM = TO - 4 * 3600;
const CPU = 'container_cpu_usage_seconds_total';
const MEMORY = 'container_memory_working_set_bytes';

interface SeriesShape {
  readonly pod: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly step?: number;
  /** By how much times lie after the minute. */
  readonly offset?: number;
  readonly from?: number;
  readonly to?: number;
  readonly valueAt: (secondsIn: number) => number | undefined;
}

function series(shape: SeriesShape): SeedSeries {
  const { pod, name = CPU, labels, step = 60, offset = 0, valueAt } = shape;
  return {
    name,
    labels: { namespace: 'odd', container: 'app', pod, ...labels },
    *samples() {
      const end = shape.to ?? TO + 600;
      for (let time = (shape.from ?? FROM - 600) + offset; time <= end; time += step) {
        const value = valueAt(time - FROM);
        if (value !== undefined) yield [time, value];
      }
    },
  };
}

const HOUR = 3600;
const shapes: readonly SeriesShape[] = [
  { pod: 'steady', valueAt: (t) => 1000 + 0.25 * t },
  { pod: 'steady', name: MEMORY, valueAt: (t) => 1000 + t },
  // Scraped at second 17 of each minute, 0.1 cores and from the second hour on 0.7.
  {
    pod: 'step',
    offset: 17,
    valueAt: (t) => 1000 + 0.1 * Math.min(t, HOUR) + 0.7 * Math.max(0, t - HOUR),
  },
  { pod: 'twice', labels: { job: 'a' }, valueAt: (t) => 1000 + 0.2 * t },
  { pod: 'twice', labels: { job: 'b' }, offset: 31, valueAt: (t) => 1000 + 0.2 * t },
  // A restarted container: another series, from zero, while the old one is still told of.
  { pod: 'restarted', labels: { id: '/0' }, to: FROM + HOUR + 120, valueAt: (t) => 1000 + 0.3 * t },
  {
    pod: 'restarted',
    labels: { id: '/1' },
    from: FROM + HOUR,
    valueAt: (t) => 0.5 * (t - HOUR),
  },
  // Begins again at zero each hour, and counts from there.
  { pod: 'reset', valueAt: (t) => 0.4 * (((t % HOUR) + HOUR) % HOUR) },
  { pod: 'gap', valueAt: (t) => (t > HOUR && t < 2 * HOUR ? undefined : 1000 + 0.6 * t) },
  { pod: 'slow', step: 180, valueAt: (t) => 1000 + 0.15 * t },
  { pod: 'slow', name: MEMORY, step: 180, valueAt: (t) => 5000 + t },
  // A minute at 4 cores in each hour, which a mean of 5 minutes hides.
  { pod: 'peak', valueAt: (t) => 1000 + 240 * Math.floor(Math.max(0, t + 60) / HOUR) },
  {
    pod: 'odd',
    name: MEMORY,
    valueAt: (t) => (t % 120 === 0 ? NaN : t % 180 === 0 ? Infinity : 7),
  },
  { pod: 'odd', name: MEMORY, labels: { job: 'a' }, valueAt: () => 5 },
];

describe('usage by remote read', function () {
  this.timeout(120_000);
  let prometheus: RunningPrometheus;
  before(async () => {
    prometheus = await startPrometheus({ series: shapes.map(series) });
  });
  after(() => prometheus.stop());

  const window = { fromSeconds: FROM, toSeconds: TO };
  const MINUTES = 4 * 60;
  type Reader = 'remote-read' | 'query-range';
  const read = (pod: string, reader: Reader = 'remote-read') =>
    collect({ url: prometheus.url, reader }, [pod], window);

  /** CPU by the minute of the window, to nine digits; undefined where there is none. */
  async function coresOf(pod: string): Promise<readonly (number | undefined)[]> {
    const { cpu, stepSeconds } = await read(pod);
    assert.equal(stepSeconds, 60);
    const minutes = Array<number | undefined>(MINUTES).fill(undefined);
    for (const [, time, cores] of cpu) {
      const minute = (time + 1 - FROM) / 60 - 1;
      assert.ok(Number.isInteger(minute) && minute >= 0 && minute < MINUTES, `${time}`);
      assert.equal(minutes[minute], undefined, 'one sample a minute');
      minutes[minute] = Math.round(cores * 1e9) / 1e9;
    }
    return minutes;
  }

  const minutes = (valueAt: (minute: number) => number | undefined) =>
    Array.from({ length: MINUTES }, (_, minute) => valueAt(minute));

  it('is the rate of each minute, and that of query_range where use is steady', async () => {
    assert.deepEqual(
      await coresOf('steady'),
      minutes(() => 0.25),
    );
    const { cpu, stepSeconds } = await read('steady', 'query-range');
    assert.equal(stepSeconds, 300);
    assert.equal(cpu.length, 48);
    for (const [, , cores] of cpu) assert.ok(Math.abs(cores - 0.25) < 1e-9, `${cores}`);
  });

  it('has the highest sample of memory in each minute, as query_range has in five', async () => {
    const raw = await read('steady');
    assert.deepEqual(
      raw.memory,
      minutes((m) => m + 1).map((m = 0) => ['steady', FROM + m * 60 - 1, 1000 + m * 60]),
    );
    const range = await read('steady', 'query-range');
    assert.deepEqual(
      range.memory,
      raw.memory.filter(([, time]) => (time + 1) % 300 === 0),
    );
  });

  it('shares a sample between the two minutes that it lies in', async () => {
    const turn = (0.1 * 17 + 0.7 * 43) / 60;
    // Between the samples at 59:17 and 60:17 the counter rose by 43 s of the one rate and 17 s of the other.
    const across = (0.1 * 43 + 0.7 * 17) / 60;
    assert.notEqual(turn, across);
    const got = await coresOf('step');
    const want = minutes((minute) => {
      if (minute < 59) return 0.1;
      if (minute === 59) return round((0.1 * 17 + across * 43) / 60);
      return minute === 60 ? round((across * 17 + 0.7 * 43) / 60) : 0.7;
    });
    assert.deepEqual(got, want);
  });

  it('takes a container that two jobs scrape once', async () => {
    assert.deepEqual(
      await coresOf('twice'),
      minutes(() => 0.2),
    );
  });

  it('takes the higher of two series while a container restarts', async () => {
    assert.deepEqual(
      await coresOf('restarted'),
      minutes((minute) => (minute < 60 ? 0.3 : 0.5)),
    );
  });

  it('takes what a counter shows after a reset as its increase', async () => {
    assert.deepEqual(
      await coresOf('reset'),
      minutes((minute) => (minute % 60 === 59 ? 0 : 0.4)),
    );
  });

  it('has no rate across a gap of more than 5 minutes', async () => {
    assert.deepEqual(
      await coresOf('gap'),
      minutes((minute) => (minute >= 60 && minute < 120 ? undefined : 0.6)),
    );
  });

  it('fills the minutes that a slower scrape spans', async () => {
    assert.deepEqual(
      await coresOf('slow'),
      minutes(() => 0.15),
    );
    const { memory } = await read('slow');
    assert.deepEqual(
      memory.map(([, , bytes]) => bytes),
      minutes((minute) => 5120 + 180 * Math.ceil((minute - 1) / 3)),
    );
  });

  it('sees a peak of one minute', async () => {
    assert.deepEqual(
      await coresOf('peak'),
      minutes((minute) => (minute % 60 === 58 ? 4 : 0)),
    );
  });

  it('takes NaN and infinities as missing, and the higher of two values', async () => {
    const { memory } = await read('odd');
    assert.equal(memory.length, MINUTES);
    assert.deepEqual([...new Set(memory.map(([, , bytes]) => bytes))], [7]);
  });

  it('is the same in two readings and over parts of the window', async () => {
    const whole = await read('step');
    assert.deepEqual(await read('step'), whole);
    const middle = FROM + 7230;
    const options = { url: prometheus.url, reader: 'remote-read' } as const;
    const first = await collect(options, ['step'], { fromSeconds: FROM, toSeconds: middle });
    const second = await collect(options, ['step'], { fromSeconds: middle, toSeconds: TO });
    assert.deepEqual([...first.cpu, ...second.cpu], whole.cpu);
  });
});

function round(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

describe('staleness markers', function () {
  this.timeout(60_000);

  it('end a run: there is no rate across them', async () => {
    const prometheus = await startPrometheus({ flags: ['--web.enable-remote-write-receiver'] });
    try {
      const firstMs = FROM * 1000;
      await writeRemotely(prometheus.url, [
        {
          labels: { __name__: CPU, namespace: 'odd', pod: 'stale', container: 'app' },
          samples: Array.from({ length: 11 }, (_, i) => ({
            timeMs: firstMs + i * 60_000,
            bits: i === 5 ? STALE_BITS : i === 8 ? bitsOf(NaN) : bitsOf(6 * i),
          })),
        },
      ]);
      const options = { url: prometheus.url, reader: 'remote-read' } as const;
      const { cpu } = await collect(options, ['stale'], { fromSeconds: FROM, toSeconds: TO });
      assert.deepEqual(
        cpu.map(([, time, cores]) => [(time + 1 - FROM) / 60, round(cores)]),
        // None from the fourth to the sixth minute's sample; another NaN is only a sample that is missing.
        [1, 2, 3, 4, 7, 8, 9, 10].map((minute) => [minute, 0.1]),
      );
    } finally {
      await prometheus.stop();
    }
  });
});
