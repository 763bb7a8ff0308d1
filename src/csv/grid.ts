import type { GridSeries } from '../backtest/grid.ts';
import { BIN_SECONDS, readBinned, type Bin, type BinnedSeries } from './series.ts';
import { stepOf } from './traces.ts';

/**
 * Reads whole traces as grids, one series at a time; of a series without a sample both grids are empty. Rejects as
 * `readTraces` does, and for a series that two files of one dataset have, which would count twice.
 */
export async function* readGrids(
  files: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<GridSeries> {
  const fileOf = new Map<string, string>();
  for (const file of files) {
    for await (const binned of readBinned(file, signal)) {
      const name = `${binned.dataset}/${binned.series}`;
      const before = fileOf.get(name);
      if (before !== undefined) throw comesTwice(binned, before, file);
      fileOf.set(name, file);
      yield gridOf(binned);
    }
  }
}

function comesTwice({ dataset, series }: BinnedSeries, before: string, file: string): Error {
  const where = before === file ? `${file} is given twice` : `it is in ${before} and in ${file}`;
  const advice = 'give each file once, and name datasets apart';
  return new Error(`series "${series}" of dataset ${dataset} comes twice: ${where}; ${advice}`);
}

function gridOf({ dataset, series, bins }: BinnedSeries): GridSeries {
  const startSeconds = bins[0]?.startSeconds ?? 0;
  const length = ((bins.at(-1)?.startSeconds ?? 0) - startSeconds) / BIN_SECONDS + 1;
  const spread = (amount: (bin: Bin) => number | undefined): Float64Array => {
    const values = new Float64Array(length).fill(NaN);
    for (const bin of bins)
      values[(bin.startSeconds - startSeconds) / BIN_SECONDS] = amount(bin) ?? NaN;
    return values.every(Number.isNaN) ? new Float64Array(0) : values;
  };
  return {
    dataset,
    series,
    startSeconds,
    cpu: spread(({ cpuSum, cpuCount }) => (cpuCount === 0 ? undefined : cpuSum / cpuCount)),
    memory: spread(({ memoryBytes }) => memoryBytes),
    stepSeconds: stepOf(bins),
  };
}
