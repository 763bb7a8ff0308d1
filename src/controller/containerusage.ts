import type { PackedUsage } from '../recommend/packed.ts';
import { giveBack, unpackUsage } from '../recommend/unpacked.ts';
import type { UsageHistory } from '../recommend/usage.ts';
import { LastUnpacked } from './lastunpacked.ts';

/** A workload is looked at several times in a row; unpacked, a history takes up to a few hundred kilobytes. */
const MOST_UNPACKED = 4;

/** Where a history is found; it never changes which. */
interface Held {
  readonly packed: PackedUsage;
}

const UNPACKED = new LastUnpacked<Held, UsageHistory>(MOST_UNPACKED, giveBack);

/**
 * The histories of a workload's containers, by name, as they are known when they are asked for. It may be held for long,
 * since a history is unpacked only then.
 */
export class UnpackedContainers implements ReadonlyMap<string, UsageHistory> {
  readonly #known: () => ReadonlyMap<string, Held>;

  constructor(known: () => ReadonlyMap<string, Held>) {
    this.#known = known;
  }

  get #held(): ReadonlyMap<string, Held> {
    return this.#known();
  }

  get size(): number {
    return this.#held.size;
  }

  has(name: string): boolean {
    return this.#held.has(name);
  }

  /** May be held; its hours of CPU only until others are looked at, as `HourCpu` says. */
  get(name: string): UsageHistory | undefined {
    const held = this.#held.get(name);
    return held && UNPACKED.of(held, () => unpackUsage(held.packed));
  }

  forEach(
    visit: (history: UsageHistory, name: string, all: ReadonlyMap<string, UsageHistory>) => void,
  ): void {
    for (const [name, history] of this) visit(history, name, this);
  }

  keys(): MapIterator<string> {
    return this.#held.keys();
  }

  *values(): MapIterator<UsageHistory> {
    for (const [, history] of this) yield history;
  }

  *entries(): MapIterator<[string, UsageHistory]> {
    for (const name of this.#held.keys()) {
      const history = this.get(name);
      if (history !== undefined) yield [name, history];
    }
  }

  [Symbol.iterator](): MapIterator<[string, UsageHistory]> {
    return this.entries();
  }
}
