import { probit } from 'simple-statistics';
import { chanceOfAtLeast, type Interval } from './chance.ts';
import type { Realised } from './realised.ts';
import type { Resource } from './usage.ts';

/** A risk and what its own replay realised; undefined where nothing could be judged. */
export interface ReplayedRisk {
  /** 0 to 1. */
  readonly risk: number;
  readonly realised: Realised | undefined;
}

/** What a container's own history says of the promise. */
export interface Supported {
  /** The strictest risk, no stricter than the promise, that its own replay does not refute; undefined if all are. */
  readonly risk: number | undefined;
  /** The promise itself is not refuted. */
  readonly isAttainable: boolean;
}

/** Fewer judged days refute nothing. */
const LEAST_DAYS = 7;

/** A replay that is worse than its risk refutes it when chance alone would do that more seldom. */
const REFUTED_BELOW = 0.05;

/**
 * Whether the promise can be kept, and if not, what could be. `levels` may have any risks in any order; those stricter
 * than the promise are not looked at, since few days cannot show that a stricter one would be kept. Undefined with
 * fewer than 7 judged days of the promise.
 *
 * Memory: days are trials, refuted when as many hits or more have a chance under 5 % at the stated risk. CPU: samples
 * of a day go together, so whole days are compared: refuted when the one-sided 95 % bound by Student's t of the days'
 * shares lies above the risk. One bad day spreads the days as well, and so refutes nothing by itself.
 */
export function strictestSupported(
  resource: Resource,
  promised: ReplayedRisk,
  levels: readonly ReplayedRisk[],
): Supported | undefined {
  if (promised.realised === undefined || promised.realised.days < LEAST_DAYS) return undefined;
  if (!isRefuted(resource, promised)) return { risk: promised.risk, isAttainable: true };
  const supported = levels
    .filter(({ risk, realised }) => risk > promised.risk && realised !== undefined)
    .filter((level) => !isRefuted(resource, level))
    .map(({ risk }) => risk);
  return {
    risk: supported.length === 0 ? undefined : Math.min(...supported),
    isAttainable: false,
  };
}

function isRefuted(resource: Resource, { risk, realised }: ReplayedRisk): boolean {
  if (realised === undefined) return false;
  const { days, daysHit, share } = realised;
  if (resource === 'memory') return chanceOfAtLeast(daysHit, days, risk) < REFUTED_BELOW;
  return share > risk && share - marginOfShare(realised, 1 - REFUTED_BELOW) > risk;
}

/**
 * CPU: the two-sided interval of the share of time at `level`, by Student's t of the days' shares, cut off at 0 and 1.
 * Days are taken as independent of each other, which makes it approximate. Undefined with fewer than 7 days.
 */
export function shareInterval(realised: Realised, level: number): Interval | undefined {
  const { days, share } = realised;
  if (days < LEAST_DAYS) return undefined;
  const margin = marginOfShare(realised, (1 + level) / 2);
  return { low: Math.max(0, share - margin), high: Math.min(1, share + margin) };
}

/** By how much the mean of the days may be off, one-sided; `dayDeviation` is that of the days themselves. */
function marginOfShare({ days, dayDeviation }: Realised, confidence: number): number {
  return (studentT(confidence, days - 1) * dayDeviation) / Math.sqrt(days - 1);
}

/**
 * Quantile of Student's t by Fisher's expansion, Abramowitz and Stegun 26.7.5, with three terms. Off by less than
 * 0.01 from 6 degrees of freedom on, up to 97.5 %.
 */
function studentT(confidence: number, freedom: number): number {
  const z = probit(confidence);
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}
