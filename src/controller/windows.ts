import { Cron } from 'croner';
import { parseDuration } from '../api/duration.ts';
import type { RightsizePolicySpec } from '../api/policy.ts';

type Windows = RightsizePolicySpec['changes']['windows'];
type Window = NonNullable<Windows>[number];

/**
 * Whether savings may be applied at the time, in unix seconds. Without windows they may at any time. A window is open
 * from an opening, that second included, until its duration is over, that second excluded; one that cannot be read,
 * as `windowProblems` says, is closed.
 */
export function isInWindow(windows: Windows, nowSeconds: number): boolean {
  if (windows === undefined || windows.length === 0) return true;
  return windows.some((window) => {
    const opened = lastOpening(window, nowSeconds);
    return opened !== undefined && nowSeconds < opened + parseDuration(window.duration);
  });
}

/** When the next window opens after the time, in unix seconds; undefined where there is none that ever does. */
export function nextOpening(windows: Windows, nowSeconds: number): number | undefined {
  const openings = (windows ?? []).flatMap(
    (window) => scheduleOf(window)?.nextRun(dateOf(nowSeconds)) ?? [],
  );
  return openings.length === 0 ? undefined : Math.min(...openings.map(secondsOf));
}

/** What is wrong with windows that never open: the field, what it says, and what to write. */
export function windowProblems(windows: Windows): readonly string[] {
  return (windows ?? []).flatMap((window, index) => {
    const problem = problemOf(window);
    return problem === undefined ? [] : [`changes.windows[${index}].${problem}`];
  });
}

const EXAMPLE = 'such as "0 2 * * 1-5" for two o\'clock on weekdays';

function problemOf(window: Window): string | undefined {
  if (!isTimeZone(window.timeZone)) {
    return `timeZone: "${window.timeZone}" is not known; write an IANA time zone such as "Europe/London"`;
  }
  const schedule = scheduleOf(window);
  if (schedule === undefined) {
    const form = `write five fields of numbers, lists, ranges and steps such as "*/15", ${EXAMPLE}`;
    return `schedule: "${window.schedule}" is no cron schedule; ${form}`;
  }
  // Any time will do: what comes at all, such as 29 February, has a next time.
  if (schedule.nextRun(dateOf(0)) !== null) return undefined;
  return `schedule: "${window.schedule}" names a day that never comes; write one that does, ${EXAMPLE}`;
}

function lastOpening(window: Window, nowSeconds: number): number | undefined {
  const [opening] = scheduleOf(window)?.previousRuns(1, dateOf(nowSeconds + 1)) ?? [];
  return opening === undefined ? undefined : secondsOf(opening);
}

/** Undefined where the schedule is none or the time zone is not known. */
function scheduleOf({ schedule, timeZone }: Window): Cron | undefined {
  // Croner takes the zone of this machine where it is given none.
  if (!isTimeZone(timeZone)) return undefined;
  try {
    return new Cron(schedule, { timezone: timeZone, mode: '5-part', paused: true });
  } catch {
    return undefined;
  }
}

function isTimeZone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function dateOf(seconds: number): Date {
  return new Date(Math.floor(seconds) * 1000);
}

function secondsOf(date: Date): number {
  return date.getTime() / 1000;
}
