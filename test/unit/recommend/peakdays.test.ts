import assert from 'node:assert/strict';
import { PeakMargin, Peaks, PeakSize } from '../../../src/recommend/peaks.ts';

const START = 1_600_000_000 - (1_600_000_000 % 86_400);
const DAY = 86_400;
const HOUR = 3600;
const GIB = 2 ** 30;
const MIB = 2 ** 20;
const FLOOR = 16 * MIB;

function observed(dailyPeaks: readonly number[]): Peaks {
  const peaks = new Peaks();
  for (const [i, bytes] of dailyPeaks.entries()) {
    peaks.observe({ startSeconds: START + i * DAY, memory: Float64Array.of(bytes) });
  }
  return peaks;
}

/** How far the last of these days lay over those before it, which is known once a day follows. */
function excessOfLast(dailyPeaks: readonly number[]): number | undefined {
  const memory = Float64Array.of(GIB);
  return observed(dailyPeaks).observe({ startSeconds: START + dailyPeaks.length * DAY, memory });
}

function repeated(bytes: number, days: number): number[] {
  return Array.from({ length: days }, () => bytes);
}

function near(got: number | undefined, want: number): void {
  assert.ok(Math.abs((got ?? NaN) - want) < 1e-9 * Math.max(1, Math.abs(want)), `${got} ${want}`);
}

describe('the peak of an hour', () => {
  it('is the highest of its samples, wherever some are missing', () => {
    const peaks = new Peaks();
    const memory = Float64Array.of(NaN, 2 * GIB, NaN, 3 * GIB, GIB, NaN);
    peaks.observe({ startSeconds: START, memory });
    assert.equal(peaks.highest, 3 * GIB);
  });

  it('is not lowered by a later hour of the day', () => {
    const peaks = new Peaks();
    peaks.observe({ startSeconds: START, memory: Float64Array.of(3 * GIB) });
    peaks.observe({ startSeconds: START + HOUR, memory: Float64Array.of(GIB) });
    assert.equal(peaks.highest, 3 * GIB);
  });

  it('is none, and the hour not fresh, without a sample', () => {
    const peaks = new Peaks();
    peaks.observe({ startSeconds: START, memory: Float64Array.of(NaN, NaN) });
    peaks.observe({ startSeconds: START, memory: new Float64Array() });
    assert.equal(peaks.highest, undefined);
    peaks.observe({ startSeconds: START, memory: Float64Array.of(GIB) });
    const end = START + HOUR;
    assert.equal(peaks.isFresh(end), true);
    peaks.observe({ startSeconds: START + 2 * DAY, memory: Float64Array.of(NaN) });
    assert.equal(peaks.isFresh(START + 2 * DAY + HOUR), false);
  });

  it('takes few bytes to remember for 14 days', () => {
    const { bytes } = new Peaks();
    assert.ok(bytes >= 14 * 8 && bytes <= 180, String(bytes));
  });
});

describe('the margin of a container', () => {
  const margin = (dailyPeaks: readonly number[], excess: number) =>
    observed(dailyPeaks).marginOf(excess);

  it('counts peaks as differing most while there are fewer than three days', () => {
    // 0.1 + 0.5 is the most; the last day is not over yet.
    near(margin(repeated(GIB, 3), 2), Math.exp(2 * 0.6));
    near(margin(repeated(GIB, 4), 2), Math.max(Math.exp(2 * 0.1), margin([GIB], 0)));
  });

  it('grows with the deviation of daily peaks', () => {
    // Of 0, 0.2, 0, 0.2, 0, 0.2 the mean is 0.1, the sum of squares 6 x 0.01: deviation sqrt(0.06 / 5).
    const days = [0, 0.2, 0, 0.2, 0, 0.2, 0].map((log) => GIB * Math.exp(log));
    // Eight times it, as seven samples ask for more than a small margin by themselves.
    near(margin(days, 8), Math.exp(8 * (0.1 + Math.sqrt(0.06 / 5))));
  });

  it('grows no further from a deviation of a half on', () => {
    const days = [0, 3, 0, 3, 0, 3, 0].map((log) => GIB * Math.exp(log));
    near(margin(days, 2), Math.exp(2 * 0.6));
  });
});

