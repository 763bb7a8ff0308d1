import type { LiveUsage } from '../controller/changeports.ts';
import { eachSample, type AnswerSeries } from './answer.ts';

export type LiveMetric = 'memory' | 'cpuSeconds' | 'periods' | 'throttledPeriods' | 'oomEvents';

/** What a container does now, with the beginnings of the spans that rates were taken over. */
export interface SpannedUsage extends LiveUsage {
  /** The older of the two samples of `cpuCores`. */
  readonly cpuSinceSeconds: number | undefined;
  /** The oldest sample of `throttledShare`. */
  readonly throttledSinceSeconds: number | undefined;
}

export interface LiveFold {
  add(metric: LiveMetric, series: readonly AnswerSeries[]): void;
  /** By `namespace/pod`, then container. */
  pods(): ReadonlyMap<string, ReadonlyMap<string, SpannedUsage>>;
}

/** A rate over less says more of the moment than of the container. */
const SHORTEST_RATE_SECONDS = 15;

/** A figure that is so much older than another of its container is not from the same time. */
const TOGETHER_SECONDS = 60;

interface Sample {
  readonly timeSeconds: number;
  readonly value: number;
}

/** One series; its samples in ascending order of time. */
interface Track {
  /** All labels but the name of the metric. */
  readonly labels: string;
  readonly samples: readonly Sample[];
}

type Tracks = Record<LiveMetric, Track[]>;

/** Samples `add`ed in any order of metrics; series without a pod, a container or a number are left out. */
export function createLiveFold(): LiveFold {
  const pods = new Map<string, Map<string, Tracks>>();
  return {
    add(metric, answer) {
      for (const series of answer) {
        const { namespace = '', pod = '', container = '' } = series.labels;
        const track = trackOf(series);
        if (pod === '' || container === '' || track.samples.length === 0) continue;
        const key = `${namespace}/${pod}`;
        const containers = pods.get(key) ?? new Map<string, Tracks>();
        pods.set(key, containers);
        const tracks = containers.get(container) ?? noTracks();
        containers.set(container, tracks);
        tracks[metric].push(track);
      }
    },
    pods: () => new Map([...pods].map(([key, containers]) => [key, usageOfAll(containers)])),
  };
}

function trackOf(series: AnswerSeries): Track {
  const labels = Object.entries(series.labels).filter(([name]) => name !== '__name__');
  const samples: Sample[] = [];
  eachSample(series, (timeSeconds, value) => samples.push({ timeSeconds, value }));
  return { labels: JSON.stringify(labels.sort(([a], [b]) => (a < b ? -1 : 1))), samples };
}

function noTracks(): Tracks {
  return { memory: [], cpuSeconds: [], periods: [], throttledPeriods: [], oomEvents: [] };
}

function usageOfAll(containers: ReadonlyMap<string, Tracks>): ReadonlyMap<string, SpannedUsage> {
  return new Map(
    [...containers].flatMap(([name, tracks]) => {
      const usage = usageOf(tracks);
      return usage === undefined ? [] : [[name, usage] as const];
    }),
  );
}

/** A figure, and the times of the first and the last sample that it was made of. */
interface Measured {
  readonly value: number;
  readonly sinceSeconds: number;
  readonly atSeconds: number;
}

/**
 * Figures that are older than the newest by more than a minute are not told. Of those that are, the oldest says when:
 * none was seen before that, apart from the spans of rates.
 */
