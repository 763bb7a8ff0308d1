/** What is sized. CPU amounts are cores, memory amounts are bytes, times are unix seconds, everywhere in `src`. */
export const RESOURCES = ['cpu', 'memory'] as const;
export type Resource = (typeof RESOURCES)[number];

/** An amount per resource; a resource that is left out is not set, which is not the same as zero. */
export interface Amounts {
  readonly cpu?: number;
  readonly memory?: number;
}

/** The part of a container's resources that is sized. */
export interface Sizes {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

export const DAY_SECONDS = 86_400;

/**
 * One UTC day of one container class: the same container in all replicas, present and former, of a workload.
 * A day without a sample of a resource says nothing about it: missing is never zero.
 */
export interface UsageDay {
  /** 00:00 UTC of the day. */
  readonly startSeconds: number;
  /** Share of the day, 0 to 1, that has at least one CPU sample. */
  readonly cpuCoverage: number;
  /** The highest working set of any pod in bytes; undefined without a sample. */
  readonly memoryPeakBytes: number | undefined;
  /** Share of the day, 0 to 1, that has at least one memory sample. */
  readonly memoryCoverage: number;
  /** Number of pods that ran in the day: a pod-day each. */
  readonly pods: number;
  readonly signals: UsageSignals;
  readonly hours: HourlyUse;
}

/**
 * The samples of a day by the hour, packed, since the risk budget is kept by the hour. 4 bytes a CPU sample and 300
 * bytes a day: with a sample per five minutes, and what three arrays weigh themselves, 28 kB for 14 days of one pod,
 * and 16 kB for each pod more.
 */
export interface HourlyUse {
  /** CPU use in cores, one sample per pod and step, hour after hour, ascending within each. */
  readonly cpu: Float32Array;
  /** For each of 24 hours, where in `cpu` its samples end. */
  readonly cpuEnds: Uint32Array;
  /** For each of 24 hours, the highest working set of any pod in bytes; NaN without a sample. */
  readonly memoryPeaks: Float64Array;
}

/** What says that usage was held down, so that samples are lower bounds of demand. */
export interface UsageSignals {
  readonly oomKills: number;
  readonly restarts: number;
  /** Throttled share of the CPU periods, 0 to 1; 0 where no limit was set. */
  readonly throttledShare: number;
}

/** Days in ascending order, none twice. */
export interface UsageHistory {
  readonly days: readonly UsageDay[];
  /** Time between samples. */
  readonly stepSeconds: number;
  readonly firstSampleSeconds: number;
  readonly lastSampleSeconds: number;
}
