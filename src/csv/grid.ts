import type { GridSeries } from '../backtest/grid.ts';
import { BIN_SECONDS, readBinned, type Bin, type BinnedSeries } from './series.ts';
import { stepOf } from './traces.ts';

/** Reads whole traces as grids, one series at a time. Rejects as `readTraces` does. */
export async function* readGrids(
  files: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<GridSeries> {
  for (const file of files) {
    for await (const binned of readBinned(file, signal)) {
      if (binned.bins.length > 0) yield gridOf(binned);
    }
  }
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
