import type { Resource } from './usage.ts';

/** One point of a prior: what a risk asks for on containers that nothing else is known of. */
export interface PriorLevel {
  readonly risk: number;
  /** Which quantile of use the margin is put on, 0 to 1. Memory: 1, the maximum. */
  readonly quantile: number;
  readonly margin: number;
}

/**
 * Shipped priors, from the loosest risk to the strictest.
 * CPU at 5, 2 and 1 %: kept as fixed rules by 90 % of 339 real series. Memory at 5, 1 and 0.3 %: margins on the
 * maximum. The outer points continue these and were not measured. The risk budget of the next estimator replaces them.
 */
export const PRIORS: Readonly<Record<Resource, readonly PriorLevel[]>> = {
  cpu: [
    { risk: 0.5, quantile: 0.5, margin: 1.12 },
    { risk: 0.1, quantile: 0.9, margin: 1.15 },
    { risk: 0.05, quantile: 0.95, margin: 1.12 },
    { risk: 0.02, quantile: 0.98, margin: 1.18 },
    { risk: 0.01, quantile: 0.995, margin: 1.1 },
    { risk: 0.005, quantile: 0.998, margin: 1.1 },
    { risk: 0.001, quantile: 1, margin: 1.1 },
  ],
  memory: [
    { risk: 0.5, quantile: 1, margin: 1 },
    { risk: 0.05, quantile: 1, margin: 1.05 },
    { risk: 0.01, quantile: 1, margin: 1.1 },
    { risk: 0.003, quantile: 1, margin: 1.2 },
    { risk: 0.0005, quantile: 1, margin: 1.3 },
  ],
};

/** The confidence that the CPU priors were measured at. */
const PRIOR_CONFIDENCE = 0.9;

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

/** The risk at which the prior is looked up, so that the share `confidence` of containers keeps `risk`. */
export function plannedRisk(risk: number, confidence: number): number {
  return risk * (confidenceScale(confidence) / confidenceScale(PRIOR_CONFIDENCE));
}

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

/** The two levels that a risk lies between, and how far from the looser to the stricter one, 0 to 1. */
export interface PriorPosition {
  readonly looser: PriorLevel;
  readonly stricter: PriorLevel;
  readonly way: number;
}

/**
 * Where a risk lies, on a logarithmic scale of risk. A risk that is a level lies between that level and itself; beyond
 * the outer levels the outermost holds.
 */
export function priorPosition(resource: Resource, risk: number): PriorPosition {
  const levels = PRIORS[resource];
  const strictestAt = levels.findIndex((level) => level.risk <= risk);
  const stricter = strictestAt === -1 ? levels.at(-1) : levels[strictestAt];
  if (stricter === undefined) throw new Error(`no prior for ${resource}`);
  const looser = levels[strictestAt - 1];
  if (looser === undefined || stricter.risk === risk) return { looser: stricter, stricter, way: 1 };
  const way = Math.log(looser.risk / risk) / Math.log(looser.risk / stricter.risk);
  return { looser, stricter, way };
}
