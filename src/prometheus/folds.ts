import { HistoryFold } from '../recommend/history.ts';
import type { PackedUsage } from '../recommend/packed.ts';
import type { StepRow, StepWindow } from '../recommend/rows.ts';
import type { UsageSignals } from '../recommend/usage.ts';
import { RAW_STEP_SECONDS } from './queries.ts';

/** Takes the samples of one pod; an amount that is negative or not finite is a missing sample. */
interface PodSink {
  addCpu(timeSeconds: number, cores: number): void;
  addMemory(timeSeconds: number, bytes: number): void;
  /** Where raw samples go, in steps as long as those of the fold. */
  cpuRow(window: StepWindow): StepRow;
  memoryRow(window: StepWindow): StepRow;
}

/** Takes the samples of one container of a workload, pod by pod and in any order: cores, bytes, unix seconds. */
interface UsageSink {
  ofPod(pod: string): PodSink;
  addSignals?(timeSeconds: number, signals: Partial<UsageSignals>): void;
}

/** What is made of the samples, of each container by itself. */
export interface Folding<T> {
  /** Signals are five queries more for each batch of pods. */
  readonly withSignals: boolean;
  /** The spacing that is wanted where raw samples are read; that of `query_range` unless set. */
  readonly rawStepSeconds?: number;
  /**
   * Opens the fold of one container, for samples that each stand for a step that long; `close` gives undefined when
   * no sample came.
   */
  open(stepSeconds: number): { readonly sink: UsageSink; close(): T | undefined };
}

/** Usage by the hour, as it is kept. */
export const HISTORIES: Folding<PackedUsage> = {
  withSignals: true,
  rawStepSeconds: RAW_STEP_SECONDS,
  open(stepSeconds) {
    const fold = new HistoryFold(stepSeconds);
    return {
      sink: fold,
      close() {
        const packed = fold.packed();
        fold.end();
        return packed;
      },
    };
  },
};

/** The samples of the workloads, folded as they come. */
export interface Folds<T> {
  readonly withSignals: boolean;
  /** What each sample stands for: the time so long before it. */
  readonly stepSeconds: number;
  /** Takes samples of a container of a workload. */
  of(workload: string, container: string): UsageSink;
  /** Takes out what a workload came to, by container; containers without a sample are not in it. */
  close(workload: string): ReadonlyMap<string, T>;
}

export function createFolds<T>(folding: Folding<T>, stepSeconds: number): Folds<T> {
  const folds = new Map<string, Map<string, ReturnType<Folding<T>['open']>>>();
  return {
    withSignals: folding.withSignals,
    stepSeconds,
    of(workload, container) {
      const containers = folds.get(workload) ?? new Map<string, ReturnType<Folding<T>['open']>>();
      folds.set(workload, containers);
      const fold = containers.get(container) ?? folding.open(stepSeconds);
      containers.set(container, fold);
      return fold.sink;
    },
    close(workload) {
      const containers = [...(folds.get(workload) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
      folds.delete(workload);
      return new Map(
        containers.flatMap(([container, fold]) => {
          const result = fold.close();
          return result === undefined ? [] : [[container, result] as const];
        }),
      );
    },
  };
}
