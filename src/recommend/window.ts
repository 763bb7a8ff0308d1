import { highestCores, HOUR_SECONDS } from './hours.ts';
import { DAY_SECONDS, type Resource, type UsageDay, type UsageHistory } from './usage.ts';

/** Days of use that the days have of a resource, gaps not counted. */
export function coveredDays(resource: Resource, days: readonly UsageDay[]): number {
  return days.reduce((sum, day) => sum + coverage(resource, day), 0);
}

function coverage(resource: Resource, day: UsageDay): number {
  return resource === 'cpu' ? day.cpuCoverage : day.memoryCoverage;
}

/** The days of which a part lies within the window that ends at `atSeconds`. */
export function daysInWindow(
  days: readonly UsageDay[],
  atSeconds: number,
  windowSeconds: number,
): readonly UsageDay[] {
  return days.filter(
    ({ startSeconds }) =>
      startSeconds + DAY_SECONDS > atSeconds - windowSeconds && startSeconds < atSeconds,
  );
}

/** The highest CPU sample of the hours that ended by a time, in cores; undefined without one. */
export function highestCpu({ days }: UsageHistory, untilSeconds: number): number | undefined {
  let highest: number | undefined;
  for (const { startSeconds, hours } of days) {
    for (const [index, hour] of hours.cpu.entries()) {
      if (startSeconds + (index + 1) * HOUR_SECONDS > untilSeconds) break;
      if (hour !== undefined) highest = Math.max(highest ?? 0, highestCores(hour));
    }
  }
  return highest;
}
