import { jointRange, type LimitRangeItem } from '../recommend/draft.ts';
import { roundReadable } from '../recommend/rounding.ts';
import type { Amounts, Resource, Sizes } from '../recommend/usage.ts';
import { changesThatSet, type ChangeRecord } from './changes.ts';
import { pairOf, type Pair } from './pair.ts';
import { runningSizes, type ContainerState, type PodState } from './pod.ts';
import { FLOAT_ERROR } from './room.ts';
import { roundedDown } from './step.ts';

/** What bounds a pod from outside of its policy, apart from quotas. */
export interface Outside {
  readonly limitRanges: readonly LimitRangeItem[];
  /** The most that one node can give to pods which takes them, by resource; undefined where nodes are not known. */
  readonly largestNode: Amounts | undefined;
}

export const NOTHING_OUTSIDE: Outside = { limitRanges: [], largestNode: undefined };

/** Where an amount ends, in cores or bytes. */
export interface Ceiling {
  readonly amount: number;
  /** What makes it so, as the end of a sentence. */
  readonly says: string;
}

export interface CeilingInput {
  readonly container: ContainerState;
  readonly pod: PodState;
  readonly records: readonly ChangeRecord[];
  readonly nowSeconds: number;
  readonly outside: Outside;
  /** What the other containers of the pod come to, init containers that end left out. */
  readonly others: Sizes;
  /** How far back a rescue belongs to the same need. */
  readonly needSeconds: number;
}

/**
 * Two doublings are more than a load that was never seen should need before the recommendation, which has no such
 * ceiling, has taken it in within the hour; what runs away meanwhile costs its neighbours no more than that.
 */
const NEED_FACTOR = 4;

/**
 * The lowest of what ends a rescue's own estimate: `max` of bounds and guardrails, or, where there is none, a factor on
 * what the container had when it came into need; and what the largest node has. None: Infinity.
 */
export function rescueCeiling(
  field: keyof Pair,
  resource: Resource,
  { max, input }: { readonly max: number | undefined; readonly input: CeilingInput },
): Ceiling {
  const before = pairOf(sizesBeforeNeed(input, resource), resource)[field];
  const node = input.outside.largestNode?.[resource];
  const taken = field === 'request' ? (input.others.requests[resource] ?? 0) : 0;
  return lowest(
    max === undefined
      ? { amount: (before ?? Infinity) * NEED_FACTOR, says: 'four times what it had before' }
      : { amount: max, says: 'the most that its bounds allow' },
    { amount: leftOf(resource, node, taken), says: 'what the largest node has for it' },
  );
}

/** What it had before the first rescue of those that follow one another. */
function sizesBeforeNeed(input: CeilingInput, resource: Resource): Sizes {
  const { container, records, nowSeconds, needSeconds } = input;
  const rescues = changesThatSet(container, resource, records).filter(
    ({ lane, atSeconds }) => lane === 'Rescue' && nowSeconds - atSeconds < needSeconds,
  );
  return rescues.at(-1)?.from ?? runningSizes(container);
}

/** What is written is kept exactly; what is left of a sum is readable. */
function leftOf(resource: Resource, sum: number | undefined, taken: number): number {
  return sum === undefined ? Infinity : roundedDown(resource, { from: 0, to: sum - taken });
}

function lowest(first: Ceiling, ...others: readonly Ceiling[]): Ceiling {
  return others.reduce((least, each) => (each.amount < least.amount ? each : least), first);
}

export interface Admitted {
  readonly pair: Pair;
  /** What cut it short. */
  readonly ceiling: Ceiling | undefined;
}

/**
 * As much of a pair as the LimitRanges of the namespace admit: of this container, and of the pod with what the others
 * come to. Nothing goes below what runs. For the sake of a ratio the request goes up before the limit comes down;
 * `max` bounds that.
 */
export function admitted(
  wanted: Pair,
  resource: Resource,
  { max, isRescue, input }: { max: number; isRescue: boolean; input: CeilingInput },
): Admitted {
  const range = jointRange(input.outside.limitRanges, 'Container', resource);
  const running = pairOf(runningSizes(input.container), resource);
  const ceilings = { request: ceilingOf('request'), limit: ceilingOf('limit') };
  const isEqual = input.pod.qos === 'Guaranteed';
  const both = lowest(ceilings.request, ceilings.limit);
  const cut = (field: keyof Pair) => {
    const { amount } = isEqual ? both : ceilings[field];
    // A limit that is new ends no lower than the request that runs.
    return cutTo(wanted[field], Math.max(running[field] ?? 0, running.request ?? 0, amount));
  };
  const limit = cut('limit');
  const request = cut('request');
  // One that was raised beside its limit ends with it.
  const pair = { request: request && Math.min(request, limit ?? Infinity), limit };
  const isCut = (field: keyof Pair) => pair[field] !== wanted[field];
  const field = (['limit', 'request'] as const).find(isCut);
  const ceiling = field && (isEqual ? both : ceilings[field]);
  if (!isRescue || isEqual || range.ratio === undefined) return { pair, ceiling };
  const most = Math.min(max, ceilings.request.amount);
  const ratio = { resource, running, most, ratio: range.ratio };
  const even = withinRatio(pair, ratio);
  return { pair: even.pair, ceiling: even.ceiling ?? ceiling };

  function ceilingOf(of: keyof Pair): Ceiling {
    const ofPod = jointRange(input.outside.limitRanges, 'Pod', resource).max;
    const others = pairOf(input.others, resource)[of] ?? 0;
    return lowest(
      { amount: range.max ?? Infinity, says: 'the max of a LimitRange' },
      {
        amount: leftOf(resource, ofPod, others),
        says: 'what the max of a LimitRange for pods leaves it',
      },
    );
  }
}

/** A limit that is never reached is none, and is no higher than anything. */
function cutTo(value: number | undefined, most: number): number | undefined {
  if (value === undefined || value === Infinity || value <= most * FLOAT_ERROR) return value;
  return most;
}

interface RatioInput {
  readonly resource: Resource;
  readonly running: Pair;
  readonly most: number;
  readonly ratio: number;
}

function withinRatio(
  { request, limit }: Pair,
  { resource, running, most, ratio }: RatioInput,
): Admitted {
  const isWithin = (of: number, up: number) => up <= of * ratio * FLOAT_ERROR;
  const pair = { request, limit };
  if (request === undefined || limit === undefined || isWithin(request, limit)) {
    return { pair, ceiling: undefined };
  }
  const least = Math.min(limit, roundReadable(resource, limit / ratio));
  const raised = Math.max(request, Math.min(least, most));
  if (isWithin(raised, limit)) return { pair: { request: raised, limit }, ceiling: undefined };
  const to = roundedDown(resource, { from: running.limit ?? 0, to: raised * ratio });
  const says = 'as far as the ratio of a LimitRange lets a limit be from its request';
  return { pair: { request: raised, limit: to }, ceiling: { amount: to, says } };
}
