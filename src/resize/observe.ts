import type { Resource } from '../recommend/usage.ts';
import { lowered, replacesForMore, type ChangeRecord, type Symptoms } from './changes.ts';
import { sameSizes, type ContainerState, type PodState } from './pod.ts';
import { freshUsage, isThrottled } from './signals.ts';
import { hasReached, partsAt } from './reached.ts';
import { partsLeft, runs } from './takeback.ts';

/** What became of a change. The story names what was seen, and where it was not. */
export type Verdict =
  | { readonly outcome: 'Watching' | 'Fine' | 'Unseen' }
  | { readonly outcome: 'Harmful' | 'Failed'; readonly story: string };

/** A pod may miss a probe or two: it counts as not ready when it stays so. */
const LASTING_SECONDS = 60;

/** What keeps ending does so again within this: twice the longest pause that the kubelet makes. */
const GOING_ON_SECONDS = 600;

/** Harm shows this much more often where something was changed than where nothing was. */
const BEYOND_CHANCE = 2;

/** One that began in the time has this long to become ready. */
export const STARTING_SECONDS = 300;

interface Watch {
  readonly nowSeconds: number;
  readonly observeSeconds: number;
  /** All of the workload, the one that is watched among them. */
  readonly records: readonly ChangeRecord[];
}

interface Period {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly nowSeconds: number;
}

/** What the named containers of these pods showed within a period; what is throttled or not ready, only now. */
export function symptomsOf(
  pods: readonly PodState[],
  names: readonly string[],
  period: Period,
): Symptoms {
  const isWithin = (seconds: number | undefined) =>
    seconds !== undefined && counts(seconds, period);
  const count = (shows: (container: ContainerState) => boolean) =>
    pods.filter(({ containers }) =>
      containers.some((container) => names.includes(container.name) && shows(container)),
    ).length;
  const showsThrottling = (container: ContainerState) => {
    const usage = freshUsage(container, period.nowSeconds);
    const isSince = usage !== undefined && usage.atSeconds > period.fromSeconds;
    return isSince && isThrottled(usage, period.fromSeconds);
  };
  return {
    pods: pods.length,
    oomKilled: count(({ oomKilledSeconds }) => isWithin(oomKilledSeconds)),
    restarted: count(({ restartedSeconds }) => isWithin(restartedSeconds)),
    notReady: pods.filter((pod) => isLastinglyNotReady(pod, period)).length,
    throttled: count(showsThrottling),
  };
}

/** Of a container that keeps ending only the last end is known, which is late where it is looked at late. */
function counts(seconds: number, { fromSeconds, toSeconds, nowSeconds }: Period): boolean {
  const goesOn = seconds > nowSeconds - GOING_ON_SECONDS;
  return seconds > fromSeconds && (seconds <= toSeconds || goesOn);
}

function isLastinglyNotReady(
  { isReady, readinessSeconds, createdSeconds }: PodState,
  period: Period,
): boolean {
  const { fromSeconds, nowSeconds } = period;
  const patience = createdSeconds > fromSeconds ? STARTING_SECONDS : LASTING_SECONDS;
  return !isReady && counts(readinessSeconds, period) && nowSeconds - readinessSeconds >= patience;
}

/**
 * Watches a change: what its pods show after it against what its unchanged replicas show in the same time, or, where
 * there are none, against what the same pods showed before. What takes something away can harm, and what replaces pods
 * by others that ask for more. Harm that came about within the time, or goes on, is seen however late it is looked at;
 * an operator that was down takes it back then.
 */
export function verdict(
  record: ChangeRecord,
  pods: readonly PodState[],
  { nowSeconds, observeSeconds, records }: Watch,
): Verdict {
  const watch = { nowSeconds, observeSeconds, records };
  const story = harm(record, pods, watch) ?? strandedBy(record, pods, watch);
  if (story !== undefined) return { outcome: 'Harmful', story };
  const impossible = impossibleFor(record, pods);
  if (impossible !== undefined) return { outcome: 'Failed', story: impossible };
  const isOver = nowSeconds >= record.atSeconds + observeSeconds;
  if (!isOver || isReturning(record, pods, records) || isComingUp(record, pods, watch)) {
    return { outcome: 'Watching' };
  }
  return atTheEnd(record, pods, records);
}

