import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ChunkList } from '../../../src/prometheus/chunklist.ts';
import { createFolds, HISTORIES } from '../../../src/prometheus/folds.ts';
import { FreshMarks } from '../../../src/prometheus/freshmarks.ts';
import { RawBatch } from '../../../src/prometheus/rawbatch.ts';
import { rawQueries, type RawQuestion } from '../../../src/prometheus/rawqueries.ts';
import type { ReadSeries } from '../../../src/prometheus/readwire.ts';
import {
  KnownMarks,
  seriesMarks,
  seriesName,
  type SeriesName,
} from '../../../src/prometheus/seriesmarks.ts';
import { createXorDecoder, sampleBuffer } from '../../../src/prometheus/xor.ts';
import { coresOfCode } from '../../../src/recommend/buckets.ts';
import type { PackedUsage } from '../../../src/recommend/packed.ts';
import { unpackUsage } from '../../../src/recommend/unpacked.ts';
import { bitsOf, encodeXor, STALE_BITS, type RawSample } from '../../support/xor-encoder.ts';

const HOUR = 3600;
/** A multiple of two hours, where chunks begin. */
const TEN = Date.UTC(2027, 0, 15, 10) / 1000;
const WEB = 'shop/Deployment/web';
const CPU = 'container_cpu_usage_seconds_total';
const MEMORY = 'container_memory_working_set_bytes';

interface Drawn {
  readonly name: string;
  readonly id: string;
  /** By which a server names itself. */
  readonly replica?: string;
  readonly samples: readonly RawSample[];
}

/** From nine o'clock to past eleven: regular or not, with falls, gaps, ends, and values that are no amounts. */
const series = fc
  .record({
    name: fc.constantFrom(CPU, MEMORY),
    id: fc.constantFrom('a', 'b'),
    stepMs: fc.constantFrom(15_000, 60_000, 110_000, 240_000, 400_000),
    offsetMs: fc.integer({ min: 0, max: 59_999 }),
    events: fc.array(
      fc.record({
        what: fc.constantFrom('Stale', 'NaN', 'Negative', 'Zero', 'Missing', 'Late'),
        atMs: fc.integer({ min: -400_000, max: 400_000 }),
      }),
      { maxLength: 6 },
    ),
    rise: fc.double({ min: 0.1, max: 500, noNaN: true }),
    endMs: fc.constantFrom(-200_000, -30_000, 1000, 100_000, 4_200_000, 4_200_000, 4_200_000),
  })
  .map(({ name, id, stepMs, offsetMs, events, rise, endMs }): Drawn => {
    const samples: RawSample[] = [];
    let value = 1000;
    const from = TEN * 1000 - HOUR * 1000 + offsetMs;
    for (let timeMs = from; timeMs <= TEN * 1000 + endMs; timeMs += stepMs) {
      value += rise * (1 + (samples.length % 7));
      const near = events.find(({ atMs }) => Math.abs(TEN * 1000 + atMs - timeMs) < stepMs / 2);
      if (near?.what === 'Missing') continue;
      if (near?.what === 'Zero') value = 0;
      const odd = { Stale: STALE_BITS, NaN: bitsOf(NaN), Negative: bitsOf(-value) };
      const bits = Object.entries(odd).find(([what]) => what === near?.what)?.[1];
      const lateMs = near?.what === 'Late' ? stepMs / 3 : 0;
      samples.push({ timeMs: Math.floor(timeMs + lateMs), bits: bits ?? bitsOf(value) });
    }
    return { name, id, samples };
  });

function part({ name, id, replica = '', samples }: Drawn): ReadSeries {
  const byChunk = Map.groupBy(samples, ({ timeMs }) => Math.floor(timeMs / (2 * HOUR * 1000)));
  const encoded = [...byChunk.values()].map(encodeXor);
  const chunks = new ChunkList(Buffer.concat(encoded));
  let at = 0;
  for (const { length } of encoded) chunks.add(at, (at += length));
  const labels = new Map([
    ['__name__', name],
    ['container', 'app'],
    ['id', id],
    ['namespace', 'shop'],
    ['pod', 'web-1'],
    ['replica', replica],
  ]);
  return { query: 0, labels, chunks };
}

