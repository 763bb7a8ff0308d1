import type { BatchPod } from './batches.ts';
import type { Folds } from './folds.ts';
import { signalsByHour, type ContainerSignals, type SignalPoint } from './signals.ts';

type Signal = keyof ContainerSignals;

interface OpenSignals {
  readonly pod: BatchPod;
  readonly container: string;
  readonly points: Record<Signal, SignalPoint[]>;
}

interface SignalWindow {
  readonly startSeconds: number;
  /** What was before it was read already: so counting did not begin in it. */
  readonly isContinued: boolean;
}

/** Gathers hourly signals of the containers of some pods, and folds them by the hour once all of them are there. */
export class SignalGathering {
  readonly #open = new Map<string, OpenSignals>();

  /** Points of a signal come in ascending order of time; the time is the end of the hour. */
  points(pod: BatchPod, container: string, signal: Signal): SignalPoint[] {
    const key = `${pod.namespace}/${pod.name}/${container}`;
    const open = this.#open.get(key) ?? {
      pod,
      container,
      points: {
        throttledShares: [],
        restartCounts: [],
        oomEventCounts: [],
        oomKilledBefore: [],
        oomKilledNow: [],
      },
    };
    this.#open.set(key, open);
    return open.points[signal];
  }

  /** The hour that ends at the start of the window says only where the counters stood. */
  foldInto(folds: Folds<unknown>, { startSeconds, isContinued }: SignalWindow): void {
    const all = [...this.#open.values()];
    const baselineSeconds = isContinued
      ? startSeconds
      : Math.max(startSeconds, firstCountSeconds(all));
    for (const { pod, container, points } of all) {
      const fold = folds.of(pod.workload, container);
      // In what was not read before nothing is told by when it appears.
      const startedSeconds = isContinued ? pod.startedSeconds : undefined;
      for (const hour of signalsByHour(points, { baselineSeconds, startedSeconds })) {
        fold.addSignals?.(hour.timeSeconds, hour.signals);
      }
    }
  }
}

/**
 * When counting began: what a counter reads in the first hour of all is what happened before anyone watched, and
 * is not held against the window.
 */
function firstCountSeconds(all: readonly OpenSignals[]): number {
  const firsts = all.flatMap(({ points }) => points.restartCounts[0]?.timeSeconds ?? []);
  return firsts.length === 0 ? -Infinity : Math.min(...firsts);
}
