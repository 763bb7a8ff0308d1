import { codeOf, coresOfCode } from './buckets.ts';
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
  const cores = sorted.filter((amount, i) => i === 0 || amount !== sorted[i - 1]);
  if (cores.length === 0) return undefined;
  const counts = new Uint32Array(cores.length);
  let at = 0;
  for (const amount of sorted) {
    if (amount !== cores[at]) at += 1;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return {
    begin: 0,
    end: cores.length,
    codes: Uint16Array.from(cores, codeOf),
    counts,
    weight: 1,
    cores,
    samples: sorted.length,
    sum: sorted.reduce((sum, amount) => sum + amount, 0),
  };
}

/** The amount in cores at a place of the arrays. */
export function coresAt({ cores, codes }: HourCpu, index: number): number {
  return cores === undefined ? coresOfCode(codes[index] ?? 0) : (cores[index] ?? 0);
}

/** Whether CPU of an hour is given sample by sample, in cores. */
export function isListed(cpu: Float64Array | HourCpu | undefined): cpu is Float64Array {
  return ArrayBuffer.isView(cpu);
}

export function highestCores(hour: HourCpu): number {
  return coresAt(hour, hour.end - 1);
}

/** How many samples are over an amount in cores. */
export function samplesOver(hour: HourCpu, amount: number): number {
  const { begin, end, counts } = hour;
  let over = 0;
  // Ascending, so that what is over comes first from the end.
  for (let i = end - 1; i >= begin && coresAt(hour, i) > amount; i--) over += counts[i] ?? 0;
  return over;
}

/** CPU of an hour of the day; undefined without a sample. */
export function cpuOfHour({ cpu }: HourlyUse, hour: number): HourCpu | undefined {
  return cpu[hour];
}
