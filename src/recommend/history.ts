import { hourOf, HOURS_OF_DAY, mergeHours, packHours } from './hours.ts';
import { DAY_SECONDS, type UsageDay, type UsageHistory, type UsageSignals } from './usage.ts';

interface OpenDay {
  /** By the hour. */
  readonly cpu: readonly number[][];
  readonly memoryPeaks: Float64Array;
  readonly cpuBins: Set<number>;
  readonly memoryBins: Set<number>;
  readonly pods: Set<string>;
  memoryPeakBytes: number | undefined;
  signals: UsageSignals;
}

const NO_SIGNALS: UsageSignals = { oomKills: 0, restarts: 0, throttledShare: 0 };

/**
 * Folds the samples of one container class into days. Samples may come in any order and pod by pod; a value that
 * is negative or not finite is a missing sample.
 */
export class HistoryFold {
  readonly #stepSeconds: number;
  readonly #days = new Map<number, OpenDay>();
  #first = Infinity;
  #last = -Infinity;

  constructor(stepSeconds: number) {
    this.#stepSeconds = stepSeconds;
  }

  addCpu(pod: string, timeSeconds: number, cores: number): void {
    if (!isSample(cores)) return;
    const day = this.#at(pod, timeSeconds);
    day.cpu[hourOf(timeSeconds)]?.push(cores);
    day.cpuBins.add(Math.floor(timeSeconds / this.#stepSeconds));
  }

  addMemory(pod: string, timeSeconds: number, bytes: number): void {
    if (!isSample(bytes)) return;
    const day = this.#at(pod, timeSeconds);
    day.memoryPeakBytes = Math.max(day.memoryPeakBytes ?? 0, bytes);
    const hour = hourOf(timeSeconds);
    day.memoryPeaks[hour] = Math.max(bytes, nanTo(0, day.memoryPeaks[hour]));
    day.memoryBins.add(Math.floor(timeSeconds / this.#stepSeconds));
  }

  /** Counts add up over pods and calls; of throttled shares the highest stays. */
  addSignals(timeSeconds: number, signals: Partial<UsageSignals>): void {
    const day = this.#open(timeSeconds);
    day.signals = {
      oomKills: day.signals.oomKills + (signals.oomKills ?? 0),
      restarts: day.signals.restarts + (signals.restarts ?? 0),
      throttledShare: Math.max(day.signals.throttledShare, signals.throttledShare ?? 0),
    };
  }

  /** Undefined when no sample came at all. */
  history(): UsageHistory | undefined {
    if (this.#last === -Infinity) return undefined;
    return {
      days: [...this.#days]
        .sort(([a], [b]) => a - b)
        .map(([start, day]) => this.#close(start, day)),
      stepSeconds: this.#stepSeconds,
      firstSampleSeconds: this.#first,
      lastSampleSeconds: this.#last,
    };
  }

  #at(pod: string, timeSeconds: number): OpenDay {
    this.#first = Math.min(this.#first, timeSeconds);
    this.#last = Math.max(this.#last, timeSeconds);
    const day = this.#open(timeSeconds);
    day.pods.add(pod);
    return day;
  }

  #open(timeSeconds: number): OpenDay {
    const start = dayStart(timeSeconds);
    const open = this.#days.get(start);
    if (open !== undefined) return open;
    const day: OpenDay = {
      cpu: Array.from({ length: HOURS_OF_DAY }, () => []),
      memoryPeaks: new Float64Array(HOURS_OF_DAY).fill(NaN),
      cpuBins: new Set(),
      memoryBins: new Set(),
      pods: new Set(),
      memoryPeakBytes: undefined,
      signals: NO_SIGNALS,
    };
    this.#days.set(start, day);
    return day;
  }

  #close(startSeconds: number, day: OpenDay): UsageDay {
    const bins = DAY_SECONDS / this.#stepSeconds;
    return {
      startSeconds,
      cpuCoverage: Math.min(1, day.cpuBins.size / bins),
      memoryPeakBytes: day.memoryPeakBytes,
      memoryCoverage: Math.min(1, day.memoryBins.size / bins),
      pods: day.pods.size,
      signals: day.signals,
      hours: packHours(day.cpu, day.memoryPeaks),
    };
  }
}

function nanTo(instead: number, value = NaN): number {
  return Number.isNaN(value) ? instead : value;
}

function isSample(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

/**
 * History of what runs to completion, such as a CronJob's pods: between two runs there is nothing that could be
 * missing, so a day with a run is seen whole.
 */
export function asRuns(history: UsageHistory): UsageHistory {
  return {
    ...history,
    days: history.days.map((day) => ({
      ...day,
      cpuCoverage: day.cpuCoverage > 0 ? 1 : 0,
      memoryCoverage: day.memoryCoverage > 0 ? 1 : 0,
    })),
  };
}

/** 00:00 UTC of the day that holds the time. */
export function dayStart(timeSeconds: number): number {
  return Math.floor(timeSeconds / DAY_SECONDS) * DAY_SECONDS;
}

/**
 * History with the days of `fresh` in place of its own, and without the days that end before `fromSeconds`. An answer
 * that lost samples must not take evidence away: of a day that `fresh` has clearly fewer CPU samples of, these stay as
 * they were, and so does each hour of its samples; of peaks and signals, which only grow in a day, the higher stays.
 * Undefined when no day is left.
 */
export function mergeHistory(
  old: UsageHistory | undefined,
  fresh: UsageHistory | undefined,
  fromSeconds: number,
): UsageHistory | undefined {
  const parts = [old, fresh].filter((part) => part !== undefined);
  const newest = parts.at(-1);
  const days = mergeDays(parts).filter((day) => day.startSeconds + DAY_SECONDS > fromSeconds);
  const [first] = days;
  if (newest === undefined || first === undefined) return undefined;
  const firstSample = Math.min(...parts.map(({ firstSampleSeconds }) => firstSampleSeconds));
  return {
    days,
    stepSeconds: newest.stepSeconds,
    firstSampleSeconds: Math.max(first.startSeconds, firstSample),
    lastSampleSeconds: Math.max(...parts.map(({ lastSampleSeconds }) => lastSampleSeconds)),
  };
}

function mergeDays(parts: readonly UsageHistory[]): readonly UsageDay[] {
  const days = new Map<number, UsageDay>();
  for (const day of parts.flatMap((part) => part.days)) {
    const before = days.get(day.startSeconds);
    days.set(day.startSeconds, before === undefined ? day : mergeDay(before, day));
  }
  return [...days.values()].sort((a, b) => a.startSeconds - b.startSeconds);
}

function mergeDay(before: UsageDay, fresh: UsageDay): UsageDay {
  const peaks = [before, fresh].flatMap(({ memoryPeakBytes }) => memoryPeakBytes ?? []);
  const highest = (pick: (day: UsageDay) => number) => Math.max(pick(before), pick(fresh));
  return {
    startSeconds: fresh.startSeconds,
    cpuCoverage: (hasLessCpu(fresh, before) ? before : fresh).cpuCoverage,
    memoryPeakBytes: peaks.length === 0 ? undefined : Math.max(...peaks),
    memoryCoverage: highest(({ memoryCoverage }) => memoryCoverage),
    pods: highest(({ pods }) => pods),
    signals: {
      oomKills: highest(({ signals }) => signals.oomKills),
      restarts: highest(({ signals }) => signals.restarts),
      throttledShare: highest(({ signals }) => signals.throttledShare),
    },
    hours: mergeHours(before.hours, fresh.hours),
  };
}

/** A day that has clearly less than when it was read before was cut short on its way: of its hours, or of its pods. */
function hasLessCpu(fresh: UsageDay, before: UsageDay): boolean {
  const tolerated = 0.01;
  return (
    fresh.cpuCoverage < before.cpuCoverage - tolerated ||
    fresh.hours.cpu.length < before.hours.cpu.length * (1 - tolerated)
  );
}
