import { QOS_CLASSES, type QosClass } from '../recommend/qos.ts';
import type { UsageHistory } from '../recommend/usage.ts';
import { highestCpu } from '../recommend/window.ts';
import type { ChangeRecord } from '../resize/changes.ts';
import type { ContainerState, ContainerUsage, PodState } from '../resize/pod.ts';
import { rescueSignals, type RescueCause } from '../resize/signals.ts';
import type { LiveUsage } from './changeports.ts';
import type { Pod, PodContainer } from './ports.ts';

/** What is known of a pod's containers besides the pod itself. */
export interface PodKnowledge {
  /** The looks of the last minutes, the newest first, by container; what was not looked at is not in it. */
  readonly live: readonly (Looked | undefined)[];
  /** By container. */
  readonly history: ReadonlyMap<string, UsageHistory>;
}

type Looked = ReadonlyMap<string, LiveUsage>;

/** This far above all that was ever seen, demand is of a level that the request was not made for. */
const ABOVE_HISTORY = 1.25;

/** A pod as the pure core of acting takes it: only of pods that have not ended. */
export function podState(pod: Pod, knowledge: PodKnowledge): PodState {
  const { uid, name, node, createdSeconds, isReady, readinessSeconds, isTerminating, resize } = pod;
  return {
    uid,
    name,
    node,
    createdSeconds,
    isReady,
    readinessSeconds,
    isTerminating,
    generation: pod.generation,
    observedGeneration: pod.observedGeneration,
    qos: qosOf(pod),
    containers: [
      ...pod.containers.map((container) => containerState(container, ofPod(pod, knowledge))),
      ...pod.initContainers.map(initState),
    ],
    resize,
  };
}

/** Looks go by the name of the pod, which one of a StatefulSet has from the one before it. */
function ofPod({ createdSeconds }: Pod, { live, history }: PodKnowledge): PodKnowledge {
  const since = (usage: LiveUsage): LiveUsage => {
    const { oomKilledSeconds: killed } = usage;
    return killed === undefined || killed >= createdSeconds
      ? usage
      : { ...usage, oomKilledSeconds: undefined };
  };
  const own = (looked: Looked | undefined): Looked | undefined =>
    looked &&
    new Map(
      [...looked]
        .filter(([, { atSeconds }]) => atSeconds >= createdSeconds)
        .map(([name, usage]) => [name, since(usage)]),
    );
  return { live: live.map(own), history };
}

function qosOf({ qosClass }: Pod): QosClass {
  return QOS_CLASSES.find((each) => each === qosClass) ?? 'BestEffort';
}

function initState({ name, requests, limits }: Pod['initContainers'][number]): ContainerState {
  return {
    name,
    kind: 'Init',
    spec: { requests, limits },
    actual: undefined,
    restartsOn: [],
    restartedSeconds: undefined,
    oomKilledSeconds: undefined,
    usage: undefined,
  };
}

function containerState(container: PodContainer, { live, history }: PodKnowledge): ContainerState {
  const { name, kind, requests, limits, actual, restartsOn, restartedSeconds } = container;
  const looks = live.flatMap((looked) => looked?.get(name) ?? []);
  const [now, before] = looks;
  const request = (actual?.requests ?? requests).cpu;
  return {
    name,
    kind,
    spec: { requests, limits },
    actual,
    restartsOn,
    restartedSeconds,
    oomKilledSeconds: latest(container.oomKilledSeconds, now?.oomKilledSeconds),
    usage: now && usageOf(now, before, isOverAll(looks, request, history.get(name))),
  };
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}

function usageOf(
  { atSeconds, memoryBytes, cpuCores, throttledShare, throttledSinceSeconds }: LiveUsage,
  before: LiveUsage | undefined,
  isCpuOverBudget: boolean,
): ContainerUsage {
  return {
    atSeconds,
    memoryBytes,
    // What is raised goes by what lasted, not by the peak of a few seconds.
    cpuCores: isCpuOverBudget ? Math.min(cpuCores ?? 0, before?.cpuCores ?? 0) : cpuCores,
    throttledShare,
    throttledSinceSeconds,
    isCpuOverBudget,
  };
}

/**
 * Whether CPU use is at a level that the history never saw, and above the request: the risk budget was made from that
 * history and does not speak of it. The history has the mean of each step, five minutes or one, and so like is held
 * against like: a burst counts once it alone lifts the mean of the last step, whatever comes after it. That takes what
 * is ten times as much a tenth of a step, and what is twice as much half of it. It must also go on, in two looks one
 * after the other. Use that the history knows may pass the request for as long as the budget lasts, which is the
 * recommender's to watch; the hour that is not over does not count as history, since it may have this very use.
 */
function isOverAll(
  looks: readonly LiveUsage[],
  request: number | undefined,
  history: UsageHistory | undefined,
): boolean {
  const [now, before] = looks;
  if (now === undefined || before === undefined || before.atSeconds >= now.atSeconds) return false;
  if (request === undefined || history === undefined) return false;
  const isOver = (least: number) =>
    [now, before].every(({ cpuCores }) => cpuCores !== undefined && cpuCores > least);
  // Mostly it is not, and then history need not be unpacked.
  if (!isOver(request)) return false;
  const { stepSeconds } = history;
  const known = highestCpu(history, now.atSeconds - stepSeconds);
  if (known === undefined) return false;
  const least = Math.max(request, known * ABOVE_HISTORY);
  return isOver(least) && leastMean(looks, now.atSeconds, stepSeconds) > least;
}

/** Mean CPU use of the last seconds in cores; what nobody has seen of them counts as nothing. */
function leastMean(looks: readonly LiveUsage[], nowSeconds: number, ofSeconds: number): number {
  let seconds = 0;
  let until = nowSeconds;
  for (const { cpuCores = 0, cpuSinceSeconds = nowSeconds, atSeconds } of looks) {
    const since = Math.max(cpuSinceSeconds, nowSeconds - ofSeconds);
    const seen = Math.min(atSeconds, until) - since;
    if (seen <= 0) continue;
    seconds += cpuCores * seen;
    until = since;
  }
  return seconds / ofSeconds;
}

/** By pod uid: since when something is seen that a rescue is for; pods that show nothing are not in it. */
export type SignalTimes = ReadonlyMap<string, number>;

/** A kill has its own time. What use shows has that of the look that showed it first, which `before` remembers. */
export function signalTimes(
  states: readonly PodState[],
  {
    records,
    nowSeconds,
    before,
  }: {
    readonly records: readonly ChangeRecord[];
    readonly nowSeconds: number;
    readonly before: SignalTimes | undefined;
  },
): SignalTimes {
  return new Map(
    states.flatMap(({ uid, containers }) => {
      const times = containers.flatMap((container) =>
        rescueSignals(container, records, nowSeconds).map(({ cause }) => timeOf(container, cause)),
      );
      return times.length === 0 ? [] : [[uid, Math.min(...times, before?.get(uid) ?? Infinity)]];
    }),
  );
}

function timeOf({ oomKilledSeconds, usage }: ContainerState, cause: RescueCause): number {
  return (cause === 'OOMKilled' ? oomKilledSeconds : usage?.atSeconds) ?? Infinity;
}

/** Of a container nobody has looked at what it does. */
export function isBlind(states: readonly PodState[]): boolean {
  return states.some(({ containers }) =>
    containers.some(({ kind, usage }) => kind !== 'Init' && usage === undefined),
  );
}
