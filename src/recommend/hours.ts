import type { HourlyUse } from './usage.ts';

export const HOUR_SECONDS = 3600;
export const HOURS_OF_DAY = 24;

/** The hour of the UTC day that holds the time, 0 to 23. */
export function hourOf(timeSeconds: number): number {
  return Math.floor(timeSeconds / HOUR_SECONDS) % HOURS_OF_DAY;
}

/**
 * Packs a day: CPU samples in cores and the highest working set in bytes of each of 24 hours, an hour without a
 * sample being empty, or NaN. The order of the samples within an hour does not matter.
 */
export function packHours(
  cpu: readonly ArrayLike<number>[],
  memoryPeaks: ArrayLike<number>,
): HourlyUse {
  const cpuEnds = new Uint32Array(HOURS_OF_DAY);
  let end = 0;
  for (let hour = 0; hour < HOURS_OF_DAY; hour++) {
    end += cpu[hour]?.length ?? 0;
    cpuEnds[hour] = end;
  }
  const samples = new Float32Array(end);
  for (let hour = 0; hour < HOURS_OF_DAY; hour++) {
    const begin = cpuEnds[hour - 1] ?? 0;
    samples.set(cpu[hour] ?? [], begin);
    samples.subarray(begin, cpuEnds[hour]).sort();
  }
  return { cpu: samples, cpuEnds, memoryPeaks: Float64Array.from(memoryPeaks) };
}

/** CPU samples of an hour of the day, in cores and in ascending order; a view, not a copy. */
export function cpuOfHour({ cpu, cpuEnds }: HourlyUse, hour: number): Float32Array {
  return cpu.subarray(cpuEnds[hour - 1] ?? 0, cpuEnds[hour] ?? 0);
}

/** An hour that has clearly fewer samples than when it was read before was cut short on its way. */
const LOST_SHARE = 0.01;

/** Hour by hour what `fresh` has, unless it lost samples; of peaks the higher one. */
export function mergeHours(before: HourlyUse, fresh: HourlyUse): HourlyUse {
  const cpu = Array.from({ length: HOURS_OF_DAY }, (_, hour) => {
    const old = cpuOfHour(before, hour);
    const read = cpuOfHour(fresh, hour);
    return read.length < old.length * (1 - LOST_SHARE) ? old : read;
  });
  const memoryPeaks = before.memoryPeaks.map((peak, hour) => {
    const read = fresh.memoryPeaks[hour] ?? NaN;
    return read >= peak || Number.isNaN(peak) ? read : peak;
  });
  return packHours(cpu, memoryPeaks);
}
