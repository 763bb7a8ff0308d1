/** Traces are judged on a grid of five minutes, at multiples of 300 s. */
export const BIN_SECONDS = 300;
export const HOUR_BINS = 12;
export const DAY_BINS = 288;

/** The usage of one series on the grid. NaN is a missing bin, which is not zero. */
export interface GridSeries {
  /** The file's name without `.csv` or `.csv.gz`. */
  readonly dataset: string;
  readonly series: string;
  /** First sample rounded down to the grid. */
  readonly startSeconds: number;
  /** Cores, the mean of each bin's samples. Length 0 when the trace has none. */
  readonly cpu: Float64Array;
  /** Bytes, the highest of each bin's samples. Length 0 when the trace has none. */
  readonly memory: Float64Array;
  /** Median time between samples. */
  readonly stepSeconds: number;
}

/** Number of bins from the first sample to the last. */
export function binCount({ cpu, memory }: GridSeries): number {
  return Math.max(cpu.length, memory.length);
}

/** The CPU samples of each hour from the first sample on, in cores, missing ones left out. */
export function cpuHours({ cpu }: Pick<GridSeries, 'cpu'>): readonly Float64Array[] {
  return Array.from({ length: Math.ceil(cpu.length / HOUR_BINS) }, (_, hour) =>
    cpu.subarray(hour * HOUR_BINS, (hour + 1) * HOUR_BINS).filter((cores) => !Number.isNaN(cores)),
  );
}
