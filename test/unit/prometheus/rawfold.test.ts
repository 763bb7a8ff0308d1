import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HighestFold, RiseFold } from '../../../src/prometheus/hourfold.ts';
import { PeakFold, RateFold, type SeriesFold } from '../../../src/prometheus/rawfold.ts';
import { sampleBuffer } from '../../../src/prometheus/xor.ts';
import { ValueRow } from '../../../src/recommend/rows.ts';
import { bitsOf, STALE_BITS } from '../../support/xor-encoder.ts';

const BIN = 60;
const GAP = 300;
const WINDOW = { fromSeconds: 600, toSeconds: 6000, stepSeconds: BIN };

interface Sample {
  readonly seconds: number;
  /** `stale` ends the series. */
  readonly value: number | 'stale';
}

/** From before the window on, at times that are whole seconds, a gap now and then. */
const samples: fc.Arbitrary<readonly Sample[]> = fc
  .array(
    fc.record({
      step: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 1, max: 90 }) },
        fc.integer({ min: 1, max: 700 }),
      ),
      value: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: 0, max: 1000 }) },
        fc.constantFrom<Sample['value']>(NaN, Infinity, -1, 'stale'),
      ),
    }),
    { maxLength: 80 },
  )
  .map((steps) => {
    let seconds = 0;
    return steps.map(({ step, value }) => ({ seconds: (seconds += step), value }));
  });

function isCount(sample: Sample): sample is Sample & { readonly value: number } {
  return sample.value !== 'stale' && sample.value >= 0 && sample.value < Infinity;
}

/** Neighbours between which something is known. */
function pairs(series: readonly Sample[]): readonly (readonly [Sample, Sample])[] {
  const found: [Sample, Sample][] = [];
  let before: Sample | undefined;
  for (const sample of series) {
    if (sample.value === 'stale') before = undefined;
    if (!isCount(sample)) continue;
    if (before !== undefined && sample.seconds - before.seconds <= GAP) {
      found.push([before, sample]);
    }
    before = sample;
  }
  return found;
}

/** Feeds the samples in parts, as chunks come. */
function feed(fold: SeriesFold, series: readonly Sample[], partSize: number): void {
  for (let at = 0; at < series.length; at += partSize) {
    const part = series.slice(at, at + partSize);
    const buffer = sampleBuffer(partSize);
    const bits = new BigUint64Array(buffer.values.buffer);
    part.forEach(({ seconds, value }, i) => {
      buffer.times[i] = seconds * 1000;
      bits[i] = value === 'stale' ? STALE_BITS : bitsOf(value);
    });
    fold.take(buffer, part.length);
  }
  fold.end();
}

/** By the ends of the bins, once they are folded. */
class Bins {
  readonly row = new ValueRow(WINDOW, (timeSeconds, value) =>
    this.#values.set(timeSeconds + 1, value),
  );
  readonly #values = new Map<number, number>();

  folded(): ReadonlyMap<number, number> {
    this.row.fold();
    return this.#values;
  }
}

const partSizes = fc.integer({ min: 1, max: 40 });

function* binEnds(): Generator<number> {
  for (let end = WINDOW.fromSeconds + BIN; end <= WINDOW.toSeconds; end += BIN) yield end;
}

describe('raw samples by the minute', () => {
  it('have the mean rate over what each minute shares with pairs of samples', () => {
    fc.assert(
      fc.property(samples, partSizes, (series, partSize) => {
        const bins = new Bins();
        feed(new RateFold(bins.row, BIN), series, partSize);
        const got = bins.folded();
        for (const end of binEnds()) {
          const want = meanRates(series, end - BIN, end);
          const value = got.get(end);
          if (want.length === 0) assert.equal(value, undefined);
          else assert.ok(Math.abs((value ?? NaN) - Math.max(...want)) < 1e-9 * 1000, `${end}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  /** One for each run of samples that shares time with the minute. */
  function meanRates(series: readonly Sample[], begin: number, end: number): readonly number[] {
    const runs: { used: number; covered: number; last: number }[] = [];
    for (const [a, b] of pairs(series)) {
      const shared = Math.min(b.seconds, end) - Math.max(a.seconds, begin);
      if (shared <= 0 || a.value === 'stale' || b.value === 'stale') continue;
      const rise = b.value >= a.value ? b.value - a.value : b.value;
      const used = (rise * shared) / (b.seconds - a.seconds);
      const run = runs.at(-1);
      if (run?.last === a.seconds) {
        run.used += used;
        run.covered += shared;
        run.last = b.seconds;
      } else runs.push({ used, covered: shared, last: b.seconds });
    }
    return runs.map(({ used, covered }) => used / covered);
  }

  it('have the highest sample of each minute, and the next one where a scrape is slow', () => {
    fc.assert(
      fc.property(samples, partSizes, (series, partSize) => {
        const bins = new Bins();
        feed(new PeakFold(bins.row, BIN), series, partSize);
        const got = bins.folded();
        for (const end of binEnds()) {
          const inside = series.filter(
            (sample) => isCount(sample) && sample.seconds > end - BIN && sample.seconds <= end,
          );
          const over = pairs(series).find(([a, b]) => a.seconds <= end - BIN && b.seconds > end);
          const values = [...inside, ...(over === undefined ? [] : [over[1]])];
          const want = values.length === 0 ? undefined : Math.max(...values.map(numberOf));
          assert.equal(got.get(end), want);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('of several series are the higher of each minute', () => {
    const bins = new Bins();
    const [one, other] = [new PeakFold(bins.row, BIN), new PeakFold(bins.row, BIN)];
    feed(one, [{ seconds: 660, value: 5 }], 1);
    const later: readonly Sample[] = [
      { seconds: 650, value: 3 },
      { seconds: 700, value: 7 },
    ];
    feed(other, later, 1);
    assert.deepEqual(
      [...bins.folded()],
      [
        [660, 5],
        [720, 7],
      ],
    );
  });
});

function numberOf({ value }: Sample): number {
  return value === 'stale' ? NaN : value;
}

describe('raw samples by the hour', () => {
  const window = { beforeSeconds: 0, hours: 3 };
  const series = [
    { seconds: 1, value: 100 },
    { seconds: 3600, value: 130 },
    // The first of the second hour, and a counter that began again.
    { seconds: 3601, value: 140 },
    { seconds: 5000, value: NaN },
    { seconds: 6000, value: 4 },
    { seconds: 7200, value: 10 },
    { seconds: 10_801, value: 1000 },
  ];

  it('rise by what lies between the first and the last sample of an hour', () => {
    const hours = new Float64Array(3).fill(NaN);
    feed(new RiseFold(hours, window), series, 2);
    assert.deepEqual([...hours], [30, 10, NaN]);
  });

  it('are as high as the highest sample of an hour', () => {
    const hours = new Float64Array(3).fill(NaN);
    feed(new HighestFold(hours, window), series, 2);
    assert.deepEqual([...hours], [130, 140, NaN]);
  });
});
