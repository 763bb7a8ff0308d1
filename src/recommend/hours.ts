import { codeOf } from './buckets.ts';
import type { HourCpu, HourlyUse } from './usage.ts';

export const HOUR_SECONDS = 3600;
export const HOURS_OF_DAY = 24;

/** The hour of the UTC day that holds the time, 0 to 23. */
export function hourOf(timeSeconds: number): number {
  return Math.floor(timeSeconds / HOUR_SECONDS) % HOURS_OF_DAY;
}

/**
 * The use of a day: CPU samples in cores and the highest working set in bytes of each of 24 hours, an hour without a
 * sample being empty, or NaN. The order of the samples within an hour does not matter.
 */
export function packHours(
  cpu: readonly ArrayLike<number>[],
  memoryPeaks: ArrayLike<number>,
): HourlyUse {
  const hours = Array.from({ length: HOURS_OF_DAY }, (_, hour) => hourCpu(cpu[hour] ?? []));
  return { cpu: hours, memoryPeaks: Float64Array.from(memoryPeaks) };
}

/** CPU of an hour from samples in cores, in any order; undefined without one. */
export function hourCpu(samples: ArrayLike<number>): HourCpu | undefined {
  const sorted = Float64Array.from(samples).sort();
  const cpu = sorted.filter((cores, i) => i === 0 || cores !== sorted[i - 1]);
  if (cpu.length === 0) return undefined;
  const counts = new Float64Array(cpu.length);
  let at = 0;
  for (const cores of sorted) {
    if (cores !== cpu[at]) at += 1;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return {
    cpu,
    counts,
    codes: Uint16Array.from(cpu, codeOf),
    samples: sorted.length,
    sum: sorted.reduce((sum, cores) => sum + cores, 0),
  };
}

/** CPU of an hour of the day; undefined without a sample. */
export function cpuOfHour({ cpu }: HourlyUse, hour: number): HourCpu | undefined {
  return cpu[hour];
}
