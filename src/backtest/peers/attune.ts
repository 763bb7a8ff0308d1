import { DAY_BINS } from '../grid.ts';
import type { Peer } from './peer.ts';
import { linearQuantile, linearQuantiles } from './percentile.ts';
import type { Samples, SortedWindow } from './window.ts';

const WINDOW_BINS = 7 * DAY_BINS;
const HOURS = 24;

/**
 * Attune: CPU is the highest of the percentiles of the 24 hours of the day (UTC) over 7 days, plus 20 %; memory is
 * the percentile of 7 days plus 30 %. Its step limits and `memory.allowDecrease: false` are left out.
 * Source: attune-io/attune, shipped defaults of AttunePolicy.
 */
export const attune: Peer = {
  name: 'attune',
  shipped: { cpu: { percentile: 0.95, margin: 1.2 }, memory: { percentile: 0.99, margin: 1.3 } },
  says: { cpu: 'p95 of the worst hour of the day (7 d) x1.20', memory: 'p99 of 7 d x1.30' },
  estimate: (window, resource, percentiles) =>
    resource === 'cpu'
      ? worstHour(window, percentiles)
      : linearQuantiles(window.last(WINDOW_BINS), percentiles),
};

function worstHour(window: SortedWindow, percentiles: readonly number[]): Float64Array | undefined {
  const samples = window.last(WINDOW_BINS);
  if (samples.count === 0) return undefined;
  const hours = byHour(window, samples);
  return Float64Array.from(percentiles, (percentile) =>
    hours.reduce(
      (worst, values) => Math.max(worst, linearQuantile(values, values.length, percentile)),
      -Infinity,
    ),
  );
}

/** The samples of each hour of the day that has any, ascending; they stand in the window's scratch. */
function byHour(window: SortedWindow, { count, values, bins }: Samples): readonly Float64Array[] {
  const { scratch } = window;
  const hours = window.hours();
  const starts = startsOf(hours, bins, count);
  const next = Int32Array.from(starts);
  for (let i = 0; i < count; i++) {
    const hour = hours[bins[i] ?? 0] ?? 0;
    const at = next[hour] ?? 0;
    next[hour] = at + 1;
    scratch[at] = values[i] ?? NaN;
  }
  return Array.from(starts, (start, hour) => scratch.subarray(start, starts[hour + 1])).filter(
    ({ length }, hour) => hour < HOURS && length > 0,
  );
}

/** Where the samples of each hour begin when they are put hour by hour; one more for the end of the last. */
function startsOf(hours: Uint8Array, bins: Int32Array, count: number): Int32Array {
  const starts = new Int32Array(HOURS + 1);
  for (let i = 0; i < count; i++) {
    const after = (hours[bins[i] ?? 0] ?? 0) + 1;
    starts[after] = (starts[after] ?? 0) + 1;
  }
  for (let hour = 1; hour <= HOURS; hour++) {
    starts[hour] = (starts[hour] ?? 0) + (starts[hour - 1] ?? 0);
  }
  return starts;
}