/** Of whole namespaces; `to` is that long after ten o'clock, and the window begins one hour, or two, before. */
function question(
  [from, to]: readonly [number, number],
  change: { readonly isFromMarks?: boolean; readonly withMarks?: boolean } = {},
): RawQuestion {
  const { isFromMarks = false, withMarks = true } = change;
  return {
    batch: {
      pods: [{ namespace: 'shop', name: 'web-1', workload: WEB }],
      whole: { namespaces: ['shop'], restarted: [], isFromMarks },
    },
    window: { fromSeconds: TEN + from, toSeconds: TEN + to, isContinued: true },
    stepSeconds: 60,
    withSignals: true,
    withMarks,
  };
}

/** What the server hands out for it: whole chunks. */
function read(
  asked: RawQuestion,
  drawn: readonly Drawn[],
  known: KnownMarks,
): PackedUsage | undefined {
  const folds = createFolds(HISTORIES, 60);
  const batch = new RawBatch(asked, folds, known);
  const [usage] = rawQueries(asked, []);
  const fromMs = usage?.fromMs ?? assert.fail('nothing is asked for');
  const until = (asked.window.toSeconds + 300) * 1000;
  for (const each of drawn) {
    const samples = each.samples.filter(({ timeMs }) => timeMs >= fromMs && timeMs < until);
    if (samples.length > 0) batch.take(part({ ...each, samples }));
  }
  batch.end();
  batch.fold();
  if (batch.marks !== undefined) {
    known.add(batch.marks, [WEB]);
    known.complete(WEB, batch.marks.atMs);
  }
  return folds.close(WEB).get('app');
}

const SEVEN = { id: 7, whole: 77 };

function nameOf(labels: object): SeriesName {
  return seriesName(new Map(Object.entries(labels)), JSON.stringify(labels));
}

const before = [-HOUR, 480] as const;
const after = [0, HOUR + 480] as const;

