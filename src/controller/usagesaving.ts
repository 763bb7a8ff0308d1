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
  readonly #endOfTrust: (key: string) => number;
  /** What was kept and nobody has wanted yet. */
  readonly #unwanted = new Map<string, KeptUsage>();
  #restoredSeconds: number | undefined;
  #savedSeconds = -Infinity;
  #hasChanged = false;
  #saving: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  /** What is saved is what is known up to the end of trust, by the key of the workload. */
  constructor(store: UsageStore | undefined, clock: Clock, endOfTrust: (key: string) => number) {
    this.#store = store;
    this.#endOfTrust = endOfTrust;
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
      const all = await this.#store.load();
      for (const kept of all) this.#unwanted.set(workloadKey(kept.ref), kept);
      this.#restoredSeconds = now;
      // With nothing to go on from, what is read first is the dearest to lose.
      if (all.length > 0) this.#savedSeconds = now;
    }
    if (now > this.#restoredSeconds + UNWANTED_SECONDS) this.#unwanted.clear();
    for (const [key, kept] of this.#unwanted) {
      const entry = entries.get(key);
      if (entry === undefined) continue;
      entry.restore(kept, now);
      this.#unwanted.delete(key);
    }
  }

  /** At once where that is due, else when it is: whether or not anything is read by then. */
  async saveWhenDue(entries: ReadonlyMap<string, UsageEntry>): Promise<void> {
    if (this.#store === undefined || !this.#hasChanged) return;
    const waitSeconds = this.#savedSeconds + SAVE_SECONDS - this.#clock.nowSeconds();
    if (waitSeconds <= 0) {
      await this.save(entries);
      return;
    }
    this.#timer ??= setTimeout(() => void this.save(entries), waitSeconds * 1000);
    this.#timer.unref();
  }

  /** Workloads that are not wanted any more are not in it. */
  async save(entries: ReadonlyMap<string, UsageEntry>): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // One after the other, as all of them write the same file.
    this.#saving = this.#saving.then(() => this.#saveNow(entries));
    await this.#saving;
  }

  async #saveNow(entries: ReadonlyMap<string, UsageEntry>): Promise<void> {
    if (this.#store === undefined || !this.#hasChanged) return;
    this.#hasChanged = false;
    await this.#store.save(this.#allOf(entries));
    this.#savedSeconds = this.#clock.nowSeconds();
  }

  *#allOf(entries: ReadonlyMap<string, UsageEntry>): Generator<KeptUsage> {
    for (const [key, entry] of entries) {
      const kept = entry.kept();
      if (kept === undefined) continue;
      yield { ...kept, readToSeconds: Math.min(kept.readToSeconds, this.#endOfTrust(key)) };
    }
    yield* this.#unwanted.values();
  }
}
