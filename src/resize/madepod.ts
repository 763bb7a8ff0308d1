import { setsSame, isOfNewPods, type ChangeRecord, type ContainerChange } from './changes.ts';
import { STARTING_SECONDS, type Symptom } from './observe.ts';
import { sameSizes, type ContainerState, type PodState } from './pod.ts';
import { CARRIED_OUT_SECONDS, freshUsage, isThrottled } from './signals.ts';

/** A pod, and what of it matters only while it comes up. */
export interface MadePod {
  readonly state: PodState;
  /** Its containers were begun. What cannot be placed or pulled says nothing of its sizes. */
  readonly isRunning: boolean;
  readonly hasEnded: boolean;
  /** It has ended by a container that failed, and not by the node's or the cluster's doing. */
  readonly hasFailed: boolean;
  /** How often each container was begun anew. */
  readonly restarts: ReadonlyMap<string, number>;
}

export interface Moment {
  readonly records: readonly ChangeRecord[];
  readonly nowSeconds: number;
  readonly observeSeconds: number;
}

/** A program may come up at the second try: what it waits for is not there yet. */
const FAILED_STARTS = 2;

/**
 * Whether the pod came up with these sizes: it was made with them, or raised to them before it was ever well. What came
 * down to them is watched by the change that lowered it.
 */
export function isMade(
  pod: MadePod,
  containers: readonly ContainerChange[],
  moment: Moment,
): boolean {
  const { state } = pod;
  const isSo = containers.every(({ name, to }) =>
    state.containers.some((each) => each.name === name && sameSizes(each.spec, to)),
  );
  if (!isSo || state.generation === 1) return isSo;
  const isLowered = moment.records.some(
    (record) =>
      record.lane === 'Savings' && !isOfNewPods(record) && setsSame(record, { containers }),
  );
  return !isLowered && isYoung(pod, moment);
}

/**
 * A pod that is in its first time, or was not well since, however long that is. What has ended tells of all of its
 * time.
 */
export function isYoung(pod: MadePod, moment: Moment): boolean {
  const { createdSeconds } = pod.state;
  const end = createdSeconds + moment.observeSeconds;
  return (
    pod.hasEnded ||
    moment.nowSeconds < end ||
    wasNeverReady(pod.state, end) ||
    pod.state.containers.some((container) => keepsFailing(pod, container))
  );
}

function wasNeverReady({ isReady, readinessSeconds }: PodState, endSeconds: number): boolean {
  return !isReady && readinessSeconds <= endSeconds;
}

/** The kubelet begins what fails anew within five minutes: so often a container fails that did from the beginning on. */
const FAILING_SECONDS = 600;

function keepsFailing(pod: MadePod, { name, restartedSeconds }: ContainerState): boolean {
  const restarts = pod.restarts.get(name) ?? 0;
  const seconds = (restartedSeconds ?? Infinity) - pod.state.createdSeconds;
  return restarts >= FAILED_STARTS && seconds <= restarts * FAILING_SECONDS;
}

/** Whether the pod runs as it should, or has done its work. */
export function isWell({ state, hasEnded, hasFailed }: MadePod): boolean {
  return hasEnded ? !hasFailed : state.isReady;
}

export type Troubles = Readonly<Record<Symptom['of'], boolean>>;

/**
 * What the named containers of a pod showed in its first time: `observeSeconds` from when it was made, or was last
 * changed before it was well. Failed runs count as restarts.
 */
export function troublesOf(pod: MadePod, names: readonly string[], moment: Moment): Troubles {
  const { state, hasEnded, hasFailed } = pod;
  const since = beganSeconds(state, moment.records);
  const until = since + moment.observeSeconds;
  const notReadySeconds = moment.nowSeconds - Math.max(since, state.readinessSeconds);
  return {
    ...seen(pod, names, { since, until, nowSeconds: moment.nowSeconds }),
    restarted: hasEnded
      ? hasFailed
      : named(pod, names).some((container) => {
          const { name, restartedSeconds = -Infinity } = container;
          const isOften = (pod.restarts.get(name) ?? 0) >= FAILED_STARTS;
          const isFirst = isOften && restartedSeconds <= until;
          return restartedSeconds > since && (isFirst || keepsFailing(pod, container));
        }),
    notReady: pod.isRunning && wasNeverReady(state, until) && notReadySeconds >= STARTING_SECONDS,
  };
}

/** What they showed from a time until now, at whatever age. */
export function troublesSince(
  pod: MadePod,
  names: readonly string[],
  { since, nowSeconds }: { readonly since: number; readonly nowSeconds: number },
): Troubles {
  return {
    ...seen(pod, names, { since, until: nowSeconds, nowSeconds }),
    restarted: pod.hasEnded
      ? pod.hasFailed
      : named(pod, names).some(({ restartedSeconds = -Infinity }) => restartedSeconds > since),
    notReady: pod.isRunning && !pod.state.isReady,
  };
}

function named({ state }: MadePod, names: readonly string[]): readonly ContainerState[] {
  return state.containers.filter(({ name }) => names.includes(name));
}

interface Period {
  readonly since: number;
  readonly until: number;
  readonly nowSeconds: number;
}

function seen(
  pod: MadePod,
  names: readonly string[],
  { since, until, nowSeconds }: Period,
): Pick<Troubles, 'oomKilled' | 'throttled'> {
  const isWithin = (seconds: number | undefined) =>
    seconds !== undefined && seconds > since && seconds <= until;
  const containers = named(pod, names);
  return {
    oomKilled: containers.some(({ oomKilledSeconds }) => isWithin(oomKilledSeconds)),
    throttled: containers.some((container) => {
      const usage = freshUsage(container, nowSeconds);
      return usage !== undefined && isWithin(usage.atSeconds) && isThrottled(usage, since);
    }),
  };
}

/** When the pod got the sizes that it has, at the latest: what it gets in place may differ from what was asked for. */
export function beganSeconds(
  { createdSeconds, generation }: PodState,
  records: readonly ChangeRecord[],
): number {
  if (generation === 1) return createdSeconds;
  const changed = records
    .filter((record) => !isOfNewPods(record) && record.atSeconds >= createdSeconds)
    .map(({ atSeconds }) => atSeconds + CARRIED_OUT_SECONDS);
  return Math.max(createdSeconds, ...changed);
}
