import type { UsageHistory } from '../recommend/usage.ts';
import { UnpackedContainers } from './containerusage.ts';
import { YoungPods, type KnownPod } from './knownpods.ts';
import {
  workloadKey,
  type ClusterView,
  type Clock,
  type UsageFailure,
  type UsageQuery,
  type UsageReading,
  type UsageSource,
  type UsageTarget,
  type UsageWarning,
  type WorkloadRef,
} from './ports.ts';
import { Answers } from './usageanswers.ts';
import { Doubts } from './usagedoubt.ts';
import { entrySlabs, UsageEntry } from './usageplan.ts';
import {
  isContinued,
  newParts,
  OpenReading,
  readings,
  withWindow,
  type Keyed,
  type Reading,
  type Windowed,
} from './usagereadings.ts';
import { UsageSaving } from './usagesaving.ts';
import type { KeptWalks } from './usagewalks.ts';
import type { UsageStore } from './usagestore.ts';

/** What is known of a workload's usage. */
export interface KnownUsage {
  /** By container, as it is known when it is looked at. */
  readonly containers: ReadonlyMap<string, UsageHistory>;
  /** The last reading, if it failed; the containers are then those of the reading before. */
  readonly failure: UsageFailure | undefined;
  /** Whether a reading ever succeeded. */
  readonly isRead: boolean;
  /** Where walks over it stood; left out where that is not kept. */
  readonly walks?: KeptWalks;
}

export interface UsageKeeperOptions {
  readonly source: UsageSource;
  readonly clock: Clock;
  /** Time between two readings of a workload, by the clock: see `ReadingTimes`. */
  readonly intervalSeconds: number;
  /** Pods of a workload that exist now, and all workloads of its namespace. */
  readonly podsOf: (workload: WorkloadRef) => readonly KnownPod[];
  readonly siblingsOf: (namespace: string) => readonly WorkloadRef[];
  /** See `ClusterView`; not known unless given. */
  readonly restartedPodsOf?: ClusterView['restartedPods'];
  /** How much depends on a namespace: those with more are read first, when all are new. Alike unless given. */
  readonly worthOf?: (namespace: string) => number;
  /** Where usage is kept over restarts; nowhere unless given. */
  readonly store?: UsageStore | undefined;
  /** Usage of these workloads is known anew; of some of them that could not be read, with what came in the way. */
  readonly onRead: (keys: readonly string[], failures: readonly UsageFailure[]) => void;
  readonly onWarning: (warning: UsageWarning) => void;
  /** From 0 to 1; spreads readings so that instances do not ask at the same moment. */
  readonly random: () => number;
}

/** Wanted together within this time, workloads are read together. */
const GATHER_SECONDS = 1;
/** Read together at most: of a first reading, and of what is new, which is a hundredth of that. */
const FIRST_AT_ONCE = 1000;
const NEW_AT_ONCE = 5000;
/** So soon it is seen that the clock was set; a timer holds for 24 days at most. */
const LONGEST_SLEEP_SECONDS = 600;

/**
 * Keeps the usage of the workloads that are wanted, in a few kilobytes each, and reads what is new: the first reading
 * covers the window, later ones begin at the hour in which the last one ended, or at that of samples which were late
 * then, and gaps are looked for again day by day. What is new goes before first readings, which are made part by part,
 * so that of a large cluster no more than a part is in memory. Readings that fail are tried again with a pause that
 * doubles, and what was read before stays. What may be incomplete is kept, in doubt, and read once more when answers
 * are whole again.
 */
export class UsageKeeper {
  readonly #options: UsageKeeperOptions;
  readonly #entries = new Map<string, UsageEntry>();
  #slabs = entrySlabs();
  readonly #saving: UsageSaving;
  readonly #doubts: Doubts;
  readonly #answers: Answers;
  #timer: NodeJS.Timeout | undefined;
  #wakesSeconds = Infinity;
  #abort = new AbortController();
  #reading: Promise<void> | undefined;

