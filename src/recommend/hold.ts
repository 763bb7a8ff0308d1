import { coveredDays, daysInWindow } from './estimate.ts';
import type { ContainerSettings } from './settings.ts';
import { DAY_SECONDS, type Resource, type UsageDay, type UsageHistory } from './usage.ts';

/** Why a request is not lowered, or not sized at all. The same word stands in status, conditions, events, metrics. */
export type HoldReason =
  | 'NoHistory'
  | 'HistoryTooShort'
  | 'HistoryStale'
  | 'HistoryShrank'
  | 'Throttled'
  | 'OOMKilled'
  | 'AtMemoryLimit'
  | 'HPAOwnsCPU'
  | 'HPAOwnsMemory'
  | 'DecreaseNotAllowed'
  | 'IncreaseNotAllowed';

/** What was recommended last, from the Recommendation's own status. */
export interface PreviousRecommendation {
  /** Cores or bytes. */
  readonly request: number;
  /** Days of use that it rested on. */
  readonly coveredDays: number;
  /** The policy has not changed since: only then does a small difference leave it as it is. */
  readonly isSamePolicy: boolean;
}

/** Without a sample for this long, what is happening now is not known. */
export const STALE_SECONDS = 2 * 3600;

/** Throttled in more than this share of its periods, a container shows its limit and not its demand. */
export const THROTTLED_SHARE = 0.05;

/** A working set this close to the limit may have been held down by it. */
export const AT_LIMIT_SHARE = 0.98;

/** Evidence may vanish by this share before it counts as lost: days are cut at their ends, scrapes fail. */
const SHRUNK_SHARE = 0.05;

export interface Evidence {
  readonly resource: Resource;
  readonly history: UsageHistory | undefined;
  readonly settings: ContainerSettings;
  readonly nowSeconds: number;
  readonly currentLimit: number | undefined;
  readonly previous: PreviousRecommendation | undefined;
  /** An OOM kill that the pods themselves still tell of. */
  readonly oomKilledSeconds: number | undefined;
}

/**
 * The first reason for which the evidence must not lower a request; undefined when it may.
 * Evidence that is missing comes first, then evidence that is a lower bound of demand.
 */
export function holdsDecrease(evidence: Evidence): HoldReason | undefined {
  return missingEvidence(evidence) ?? censoredEvidence(evidence);
}

function missingEvidence(evidence: Evidence): HoldReason | undefined {
  const { resource, history, settings, nowSeconds, previous } = evidence;
  const covered = coveredDays(resource, windowDays(evidence));
  if (history === undefined || covered === 0) return 'NoHistory';
  if (covered * DAY_SECONDS < settings.minimumSeconds) return 'HistoryTooShort';
  if (nowSeconds - history.lastSampleSeconds > STALE_SECONDS) return 'HistoryStale';
  if (previous === undefined) return undefined;
  const expected = Math.min(previous.coveredDays, settings.windowSeconds / DAY_SECONDS);
  return covered < expected * (1 - SHRUNK_SHARE) ? 'HistoryShrank' : undefined;
}

function censoredEvidence(evidence: Evidence): HoldReason | undefined {
  const days = windowDays(evidence);
  if (evidence.resource === 'cpu') {
    return days.some(({ signals }) => signals.throttledShare > THROTTLED_SHARE)
      ? 'Throttled'
      : undefined;
  }
  if (wasOomKilled(evidence)) return 'OOMKilled';
  const limit = evidence.currentLimit;
  const isAtLimit = days.some(
    ({ memoryPeakBytes }) =>
      limit !== undefined && (memoryPeakBytes ?? 0) >= AT_LIMIT_SHARE * limit,
  );
  return isAtLimit ? 'AtMemoryLimit' : undefined;
}

/** Whether an OOM kill lies within the window, as metrics or the pods themselves tell. */
export function wasOomKilled(evidence: Evidence): boolean {
  const { oomKilledSeconds, nowSeconds, settings } = evidence;
  if (oomKilledSeconds !== undefined && oomKilledSeconds > nowSeconds - settings.windowSeconds) {
    return true;
  }
  return windowDays(evidence).some(({ signals }) => signals.oomKills > 0);
}

function windowDays({ history, nowSeconds, settings }: Evidence): readonly UsageDay[] {
  return daysInWindow(history?.days ?? [], nowSeconds, settings.windowSeconds);
}

/**
 * Least memory after an OOM kill at a limit, in bytes. The peak that was cut off is not known: a fifth more, and
 * 100 MiB at least, is what peers add.
 */
export function afterOomKill(limitBytes: number): number {
  return Math.max(1.2 * limitBytes, limitBytes + 100 * 2 ** 20);
}
