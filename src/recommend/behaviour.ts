import { linearRegression, quantile, sampleCorrelation } from 'simple-statistics';
import { CODES, codeOf, coresOfCode } from './buckets.ts';
import { cpuOfHour, HOUR_SECONDS, HOURS_OF_DAY } from './hours.ts';
import type { UsageDay } from './usage.ts';

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

/** CPU samples of one hour in any order, without NaN; empty for an hour without a sample. */
export interface HourSamples {
  readonly cpu: Float32Array | Float64Array;
  /** How many samples each stands for; one unless given. */
  readonly counts?: Float64Array;
  /** The code of each; known of what is counted. */
  readonly codes?: Uint16Array;
}

/**
 * The first that fits of: Idle, p95 under 0.05 cores; Batch, over half of the time under a tenth of p99 and p99 at
 * least 10 times the median; Diurnal, hours repeat after a day; Bursty, p99 at least 4 times the median; else Steady.
 * Undefined without a sample. The hours follow each other without a gap; `cores` is what 1.0 of a sample stands for.
 */
export function behaviourOf(hours: readonly HourSamples[], cores = 1): Behaviour | undefined {
  const pool = hours.some(({ counts }) => counts !== undefined) ? counted(hours) : pooled(hours);
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

function hoursOf(days: readonly UsageDay[]): readonly HourSamples[] {
  const [first] = days;
  const hours: HourSamples[] = [];
  if (first === undefined) return hours;
  for (const { startSeconds, hours: packed } of days) {
    const from = Math.round((startSeconds - first.startSeconds) / HOUR_SECONDS);
    while (hours.length < from) hours.push(NO_SAMPLES);
    for (let hour = 0; hour < HOURS_OF_DAY; hour++) {
      hours.push(cpuOfHour(packed, hour) ?? NO_SAMPLES);
    }
  }
  return hours;
}

const NO_SAMPLES: HourSamples = { cpu: new Float64Array(0) };

/** The samples of all hours together. */
interface Pool {
  at(quantile: number): number;
  shareUnder(cores: number): number;
}

function pooled(hours: readonly HourSamples[]): Pool | undefined {
  const all = new Float64Array(hours.reduce((sum, { cpu }) => sum + cpu.length, 0));
  let end = 0;
  for (const { cpu } of hours) {
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
  for (const hour of hours) total = countHour(hour, total);
  if (total === 0) return undefined;
  return {
    at: (p) => coresOfCode(codeAt(p * total)),
    shareUnder: (cores) => weightUnder(codeOf(cores)) / total,
  };
}

/** Adds an hour to the weights; gives the total with it. */
function countHour(hour: HourSamples, before: number): number {
  const { cpu, counts, codes } = hour;
  let total = before;
  for (let i = 0; i < cpu.length; i++) {
    const code = codes === undefined ? codeOf(cpu[i] ?? 0) : (codes[i] ?? 0);
    const count = counts === undefined ? 1 : (counts[i] ?? 1);
    WEIGHTS[code] = (WEIGHTS[code] ?? 0) + count;
    total += count;
  }
  return total;
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
  const means = detrended(hours.map((samples) => cappedMean(samples, cap)));
  const day = autocorrelation(means, HOURS_OF_DAY);
  return day >= DAILY_RHYTHM && day >= autocorrelation(means, 17) + RHYTHM_LEAD;
}

/** NaN for an hour without a sample. */
function cappedMean(samples: HourSamples, cap: number): number {
  const { cpu, counts } = samples;
  let sum = 0;
  let total = 0;
  for (let i = 0; i < cpu.length; i++) {
    const count = counts === undefined ? 1 : (counts[i] ?? 1);
    sum += Math.min(cpu[i] ?? 0, cap) * count;
    total += count;
  }
  return sum / total;
}

function detrended(hours: readonly number[]): readonly number[] {
  const points: number[][] = [];
  for (const [hour, value] of hours.entries()) {
    if (!Number.isNaN(value)) points.push([hour, value]);
  }
  const { m, b } = linearRegression(points);
  return hours.map((value, hour) => value - (m * hour + b));
}

/** NaN where there are too few pairs, or nothing varies. */
function autocorrelation(hours: readonly number[], lag: number): number {
  const before: number[] = [];
  const after: number[] = [];
  for (let hour = lag; hour < hours.length; hour++) {
    const [a, b] = [hours[hour - lag] ?? NaN, hours[hour] ?? NaN];
    if (Number.isNaN(a + b)) continue;
    before.push(a);
    after.push(b);
  }
  return before.length < 2 ? NaN : sampleCorrelation(before, after);
}
