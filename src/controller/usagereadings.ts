import { HOUR_SECONDS } from '../recommend/hours.ts';
import type { KnownPod } from './knownpods.ts';
import type { UsageReading, UsageWarning, WorkloadRef } from './ports.ts';
import type { UsageEntry, ReadWindow } from './usageplan.ts';

export type Keyed = readonly [string, UsageEntry];

/** Workloads that are read together, over one window. */
export interface Reading {
  readonly window: ReadWindow;
  readonly entries: readonly Keyed[];
  /** `Again` is of what is in doubt. */
  readonly kind: 'First' | 'New' | 'Gaps' | 'Again';
}

/** A workload of a reading, and the window that it wanted when that began. */
export interface Asked {
  readonly keyed: Keyed;
  readonly windowSeconds: number;
}

/** What is still to come of a reading, whose workloads come in parts. */
export class OpenReading {
  readonly #asked: Map<string, Asked>;
  readonly #warned = new Set<string>();

  constructor(entries: readonly Keyed[]) {
    this.#asked = new Map(
      entries.map((keyed) => [keyed[0], { keyed, windowSeconds: keyed[1].windowSeconds }]),
    );
  }

  get keys(): readonly string[] {
    return [...this.#asked.keys()];
  }

  /** Those of the workloads that are still to come: each is taken out when the next one is asked for. */
  *takeOut(keys: Iterable<string>): Generator<Asked> {
    for (const key of keys) {
      const asked = this.#asked.get(key);
      if (asked === undefined) continue;
      yield asked;
      this.#asked.delete(key);
    }
  }

  /** A warning holds for the whole reading, so that it is said once. */
  newWarnings({ warnings }: UsageReading): readonly UsageWarning[] {
    const fresh = warnings.filter(({ reason }) => !this.#warned.has(reason));
    for (const { reason } of fresh) this.#warned.add(reason);
    return fresh;
  }
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
  podsOf: (workload: WorkloadRef) => readonly KnownPod[],
): readonly Windowed[] {
  const windowed = entries.map((keyed) => ({
    keyed,
    window: keyed[1].newPart(nowSeconds, podsOf(keyed[1].ref)),
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

/** What begins where the window does goes on from nothing, be it the first reading of all or one more of that time. */
export function isContinued({ kind, window, entries }: Reading, nowSeconds: number): boolean {
  const isWithin = ([, { windowSeconds }]: Keyed): boolean =>
    window.fromSeconds > nowSeconds - windowSeconds;
  return kind !== 'First' && entries.every(isWithin);
}
