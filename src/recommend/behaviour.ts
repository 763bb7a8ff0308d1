import { linearRegression, quantile, sampleCorrelation } from 'simple-statistics';
import { CODES, codeOf, coresOfCode } from './buckets.ts';
import { coresAt, cpuOfHour, highestCores, HOUR_SECONDS, HOURS_OF_DAY, isListed } from './hours.ts';
import type { HourCpu, UsageDay } from './usage.ts';

/** What the CPU use of a container looks like. It is shown, and reported by; nothing is decided by it. */
export const BEHAVIOURS = ['Steady', 'Diurnal', 'Bursty', 'Batch', 'Idle'] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** Of the 95th percentile. */
const IDLE_CORES = 0.05;
const BURSTY_RATIO = 4;
const BATCH_RATIO = 10;
/** Autocorrelation at 24 h, and by how much it must be above that at 17 h, which no daily rhythm repeats. */
const DAILY_RHYTHM = 0.35;
const RHYTHM_LEAD = 0.1;
const LEAST_RHYTHM_HOURS = 3.5 * HOURS_OF_DAY;

/** CPU samples of one hour in any order, without NaN, or counted; undefined, or empty, for an hour without a sample. */
type HourSamples = Float64Array | HourCpu | undefined;

/**
 * The first that fits of: Idle, p95 under 0.05 cores; Batch, over half of the time under a tenth of p99 and p99 at
 * least 10 times the median; Diurnal, hours repeat after a day; Bursty, p99 at least 4 times the median; else Steady.
 * Undefined without a sample. The hours follow each other without a gap; `cores` is what 1.0 of a sample stands for.
 */
export function behaviourOf(hours: readonly HourSamples[], cores = 1): Behaviour | undefined {
  const pool = hours.some(isListed) ? pooled(hours) : counted(hours);
  if (pool === undefined) return undefined;
  const [median, p95, p99] = [pool.at(0.5), pool.at(0.95), pool.at(0.99)];
  if (p95 * cores < IDLE_CORES) return 'Idle';
  if (p99 >= BATCH_RATIO * median && pool.shareUnder(p99 / BATCH_RATIO) > 0.5) return 'Batch';
  if (hasDailyRhythm(hours, p99)) return 'Diurnal';
  return p99 >= BURSTY_RATIO * median ? 'Bursty' : 'Steady';
}

/**
 * The behaviour over days of usage, ascending, of all pods together. What runs to completion leaves nothing between two
 * runs, so that its samples show no pause: it is Batch, or Idle.
 */
export function behaviourOfDays(
  days: readonly UsageDay[],
  { runsToCompletion }: { readonly runsToCompletion: boolean },
): Behaviour | undefined {
  const behaviour = behaviourOf(hoursOf(days));
  return runsToCompletion && behaviour !== undefined && behaviour !== 'Idle' ? 'Batch' : behaviour;
}

function hoursOf(days: readonly UsageDay[]): readonly (HourCpu | undefined)[] {
  const [first] = days;
  const last = days.at(-1);
  if (first === undefined || last === undefined) return [];
  const hourOf = ({ startSeconds }: UsageDay): number =>
    Math.round((startSeconds - first.startSeconds) / HOUR_SECONDS);
  const all = new Array<HourCpu | undefined>(hourOf(last) + HOURS_OF_DAY).fill(undefined);
  for (const day of days) {
    const from = hourOf(day);
    for (let hour = 0; hour < HOURS_OF_DAY; hour++) all[from + hour] = cpuOfHour(day.hours, hour);
  }
  return all;
}

/** The samples of all hours together. */
interface Pool {
  at(quantile: number): number;
  shareUnder(cores: number): number;
}

function pooled(hours: readonly HourSamples[]): Pool | undefined {
  const listed = hours.filter(isListed);
  const all = new Float64Array(listed.reduce((sum, cpu) => sum + cpu.length, 0));
  let end = 0;
  for (const cpu of listed) {
    all.set(cpu, end);
    end += cpu.length;
  }
  if (end === 0) return undefined;
  return {
    // Quickselect, which needs no sorting.
    at: (p) => quantile(all as unknown as number[], p),
    shareUnder: (cores) => all.filter((value) => value < cores).length / end,
  };
}