  constructor(options: UsageKeeperOptions) {
    this.#options = options;
    this.#doubts = new Doubts(options.intervalSeconds);
    this.#answers = new Answers(this.#doubts, options);
    this.#saving = new UsageSaving(options.store, options.clock, (key) =>
      this.#doubts.endOfTrust(key),
    );
  }

  /** How many workloads are wanted, whose last reading failed, and that were never read. */
  get counts(): { readonly wanted: number; readonly failing: number; readonly unread: number } {
    const entries = [...this.#entries.values()];
    return {
      wanted: entries.length,
      failing: entries.filter(({ failure }) => failure !== undefined).length,
      unread: entries.filter(({ readTo }) => readTo === undefined).length,
    };
  }

  /** The usage that is known; asks for the workload to be read if it is new or wants a longer window. */
  want(ref: WorkloadRef, windowSeconds: number): KnownUsage {
    const key = workloadKey(ref);
    const soon = this.#options.clock.nowSeconds() + GATHER_SECONDS;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = new UsageEntry(ref, windowSeconds, soon, this.#slabs);
      this.#entries.set(key, entry);
      this.#wakeAt(soon);
    }
    if (windowSeconds > entry.windowSeconds) {
      entry.windowSeconds = windowSeconds;
      entry.readTo = undefined;
      entry.nextSeconds = soon;
      this.#wakeAt(soon);
    }
    const known = entry;
    const { failure, isRead, readTo } = known;
    return {
      containers: new UnpackedContainers(() => known.containers),
      failure,
      isRead: isRead && readTo !== undefined,
      walks: known,
    };
  }

  /** Drops a workload that no policy selects any more, or that is gone. */
  forget(key: string): void {
    this.#entries.get(key)?.forget();
    if (this.#entries.delete(key)) this.#saving.changed();
    this.#doubts.forget(key);
  }

  /** Ends what is under way and saves what is known; nothing is read until something is wanted again. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wakesSeconds = Infinity;
    this.#abort.abort();
    await this.#reading;
    await this.#saving.save(this.#entries);
    this.#abort = new AbortController();
    this.#entries.clear();
    // Who looks at something just now goes on to see it.
    this.#slabs = entrySlabs();
    this.#doubts.clear();
  }

  #schedule(): void {
    let next = Infinity;
    for (const { nextSeconds } of this.#entries.values()) next = Math.min(next, nextSeconds);
    this.#wakesSeconds = Infinity;
    if (next < Infinity) this.#wakeAt(next);
  }

  /** Reads what is due at a time, unless it wakes before; with many workloads, looking at all of them each time is slow. */
  #wakeAt(seconds: number): void {
    if (this.#reading !== undefined || seconds >= this.#wakesSeconds) return;
    this.#wakesSeconds = seconds;
    const delay = Math.min(
      LONGEST_SLEEP_SECONDS,
      Math.max(0, seconds - this.#options.clock.nowSeconds()),
    );
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#reading = this.#readDue().finally(() => {
        this.#reading = undefined;
        if (!this.#abort.signal.aborted) this.#schedule();
      });
    }, delay * 1000);
    this.#timer.unref();
  }

  /** What comes due while a first reading is made goes before the rest of it. */
  async #readDue(): Promise<void> {
    await this.#saving.restore(this.#entries);
    for (;;) {
      const { first, others } = this.#due();
      for (const reading of [...others, ...first.slice(0, 1)]) {
        await this.#read(reading);
        if (this.#isStopped()) return;
      }
      await this.#saving.saveWhenDue(this.#entries);
      if (first.length <= 1 || this.#isStopped()) return;
    }
  }

  #isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  #due(): { readonly first: readonly Reading[]; readonly others: readonly Reading[] } {
    const now = this.#options.clock.nowSeconds();
    const latest = now + 2 * this.#options.intervalSeconds + LONGEST_SLEEP_SECONDS;
    for (const [key, entry] of this.#entries) {
      if (entry.keepBefore(now, latest)) this.#doubts.forget(key);
    }
    const due = [...this.#entries].filter(
      ([, { nextSeconds }]) => nextSeconds <= now + GATHER_SECONDS,
    );
    const unread = due.filter(([, { readTo }]) => readTo === undefined);
    const known = due.filter(([, { readTo }]) => readTo !== undefined);
    const again = known.filter(([key]) => (this.#doubts.againSeconds(key) ?? Infinity) <= now);
    const isAgain = new Set(again);
    const others = known.filter((keyed) => !isAgain.has(keyed));
    const gaps = others.flatMap((keyed) => {
      if (this.#doubts.of(keyed[0]) !== undefined) return [];
      const window = keyed[1].dueGaps(now);
      return window === undefined ? [] : [{ keyed, window }];
    });
    return {
      first: [
        ...readings('First', this.#byWorth(unread).map(withWindow(now)), FIRST_AT_ONCE),
        ...readings('Again', again.map(this.#withDoubt(now)), FIRST_AT_ONCE),
      ],
      others: [
        ...readings('New', newParts(others, now, this.#options.podsOf), NEW_AT_ONCE),
        ...readings('Gaps', gaps, FIRST_AT_ONCE),
      ],
    };
  }

  #withDoubt(nowSeconds: number): (keyed: Keyed) => Windowed {
    return (keyed) => {
      const [key, { windowSeconds }] = keyed;
      const fromSeconds = Math.max(this.#doubts.endOfTrust(key), nowSeconds - windowSeconds);
      return { keyed, window: { fromSeconds, toSeconds: nowSeconds } };
    };
  }

  #byWorth(entries: readonly Keyed[]): readonly Keyed[] {
    const { worthOf } = this.#options;
    if (worthOf === undefined || entries.length < 2) return entries;
    const namespaces = new Set(entries.map(([, { ref }]) => ref.namespace));
    const worth = new Map([...namespaces].map((name) => [name, worthOf(name)]));
    const of = ([, { ref }]: Keyed): number => worth.get(ref.namespace) ?? 0;
    return entries.toSorted((a, b) => of(b) - of(a));
  }

  async #read(reading: Reading): Promise<void> {
    const { signal } = this.#abort;
    const jitter = 0.8 + this.#options.random() * 0.4;
    const open = new OpenReading(reading.entries);
    const query = {
      ...this.#queryFor(reading),
      ...reading.window,
      isContinued: isContinued(reading, this.#options.clock.nowSeconds()),
      endsNow: reading.kind !== 'Gaps',
    };
    // What is complete is taken at once, so that it can be looked at while the rest is read.
    const take = (part: UsageReading, keys: Iterable<string>): void => {
      for (const warning of open.newWarnings(part)) this.#options.onWarning(warning);
      const taken: string[] = [];
      for (const asked of open.takeOut(keys)) {
        this.#answers.take(asked, part, { ...reading, ...asked, jitter });
        taken.push(asked.keyed[0]);
      }
      if (taken.length === 0) return;
      this.#saving.changed();
      this.#options.onRead(
        taken,
        taken.flatMap((key) => part.failures.get(key) ?? []),
      );
    };
    try {
      const rest = await this.#options.source.read(query, signal, (part) => {
        if (!signal.aborted) take(part, part.usage.keys());
      });
      take(rest, open.keys);
    } catch (error) {
      if (signal.aborted) return;
      const message = error instanceof Error ? error.message : 'reading usage failed';
      const failure = { reason: 'PrometheusAnswerInvalid', message } as const;
      const { keys } = open;
      for (const asked of open.takeOut(keys)) {
        this.#answers.fail(asked.keyed, failure, { ...reading, ...asked, jitter });
      }
      if (keys.length > 0) this.#options.onRead(keys, Array(keys.length).fill(failure));
    }
  }

  #queryFor({
    entries,
    window,
  }: Reading): Pick<UsageQuery, 'targets' | 'siblings' | 'restartedPods' | 'youngPods'> {
    const young = new YoungPods(window.fromSeconds);
    const targets = entries.map(([, { ref }]): UsageTarget => {
      const pods = this.#options.podsOf(ref);
      young.see(ref.namespace, pods);
      return { workload: ref, pods: pods.map(({ name }) => name) };
    });
    const namespaces = new Set(entries.map(([, { ref }]) => ref.namespace));
    return {
      targets,
      siblings: [...namespaces].flatMap((name) => this.#options.siblingsOf(name)),
      youngPods: young.byNamespace,
      restartedPods: new Map(
        [...namespaces].flatMap((name) => {
          const pods = this.#options.restartedPodsOf?.(name, window.fromSeconds);
          return pods === undefined ? [] : [[name, pods]];
        }),
      ),
    };
  }
}
