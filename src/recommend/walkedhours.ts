import { HOUR_SECONDS, HOURS_OF_DAY } from './hours.ts';
import type { SizingInput } from './sizing.ts';
import { DAY_SECONDS, type Resource, type UsageDay } from './usage.ts';
import { coveredDays } from './window.ts';
import type { Writable } from './writable.ts';

/** An hour with a sample of the resource. */
export interface WalkedHour<Use> {
  readonly startSeconds: number;
  /** End of the hour; now, while it is not over. */
  readonly endSeconds: number;
  readonly isOver: boolean;
  /** Hours that it stands for. */
  readonly weight: number;
  /** Hours that were seen before it. */
  readonly hoursBefore: number;
  readonly use: Use;
}

/** How far a walk has come; it goes on from there. */
export interface Progress {
  /** Hours that were seen. */
  hours: number;
  /** Begin of the last one; undefined before the first. */
  lastSeconds: number | undefined;
}

/**
 * Visits the hours of the days that have use, in their order: those of the window, or what follows on others of it. An
 * hour is lent until `visit` returns.
 */
export function walkHours<Use>(
  {
    days,
    nowSeconds,
    runsToCompletion,
  }: Pick<SizingInput, 'days' | 'nowSeconds' | 'runsToCompletion'>,
  useOf: (day: UsageDay, hour: number) => Use | undefined,
  visit: (hour: WalkedHour<Use>) => void,
  progress: Progress = { hours: 0, lastSeconds: undefined },
): void {
  let hour: Writable<WalkedHour<Use>> | undefined;
  for (const day of days) {
    for (let at = 0; at < HOURS_OF_DAY; at++) {
      const startSeconds = day.startSeconds + at * HOUR_SECONDS;
      const use = startSeconds < nowSeconds ? useOf(day, at) : undefined;
      if (use === undefined) continue;
      const { lastSeconds: last } = progress;
      const since = last === undefined ? 1 : (startSeconds - last) / HOUR_SECONDS;
      hour ??= { startSeconds, endSeconds: 0, isOver: true, weight: 1, hoursBefore: 0, use };
      hour.startSeconds = startSeconds;
      hour.endSeconds = Math.min(startSeconds + HOUR_SECONDS, nowSeconds);
      hour.isOver = startSeconds + HOUR_SECONDS <= nowSeconds;
      hour.weight = runsToCompletion ? Math.min(since, HOURS_OF_DAY) : 1;
      hour.hoursBefore = progress.hours;
      hour.use = use;
      visit(hour);
      progress.hours += hour.weight;
      progress.lastSeconds = startSeconds;
    }
  }
}

/** An hour is held against what came before it once that covers `history.minimum`. */
export function isJudged(hour: WalkedHour<unknown>, { settings }: SizingInput): boolean {
  return hour.isOver && hour.hoursBefore * HOUR_SECONDS >= settings.minimumSeconds;
}

/** Days of use within the window, gaps not counted. */
export function coveredIn(resource: Resource, { days, settings }: SizingInput): number {
  return Math.min(coveredDays(resource, days), settings.windowSeconds / DAY_SECONDS);
}

/** What is left of an amount under the bound that cuts it short, if there is one. */
export function atMost(amount: number, most = Infinity): number {
  return Math.min(amount, most);
}
