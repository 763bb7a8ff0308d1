import type { Clock } from './ports.ts';
import type { UsageEntry } from './usageplan.ts';
import type { KeptUsage, UsageStore } from './usagestore.ts';
import { workloadKey } from './ports.ts';

/** So often at most: all that is known is written each time. */
const SAVE_SECONDS = 600;
/** What was kept of a workload is let go when nobody has wanted it for so long after the start. */
const UNWANTED_SECONDS = 3600;

/** Saves what the keeper knows now and then, and brings it back at the start. Without a store it does nothing. */
export class UsageSaving {
  readonly #store: UsageStore | undefined;
  readonly #clock: Clock;
  /** What was kept and nobody has wanted yet. */
  readonly #unwanted = new Map<string, KeptUsage>();
  #restoredSeconds: number | undefined;
  #savedSeconds = -Infinity;
  #hasChanged = false;

  constructor(store: UsageStore | undefined, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  changed(): void {
    this.#hasChanged = true;
  }

  /** Gives each workload that was never read what was kept of it. */
  async restore(entries: ReadonlyMap<string, UsageEntry>): Promise<void> {
    if (this.#store === undefined) return;
    const now = this.#clock.nowSeconds();
    if (this.#restoredSeconds === undefined) {
      for (const kept of await this.#store.load()) this.#unwanted.set(workloadKey(kept.ref), kept);
      this.#restoredSeconds = now;
      this.#savedSeconds = now;
    }
    if (now > this.#restoredSeconds + UNWANTED_SECONDS) this.#unwanted.clear();
    for (const [key, kept] of this.#unwanted) {
      const entry = entries.get(key);
      if (entry === undefined) continue;
      entry.restore(kept, now);
      this.#unwanted.delete(key);
    }
  }

  async saveIfDue(entries: ReadonlyMap<string, UsageEntry>): Promise<void> {
    if (this.#clock.nowSeconds() >= this.#savedSeconds + SAVE_SECONDS) await this.save(entries);
  }

  /** Workloads that are not wanted any more are not in it. */
  async save(entries: ReadonlyMap<string, UsageEntry>): Promise<void> {
    if (this.#store === undefined || !this.#hasChanged) return;
    this.#hasChanged = false;
    await this.#store.save(this.#allOf(entries));
    this.#savedSeconds = this.#clock.nowSeconds();
  }

  *#allOf(entries: ReadonlyMap<string, UsageEntry>): Generator<KeptUsage> {
    for (const entry of entries.values()) {
      const kept = entry.kept();
      if (kept !== undefined) yield kept;
    }
    yield* this.#unwanted.values();
  }
}
