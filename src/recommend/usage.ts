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
  /**
   * A hash of 32 bits of all that the day holds, and of the finest step of the history, by which its samples count. Left
   * out where it was not kept packed.
   */
  readonly fingerprint?: number;
}

/**
 * CPU of one hour: how many samples are of each amount. The hours of a container share their arrays, of which each has a
 * part: an array for each hour would take longer, and leave more behind, than all that is done with it. Their memory may be
 * given back once other histories are looked at: who goes on later holds the history, and not its hours.
 */
export interface HourCpu {
  /** The part of the arrays that is of this hour; never empty. */
  readonly begin: number;
  readonly end: number;
  /** Amounts by their codes, as `codeOf` gives them, ascending. */
  readonly codes: Uint16Array;
  /** For each of them how many samples, one per pod and step, are of it. */
  readonly counts: Uint32Array;
  /** What each sample counts beside those of other hours: one of a coarser step than the finest stands for more time. */
  readonly weight: number;
  /** Amounts in cores, ascending and none twice, where they are known better than by their codes. */
  readonly cores: Float64Array | undefined;
  /** Samples of all amounts. */
  readonly samples: number;
  /** What they come to, in cores. */
  readonly sum: number;
}

/** The samples of a day by the hour, since the risk budget is kept by the hour. What is kept of it is `PackedUsage`. */
export interface HourlyUse {
  /** For each of 24 hours its CPU use; undefined without a sample. */
  readonly cpu: readonly (HourCpu | undefined)[];
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
