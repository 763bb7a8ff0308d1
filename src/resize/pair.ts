import type { Resource, Sizes } from '../recommend/usage.ts';

/** Request and limit of one resource, in cores or bytes. */
export interface Pair {
  readonly request: number | undefined;
  readonly limit: number | undefined;
}

export function pairOf({ requests, limits }: Sizes, resource: Resource): Pair {
  return { request: requests[resource], limit: limits[resource] };
}

/** An amount that is not there stays away. */
export function atLeast(
  value: number | undefined,
  ...others: readonly (number | undefined)[]
): number | undefined {
  return value === undefined ? undefined : Math.max(value, ...others.map((each) => each ?? 0));
}
