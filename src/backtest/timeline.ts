import { BIN_SECONDS, type GridSeries } from './grid.ts';
import type { Row } from './walk.ts';
import type { Resource } from '../recommend/usage.ts';

/** One stretch of a timeline. Amounts in cores or bytes; undefined without a sample or a request. */
export interface TimelineColumn {
  readonly low: number | undefined;
  readonly mean: number | undefined;
  readonly high: number | undefined;
  /** The mean of the requests in force. */
  readonly request: number | undefined;
  /** Share of the samples over the request, 0 to 1. */
  readonly over: number;
}

/** Use and request of one series, from its first sample to its last, in columns of equal length. */
export interface Timeline {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly columns: readonly TimelineColumn[];
}

/** Draws a series in at most so many columns; a column is a whole number of bins, and the last may be shorter. */
export function timelineOf(
  series: GridSeries,
  resource: Resource,
  { rows, mostColumns }: { readonly rows: readonly Row[]; readonly mostColumns: number },
): Timeline {
  const values = series[resource];
  const width = Math.max(1, Math.ceil(values.length / mostColumns));
  const requests = requestsByBin(rows, values.length);
  const columns = Array.from({ length: Math.ceil(values.length / width) }, (_, i) => {
    const from = i * width;
    return columnOf(values.subarray(from, from + width), requests.subarray(from, from + width));
  });
  return {
    startSeconds: series.startSeconds,
    endSeconds: series.startSeconds + columns.length * width * BIN_SECONDS,
    columns,
  };
}

function requestsByBin(rows: readonly Row[], length: number): Float64Array {
  const requests = new Float64Array(length).fill(NaN);
  for (const { fromBin, toBin, amount } of rows) requests.fill(amount, fromBin, toBin);
  return requests;
}

function columnOf(values: Float64Array, requests: Float64Array): TimelineColumn {
  const used = values.filter((value) => !Number.isNaN(value));
  const asked = requests.filter((request) => !Number.isNaN(request));
  const over = values.reduce((count, value, i) => count + Number(value > (requests[i] ?? NaN)), 0);
  return {
    low: used.length === 0 ? undefined : Math.min(...used),
    mean: mean(used),
    high: used.length === 0 ? undefined : Math.max(...used),
    request: mean(asked),
    over: used.length === 0 ? 0 : over / used.length,
  };
}

function mean(values: Float64Array): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
