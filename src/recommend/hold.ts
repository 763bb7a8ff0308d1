import type { ContainerSettings } from './settings.ts';
import { DAY_SECONDS, type Resource, type UsageDay, type UsageHistory } from './usage.ts';
import { coveredDays, daysInWindow } from './window.ts';

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
  | 'RiskNotKept'
  | 'DecreaseNotAllowed'
  | 'IncreaseNotAllowed';

/** A kill for memory. */
export interface OomKill {
  readonly seconds: number;
  /** The limit at which it happened, in bytes; undefined where there was none. */
  readonly limitBytes: number | undefined;
}

/** What was recommended last, from the Recommendation's own status. */
export interface PreviousRecommendation {
  /** Cores or bytes. */
  readonly request: number;
  /** Days of use that it rested on. */
  readonly coveredDays: number;
  /** Of these the last, as a time within it; undefined where it rested on nothing. */
  readonly lastSampleSeconds: number | undefined;
  /** Memory: the last kill that was known then. */
  readonly oomKill?: OomKill | undefined;
  /** The policy has not changed since: only then does a small difference leave it as it is. */
  readonly isSamePolicy: boolean;
}

/** Without a sample for this long, what is happening now is not known. */
const STALE_SECONDS = 2 * 3600;

/** Throttled in more than this share of its periods, a container shows its limit and not its demand. */
export const THROTTLED_SHARE = 0.05;

/** A working set this close to the limit may have been held down by it. */
const AT_LIMIT_SHARE = 0.98;

/** Evidence may vanish by this share before it counts as lost: days are cut at their ends, scrapes fail. */
const SHRUNK_SHARE = 0.05;
/** But by no whole day, however long the window: the one that is lost may be the highest. */
const SHRUNK_DAYS = 0.7;

export interface Evidence {
  readonly resource: Resource;
  readonly history: UsageHistory | undefined;
  readonly settings: ContainerSettings;
  readonly nowSeconds: number;
  readonly currentLimit: number | undefined;
  readonly previous: PreviousRecommendation | undefined;
  /** The last OOM kill that the pods themselves still tell of. */
  readonly oomKill: OomKill | undefined;
  /** It runs and ends, so that nothing is to be seen between two runs. */
  readonly runsToCompletion: boolean;
  /** The policy's promise for the resource is broken beyond chance. */
  readonly isNotKept: boolean;
}

/**
 * The first reason for which the evidence must not lower a request; undefined when it may.
 * Evidence that is missing comes first, then evidence that is a lower bound of demand, then a promise that is broken.
 */
export function holdsDecrease(evidence: Evidence): HoldReason | undefined {
  const reason = missingEvidence(evidence) ?? censoredEvidence(evidence);
  return reason ?? (evidence.isNotKept ? 'RiskNotKept' : undefined);
}

function missingEvidence(evidence: Evidence): HoldReason | undefined {
  const { resource, history, settings } = evidence;
  const covered = coveredDays(resource, windowDays(evidence));
  if (history === undefined || covered === 0) return 'NoHistory';
  if (covered * DAY_SECONDS < settings.minimumSeconds) return 'HistoryTooShort';
  if (isStale(evidence, history)) return 'HistoryStale';
  const expected = expectedDays(evidence);
  const tolerated = Math.min(expected * SHRUNK_SHARE, SHRUNK_DAYS);
  return covered < expected - tolerated ? 'HistoryShrank' : undefined;
}

function isStale({ nowSeconds, runsToCompletion }: Evidence, history: UsageHistory): boolean {
  return !runsToCompletion && nowSeconds - history.lastSampleSeconds > STALE_SECONDS;
}

/**
 * Days of use that there ought to be, since the last recommendation rested on them: with each day that passed one less,
 * as it leaves the window. So lost history holds for half a window at most, until the new days outweigh the lost ones:
 * after 14 days of which all were lost, 7 days of new ones lower again.
 */
export function expectedDays({ history, settings, previous }: Evidence): number {
  if (previous === undefined) return 0;
  const { coveredDays: rested, lastSampleSeconds: before } = previous;
  const now = history?.lastSampleSeconds;
  const passed = before === undefined || now === undefined ? 0 : dayOf(now) - dayOf(before);
  return Math.min(rested, settings.windowSeconds / DAY_SECONDS) - Math.max(0, passed);
}

function dayOf(seconds: number): number {
  return Math.floor(seconds / DAY_SECONDS);
}

function censoredEvidence(evidence: Evidence): HoldReason | undefined {
  const days = windowDays(evidence);
  if (evidence.resource === 'cpu') {
    return days.some(({ signals }) => signals.throttledShare > THROTTLED_SHARE)
      ? 'Throttled'
      : undefined;
  }
  if (lastOomKill(evidence) !== undefined) return 'OOMKilled';
  const limit = evidence.currentLimit;
  const isAtLimit = days.some(
    ({ memoryPeakBytes }) =>
      limit !== undefined && (memoryPeakBytes ?? 0) >= AT_LIMIT_SHARE * limit,
  );
  return isAtLimit ? 'AtMemoryLimit' : undefined;
}

/**
 * The last OOM kill within the window, as the pods, metrics or the last recommendation tell. A kill that was known
 * before keeps the limit of then: one that was raised since is not what killed, and would ask for more each time.
 */
export function lastOomKill(evidence: Evidence): OomKill | undefined {
  const { oomKill, currentLimit, previous, nowSeconds, settings } = evidence;
  const day = windowDays(evidence).findLast(({ signals }) => signals.oomKills > 0);
  // Metrics count the kills of a day and name no limit.
  const counted = day && { seconds: day.startSeconds, limitBytes: currentLimit };
  const from = nowSeconds - settings.windowSeconds;
  return [previous?.oomKill, oomKill, counted]
    .filter((kill) => kill !== undefined)
    .filter(({ seconds }) => seconds > from || seconds === counted?.seconds)
    .reduce<OomKill | undefined>(
      (last, kill) => (last === undefined || kill.seconds > last.seconds ? kill : last),
      undefined,
    );
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
