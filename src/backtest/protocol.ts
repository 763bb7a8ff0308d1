import { BIN_SECONDS, binCount, DAY_BINS, type GridSeries } from './grid.ts';
import type { Resource } from '../recommend/usage.ts';

/** How a series is replayed, by how long it is. */
export interface Protocol {
  readonly name: 'daily' | 'short';
  /** History before the first recommendation. */
  readonly firstBin: number;
  /** What a day is to the protocol: a memory breach is counted per period, the worst day is a period. */
  readonly periodBins: number;
}

export const DAILY: Protocol = { name: 'daily', firstBin: 7 * DAY_BINS, periodBins: DAY_BINS };
export const SHORT: Protocol = { name: 'short', firstBin: DAY_BINS, periodBins: 72 };

const SHORTEST_BINS = 1.5 * DAY_BINS;
const SHORTEST_DAILY_BINS = 7.75 * DAY_BINS;

/** The protocol of a series; undefined when it is too short for any. */
export function protocolOf(series: GridSeries): Protocol | undefined {
  const bins = binCount(series);
  if (bins < SHORTEST_BINS) return undefined;
  return bins < SHORTEST_DAILY_BINS ? SHORT : DAILY;
}

/** The bins from `from` on that have a sample and are scored: after a day of the resource's own history. */
export function scoredBins(values: Float64Array, { firstBin, periodBins }: Protocol): number[] {
  const first = values.findIndex(Number.isFinite);
  if (first === -1) return [];
  const late = Math.ceil((first + DAY_BINS) / periodBins) * periodBins;
  const bins: number[] = [];
  for (let bin = Math.max(firstBin, late); bin < values.length; bin++) {
    if (Number.isFinite(values[bin])) bins.push(bin);
  }
  return bins;
}

/** Least number of samples of a period that counts: half of what the series' own step gives. */
export function leastSamples(stepSeconds: number, { periodBins }: Protocol): number {
  return 0.5 * periodBins * Math.min(1, BIN_SECONDS / stepSeconds);
}

/** Below these means every tool has a floor, so that a size says nothing. */
export const LEAST_MEAN: Readonly<Record<Resource, number>> = { cpu: 0.025, memory: 10 * 2 ** 20 };
