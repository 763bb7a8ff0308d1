import { linearRegression, quantileSorted, sampleCorrelation } from 'simple-statistics';
import { DAY_BINS, HOUR_BINS, type GridSeries } from './grid.ts';

/** What the CPU use of a container looks like. A backtest reports by class; nothing is decided by it. */
export const BEHAVIOURS = ['steady', 'diurnal', 'bursty', 'batch', 'idle'] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** Of the 95th percentile. */
const IDLE_CORES = 0.05;
const BURSTY_RATIO = 4;
const BATCH_RATIO = 10;
/** Autocorrelation at 24 h, and by how much it must be above that at 17 h, which no daily rhythm repeats. */
const DAILY_RHYTHM = 0.35;
const RHYTHM_LEAD = 0.1;
const LEAST_RHYTHM_BINS = 3.5 * DAY_BINS;

/**
 * The first that fits of: idle, p95 under 0.05 cores; batch, over half of the time under a tenth of p99 and p99 at
 * least 10 times the median; diurnal, hours repeat after a day; bursty, p99 at least 4 times the median; else steady.
 * Undefined without a CPU sample. `cores` is what 1.0 of the trace stands for.
 */
export function behaviourOf(
  { cpu }: Pick<GridSeries, 'cpu'>,
  cores: number,
): Behaviour | undefined {
  const sorted = cpu.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length === 0) return undefined;
  const at = (p: number) => quantileSorted(sorted as unknown as number[], p);
  const [median, p95, p99] = [at(0.5), at(0.95), at(0.99)];
  if (p95 * cores < IDLE_CORES) return 'idle';
  const low = sorted.filter((value) => value < p99 / BATCH_RATIO).length;
  if (low > sorted.length / 2 && p99 >= BATCH_RATIO * median) return 'batch';
  if (hasDailyRhythm(cpu, p99)) return 'diurnal';
  return p99 >= BURSTY_RATIO * median ? 'bursty' : 'steady';
}

function hasDailyRhythm(cpu: Float64Array, cap: number): boolean {
  if (cpu.length < LEAST_RHYTHM_BINS) return false;
  const hours = detrended(hourlyMeans(cpu, cap));
  const day = autocorrelation(hours, 24);
  return day >= DAILY_RHYTHM && day >= autocorrelation(hours, 17) + RHYTHM_LEAD;
}

/** NaN for an hour without a sample. */
function hourlyMeans(cpu: Float64Array, cap: number): readonly number[] {
  return Array.from({ length: Math.floor(cpu.length / HOUR_BINS) }, (_, hour) => {
    const values = cpu
      .subarray(hour * HOUR_BINS, (hour + 1) * HOUR_BINS)
      .filter((value) => !Number.isNaN(value));
    return values.reduce((sum, value) => sum + Math.min(value, cap), 0) / values.length;
  });
}

function detrended(hours: readonly number[]): readonly number[] {
  const points = hours.map((value, hour) => [hour, value]).filter(([, y]) => !Number.isNaN(y));
  const { m, b } = linearRegression(points);
  return hours.map((value, hour) => value - (m * hour + b));
}

/** NaN where there are too few pairs, or nothing varies. */
function autocorrelation(hours: readonly number[], lag: number): number {
  const pairs = hours
    .slice(lag)
    .map((value, i) => [hours[i] ?? NaN, value] as const)
    .filter(([a, b]) => !Number.isNaN(a + b));
  if (pairs.length < 2) return NaN;
  return sampleCorrelation(
    pairs.map(([a]) => a),
    pairs.map(([, b]) => b),
  );
}
