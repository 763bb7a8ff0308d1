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

export function withNewPart(nowSeconds: number): (keyed: Keyed) => Windowed {
  return (keyed) => ({ keyed, window: keyed[1].newPart(nowSeconds) });
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
