import { dayStart } from './history.ts';
import { cpuOfHour, HOUR_SECONDS, hourOf, HOURS_OF_DAY, samplesOver } from './hours.ts';
import {
  DAY_SECONDS,
  RESOURCES,
  type Amounts,
  type HourCpu,
  type UsageDay,
  type UsageHistory,
} from './usage.ts';

/** What became of the size of CPU: counts that age, so that they are no whole numbers. */
interface KeptCpu {
  /** Hours with a sample. */
  readonly hours: number;
  readonly samples: number;
  /** Of the samples, how many were over the size. */
  readonly over: number;
}

/** What is known of the UTC day that is not over yet. */
type Today = 'Unseen' | 'Under' | 'Over';

/** What became of the size of memory: counts of UTC days that are over, which age. */
interface KeptMemory {
  readonly days: number;
  /** Of the days, on how many a peak was over the size. */
  readonly daysHit: number;
  readonly today: Today;
}

/** How the sizes that were recommended fared on the use that came after they were. */
export interface Kept {
  /** Begin of the first hour that counts. */
  readonly sinceSeconds: number;
  /** The hours before this one are judged; begin of an hour. */
  readonly toSeconds: number;
  readonly cpu: KeptCpu;
  readonly memory: KeptMemory;
  /** Sizes that stood before the present ones, for hours that began then and are not judged yet. */
  readonly before: EarlierSizes | undefined;
}

interface EarlierSizes {
  /** They hold for the hours that begin before this. */
  readonly untilSeconds: number;
  /** A resource that had no size is not judged. */
  readonly sizes: Amounts;
}

/** Age at which what was counted counts half. */
const HALF_LIFE_DAYS = 14;
const HOURLY_WEIGHT = 2 ** (-1 / (HALF_LIFE_DAYS * HOURS_OF_DAY));

/** Nothing is judged yet: the first hour that counts is the first to begin from now on. */
export function startKept(nowSeconds: number): Kept {
  const from = hourAfter(nowSeconds);
  return {
    sinceSeconds: from,
    toSeconds: from,
    cpu: { hours: 0, samples: 0, over: 0 },
    memory: { days: 0, daysHit: 0, today: 'Unseen' },
    before: undefined,
  };
}

/**
 * Judges the hours since `toSeconds` that are over and whose samples are in, each once, against the size that stood at
 * its beginning: of CPU samples in cores, of memory the highest peak of the UTC day in bytes. An hour without a sample
 * is not judged. What was counted before ages by the hour. Judging to one time and then to another comes to the same
 * as judging to the other at once.
 */
export function judgeKept(
  kept: Kept,
  sizes: Amounts,
  seen: { readonly history: UsageHistory | undefined; readonly nowSeconds: number },
): Kept {
  const horizon = horizonOf(seen.history, seen.nowSeconds);
  if (horizon <= kept.toSeconds) return kept;
  const from = dayStart(kept.toSeconds);
  const days = new Map(
    seen.history?.days
      .filter(({ startSeconds }) => startSeconds >= from)
      .map((day) => [day.startSeconds, day]),
  );
  let { cpu, memory } = kept;
  for (let hour = kept.toSeconds; hour < horizon; hour += HOUR_SECONDS) {
    const size = sizesAt(hour, kept.before, sizes);
    const day = days.get(dayStart(hour));
    cpu = withCpu(aged(cpu), day && cpuOfHour(day.hours, hourOf(hour)), size.cpu);
    memory = withPeak({ ...memory, ...agedDays(memory) }, peakOf(day, hour), size.memory);
    if ((hour + HOUR_SECONDS) % DAY_SECONDS === 0) memory = closeDay(memory);
  }
  const isPending = kept.before !== undefined && kept.before.untilSeconds > horizon;
  return { ...kept, toSeconds: horizon, cpu, memory, before: isPending ? kept.before : undefined };
}

/**
 * The same after the size changed: the hour in which it did, and those before it that are not judged yet, stay with
 * the size before. Of several changes before they are judged the lowest size counts.
 */
export function resizeKept(kept: Kept, from: Amounts, to: Amounts, nowSeconds: number): Kept {
  if (RESOURCES.every((resource) => from[resource] === to[resource])) return kept;
  const untilSeconds = hourAfter(nowSeconds);
  if (untilSeconds <= kept.toSeconds) return kept;
  const sizes = kept.before === undefined ? from : lower(kept.before.sizes, from);
  return { ...kept, before: { untilSeconds, sizes } };
}

/** Whole hours count, and only up to the last sample: the newest ones may be on their way. */
function horizonOf(history: UsageHistory | undefined, nowSeconds: number): number {
  if (history === undefined) return -Infinity;
  const readTo = Math.min(nowSeconds, history.lastSampleSeconds + history.stepSeconds);
  return Math.floor(readTo / HOUR_SECONDS) * HOUR_SECONDS;
}

function hourAfter(timeSeconds: number): number {
  return Math.ceil(timeSeconds / HOUR_SECONDS) * HOUR_SECONDS;
}

function sizesAt(hour: number, before: EarlierSizes | undefined, sizes: Amounts): Amounts {
  return before !== undefined && hour < before.untilSeconds ? before.sizes : sizes;
}

function lower(a: Amounts, b: Amounts): Amounts {
  return Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const [one, other] = [a[resource], b[resource]];
      return one === undefined || other === undefined ? [] : [[resource, Math.min(one, other)]];
    }),
  );
}

function aged({ hours, samples, over }: KeptCpu): KeptCpu {
  return {
    hours: hours * HOURLY_WEIGHT,
    samples: samples * HOURLY_WEIGHT,
    over: over * HOURLY_WEIGHT,
  };
}

function withCpu(cpu: KeptCpu, use: HourCpu | undefined, size: number | undefined): KeptCpu {
  if (use === undefined || size === undefined) return cpu;
  const over = cpu.over + samplesOver(use, size);
  return { hours: cpu.hours + 1, samples: cpu.samples + use.samples, over };
}

function agedDays({ days, daysHit }: KeptMemory): Pick<KeptMemory, 'days' | 'daysHit'> {
  return { days: days * HOURLY_WEIGHT, daysHit: daysHit * HOURLY_WEIGHT };
}

function peakOf(day: UsageDay | undefined, hour: number): number {
  return day?.hours.memoryPeaks[hourOf(hour)] ?? NaN;
}

function withPeak(memory: KeptMemory, peakBytes: number, size: number | undefined): KeptMemory {
  if (Number.isNaN(peakBytes) || size === undefined || memory.today === 'Over') return memory;
  return { ...memory, today: peakBytes > size ? 'Over' : 'Under' };
}

function closeDay({ days, daysHit, today }: KeptMemory): KeptMemory {
  return {
    days: today === 'Unseen' ? days : days + 1,
    daysHit: today === 'Over' ? daysHit + 1 : daysHit,
    today: 'Unseen',
  };
}
