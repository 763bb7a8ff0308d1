import { THROTTLED_SHARE } from '../recommend/hold.ts';
import type { Resource } from '../recommend/usage.ts';
import { changesThatSet, type ChangeRecord } from './changes.ts';
import { runningSizes, type ContainerState, type ContainerUsage } from './pod.ts';

/** What says that a container has too little right now. */
export type RescueCause = 'OOMKilled' | 'NearMemoryLimit' | 'Throttled' | 'OverCpuBudget';

export interface RescueSignal {
  readonly resource: Resource;
  readonly cause: RescueCause;
}

/** The kubelet takes a moment to carry a change out: a kill in that time was at the size before. */
export const CARRIED_OUT_SECONDS = 10;

/** A kill that is older is for the recommendation, which remembers it for the whole window. */
const RECENT_KILL_SECONDS = 3600;

/** Figures that are older do not say what is now. */
const FRESH_USAGE_SECONDS = 300;

export const NEAR_LIMIT_SHARE = 0.9;

/** The figures, where they are fresh; a clock that stepped back does not make them stale. */
export function freshUsage({ usage }: ContainerState, nowSeconds: number): ContainerState['usage'] {
  return usage !== undefined && nowSeconds - usage.atSeconds <= FRESH_USAGE_SECONDS
    ? usage
    : undefined;
}

/**
 * Signals since the container got the sizes that it has, for memory before CPU. What was seen before a change says
 * nothing of the sizes after it.
 */
export function rescueSignals(
  container: ContainerState,
  records: readonly ChangeRecord[],
  nowSeconds: number,
): readonly RescueSignal[] {
  const latest = (times: readonly number[]) => Math.max(-Infinity, ...times);
  const timesOf = (resource: Resource) =>
    changesThatSet(container, resource, records).map(({ atSeconds }) => atSeconds);
  const answered = changesThatSet(container, 'memory', records).flatMap(
    ({ signalSeconds }) => signalSeconds ?? [],
  );
  const since = { seconds: latest(timesOf('memory')), answeredSeconds: latest(answered) };
  return [
    ...memorySignals(container, since, nowSeconds),
    ...cpuSignals(container, latest(timesOf('cpu')), nowSeconds),
  ];
}

interface Since {
  readonly seconds: number;
  /** The last kill that was answered: its node may have a clock that is ahead of ours. */
  readonly answeredSeconds: number;
}

function memorySignals(
  container: ContainerState,
  { seconds: since, answeredSeconds }: Since,
  nowSeconds: number,
): readonly RescueSignal[] {
  const { oomKilledSeconds: killed } = container;
  const isSince =
    killed !== undefined && killed > Math.max(since + CARRIED_OUT_SECONDS, answeredSeconds);
  if (isSince && nowSeconds - killed <= RECENT_KILL_SECONDS) {
    return [{ resource: 'memory', cause: 'OOMKilled' }];
  }
  const usage = freshUsage(container, nowSeconds);
  const used = usage !== undefined && usage.atSeconds > since ? usage.memoryBytes : undefined;
  const limit = runningSizes(container).limits.memory;
  return used !== undefined && limit !== undefined && used > NEAR_LIMIT_SHARE * limit
    ? [{ resource: 'memory', cause: 'NearMemoryLimit' }]
    : [];
}

/** Since a time: a share that spans it would tell of the sizes before it as well. */
export function isThrottled(
  { throttledShare = 0, throttledSinceSeconds = Infinity }: ContainerUsage,
  sinceSeconds: number,
): boolean {
  return throttledShare > THROTTLED_SHARE && throttledSinceSeconds >= sinceSeconds;
}

function cpuSignals(
  container: ContainerState,
  since: number,
  nowSeconds: number,
): readonly RescueSignal[] {
  const usage = freshUsage(container, nowSeconds);
  if (usage === undefined || usage.atSeconds <= since) return [];
  if (isThrottled(usage, since) && runningSizes(container).limits.cpu !== undefined) {
    return [{ resource: 'cpu', cause: 'Throttled' }];
  }
  return usage.isCpuOverBudget ? [{ resource: 'cpu', cause: 'OverCpuBudget' }] : [];
}
