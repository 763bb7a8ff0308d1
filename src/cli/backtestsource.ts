import type { GridSeries } from '../backtest/grid.ts';
import type { Replay } from '../backtest/run.ts';
import { readGrids } from '../csv/grid.ts';
import type { Context } from './clusterview.ts';
import { BadInput } from './failure.ts';

/** What a backtest replays, wherever it comes from. */
export interface Replayable {
  readonly fleet: readonly GridSeries[];
  /** What was read, in words. */
  readonly says: string;
  /** For people, a sentence each. */
  readonly notes: readonly string[];
  /** Workloads whose usage could not be read, a sentence each. */
  readonly failures: readonly string[];
  /** The request that the container has today, in cores or bytes; undefined where the source knows none. */
  readonly currentOf: (replay: Replay) => number | undefined;
}

/** Reads trace files, which say nothing of requests. Rejects with BadInput for what is no trace. */
export async function readTraceFleet(
  files: readonly string[],
  { signal, progress }: Context,
): Promise<Replayable> {
  const fleet: GridSeries[] = [];
  try {
    for await (const series of readGrids(files, signal)) {
      fleet.push(series);
      progress.show(`read ${fleet.length} series`);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new BadInput(error instanceof Error ? error.message : String(error), { cause: error });
  }
  return {
    fleet,
    says: `${files.length} trace files, ${fleet.length} series`,
    notes: [],
    failures: [],
    currentOf: () => undefined,
  };
}
