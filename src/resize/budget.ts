import { isOfNewPods, type ChangeRecord } from './changes.ts';
import { isUnderWay, type PodState } from './pod.ts';

/** `maxPodsAtOnce`: a number of pods, or a share of the replicas from 0 to 1. */
export type PodLimit = { readonly count: number } | { readonly share: number };

/** How many of so many pods may be changed at the same time, rounded down; one at least. */
export function podsAtOnce(limit: PodLimit, pods: number): number {
  // 0.07 * 100 is 7.000000000000001, 0.29 * 100 is 28.999999999999996.
  const most =
    'count' in limit ? limit.count : Math.floor(Number((limit.share * pods).toPrecision(12)));
  return Math.max(1, most);
}

export interface PodBudget {
  readonly limit: PodLimit;
  /** A resize that is deferred for longer waits for room that others may make: it counts no more. */
  readonly patienceSeconds: number;
  /** How long a change is watched. */
  readonly observeSeconds: number;
}

/**
 * How many more pods may be changed now. Pods count while a resize of them is under way, and those whose savings are
 * watched: savings go batch by batch, each seen to do no harm before the next.
 */
export function freePods(
  { limit, patienceSeconds, observeSeconds }: PodBudget,
  pods: readonly PodState[],
  records: readonly ChangeRecord[],
  nowSeconds: number,
): number {
  const underWay = pods.filter(
    (pod) =>
      !pod.isTerminating && isUnderWay(pod) && !isPatienceOver(pod, patienceSeconds, nowSeconds),
  );
  const watched = records.filter(
    ({ lane, outcome, atSeconds }) =>
      lane === 'Savings' && outcome === 'Watching' && nowSeconds < atSeconds + observeSeconds,
  );
  const busy = watched.reduce((sum, record) => sum + record.pods, underWay.length);
  return Math.max(0, podsAtOnce(limit, pods.length) - busy);
}

/** The resize has been deferred for longer than is waited for. */
export function isPatienceOver(
  { resize }: PodState,
  patienceSeconds: number,
  nowSeconds: number,
): boolean {
  return resize.state === 'Deferred' && nowSeconds - resize.sinceSeconds >= patienceSeconds;
}

const HOUR_SECONDS = 3600;

/**
 * How many more pods may be changed in the cluster within this hour, apart from rescue. A record from the future counts:
 * a clock that stepped back must not open the budget. Pods that were made by others do not.
 */
export function freeFleet(
  records: readonly ChangeRecord[],
  maxPodsPerHour: number,
  nowSeconds: number,
): number {
  const spent = records
    .filter((record) => !isOfNewPods(record))
    .filter(({ lane }) => lane === 'Raise' || lane === 'Savings')
    .filter(({ atSeconds }) => nowSeconds - atSeconds < HOUR_SECONDS)
    .reduce((sum, { pods }) => sum + pods, 0);
  return Math.max(0, maxPodsPerHour - spent);
}