/** One is used for many containers, one after the other. */
const WEIGHTS = new Float64Array(CODES);

/** By the buckets of what is kept, since with many replicas there are too many samples to list. */
function counted(hours: readonly HourSamples[]): Pool | undefined {
  WEIGHTS.fill(0);
  let total = 0;
  for (const hour of hours) {
    if (hour === undefined || isListed(hour)) continue;
    const { begin, end, codes, counts, weight } = hour;
    for (let i = begin; i < end; i++) {
      const code = codes[i] ?? 0;
      WEIGHTS[code] = (WEIGHTS[code] ?? 0) + (counts[i] ?? 0) * weight;
    }
    total += hour.samples * weight;
  }
  if (total === 0) return undefined;
  return {
    at: (p) => coresOfCode(codeAt(p * total)),
    shareUnder: (cores) => weightUnder(codeOf(cores)) / total,
  };
}

/** The first code up to which there is the weight; -1 where there is not so much. */
function codeAt(weight: number): number {
  let below = 0;
  for (let code = 0; code < CODES; code++) {
    below += WEIGHTS[code] ?? 0;
    if (below >= weight) return code;
  }
  return -1;
}

function weightUnder(end: number): number {
  let below = 0;
  for (let code = 0; code < end; code++) below += WEIGHTS[code] ?? 0;
  return below;
}

function hasDailyRhythm(hours: readonly HourSamples[], cap: number): boolean {
  if (hours.length < LEAST_RHYTHM_HOURS) return false;
  const means = new Float64Array(hours.length);
  for (let hour = 0; hour < hours.length; hour++) means[hour] = cappedMean(hours[hour], cap);
  detrend(means);
  const day = autocorrelation(means, HOURS_OF_DAY);
  return day >= DAILY_RHYTHM && day >= autocorrelation(means, 17) + RHYTHM_LEAD;
}

/** NaN for an hour without a sample. */
function cappedMean(samples: HourSamples, cap: number): number {
  if (samples === undefined) return NaN;
  if (isListed(samples)) {
    return samples.reduce((sum, cores) => sum + Math.min(cores, cap), 0) / samples.length;
  }
  if (highestCores(samples) <= cap) return samples.sum / samples.samples;
  const { begin, end, counts } = samples;
  let sum = 0;
  for (let i = begin; i < end; i++) sum += Math.min(coresAt(samples, i), cap) * (counts[i] ?? 0);
  return sum / samples.samples;
}

/** Points of hours; used again, since there are hundreds of a container. */
const POINTS: [hour: number, value: number][] = [];

function detrend(hours: Float64Array): void {
  let count = 0;
  for (let hour = 0; hour < hours.length; hour++) {
    const value = hours[hour] ?? NaN;
    if (Number.isNaN(value)) continue;
    const point = (POINTS[count++] ??= [NaN, NaN]);
    point[0] = hour;
    point[1] = value;
  }
  const { m, b } = linearRegression(POINTS.slice(0, count));
  for (let hour = 0; hour < hours.length; hour++)
    hours[hour] = (hours[hour] ?? NaN) - (m * hour + b);
}

/** Hours and those that lie a lag after them; used again, like POINTS. */
let before = new Float64Array(0);
let after = new Float64Array(0);

/** NaN where there are too few pairs, or nothing varies. */
function autocorrelation(hours: Float64Array, lag: number): number {
  if (before.length < hours.length) {
    before = new Float64Array(hours.length);
    after = new Float64Array(hours.length);
  }
  let pairs = 0;
  for (let i = 0; i + lag < hours.length; i++) {
    const one = hours[i] ?? NaN;
    const other = hours[i + lag] ?? NaN;
    if (Number.isNaN(one) || Number.isNaN(other)) continue;
    before[pairs] = one;
    after[pairs++] = other;
  }
  return pairs < 2 ? NaN : sampleCorrelation(listed(before, pairs), listed(after, pairs));
}

/** The library takes what has a length and numbers at indices. */
function listed(values: Float64Array, count: number): number[] {
  return values.subarray(0, count) as unknown as number[];
}
