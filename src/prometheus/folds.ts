import { HistoryFold } from '../recommend/history.ts';
import type { UsageHistory, UsageSignals } from '../recommend/usage.ts';
import { USAGE_STEP_SECONDS } from './queries.ts';

/** Takes the samples of one container of a workload, pod by pod and in any order: cores, bytes, unix seconds. */
interface UsageSink {
  addCpu(pod: string, timeSeconds: number, cores: number): void;
  addMemory(pod: string, timeSeconds: number, bytes: number): void;
  addSignals?(timeSeconds: number, signals: Partial<UsageSignals>): void;
}

/** What is made of the samples, of each container by itself. */
export interface Folding<T> {
  /** Signals are five queries more for each batch of pods. */
  readonly withSignals: boolean;
  /** Opens the fold of one container; `close` gives undefined when no sample came. */
  open(): { readonly sink: UsageSink; close(): T | undefined };
}

/** Days of usage, as the recommender takes them. */
export const HISTORIES: Folding<UsageHistory> = {
  withSignals: true,
  open() {
    const fold = new HistoryFold(USAGE_STEP_SECONDS);
    return { sink: fold, close: () => fold.history() };
  },
};

/** The samples of the workloads, folded as they come. */
export interface Folds<T> {
  readonly withSignals: boolean;
  /** Takes samples of a container of a workload. */
  of(workload: string, container: string): UsageSink;
  /** Takes out what a workload came to, by container; containers without a sample are not in it. */
  close(workload: string): ReadonlyMap<string, T>;
}

export function createFolds<T>(folding: Folding<T>): Folds<T> {
  const folds = new Map<string, Map<string, ReturnType<Folding<T>['open']>>>();
  return {
    withSignals: folding.withSignals,
    of(workload, container) {
      const containers = folds.get(workload) ?? new Map<string, ReturnType<Folding<T>['open']>>();
      folds.set(workload, containers);
      const fold = containers.get(container) ?? folding.open();
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
