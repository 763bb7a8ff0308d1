import { RESOURCES, type Resource, type Sizes } from '../recommend/usage.ts';
import { runningSizes, sameSizes, type ContainerState } from './pod.ts';

/**
 * Rescue: a raise after a signal of distress. Raise: one that a promise asks for. Savings: what lowers or adds a limit.
 * Return: back to values that were good before.
 */
export const LANES = ['Rescue', 'Return', 'Raise', 'Savings'] as const;
export type Lane = (typeof LANES)[number];

/** Admission: pods that were made with other sizes than those of the template, by no doing of the operator. */
export type Method = 'Resize' | 'Evict' | 'Rollout' | 'Admission';

/**
 * Unseen: savings of which no pod was left at the end, or that were never made. Failed: it did not come about, since the
 * node or the API server refused it.
 */
type Outcome = 'Watching' | 'Fine' | 'Unseen' | 'TakenBack' | 'Failed';

export interface ContainerChange {
  readonly name: string;
  readonly from: Sizes;
  readonly to: Sizes;
}

/** How many pods showed what; a pod counts once for each. */
export interface Symptoms {
  readonly pods: number;
  readonly oomKilled: number;
  readonly restarted: number;
  readonly notReady: number;
  readonly throttled: number;
}

/**
 * One change of pods that were alike: all that must outlive a restart of the operator to watch it, take it back, and
 * wait before the next. Which pods it was about follows from their sizes.
 */
export interface ChangeRecord {
  readonly atSeconds: number;
  readonly lane: Lane;
  readonly method: Method;
  /** Number of pods. */
  readonly pods: number;
  readonly containers: readonly ContainerChange[];
  readonly why: string;
  /** Of a rescue after an OOM kill: when that was, by the clock of the node; what is no later is answered. */
  readonly signalSeconds?: number;
  readonly outcome: Outcome;
  /** When the outcome was known. */
  readonly outcomeSeconds?: number;
  /** What the same pods showed in as long a time before. */
  readonly before: Symptoms;
  /** Of a change that was taken back: how many in a row, this one included. */
  readonly failures?: number;
}

/** Resources of a container of which a request or limit goes down, or a limit comes anew. */
export function lowered({ from, to }: Pick<ContainerChange, 'from' | 'to'>): readonly Resource[] {
  return RESOURCES.filter(
    (resource) =>
      (to.requests[resource] ?? Infinity) < (from.requests[resource] ?? 0) ||
      (to.limits[resource] ?? Infinity) < (from.limits[resource] ?? Infinity),
  );
}

/** Resources of a container of which a request or limit goes up. */
export function raised({ from, to }: Pick<ContainerChange, 'from' | 'to'>): readonly Resource[] {
  return RESOURCES.filter(
    (resource) =>
      (to.requests[resource] ?? 0) > (from.requests[resource] ?? 0) ||
      (to.limits[resource] ?? 0) > (from.limits[resource] ?? Infinity),
  );
}

/** Whether nothing goes up in it, and no limit goes. */
export function givesNothing({ containers }: Pick<ChangeRecord, 'containers'>): boolean {
  return containers.every(({ from, to }) => lowered({ from: to, to: from }).length === 0);
}

/** Whether pods went for the sake of others that have more. */
export function replacesForMore({
  lane,
  method,
  containers,
}: Pick<ChangeRecord, 'lane' | 'method' | 'containers'>): boolean {
  const isReplacing = lane !== 'Return' && (method === 'Evict' || method === 'Rollout');
  return isReplacing && containers.some((change) => raised(change).length > 0);
}

/** Whether pods have the same sizes after both. */
export function setsSame(
  a: Pick<ChangeRecord, 'containers'>,
  b: Pick<ChangeRecord, 'containers'>,
): boolean {
  return (
    a.containers.length === b.containers.length &&
    a.containers.every((change) =>
      b.containers.some((other) => other.name === change.name && sameSizes(other.to, change.to)),
    )
  );
}

/** Of pods that were made so, and not of pods that became so. */
export function isOfNewPods({ method, lane }: Pick<ChangeRecord, 'method' | 'lane'>): boolean {
  return method === 'Admission' && lane !== 'Return';
}

/** A change of one container. */
export type OneChange = ContainerChange &
  Pick<ChangeRecord, 'atSeconds' | 'lane' | 'signalSeconds'>;

/**
 * The changes that led a resource of a container to the sizes that it has, the newest first. So each pod is known by its
 * sizes: one that has not come to what a change set had no part in it. Where several ways lead to the same sizes, all
 * of them count.
 */