function atTheEnd(
  record: ChangeRecord,
  pods: readonly PodState[],
  records: readonly ChangeRecord[],
): Verdict {
  if (pods.some((pod) => hasReached(pod, record, 'to', records))) return { outcome: 'Fine' };
  const refused = pods.find((pod) => hasFailed(pod, record));
  if (refused !== undefined && refused.resize.state !== 'None') {
    return { outcome: 'Failed', story: `${refused.name}: ${refused.resize.message}` };
  }
  // What nobody saw shows neither that less is enough, nor how many savings go bad.
  return { outcome: record.lane === 'Savings' ? 'Unseen' : 'Fine' };
}

/** No pod of it can ever have it: that need not be watched, and what else can be done need not wait. */
function impossibleFor(record: ChangeRecord, pods: readonly PodState[]): string | undefined {
  if (record.lane === 'Return' || record.method !== 'Resize') return undefined;
  if (pods.some((pod) => runs(pod, record, 'to'))) return undefined;
  const left = pods.filter((pod) => !pod.isTerminating && isAskedFor(pod, record));
  const isEach = left.length > 0 && left.every(({ resize }) => resize.state === 'Infeasible');
  const [first] = left;
  return isEach && first !== undefined && first.resize.state !== 'None'
    ? `${first.name}: ${first.resize.message}`
    : undefined;
}

function isAskedFor(pod: PodState, { containers }: ChangeRecord): boolean {
  return containers.every(({ name, to }) =>
    pod.containers.some((each) => each.name === name && sameSizes(each.spec, to)),
  );
}

/** A way back is not over before every pod went it. */
function isReturning(
  record: ChangeRecord,
  pods: readonly PodState[],
  records: readonly ChangeRecord[],
): boolean {
  const isLeft = (pod: PodState) => partsLeft(pod, record, records).length > 0;
  return record.lane === 'Return' && pods.some(isLeft);
}

function hasFailed(pod: PodState, record: ChangeRecord): boolean {
  const { state } = pod.resize;
  return (state === 'Infeasible' || state === 'Error') && runs(pod, record, 'from');
}

function harm(
  record: ChangeRecord,
  pods: readonly PodState[],
  { nowSeconds, observeSeconds, records }: Watch,
): string | undefined {
  if (record.lane === 'Return') return undefined;
  const present = pods.filter((pod) => !pod.isTerminating && isOfThen(pod, record));
  const changed = present.filter((pod) => takenFrom(pod, record, records).length > 0);
  const taken = changed.flatMap((pod) => takenFrom(pod, record, records));
  if (taken.length === 0) return undefined;
  const others = present.filter((pod) => !hasReached(pod, record, 'to', records));
  const names = record.containers.map(({ name }) => name);
  const period = periodOf(record, { nowSeconds, observeSeconds });
  const after = symptomsOf(changed, names, period);
  // A rollout replaces the others while it goes on: they say nothing.
  const isAlone = others.length === 0 || record.method === 'Rollout';
  const control = isAlone ? record.before : symptomsOf(others, names, period);
  const worse = relevant(taken).find(({ of }) => isWorse(after, control, of));
  if (worse === undefined) return undefined;
  const where = isAlone ? 'pods before' : 'unchanged pods';
  return (
    `${worse.says} in ${after[worse.of]} of ${after.pods} changed pods, ` +
    `against ${control[worse.of]} of ${control.pods} ${where}.`
  );
}

function periodOf(
  { atSeconds }: ChangeRecord,
  { nowSeconds, observeSeconds }: Pick<Watch, 'nowSeconds' | 'observeSeconds'>,
): Period {
  return { fromSeconds: atSeconds, toSeconds: atSeconds + observeSeconds, nowSeconds };
}

