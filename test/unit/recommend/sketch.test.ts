import assert from 'node:assert/strict';
import fc from 'fast-check';
import { quantileRankSorted } from 'simple-statistics';
import {
  LARGEST_CORES,
  RELATIVE_ERROR,
  shareAbove,
  sketchOf,
  SMALLEST_CORES,
  weightedQuantiles,
  type CpuSketch,
} from '../../../src/recommend/sketch.ts';

/** Cores over nine orders of magnitude, with idle samples among them. */
const cores = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, SMALLEST_CORES / 2) },
  {
    weight: 8,
    arbitrary: fc.double({ min: -4, max: 4, noNaN: true }).map((exponent) => 10 ** exponent),
  },
);
const samples = fc.array(cores, { minLength: 1, maxLength: 200 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

function quantile(sketch: CpuSketch, p: number): number {
  const [value] = weightedQuantiles([{ sketch, weight: 1 }], [p]) ?? [];
  assert.ok(value !== undefined);
  return value;
}

/** The least sample at or under which a share p of all lies: R's type 1, by sorting. */
function exactQuantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(p * sorted.length * (1 - 1e-12)));
  return sorted[rank - 1] ?? NaN;
}

function assertWithinError(got: number, exact: number): void {
  if (exact <= SMALLEST_CORES) assert.equal(got, 0);
  else assert.ok(Math.abs(got - exact) <= exact * (RELATIVE_ERROR + 1e-9), `${got}, not ${exact}`);
}

describe('quantiles of a sketch', () => {
  it('are within the relative error of the sorted samples', () => {
    fc.assert(
      fc.property(samples, share, (values, p) => {
        assertWithinError(quantile(sketchOf(values), p), exactQuantile(values, p));
      }),
    );
  });

  it('give at p = 0 the smallest and at p = 1 the largest sample', () => {
    fc.assert(
      fc.property(samples, (values) => {
        assertWithinError(quantile(sketchOf(values), 0), Math.min(...values));
        assertWithinError(quantile(sketchOf(values), 1), Math.max(...values));
      }),
    );
  });

  it('put each sample at its rank among the others', () => {
    const values = Array.from({ length: 1000 }, (_, i) => 0.01 * 1.005 ** i);
    for (const p of [0.1, 0.5, 0.95, 0.99]) {
      const rank = quantileRankSorted(values, quantile(sketchOf(values), p));
      // One bucket holds at most ln(1.0202) / ln(1.005) = 4.01 of the samples.
      assert.ok(Math.abs(rank - p) <= 0.005, `${rank}, not ${p}`);
    }
  });

  it('count a sample as often as it weighs', () => {
    const old = sketchOf([8]);
    const recent = sketchOf([1, 1, 1]);
    const parts = (weight: number) => [
      { sketch: old, weight },
      { sketch: recent, weight: 1 },
    ];
    // 8 weighs 0.1 of 3.1, that is 3.2 %: above the median, and above p95 as well.
    assertWithinError(weightedQuantiles(parts(0.1), [0.95])?.[0] ?? NaN, 1);
    assertWithinError(weightedQuantiles(parts(0.1), [0.97])?.[0] ?? NaN, 8);
    // 8 weighs 6 of 9: below the median.
    assertWithinError(weightedQuantiles(parts(6), [0.5])?.[0] ?? NaN, 8);
    assertWithinError(weightedQuantiles(parts(6), [0.33])?.[0] ?? NaN, 1);
  });

  it('find the largest sample at p = 1, however little it weighs', () => {
    const parts = [
      { sketch: sketchOf([9]), weight: 2 ** -300 },
      { sketch: sketchOf([1]), weight: 1 },
    ];
    assertWithinError(weightedQuantiles(parts, [1])?.[0] ?? NaN, 9);
  });

  it('come back for several shares as for each alone', () => {
    fc.assert(
      fc.property(samples, fc.array(share, { minLength: 2, maxLength: 6 }), (values, shares) => {
        const ascending = [...shares].sort((a, b) => a - b);
        const sketch = sketchOf(values);
        assert.deepEqual(
          weightedQuantiles([{ sketch, weight: 1 }], ascending),
          ascending.map((p) => quantile(sketch, p)),
        );
      }),
    );
  });

  it('are the same for parts as for their union', () => {
    fc.assert(
      fc.property(samples, samples, share, (a, b, p) => {
        const parts = [a, b].map((values) => ({ sketch: sketchOf(values), weight: 1 }));
        const union = { sketch: sketchOf([...a, ...b]), weight: 1 };
        assert.deepEqual(weightedQuantiles(parts, [p]), weightedQuantiles([union], [p]));
      }),
    );
  });

  it('are not defined without a sample that weighs something', () => {
    assert.equal(weightedQuantiles([], [0.5]), undefined);
    assert.equal(weightedQuantiles([{ sketch: sketchOf([]), weight: 1 }], [0.5]), undefined);
    assert.equal(weightedQuantiles([{ sketch: sketchOf([1]), weight: 0 }], [0.5]), undefined);
  });

  it('are zero where all samples are idle', () => {
    assert.deepEqual(
      weightedQuantiles([{ sketch: sketchOf([0, 0]), weight: 1 }], [0, 0.5, 1]),
      [0, 0, 0],
    );
  });
});

describe('a sketch', () => {
  it('does not depend on the order of the samples', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const { sum, ...counts } = sketchOf(values);
        const { sum: otherSum, ...otherCounts } = sketchOf([...values].reverse());
        assert.deepEqual(counts, otherCounts);
        assert.ok(Math.abs(sum - otherSum) <= 1e-9 * sum);
      }),
    );
  });

  it('leaves out what is not a sample', () => {
    assert.deepEqual(sketchOf([NaN, -0.1, Infinity, -Infinity, 0.5]), sketchOf([0.5]));
  });

  it('keeps samples beyond its range in its outermost buckets', () => {
    assertWithinError(quantile(sketchOf([LARGEST_CORES * 50]), 1), LARGEST_CORES);
    assert.equal(sketchOf([SMALLEST_CORES]).idleCount, 1);
    assert.equal(sketchOf([SMALLEST_CORES * 1.001]).idleCount, 0);
  });

  it('counts all samples, and sums them exactly', () => {
    const sketch = sketchOf([0, 0.25, 0.5]);
    assert.equal(sketch.totalCount, 3);
    assert.equal(sketch.sum, 0.75);
  });
});

describe('the share above an amount', () => {
  it('lies between the exact shares above and below it by one bucket', () => {
    const exact = (values: readonly number[], than: number) =>
      values.filter((value) => value > than).length / values.length;
    // A bucket is 2 % wide: (1 + e) / (1 - e) = 1.0202.
    const width = ((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)) * (1 + 1e-9);
    fc.assert(
      fc.property(samples, fc.double({ min: 1e-4, max: 1e4, noNaN: true }), (values, than) => {
        const got = shareAbove(sketchOf(values), than);
        assert.ok(got <= exact(values, than), `${got} is more than are above`);
        assert.ok(got >= exact(values, than * width), `${got} is less than are clearly above`);
      }),
    );
  });

  it('counts idle samples as not above', () => {
    assert.equal(shareAbove(sketchOf([0, 0, 0, 1]), 0), 0.25);
    assert.equal(shareAbove(sketchOf([0, 0, 0, 1]), 0.5), 0.25);
    assert.equal(shareAbove(sketchOf([0, 0, 0, 1]), 2), 0);
  });

  it('is 0 of nothing', () => {
    assert.equal(shareAbove(sketchOf([]), 1), 0);
  });
});
