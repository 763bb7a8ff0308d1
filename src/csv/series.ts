import { datasetName, traceLines } from './lines.ts';
import { checkHeader, parseRow, TraceError, type Position, type TraceRow } from './row.ts';

/** Samples are brought to this grid, whatever the trace's own spacing. */
export const BIN_SECONDS = 300;

/** One bin of the grid that has a sample: CPU is the mean of its samples, memory the highest. */
export interface Bin {
  readonly startSeconds: number;
  cpuSum: number;
  cpuCount: number;
  memoryBytes: number | undefined;
}

/** All lines of one series of a trace file. */
export interface BinnedSeries {
  /** The file's name without `.csv` or `.csv.gz`. */
  readonly dataset: string;
  readonly series: string;
  /** In order of time; bins without a sample are left out. */
  readonly bins: readonly Bin[];
}

/** Reads one trace file, one series in memory at a time. Rejects as `readTraces` says. */
export async function* readBinned(file: string, signal: AbortSignal): AsyncGenerator<BinnedSeries> {
  const dataset = datasetName(file);
  const splitter = createSplitter(file);
  for await (const lines of traceLines(file, signal)) {
    for (const line of lines) {
      const ended = splitter.take(line);
      if (ended !== undefined) yield { dataset, series: ended.series, bins: ended.bins };
    }
  }
  const last = splitter.end();
  if (last !== undefined) yield { dataset, series: last.series, bins: last.bins };
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
