import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecayedHistogram, SHORTENING } from '../../../src/recommend/histogram.ts';

const BUCKET = 1.02;

function histogramOf(values: readonly number[]): DecayedHistogram {
  const histogram = new DecayedHistogram(72);
  for (const value of values) histogram.addLog(Math.log(value));
  return histogram;
}

function quantiles(histogram: DecayedHistogram, tails: readonly number[], least = 0): number[] {
  const logs = new Float64Array(tails.length);
  assert.ok(histogram.logQuantiles(tails, least, logs));
  return [...logs].map(Math.exp);
}

describe('a decayed histogram', () => {
  it('gives each quantile within a bucket of the exact one', () => {
    const values = Array.from({ length: 1000 }, (_, i) => 1.005 ** i);
    const tails = [0.2, 0.1, 0.02, 0.01, 0.001];
    const got = quantiles(histogramOf(values), tails);
    for (const [i, tail] of tails.entries()) {
      const exact = 1.005 ** (1000 * (1 - tail));
      const ratio = (got[i] ?? 0) / exact;
      assert.ok(ratio < BUCKET && ratio > 1 / BUCKET, `${tail}: ${ratio}`);
    }
  });

  it('counts a sample half after a half-life', () => {
    const histogram = new DecayedHistogram(3);
    histogram.addLog(Math.log(10));
    for (let hour = 0; hour < 3; hour++) histogram.age();
    assert.ok(Math.abs(histogram.total - 0.5) < 1e-12);
    // 0.5 of the weight at 10 and 1 at 1: a third lies above anything between.
    histogram.addLog(Math.log(1));
    const [under, over] = quantiles(histogram, [0.34, 0.32]);
    assert.ok((under ?? 0) < 1.03 && (over ?? 0) > 9.8);
  });

  it('has the same quantiles when it is shortened, also where a share is met exactly', () => {
    const tails = [0.2, 0.1, 0.05, 0.02, 0];
    const shares = fc.constantFrom(...tails, 0.03);
    const amounts = fc.tuple(
      fc.double({ min: 0.1, max: 1, noNaN: true }),
      fc.integer({ min: 2, max: 50 }),
    );
    fc.assert(
      fc.property(
        shares,
        amounts,
        fc.integer({ min: 1, max: 400 }),
        (share, [low, ratio], hours) => {
          const histogram = new DecayedHistogram(72, SHORTENING);
          for (let hour = 0; hour < hours; hour++) {
            histogram.age();
            histogram.addLog(Math.log(low), 100 - 100 * share);
            if (share > 0) histogram.addLog(Math.log(low * ratio), 100 * share);
          }
          const [before, total] = [quantiles(histogram, tails), histogram.total];
          histogram.shorten();
          const after = quantiles(histogram, tails);
          assert.equal(histogram.total, total);
          for (const [i, tail] of tails.entries()) {
            const off = (after[i] ?? NaN) / (before[i] ?? NaN) - 1;
            assert.ok(Math.abs(off) < 1e-4, `${tail}: ${off}`);
          }
        },
      ),
    );
  });

  it('forgets nothing by being shortened that still weighs enough', () => {
    const histogram = new DecayedHistogram(1, SHORTENING);
    histogram.addLog(Math.log(4));
    for (let hour = 0; hour < 330; hour++) {
      histogram.age();
      histogram.addLog(Math.log(1));
      if (hour % 24 === 0) histogram.shorten();
    }
    const [got = NaN] = quantiles(histogram, [0], 2 ** -336);
    assert.ok(got > 4 / BUCKET && got < 4 * BUCKET, String(got));
  });

  it('stays within a bucket that weighs less than what counts as rounding', () => {
    const histogram = new DecayedHistogram(72, SHORTENING);
    const over = 0.02 * (1 - 3.1e-5);
    histogram.addLog(Math.log(10), over);
    histogram.addLog(Math.log(5), 1.5e-8);
    histogram.addLog(Math.log(1), 1 - over - 1.5e-8);
    const [got = NaN] = quantiles(histogram, [0.02]);
    assert.ok(got > 5 / BUCKET && got < 5 * BUCKET, String(got));
  });

  it('keeps its quantiles over years without a sample', () => {
    const histogram = histogramOf([1, 2, 3]);
    const before = quantiles(histogram, [0.4]);
    for (let hour = 0; hour < 50_000; hour++) histogram.age();
    assert.deepEqual(
      quantiles(histogram, [0.4]).map((value) => value.toFixed(9)),
      before.map((value) => value.toFixed(9)),
    );
  });

  it('forgets a maximum that weighs less than asked', () => {
    const histogram = new DecayedHistogram(72);
    histogram.addLog(Math.log(100));
    for (let hour = 0; hour < 15 * 24; hour++) {
      histogram.age();
      histogram.addLog(0);
    }
    assert.ok((quantiles(histogram, [0], 2 ** (-14 / 3))[0] ?? 0) < 1.03);
    assert.ok((quantiles(histogram, [0], 0)[0] ?? 0) > 98);
  });

  it('says that it has no sample', () => {
    assert.equal(new DecayedHistogram(72).logQuantiles([0.1], 0, new Float64Array(1)), false);
  });

  it('gives nothing for zeros', () => {
    const histogram = new DecayedHistogram(72);
    histogram.addLog(-Infinity);
    assert.deepEqual(quantiles(histogram, [0.1, 0]), [0, 0]);
  });

  it('rises with the share that it is asked for, blind to the order of samples', () => {
    const samples = fc.array(fc.double({ min: 1e-4, max: 1e4, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(samples, (values) => {
        const tails = [0.5, 0.2, 0.05, 0.01, 0];
        const got = quantiles(histogramOf(values), tails);
        assert.deepEqual(
          got,
          got.toSorted((a, b) => a - b),
        );
        assert.deepEqual(quantiles(histogramOf(values.toReversed()), tails), got);
      }),
    );
  });
});
