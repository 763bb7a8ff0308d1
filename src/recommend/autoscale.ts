import type { Resource } from './usage.ts';

/** What an autoscaler aims at: a share of the requests of one container, or of all of the pod where it names none. */
export interface UtilizationMetric {
  readonly resource: Resource;
  readonly container: string | undefined;
  /** 0 to 1 and above. */
  readonly utilization: number;
}

/** Requests of the metric's resource, in cores or bytes. */
export interface AutoscaledContainer {
  readonly name: string;
  readonly current: number | undefined;
  /** What would be recommended if no autoscaler owned it. */
  readonly recommended: number | undefined;
}

/** Either of both keeps the point at which the autoscaler acts. */
export interface EquivalentTarget {
  /** Share of the recommended requests. */
  readonly utilization: number;
  /** Per pod, in cores or bytes. */
  readonly averageValue: number;
}

/**
 * The target that makes an autoscaler act at the same use once the recommended requests are applied. The sums are over
 * all containers that the metric is about, as the autoscaler itself counts. Undefined where one of them has no request,
 * now or recommended, or they come to nothing.
 */
export function equivalentTarget(
  { container, utilization }: UtilizationMetric,
  containers: readonly AutoscaledContainer[],
): EquivalentTarget | undefined {
  const counted = containers.filter(({ name }) => container === undefined || name === container);
  const current = sumOf(counted.map((each) => each.current));
  const recommended = sumOf(counted.map((each) => each.recommended));
  if (current === undefined || recommended === undefined) return undefined;
  const averageValue = utilization * current;
  return { utilization: averageValue / recommended, averageValue };
}

/** Undefined where one is missing, or all together are zero. */
function sumOf(amounts: readonly (number | undefined)[]): number | undefined {
  const known = amounts.filter((amount) => amount !== undefined);
  const sum = known.reduce((total, amount) => total + amount, 0);
  return known.length === amounts.length && sum > 0 ? sum : undefined;
}
