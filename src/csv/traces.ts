import { median } from 'simple-statistics';
import { HistoryFold } from '../recommend/history.ts';
import { DAY_SECONDS, type UsageHistory } from '../recommend/usage.ts';
import { BIN_SECONDS, readBinned, type Bin, type BinnedSeries } from './series.ts';

/** Usage of one series of a trace file, folded as if Prometheus had been asked for it. */
export interface TraceSeries {
  /** The file's name without `.csv` or `.csv.gz`. */
  readonly dataset: string;
  readonly series: string;
  readonly history: UsageHistory;
}

interface TraceOptions {
  /** How many days before the last sample of each series are kept. */
  readonly windowDays: number;
}

/**
 * Reads trace files, plain or gzip, one series in memory at a time, in the order of files and lines. Files have
 * the columns `series,timestamp,cpu_cores,memory_bytes`, with the lines of a series together and in order of time.
 * An empty, negative or non-finite amount is a missing sample; a series without any sample is left out.
 * Rejects with file, line and column for anything else, and on abort.
 */
export async function* readTraces(
  files: readonly string[],
  options: TraceOptions,
  signal: AbortSignal,
): AsyncGenerator<TraceSeries> {
  for (const file of files) {
    for await (const binned of readBinned(file, signal)) yield* folded(binned, options);
  }
}

function* folded(
  { dataset, series, bins }: BinnedSeries,
  { windowDays }: TraceOptions,
): Generator<TraceSeries> {
  const last = bins.at(-1);
  if (last === undefined) return;
  const fromSeconds = last.startSeconds + BIN_SECONDS - windowDays * DAY_SECONDS;
  const kept = bins.filter(({ startSeconds }) => startSeconds >= fromSeconds);
  const fold = new HistoryFold(stepOf(kept));
  for (const bin of kept) {
    if (bin.cpuCount > 0) {
      fold.addCpu(series, bin.startSeconds, bin.cpuSum / bin.cpuCount);
    }
    if (bin.memoryBytes !== undefined) {
      fold.addMemory(series, bin.startSeconds, bin.memoryBytes);
    }
  }
  const history = fold.history();
  if (history !== undefined) yield { dataset, series, history };
}

/**
 * The median distance of the bins, so that a trace of one sample per 15 minutes covers its days as well as a finer
 * one; at least the grid's, also for a single bin.
 */
export function stepOf(bins: readonly Bin[]): number {
  const distances = bins.slice(1).map((bin, i) => bin.startSeconds - (bins[i]?.startSeconds ?? 0));
  return distances.length === 0 ? BIN_SECONDS : median(distances);
}
