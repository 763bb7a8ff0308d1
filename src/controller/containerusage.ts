import type { PackedUsage } from '../recommend/packed.ts';
import { unpackUsage } from '../recommend/unpacked.ts';
import type { UsageHistory } from '../recommend/usage.ts';

/** A workload is looked at several times in a row; a history takes a few hundred kilobytes while it is unpacked. */
const MOST_UNPACKED = 4;

/** The last that were unpacked, the newest first. */
let unpacked: readonly { readonly packed: PackedUsage; readonly history: UsageHistory }[] = [];

function unpackedOf(packed: PackedUsage): UsageHistory {
  const known = unpacked.find((each) => each.packed === packed);
  if (known !== undefined) return known.history;
  const history = unpackUsage(packed);
  unpacked = [{ packed, history }, ...unpacked.slice(0, MOST_UNPACKED - 1)];
  return history;
}

/**
 * The histories of a workload's containers, by name. What is held are the packed ones, so that it may be held for long:
 * a history is unpacked when it is asked for.
 */
export class UnpackedContainers implements ReadonlyMap<string, UsageHistory> {
  readonly #packed: ReadonlyMap<string, PackedUsage>;

  constructor(packed: ReadonlyMap<string, PackedUsage>) {
    this.#packed = packed;
  }

  get size(): number {
    return this.#packed.size;
  }

  has(name: string): boolean {
    return this.#packed.has(name);
  }

  get(name: string): UsageHistory | undefined {
    const packed = this.#packed.get(name);
    return packed && unpackedOf(packed);
  }

  forEach(
    visit: (history: UsageHistory, name: string, all: ReadonlyMap<string, UsageHistory>) => void,
  ): void {
    for (const [name, history] of this) visit(history, name, this);
  }

  keys(): MapIterator<string> {
    return this.#packed.keys();
  }

  *values(): MapIterator<UsageHistory> {
    for (const [, history] of this) yield history;
  }

  *entries(): MapIterator<[string, UsageHistory]> {
    for (const name of this.#packed.keys()) {
      const history = this.get(name);
      if (history !== undefined) yield [name, history];
    }
  }

  [Symbol.iterator](): MapIterator<[string, UsageHistory]> {
    return this.entries();
  }
}