describe('how far a day lay over those before it', () => {
  it('is below 0 for a day under their peak', () => {
    near(excessOfLast([...repeated(GIB, 7), GIB / 2]), -Math.log(2) / 0.1);
  });

  it('is told of a small day among large ones, and of a large one among small ones', () => {
    near(excessOfLast([...repeated(GIB, 7), MIB]), Math.log(MIB / GIB) / 0.1);
    near(excessOfLast([...repeated(MIB, 7), 2 * FLOOR]), Math.log(2) / 0.1);
    near(excessOfLast([...repeated(FLOOR, 7), MIB]), Math.log(MIB / FLOOR) / 0.1);
    near(excessOfLast([...repeated(MIB, 7), FLOOR]), 0);
  });
});

describe('a memory size in force', () => {
  /** Sized on a peak that has left the window by day 15, at an hour of that day. */
  function afterThePeak(atHour: number, fedUntilHour: number): number {
    const peaks = observed([4 * GIB, ...repeated(GIB, 13)]);
    const size = new PeakSize();
    size.decide(peaks, START + 13 * DAY + HOUR, 1);
    for (let hour = 24; hour < fedUntilHour; hour++) {
      const startSeconds = START + 13 * DAY + hour * HOUR;
      peaks.observe({ startSeconds, memory: Float64Array.of(GIB) });
    }
    size.decide(peaks, START + 13 * DAY + atHour * HOUR, 1);
    return size.amount ?? NaN;
  }

  it('is lowered by the first decision of a day', () => {
    assert.ok(afterThePeak(49, 49) < 1.5 * GIB);
  });

  it('is not lowered on what has become old', () => {
    assert.ok(afterThePeak(100, 49) > 4 * GIB);
  });

  it('is lowered once a day at most', () => {
    const peaks = observed(repeated(GIB, 10));
    const size = new PeakSize();
    const now = START + 9 * DAY + HOUR;
    const high = size.decide(peaks, now, 20)?.amount ?? NaN;
    assert.equal(size.decide(peaks, now + HOUR, 0)?.amount, high);
    peaks.observe({ startSeconds: START + 10 * DAY, memory: Float64Array.of(GIB) });
    const next = size.decide(peaks, START + 10 * DAY + HOUR, 0)?.amount ?? NaN;
    assert.ok(next < high);
  });
});

describe('the margin of a fleet', () => {
  const excess = (risk: number, days: readonly number[] = []): number => {
    const margin = new PeakMargin(risk);
    for (const day of days) margin.add(day);
    return margin.excess();
  };

  it('is the prior of the risk, in proportion between two of them', () => {
    assert.equal(excess(0.5), 0);
    assert.equal(excess(0.9), 0);
    near(excess(0.05), 0.25);
    // Half of the way from 5 to 2 % by the logarithm.
    near(excess(Math.sqrt(0.05 * 0.02)), 0.5);
    near(excess(0.001), 3.3);
    near(excess(0.0001), 3.3);
  });

  it('is its own from a hundred container-days on', () => {
    const days = Array.from({ length: 100 }, (_, i) => i / 100);
    assert.equal(excess(0.05, days.slice(1)), 0.25);
    // 0.95 x 10 % x 101 - 1 = 8.6: eight may be over it, so it is the ninth from above.
    assert.equal(excess(0.1, days), 0.91);
  });

  it('is the highest seen, or the prior, where no day may be over it', () => {
    const days = [...repeated(0, 199), 9];
    // 0.95 x 0.1 % x 201 - 1 is below 0.
    assert.equal(excess(0.001, days), 9);
    assert.equal(excess(0.001, repeated(0, 200)), 3.3);
    assert.equal(excess(0.001, repeated(-1, 200)), 3.3);
  });
});
