import { HOUR_SECONDS } from '../recommend/hours.ts';
import type { WorkloadRef } from './ports.ts';
import type { UsageEntry, ReadWindow } from './usageplan.ts';

export type Keyed = readonly [string, UsageEntry];

/** Workloads that are read together, over one window. */
export interface Reading {
  readonly window: ReadWindow;
  readonly entries: readonly Keyed[];
  /** `Again` is of what is in doubt. */
  readonly kind: 'First' | 'New' | 'Gaps' | 'Again';
}

export interface Windowed {
  readonly keyed: Keyed;
  readonly window: ReadWindow;
}

/** Begins that differ by no more are made one, so that a namespace is read once. */
const TOGETHER_SECONDS = HOUR_SECONDS;

/** What is new: of the workloads of a namespace, which is read as one, from the begin of the hour before where one needs that. */
export function newParts(
  entries: readonly Keyed[],
  nowSeconds: number,
  podsOf: (workload: WorkloadRef) => readonly string[],
): readonly Windowed[] {
  const windowed = entries.map((keyed) => ({
    keyed,
    window: keyed[1].newPart(nowSeconds, podsOf(keyed[1].ref).length),
  }));
  return [...Map.groupBy(windowed, ({ keyed }) => keyed[1].ref.namespace).values()].flatMap(
    (of) => {
      const begins = of.map(({ window }) => window.fromSeconds);
      const isTogether = (begin: number) => begin >= Math.max(...begins) - TOGETHER_SECONDS;
      const fromSeconds = Math.min(...begins.filter(isTogether));
      return of.map(({ keyed, window }) =>
        isTogether(window.fromSeconds)
          ? { keyed, window: { ...window, fromSeconds } }
          : { keyed, window },
      );
    },
  );
}

export function withWindow(nowSeconds: number): (keyed: Keyed) => Windowed {
  return (keyed) => ({ keyed, window: keyed[1].window(nowSeconds) });
}

/** Of each window the workloads, in their order and no more of them at once. */
export function readings(
  kind: Reading['kind'],
  windowed: readonly Windowed[],
  atOnce: number,
): readonly Reading[] {
  const groups = Map.groupBy(windowed, ({ window }) => `${window.fromSeconds}/${window.toSeconds}`);
  return [...groups.values()].flatMap((group) => {
    const parts = Array.from({ length: Math.ceil(group.length / atOnce) }, (_, part) =>
      group.slice(part * atOnce, (part + 1) * atOnce),
    );
    return parts.flatMap((part) => {
      const [first] = part;
      if (first === undefined) return [];
      return [{ kind, window: first.window, entries: part.map(({ keyed }) => keyed) }];
    });
  });
}
