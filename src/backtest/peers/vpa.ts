import type { Resource } from '../../recommend/usage.ts';
import { DAY_BINS } from '../grid.ts';
import type { Peer } from './peer.ts';
import { weightedQuantiles } from './percentile.ts';
import type { SortedWindow } from './window.ts';

/** Of CPU samples and of memory peaks alike. */
const HALF_LIFE_BINS = DAY_BINS;
const PEAK_DAYS = 8;
const BUCKET_GROWTH = 0.05;
/** Size of the first bucket: 0.01 core, 10 MB. */
const FIRST_BUCKET: Readonly<Record<Resource, number>> = { cpu: 0.01, memory: 1e7 };

/**
 * Vertical Pod Autoscaler 1.7, the target alone (its bounds do not set a request). CPU: percentile of samples that
 * lose half their weight a day. Memory: percentile of the peaks of the last 8 stretches of 24 hours, weighted
 * likewise. Both are rounded up to the end of a histogram bucket. Source: kubernetes/autoscaler,
 * vertical-pod-autoscaler/pkg/recommender (logic, model/aggregations_config.go, util/histogram_options.go).
 * Its last bucket (1000 cores, 1 TB) is left out: some traces are whole pools.
 */
export const vpa: Peer = {
  name: 'vpa',
  shipped: {
    cpu: { percentile: 0.9, margin: 1.15 },
    memory: { percentile: 0.9, margin: 1.15 },
  },
  says: {
    cpu: 'p90 of decayed samples (half-life 24 h) x1.15',
    memory: 'p90 of decayed daily peaks (8 d) x1.15',
  },
  estimate(window, resource, percentiles) {
    const values =
      resource === 'cpu' ? decayed(window, percentiles) : decayedPeaks(window, percentiles);
    return values?.map(
      (value) => bucketEnd(value * window.usage.unit, FIRST_BUCKET[resource]) / window.usage.unit,
    );
  },
};

function decayed(window: SortedWindow, percentiles: readonly number[]): Float64Array | undefined {
  const { count, values, bins } = window.all();
  if (count === 0) return undefined;
  const weights = window.decay(HALF_LIFE_BINS);
  const cumulative = window.scratch;
  let total = 0;
  for (let i = 0; i < count; i++) {
    total += weights[window.now - (bins[i] ?? 0)] ?? 0;
    cumulative[i] = total;
  }
  return weightedQuantiles({ count, values }, cumulative, percentiles);
}

function decayedPeaks(
  window: SortedWindow,
  percentiles: readonly number[],
): Float64Array | undefined {
  const peaks = dailyPeaks(window);
  if (peaks.length === 0) return undefined;
  let total = 0;
  const cumulative = Float64Array.from(peaks, ({ ageDays }) => (total += 2 ** -ageDays));
  const values = Float64Array.from(peaks, ({ value }) => value);
  return weightedQuantiles({ count: peaks.length, values }, cumulative, percentiles);
}

interface Peak {
  readonly value: number;
  /** Whole days: 0 for the 24 hours before now. */
  readonly ageDays: number;
}

/** In order of value; a stretch of 24 hours without a sample has no peak. */
function dailyPeaks(window: SortedWindow): readonly Peak[] {
  const { count, values, bins } = window.last(PEAK_DAYS * DAY_BINS);
  const highest = new Float64Array(PEAK_DAYS).fill(NaN);
  for (let i = 0; i < count; i++) {
    highest[Math.floor((window.now - 1 - (bins[i] ?? 0)) / DAY_BINS)] = values[i] ?? NaN;
  }
  return Array.from(highest, (value, ageDays) => ({ value, ageDays }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => a.value - b.value);
}

/** The end of the bucket that holds the value; bucket n starts at first * (1.05 ** n - 1) / 0.05. */
function bucketEnd(value: number, first: number): number {
  const bucket = Math.floor(
    Math.log((value * BUCKET_GROWTH) / first + 1) / Math.log(1 + BUCKET_GROWTH) + 1e-12,
  );
  return (first * ((1 + BUCKET_GROWTH) ** (bucket + 1) - 1)) / BUCKET_GROWTH;
}
