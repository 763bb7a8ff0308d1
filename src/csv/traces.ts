import { median } from 'simple-statistics';
import { HistoryFold } from '../recommend/history.ts';
import { DAY_SECONDS, type UsageHistory } from '../recommend/usage.ts';
import { datasetName, traceLines } from './lines.ts';
import { checkHeader, parseRow, TraceError, type Position, type TraceRow } from './row.ts';

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

/** Samples are brought to this grid, whatever the trace's own spacing. */
const BIN_SECONDS = 300;

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
  for (const file of files) yield* readTrace(file, options, signal);
}

async function* readTrace(
  file: string,
  options: TraceOptions,
  signal: AbortSignal,
): AsyncGenerator<TraceSeries> {
  const dataset = datasetName(file);
  const splitter = createSplitter(file);
  for await (const lines of traceLines(file, signal)) {
    for (const line of lines) {
      const ended = splitter.take(line);
      if (ended !== undefined) yield* closed(ended, dataset, options);
    }
  }
  const last = splitter.end();
  if (last !== undefined) yield* closed(last, dataset, options);
}

interface Splitter {
  /** Takes the next line; gives the series that ended before it, if one did. */
  take(line: string): OpenSeries | undefined;
  /** Gives the last series. */
  end(): OpenSeries | undefined;
}

function createSplitter(file: string): Splitter {
  const begun = new Set<string>();
  let open: OpenSeries | undefined;
  let number = 0;
  const begin = (row: TraceRow): OpenSeries => {
    if (begun.has(row.series)) throw comesBack(row, { file, number });
    begun.add(row.series);
    return { series: row.series, bins: [], lastSeconds: -Infinity };
  };
  return {
    take(line) {
      number += 1;
      if (number === 1) checkHeader(line, { file, number });
      const row = number === 1 ? undefined : parseRow(line, { file, number });
      if (row === undefined) return undefined;
      const before = open;
      open = before?.series === row.series ? before : begin(row);
      addRow(open, row, { file, number });
      return before === open ? undefined : before;
    },
    end() {
      if (number === 0) checkHeader('', { file, number: 1 });
      return open;
    },
  };
}

function comesBack({ series }: TraceRow, { file, number }: Position): TraceError {
  const expected = 'the lines of one series must stand together';
  return new TraceError(file, number, `column series: "${series}" comes back; ${expected}`);
}

/** One bin of the grid: CPU is the mean of its samples, memory the highest. */
interface Bin {
  readonly startSeconds: number;
  cpuSum: number;
  cpuCount: number;
  memoryBytes: number | undefined;
}

interface OpenSeries {
  readonly series: string;
  readonly bins: Bin[];
  lastSeconds: number;
}

function addRow(open: OpenSeries, row: TraceRow, { file, number }: Position): void {
  if (row.timeSeconds < open.lastSeconds) {
    const what = `column timestamp: ${row.timeSeconds} is before ${open.lastSeconds} of the line above`;
    throw new TraceError(file, number, `${what}; lines must be in order of time`);
  }
  open.lastSeconds = row.timeSeconds;
  if (row.cpuCores === undefined && row.memoryBytes === undefined) return;
  const bin = binAt(open, Math.floor(row.timeSeconds / BIN_SECONDS) * BIN_SECONDS);
  if (row.cpuCores !== undefined) {
    bin.cpuSum += row.cpuCores;
    bin.cpuCount += 1;
  }
  if (row.memoryBytes !== undefined) {
    bin.memoryBytes = Math.max(bin.memoryBytes ?? 0, row.memoryBytes);
  }
}

function binAt(open: OpenSeries, startSeconds: number): Bin {
  const last = open.bins.at(-1);
  if (last?.startSeconds === startSeconds) return last;
  const bin: Bin = { startSeconds, cpuSum: 0, cpuCount: 0, memoryBytes: undefined };
  open.bins.push(bin);
  return bin;
}

function* closed(
  open: OpenSeries,
  dataset: string,
  { windowDays }: TraceOptions,
): Generator<TraceSeries> {
  const last = open.bins.at(-1);
  if (last === undefined) return;
  const fromSeconds = last.startSeconds + BIN_SECONDS - windowDays * DAY_SECONDS;
  const kept = open.bins.filter(({ startSeconds }) => startSeconds >= fromSeconds);
  const fold = new HistoryFold(stepOf(kept));
  for (const bin of kept) {
    if (bin.cpuCount > 0) {
      fold.addCpu(open.series, bin.startSeconds, bin.cpuSum / bin.cpuCount);
    }
    if (bin.memoryBytes !== undefined) {
      fold.addMemory(open.series, bin.startSeconds, bin.memoryBytes);
    }
  }
  const history = fold.history();
  if (history !== undefined) yield { dataset, series: open.series, history };
}

/**
 * The median distance of the bins, so that a trace of one sample per 15 minutes covers its days as well as a finer
 * one; at least the grid's, also for a single bin.
 */
function stepOf(bins: readonly Bin[]): number {
  const distances = bins.slice(1).map((bin, i) => bin.startSeconds - (bins[i]?.startSeconds ?? 0));
  return distances.length === 0 ? BIN_SECONDS : median(distances);
}
