import { firstAtLeast } from './ascending.ts';
import type { Samples } from './window.ts';

/** A hair less than asked, so that the rounding error of a sum never asks for more than there is. */
const HAIR = 1 - 1e-12;

/**
 * The linear quantile of the first `count` of ascending values, as Prometheus' quantile_over_time gives it.
 * NaN when count is 0.
 */
export function linearQuantile(values: Float64Array, count: number, percentile: number): number {
  if (count === 0) return NaN;
  const rank = percentile * (count - 1);
  // Just under a whole rank is that rank: 0.95 of 20 steps is 19, whatever its last bit.
  const low = Math.floor(rank + 1e-9);
  const share = Math.min(1, Math.max(0, rank - low));
  const below = values[low] ?? NaN;
  if (share === 0) return below;
  const above = values[Math.min(low + 1, count - 1)] ?? NaN;
  return below + share * (above - below);
}

/** The linear quantile for each percentile; undefined without a sample. */
export function linearQuantiles(
  { count, values }: Samples,
  percentiles: readonly number[],
): Float64Array | undefined {
  if (count === 0) return undefined;
  return Float64Array.from(percentiles, (percentile) => linearQuantile(values, count, percentile));
}

/**
 * For each percentile (0 to 1) the smallest of the first `count` of ascending values whose share of the weight reaches it.
 * `cumulative` is the running sum of their weights. There must be a sample.
 */
export function weightedQuantiles(
  { count, values }: Pick<Samples, 'count' | 'values'>,
  cumulative: Float64Array,
  percentiles: readonly number[],
): Float64Array {
  const total = cumulative[count - 1] ?? NaN;
  return Float64Array.from(percentiles, (percentile) => {
    const rank = firstAtLeast(cumulative, count, percentile * total * HAIR);
    return values[Math.min(rank, count - 1)] ?? NaN;
  });
}