export function changesThatSet(
  container: ContainerState,
  resource: Resource,
  records: readonly ChangeRecord[],
): readonly OneChange[] {
  const newestFirst = records
    .filter((record) => !isOfNewPods(record))
    .toReversed()
    .toSorted((a, b) => b.atSeconds - a.atSeconds);
  const changes: OneChange[] = [];
  const reached = [runningSizes(container)];
  for (const { atSeconds, lane, signalSeconds, containers } of newestFirst) {
    const change = containers.find(({ name }) => name === container.name);
    if (change === undefined || sameOf(resource, change.from, change.to)) continue;
    if (!reached.some((sizes) => sameOf(resource, change.to, sizes))) continue;
    const signal = signalSeconds === undefined ? {} : { signalSeconds };
    changes.push({ ...change, atSeconds, lane, ...signal });
    reached.push(change.from);
  }
  return changes;
}

export function sameOf(resource: Resource, a: Sizes, b: Sizes): boolean {
  return a.requests[resource] === b.requests[resource] && a.limits[resource] === b.limits[resource];
}

/** The longest cooldown that a policy can have. */
const LONGEST_COOLDOWN_SECONDS = 30 * 86_400;

/**
 * The newest records, as many as `most`. Those that are watched stay whatever their number, and so do the last that was
 * taken back and, of each lane, the last: backoff and cooldown rest on them. So does the last of new pods that was fine,
 * or the same sizes would be put on record again and again. Up to `mostInNeed` the last that raised pods in need to the
 * same sizes stays as well: without it, these pods would be lowered before they have cooled down. Those that went furthest
 * go before others there, as what new pods get rests on them.
 */
export function trimmed(
  records: readonly ChangeRecord[],
  most: number,
  mostInNeed: number = most,
): readonly ChangeRecord[] {
  const ordered = records.toSorted((a, b) => a.atSeconds - b.atSeconds);
  const kept = new Set(ordered.filter(({ outcome }) => outcome === 'Watching'));
  const lastOf = (is: (record: ChangeRecord) => boolean) => {
    const last = ordered.findLast(is);
    if (last !== undefined) kept.add(last);
  };
  lastOf(({ outcome }) => outcome === 'TakenBack');
  for (const lane of LANES) lastOf((record) => record.lane === lane);
  lastOf((record) => isOfNewPods(record) && record.outcome === 'Fine');
  for (const record of lastInNeed(ordered)) {
    if (kept.size >= mostInNeed) break;
    kept.add(record);
  }
  for (const record of ordered.toReversed()) {
    if (kept.size >= most) break;
    kept.add(record);
  }
  return ordered.filter((record) => kept.has(record));
}

/** One for the same sizes: those that went furthest, then the others, the newest first. */
function lastInNeed(ordered: readonly ChangeRecord[]): readonly ChangeRecord[] {
  const since = (ordered.at(-1)?.atSeconds ?? 0) - LONGEST_COOLDOWN_SECONDS;
  const inNeed = ordered.filter(
    ({ lane, atSeconds }) => (lane === 'Rescue' || lane === 'Return') && atSeconds >= since,
  );
  const last = new Map(
    inNeed.map((record) => [JSON.stringify(record.containers.map(toOf)), record]),
  );
  const furthest = furthestRescues([...last.values()]);
  const others = [...last.values()].filter((record) => !furthest.includes(record));
  return [...furthest, ...others.toSorted((a, b) => b.atSeconds - a.atSeconds)];
}

/** Those of which an amount is above that of all after them, the newest first: new pods get the most of each. */
export function furthestRescues(records: readonly ChangeRecord[]): readonly ChangeRecord[] {
  const most = new Map<string, number>();
  return records
    .filter(({ lane, outcome }) => lane === 'Rescue' && outcome !== 'TakenBack')
    .toSorted((a, b) => b.atSeconds - a.atSeconds)
    .filter(({ containers }) => {
      const further = containers
        .flatMap(amountsTo)
        .filter(([of, amount]) => amount > (most.get(of) ?? 0));
      for (const [of, amount] of further) most.set(of, amount);
      return further.length > 0;
    });
}

function amountsTo({ name, to }: ContainerChange): readonly (readonly [string, number])[] {
  return (['requests', 'limits'] as const).flatMap((field) =>
    RESOURCES.map((of) => [`${name} ${field} ${of}`, to[field][of] ?? 0] as const),
  );
}

function toOf({ name, to: { requests, limits } }: ContainerChange): readonly unknown[] {
  return [name, requests.cpu, requests.memory, limits.cpu, limits.memory];
}

/** Clocks of machines differ by a little; a record from further ahead is of a clock that was wrong. */
const AHEAD_SECONDS = 60;

/**
 * The records as of now: one from the future would hide all that comes about until then. The same ones where none is.
 */
export function notAhead(
  records: readonly ChangeRecord[],
  nowSeconds: number,
): readonly ChangeRecord[] {
  const isAhead = ({ atSeconds }: ChangeRecord) => atSeconds > nowSeconds + AHEAD_SECONDS;
  if (!records.some(isAhead)) return records;
  return records.map((record) => (isAhead(record) ? { ...record, atSeconds: nowSeconds } : record));
}