/** More was asked for, and pods that came for others do not come up. */
function strandedBy(
  record: ChangeRecord,
  pods: readonly PodState[],
  { nowSeconds, observeSeconds, records }: Watch,
): string | undefined {
  const period = periodOf(record, { nowSeconds, observeSeconds });
  const came = replacements(record, pods, records);
  // They may have come in the very second of the change.
  const since = { ...period, fromSeconds: record.atSeconds - 1 };
  const stranded = came.filter(
    (pod) => isOfMore(pod, record) && isLastinglyNotReady(pod, since),
  ).length;
  const isOther = (pod: PodState) => !pod.isTerminating && !hasReached(pod, record, 'to', records);
  const control =
    record.method === 'Rollout' ? record.before : symptomsOf(pods.filter(isOther), [], period);
  const after = { ...symptomsOf(came, [], period), notReady: stranded };
  if (!isWorse(after, control, 'notReady')) return undefined;
  const where = record.method === 'Rollout' ? 'pods before' : 'unchanged pods';
  const against =
    control.pods === 0 ? '' : `, against ${control.notReady} of ${control.pods} ${where}`;
  return `Not ready in ${stranded} of ${came.length} pods that came for others${against}.`;
}

/** Pods that came for others, with more. */
function replacements(
  record: ChangeRecord,
  pods: readonly PodState[],
  records: readonly ChangeRecord[],
): readonly PodState[] {
  if (!replacesForMore(record)) return [];
  return pods.filter(
    (pod) =>
      !pod.isTerminating &&
      pod.createdSeconds >= record.atSeconds &&
      partsAt(pod, record, 'to', records).length > 0,
  );
}

/**
 * Whether it is not ready since more is asked for: no node takes it. What was ready and was evicted had no other reason to
 * begin anew, wherever it is; pods of a rollout may be slow to begin.
 */
function isOfMore({ isReady, node }: PodState, { method, before }: ChangeRecord): boolean {
  return !isReady && (node === undefined || (method === 'Evict' && before.notReady === 0));
}

/** One that came late has its time as well. */
function isComingUp(
  record: ChangeRecord,
  pods: readonly PodState[],
  { nowSeconds, records }: Watch,
): boolean {
  return replacements(record, pods, records).some(
    (pod) => isOfMore(pod, record) && nowSeconds - pod.readinessSeconds < STARTING_SECONDS,
  );
}

/** Resources that it took something of and that have not been changed since. */
function takenFrom(
  pod: PodState,
  record: ChangeRecord,
  records: readonly ChangeRecord[],
): readonly Resource[] {
  return partsAt(pod, record, 'to', records).flatMap(({ change, resource }) =>
    lowered(change).includes(resource) ? [resource] : [],
  );
}

/**
 * A pod that was resized was there before, and one that began since has a beginning of its own; those of a rollout began
 * after it.
 */
function isOfThen({ createdSeconds }: PodState, { method, atSeconds }: ChangeRecord): boolean {
  if (method === 'Evict') return true;
  return method === 'Resize' ? createdSeconds <= atSeconds : createdSeconds >= atSeconds;
}

export interface Symptom {
  readonly of: Exclude<keyof Symptoms, 'pods'>;
  readonly says: string;
}

/** Those that taking from these resources can bring about. */
export function relevant(taken: readonly Resource[]): readonly Symptom[] {
  return [
    ...(taken.includes('memory') ? [{ of: 'oomKilled', says: 'OOM kills' } as const] : []),
    { of: 'restarted', says: 'Restarts' },
    { of: 'notReady', says: 'Not ready' },
    ...(taken.includes('cpu') ? [{ of: 'throttled', says: 'Throttling' } as const] : []),
  ];
}

/** Whether a symptom shows more often than by chance; of no pods, it shows in none. */
export function isWorse(after: Symptoms, control: Symptoms, of: Symptom['of']): boolean {
  const share = (symptoms: Symptoms) => (symptoms.pods === 0 ? 0 : symptoms[of] / symptoms.pods);
  return share(after) > BEYOND_CHANCE * share(control);
}
