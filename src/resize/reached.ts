import { RESOURCES, type Resource } from '../recommend/usage.ts';
import { isOfNewPods, sameOf, type ChangeRecord, type ContainerChange } from './changes.ts';
import { runningSizes, type PodState } from './pod.ts';

/** A resource of a container that a record changes. */
export interface Part {
  readonly change: ContainerChange;
  readonly resource: Resource;
}

function partsOf({ containers }: Pick<ChangeRecord, 'containers'>): readonly Part[] {
  return containers.flatMap((change) =>
    RESOURCES.filter((resource) => !sameOf(resource, change.from, change.to)).map((resource) => ({
      change,
      resource,
    })),
  );
}

/**
 * Whether a pod has what a record found, or set, or what later records made of that. Each resource by itself: what was
 * lowered may have been raised in one since, and not in the other.
 */
export function hasReached(
  pod: PodState,
  record: ChangeRecord,
  which: 'from' | 'to',
  records: readonly ChangeRecord[],
): boolean {
  const later = records.filter((each) => each !== record && isLater(each, record));
  return partsOf(record).every((part) => hasCome(pod, part, which, later));
}

/**
 * What of a record is still as it found it, or set it, in a pod, and was not changed since: nothing of a pod that it did not
 * reach.
 */
export function partsAt(
  pod: PodState,
  record: ChangeRecord,
  which: 'from' | 'to',
  records: readonly ChangeRecord[],
): readonly Part[] {
  if (!hasReached(pod, record, which, records)) return [];
  return partsOf(record).filter((part) => hasCome(pod, part, which, []));
}

/** What may have changed the pod since. A way back is written down after what came between it and the change. */
function isLater(each: ChangeRecord, { lane, atSeconds }: ChangeRecord): boolean {
  const isSince = lane === 'Return' || each.atSeconds >= atSeconds;
  return each.lane !== 'Return' && !isOfNewPods(each) && isSince;
}

/** Whether a resource of a container has what the part says, or what later changes made of that. */
function hasCome(
  { containers }: PodState,
  { change, resource }: Part,
  which: 'from' | 'to',
  later: readonly ChangeRecord[],
): boolean {
  const container = containers.find(({ name }) => name === change.name);
  if (container === undefined) return false;
  const reached = [change[which]];
  for (const { containers: changes } of later.toSorted((a, b) => a.atSeconds - b.atSeconds)) {
    const next = changes.find(({ name }) => name === change.name);
    if (next === undefined || !reached.some((each) => sameOf(resource, each, next.from))) continue;
    reached.push(next.to);
  }
  const running = runningSizes(container);
  return reached.some((each) => sameOf(resource, each, running));
}
