/** Tails of the quantiles that are kept at hand, from the widest to the maximum. */
export const STEADY_TAILS: readonly number[] = [
  0.2, 0.1, 0.07, 0.05, 0.03, 0.02, 0.015, 0.01, 0.005, 0.002, 0,
];
/** Tracking: a ratio is bounded by less than use itself, so that its maximum says little. */
export const TRACKING_TAILS: readonly number[] = [
  0.2, 0.1, 0.07, 0.05, 0.03, 0.02, 0.015, 0.01, 0.005, 0.002, 0.0005,
];

/** Where the maximum stands on the scale. */
const MAXIMUM_TAIL = 0.0005;

/**
 * The value at a tail, from logarithms of values at `tails`; in proportion between two of them, on the scale of the
 * logarithm of the tail. Values that fall towards stricter tails count as level: less risk never asks for less.
 */
export function logAtTail(tail: number, tails: readonly number[], logs: Float64Array): number {
  let below = -Infinity;
  let belowTail = 1;
  for (let i = 0; i < tails.length; i++) {
    const at = Math.max(tails[i] ?? 0, MAXIMUM_TAIL);
    const log = Math.max(below, logs[i] ?? -Infinity);
    if (at <= tail) {
      if (at === tail || i === 0 || below === -Infinity) return log;
      const way = Math.log(belowTail / tail) / Math.log(belowTail / at);
      return below + way * (log - below);
    }
    below = log;
    belowTail = at;
  }
  return below;
}
