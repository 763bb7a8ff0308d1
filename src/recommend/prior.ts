/**
 * Points of (confidence, share of the risk that may be planned for), measured by replaying a controlled budget on
 * 252 real series; the same for every risk. At 0.95 the share also keeps 85 % of the weeks of all series. Beyond the
 * outer points the nearest holds.
 */
const CONFIDENCE_SCALE: readonly (readonly [confidence: number, scale: number])[] = [
  [0.5, 2],
  [0.9, 1.2],
  [0.95, 0.7],
  [0.98, 0.6],
  [0.99, 0.5],
];

/** Share of the risk that may be planned for, so that the share `confidence` of containers keeps it. */
export function confidenceScale(confidence: number): number {
  let [below] = CONFIDENCE_SCALE;
  for (const above of CONFIDENCE_SCALE) {
    if (confidence <= above[0]) {
      const from = below ?? above;
      const span = above[0] - from[0];
      const way = span === 0 ? 0 : Math.max(0, (confidence - from[0]) / span);
      return from[1] + way * (above[1] - from[1]);
    }
    below = above;
  }
  return below?.[1] ?? 1;
}