describe('marks of series', () => {
  it('make a window the same as with the samples before it', () => {
    const fleet = fc.uniqueArray(series, {
      maxLength: 4,
      selector: ({ name, id }) => name + id,
    });
    fc.assert(
      fc.property(fleet, (drawn) => {
        const known = new KnownMarks();
        read(question(before), drawn, known);
        assert.ok(known.isKnown(WEB, TEN * 1000));
        assert.deepEqual(
          read(question(after, { isFromMarks: true }), drawn, known),
          read(question(after), drawn, new KnownMarks()),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('leave out the chunk before the window, which is read without them', () => {
    const beginOf = (asked: RawQuestion) => {
      const [usage] = rawQueries(asked, []);
      return (usage?.fromMs ?? NaN) / 1000 - TEN;
    };
    assert.equal(beginOf(question(after)), -2 * HOUR);
    assert.equal(beginOf(question(after, { isFromMarks: true })), 0);
  });

  it('are made of windows that reach over a time at which chunks begin, where they are wanted', () => {
    const drawn = [{ name: CPU, id: 'a', samples: [{ timeMs: (TEN - 9) * 1000, bits: 0n }] }];
    const atMs = (window: readonly [number, number], withMarks: boolean) => {
      const batch = new RawBatch(question(window, { withMarks }), createFolds(HISTORIES, 60));
      for (const each of drawn) batch.take(part(each));
      batch.end();
      return batch.marks?.atMs;
    };
    assert.equal(atMs(before, true), TEN * 1000);
    assert.equal(atMs(before, false), undefined);
    assert.equal(atMs([0, HOUR], true), undefined);
    assert.equal(atMs([-1, 0], true), TEN * 1000);
    assert.equal(atMs([-24 * HOUR, 5 * HOUR], true), (TEN + 4 * HOUR) * 1000);
  });

  const buffer = sampleBuffer();
  const decode = createXorDecoder();
  /** Of samples in seconds before ten o'clock. */
  function markOf(...samples: readonly (readonly [seconds: number, bits: bigint])[]) {
    const fresh = new FreshMarks(TEN * 1000);
    const raw = samples.map(([seconds, bits]) => ({ timeMs: (TEN - seconds) * 1000, bits }));
    fresh.see(SEVEN, buffer, decode(encodeXor(raw), buffer));
    const { ids, times, values } = fresh.marks;
    return ids.length === 0 ? undefined : [TEN - (times[0] ?? NaN) / 1000, values[0]];
  }

  it('are the last amounts before the time, of the last five minutes', () => {
    assert.deepEqual(markOf([90, bitsOf(5)], [30, bitsOf(6)], [-30, bitsOf(7)]), [30, 6]);
    assert.deepEqual(markOf([60, bitsOf(5)], [0, bitsOf(6)]), [60, 5]);
    assert.deepEqual(markOf([90, bitsOf(5)], [30, bitsOf(NaN)]), [90, 5]);
    assert.deepEqual(markOf([300, bitsOf(5)]), [300, 5]);
    assert.equal(markOf([301, bitsOf(5)]), undefined);
    assert.equal(markOf([90, bitsOf(5)], [30, STALE_BITS]), undefined);
    assert.equal(markOf([-30, bitsOf(5)]), undefined);
  });

  it('are forgotten where a series ended in a later part', () => {
    const fresh = new FreshMarks(TEN * 1000);
    const see = (seconds: number, bits: bigint) =>
      fresh.see(
        SEVEN,
        buffer,
        decode(encodeXor([{ timeMs: (TEN - seconds) * 1000, bits }]), buffer),
      );
    see(90, bitsOf(5));
    assert.equal(fresh.marks.ids.length, 1);
    see(30, STALE_BITS);
    assert.equal(fresh.marks.ids.length, 0);
  });

  it('are found among many', () => {
    const names = Array.from({ length: 1000 }, (_, i) => nameOf({ pod: `web-${i}` }));
    assert.equal(new Set(names.map(({ id }) => id)).size, 1000);
    const known = new KnownMarks();
    const marks = names.map((name, i) => ({ ...name, timeMs: i, value: 2 * i }));
    known.add(seriesMarks(TEN, marks), [WEB]);
    for (const [i, name] of names.entries()) {
      assert.deepEqual(known.of(WEB, TEN, name), { timeMs: i, value: 2 * i, isOwn: true });
    }
    assert.equal(known.of(WEB, TEN, nameOf({})), undefined);
  });

  it('are those of one time, and known when all of a workload was read', () => {
    const known = new KnownMarks();
    const marks = (atMs: number, id: number) =>
      seriesMarks(atMs, [{ id, whole: id, timeMs: atMs - 1, value: id }]);
    known.add(marks(100, 1), [WEB]);
    assert.ok(!known.isKnown(WEB, 100));
    known.add(marks(100, 2), [WEB]);
    known.complete(WEB, 100);
    assert.ok(known.isKnown(WEB, 100));
    assert.deepEqual(
      [1, 2].map((id) => known.of(WEB, 100, { id, whole: id })?.value),
      [1, 2],
    );
    known.add(marks(200, 3), [WEB]);
    assert.ok(!known.isKnown(WEB, 100));
    assert.ok(!known.isKnown(WEB, 200));
    assert.equal(known.of(WEB, 200, { id: 1, whole: 1 }), undefined);
    assert.equal(known.of(WEB, 100, { id: 3, whole: 3 }), undefined);
    assert.equal(known.of(WEB, 200, { id: 3, whole: 3 })?.value, 3);
  });

  it('stay where an earlier time is read again', () => {
    const known = new KnownMarks();
    const marks = (atMs: number) => seriesMarks(atMs, [{ ...SEVEN, timeMs: 1, value: atMs }]);
    known.add(marks(200), [WEB]);
    known.complete(WEB, 200);
    known.add(marks(100), [WEB]);
    known.complete(WEB, 100);
    assert.ok(known.isKnown(WEB, 200));
    assert.ok(!known.isKnown(WEB, 100));
    assert.equal(known.of(WEB, 200, SEVEN)?.value, 200);
  });

  it('are known of a workload without pods, which has none', () => {
    const known = new KnownMarks();
    known.complete(WEB, 100);
    assert.ok(known.isKnown(WEB, 100));
    assert.equal(known.of(WEB, 100, SEVEN), undefined);
  });

  it('are let go with the workloads that are read no more, a day later', () => {
    const known = new KnownMarks();
    const none = (atMs: number) => seriesMarks(atMs, []);
    const day = 24 * HOUR * 1000;
    known.complete('gone', 0);
    known.complete('of a clock that was wrong', 3 * day);
    known.add(none(day), [WEB]);
    assert.ok(known.isKnown('gone', 0), 'a window may still begin there');
    assert.ok(!known.isKnown('of a clock that was wrong', 3 * day));
    known.add(none(day + 1), [WEB]);
    assert.ok(!known.isKnown('gone', 0));
  });

  it('are of the last reading where a time is read again', () => {
    const known = new KnownMarks();
    const marks = (value: number) => seriesMarks(100, [{ ...SEVEN, timeMs: value, value }]);
    for (let reading = 1; reading <= 50; reading++) known.add(marks(reading), [WEB]);
    assert.equal(known.of(WEB, 100, SEVEN)?.value, 50);
  });

  it('are the same for servers that put labels of their own on what they scrape', () => {
    const labels = { __name__: CPU, namespace: 'shop', pod: 'web-1', container: 'app', id: 'a' };
    const of = (more: object) => nameOf({ ...labels, ...more });
    const [one, two] = [
      of({ prometheus_replica: 'a-0' }),
      of({ prometheus_replica: 'a-1', node: 'n' }),
    ];
    assert.equal(one.id, two.id);
    assert.notEqual(one.whole, two.whole);
    for (const other of [
      { id: 'b' },
      { container: 'b' },
      { pod: 'b' },
      { cpu: 'b' },
      { name: 'b' },
    ]) {
      assert.notEqual(of(other).id, of({}).id);
    }
  });

  /** Half a core from nine to past eleven; its counter and the time of its scrapes as given, in seconds. */
  const halfACore = (replica: string, counted: number, scrapedAt: number): Drawn => ({
    name: CPU,
    id: 'a',
    replica,
    samples: Array.from({ length: 125 }, (_, minute) => ({
      timeMs: (TEN - HOUR + 60 * minute + scrapedAt) * 1000,
      bits: bitsOf(counted + 0.5 * (60 * minute + scrapedAt)),
    })),
  });
  const highest = (packed: PackedUsage | undefined): number => {
    const { days } = unpackUsage(packed ?? assert.fail('nothing was read'));
    const codes = days.flatMap(({ hours }) =>
      hours.cpu.flatMap((hour) =>
        hour === undefined ? [] : [...hour.codes.subarray(hour.begin, hour.end)],
      ),
    );
    return coresOfCode(Math.max(...codes));
  };

  it('are not mixed up where two series of the same are in one store', () => {
    const known = new KnownMarks();
    // The clock of the second is behind, so that at the same time it has counted less.
    const drawn = [halfACore('one', 100_002, 0.5), halfACore('two', 100_000, 3)];
    read(question(before), drawn, known);
    assert.ok(highest(read(question(after, { isFromMarks: true }), drawn, known)) < 0.51);
    assert.ok(
      highest(read(question(after, { isFromMarks: true }), drawn.toReversed(), known)) < 0.51,
    );
  });

  it('are gone on from by the other one of two servers', () => {
    const known = new KnownMarks();
    read(question(before), [halfACore('one', 100_000, 20)], known);
    const fromMarks = question(after, { isFromMarks: true });
    // Ten seconds were used in the minute between the two.
    const other = halfACore('two', 100_010, 30);
    assert.ok(highest(read(fromMarks, [other], new KnownMarks())) < 0.51);
    const burst = highest(read(fromMarks, [other], known));
    assert.ok(burst > 0.55 && burst < 0.6, `${burst} cores`);
  });

  it('are not gone on from by what has counted less', () => {
    const known = new KnownMarks();
    read(question(before), [halfACore('one', 100_000, 20)], known);
    const other = halfACore('two', 50_000, 30);
    const fromMarks = question(after, { isFromMarks: true });
    assert.ok(highest(read(fromMarks, [other], known)) < 0.51);
  });
});