function usageOf(tracks: Tracks): SpannedUsage | undefined {
  const oomKilledSeconds = latest(tracks.oomEvents.flatMap(lastRise));
  const memory = ofNewest(tracks.memory, lastSample);
  const cpu = ofNewest(tracks.cpuSeconds, lastRate);
  const throttled = ofNewest(tracks.periods, (periods) =>
    tracks.throttledPeriods
      .filter(({ labels }) => labels === periods.labels)
      .flatMap((throttledPeriods) => throttledShareOf(throttledPeriods, periods)),
  );
  const times = [memory, cpu, throttled].flatMap((measured) => measured?.atSeconds ?? []);
  const newest = latest(times);
  const atSeconds =
    newest === undefined
      ? oomKilledSeconds
      : Math.min(...times.filter((time) => newest - time <= TOGETHER_SECONDS));
  if (atSeconds === undefined) return undefined;
  const told = (measured: Measured | undefined): Measured | undefined =>
    measured !== undefined && measured.atSeconds >= atSeconds ? measured : undefined;
  return {
    atSeconds,
    memoryBytes: told(memory)?.value,
    cpuCores: told(cpu)?.value,
    cpuSinceSeconds: told(cpu)?.sinceSeconds,
    throttledShare: told(throttled)?.value,
    throttledSinceSeconds: told(throttled)?.sinceSeconds,
    oomKilledSeconds,
  };
}

/**
 * What the series with the newest sample says; undefined where it says nothing yet, since an older one may be that of
 * a container that ended. Of several that are as new, such as those of two jobs, the highest.
 */
function ofNewest(
  tracks: readonly Track[],
  measure: (track: Track) => readonly Measured[],
): Measured | undefined {
  const newest = latest(tracks.map(endSeconds));
  const measured = tracks.filter((track) => endSeconds(track) === newest).flatMap(measure);
  return measured.sort((a, b) => b.value - a.value)[0];
}

function endSeconds({ samples }: Track): number {
  return samples.at(-1)?.timeSeconds ?? -Infinity;
}

function latest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.max(...times);
}

function lastSample({ samples }: Track): readonly Measured[] {
  return samples.slice(-1).map(({ timeSeconds, value }) => ({
    value,
    sinceSeconds: timeSeconds,
    atSeconds: timeSeconds,
  }));
}

function lastRate({ samples }: Track): readonly Measured[] {
  const run = sinceReset(samples, (before, after) => after.value < before.value);
  const last = run.at(-1);
  if (last === undefined) return [];
  const first = run.findLast(
    ({ timeSeconds }) => last.timeSeconds - timeSeconds >= SHORTEST_RATE_SECONDS,
  );
  if (first === undefined) return [];
  const seconds = last.timeSeconds - first.timeSeconds;
  return [
    {
      value: (last.value - first.value) / seconds,
      sinceSeconds: first.timeSeconds,
      atSeconds: last.timeSeconds,
    },
  ];
}

/** Over the times that both counters have; nothing where no period went by. */
function throttledShareOf(throttled: Track, all: Track): readonly Measured[] {
  const throttledAt = new Map(throttled.samples.map((one) => [one.timeSeconds, one.value]));
  const both = all.samples.flatMap(({ timeSeconds, value: periods }) => {
    const value = throttledAt.get(timeSeconds);
    return value === undefined ? [] : [{ timeSeconds, periods, throttled: value }];
  });
  const run = sinceReset(
    both,
    (before, after) => after.periods < before.periods || after.throttled < before.throttled,
  );
  const [first] = run;
  const last = run.at(-1);
  if (first === undefined || last === undefined || last.periods <= first.periods) return [];
  const share = (last.throttled - first.throttled) / (last.periods - first.periods);
  return [
    {
      value: Math.min(1, share),
      sinceSeconds: first.timeSeconds,
      atSeconds: last.timeSeconds,
    },
  ];
}

/** The items after the last reset: before it the counter was another container's. */
function sinceReset<T>(
  items: readonly T[],
  isReset: (before: T, after: T) => boolean,
): readonly T[] {
  const start = items.findLastIndex((after, i) => {
    const before = items[i - 1];
    return before !== undefined && isReset(before, after);
  });
  return items.slice(Math.max(0, start));
}

/** When the counter was last seen above the sample before; a series that begins above zero says nothing of when. */
function lastRise({ samples }: Track): readonly number[] {
  const rise = samples.findLast(({ value }, i) => value > (samples[i - 1]?.value ?? Infinity));
  return rise === undefined ? [] : [rise.timeSeconds];
}
