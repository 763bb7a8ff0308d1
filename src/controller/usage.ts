import { dayStart, mergeHistory } from '../recommend/history.ts';
import type { UsageHistory } from '../recommend/usage.ts';
import {
  workloadKey,
  type Clock,
  type UsageFailure,
  type UsageQuery,
  type UsageSource,
  type UsageTarget,
  type UsageWarning,
  type WorkloadRef,
} from './ports.ts';

/** What is known of a workload's usage. */
export interface KnownUsage {
  /** By container. */
  readonly containers: ReadonlyMap<string, UsageHistory>;
  /** The last reading, if it failed; the containers are then those of the reading before. */
  readonly failure: UsageFailure | undefined;
  /** Whether a reading ever succeeded. */
  readonly isRead: boolean;
}

interface Entry {
  readonly ref: WorkloadRef;
  windowSeconds: number;
  containers: ReadonlyMap<string, UsageHistory>;
  /** End of the last good reading. */
  readTo: number | undefined;
  /** When the whole window was last read. */
  wholeReadSeconds: number;
  failure: UsageFailure | undefined;
  failures: number;
  nextSeconds: number;
}

type FreshUsage = ReadonlyMap<string, UsageHistory>;

/** What was asked for, as it stood when it was asked. */
interface Read {
  readonly toSeconds: number;
  readonly windowSeconds: number;
  readonly isWhole: boolean;
  readonly nextSeconds: number;
}

export interface UsageKeeperOptions {
  readonly source: UsageSource;
  readonly clock: Clock;
  /** Time between two readings of a workload. */
  readonly intervalSeconds: number;
  /** Pods of a workload that exist now, and all workloads of its namespace. */
  readonly podsOf: (workload: WorkloadRef) => readonly string[];
  readonly siblingsOf: (namespace: string) => readonly WorkloadRef[];
  readonly onRead: (keys: readonly string[]) => void;
  readonly onWarning: (warning: UsageWarning) => void;
  /** From 0 to 1; spreads readings so that instances do not ask at the same moment. */
  readonly random: () => number;
}

/** Wanted together within this time, workloads are read together. */
const GATHER_SECONDS = 1;
const FIRST_RETRY_SECONDS = 15;
const LONGEST_RETRY_SECONDS = 300;
/** A gap in an answer may be filled in the next: the whole window is read again this often. */
const WHOLE_SECONDS = 24 * 3600;
/** Samples may come this late; the day that holds them is read again. */
const LATE_SECONDS = 3600;

/**
 * Keeps the usage of the workloads that are wanted, reading each day's samples when they are new: the first reading
 * covers the window, later ones only the day that is not over. Readings that fail are tried again with a pause that
 * doubles, and what was read before stays.
 */
export class UsageKeeper {
  readonly #options: UsageKeeperOptions;
  readonly #entries = new Map<string, Entry>();
  #timer: NodeJS.Timeout | undefined;
  #wakesSeconds = Infinity;
  #abort = new AbortController();
  #reading: Promise<void> | undefined;

  constructor(options: UsageKeeperOptions) {
    this.#options = options;
  }

  /** Number of workloads whose last reading failed, and that were never read. */
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
    let entry = this.#entries.get(key);
    const now = this.#options.clock.nowSeconds();
    if (entry === undefined) {
      entry = {
        ref,
        windowSeconds,
        containers: new Map(),
        readTo: undefined,
        wholeReadSeconds: -Infinity,
        failure: undefined,
        failures: 0,
        nextSeconds: now + GATHER_SECONDS,
      };
      this.#entries.set(key, entry);
      this.#wakeAt(entry.nextSeconds);
    }
    if (windowSeconds > entry.windowSeconds) {
      entry.windowSeconds = windowSeconds;
      entry.readTo = undefined;
      entry.nextSeconds = now + GATHER_SECONDS;
      this.#wakeAt(entry.nextSeconds);
    }
    return {
      containers: entry.containers,
      failure: entry.failure,
      isRead: entry.readTo !== undefined,
    };
  }

  /** Drops a workload that no policy selects any more, or that is gone. */
  forget(key: string): void {
    this.#entries.delete(key);
  }

  /** Ends what is under way; nothing is read until something is wanted again. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wakesSeconds = Infinity;
    this.#abort.abort();
    await this.#reading;
    this.#abort = new AbortController();
    this.#entries.clear();
  }

  #schedule(): void {
    const next = [...this.#entries.values()].reduce(
      (least, { nextSeconds }) => Math.min(least, nextSeconds),
      Infinity,
    );
    this.#wakesSeconds = Infinity;
    if (next < Infinity) this.#wakeAt(next);
  }

  /** Reads what is due at a time, unless it wakes before; with many workloads, looking at all of them each time is slow. */
  #wakeAt(seconds: number): void {
    if (this.#reading !== undefined || seconds >= this.#wakesSeconds) return;
    this.#wakesSeconds = seconds;
    const delay = Math.max(0, seconds - this.#options.clock.nowSeconds());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
        if (!this.#abort.signal.aborted) this.#schedule();
      });
    }, delay * 1000);
    this.#timer.unref();
  }

  async #read(): Promise<void> {
    const now = this.#options.clock.nowSeconds();
    const due = [...this.#entries].filter(
      ([, { nextSeconds }]) => nextSeconds <= now + GATHER_SECONDS,
    );
    const byStart = Map.groupBy(due, ([, entry]) => this.#readFrom(entry, now));
    for (const [fromSeconds, entries] of byStart) {
      await this.#readGroup(entries, { fromSeconds, toSeconds: now });
      if (this.#abort.signal.aborted) return;
    }
  }

  #readFrom({ readTo, wholeReadSeconds, windowSeconds }: Entry, now: number): number {
    const start = now - windowSeconds;
    if (readTo === undefined || now - wholeReadSeconds > WHOLE_SECONDS) return start;
    // The window is open at its beginning, and the sample at midnight is the day's own.
    return Math.max(start, dayStart(readTo - LATE_SECONDS) - 1);
  }

  async #readGroup(
    entries: readonly (readonly [string, Entry])[],
    window: { readonly fromSeconds: number; readonly toSeconds: number },
  ): Promise<void> {
    const { signal } = this.#abort;
    const jitter = 0.8 + this.#options.random() * 0.4;
    const reads = entries.map(([key, entry]) => ({
      key,
      entry,
      read: {
        toSeconds: window.toSeconds,
        windowSeconds: entry.windowSeconds,
        isWhole: window.fromSeconds <= window.toSeconds - entry.windowSeconds,
        // One time for the whole batch, so that it stays one.
        nextSeconds: window.toSeconds + this.#options.intervalSeconds * jitter,
      },
    }));
    try {
      const query = { ...this.#queryFor(entries), ...window };
      const reading = await this.#options.source.read(query, signal);
      for (const warning of reading.warnings) this.#options.onWarning(warning);
      for (const { key, entry, read } of reads) {
        const failure = reading.failures.get(key) ?? doubt(reading.warnings);
        const fresh = reading.usage.get(key);
        if (failure === undefined) {
          this.#keep(entry, fresh, read);
          continue;
        }
        // What came is true all the same.
        this.#merge(entry, fresh, read.toSeconds);
        this.#keepFailure(entry, failure, jitter);
      }
    } catch (error) {
      if (signal.aborted) return;
      const message = error instanceof Error ? error.message : 'reading usage failed';
      for (const [, entry] of entries) {
        this.#keepFailure(entry, { reason: 'PrometheusAnswerInvalid', message }, jitter);
      }
    }
    this.#options.onRead(entries.map(([key]) => key));
  }

  #queryFor(
    entries: readonly (readonly [string, Entry])[],
  ): Pick<UsageQuery, 'targets' | 'siblings'> {
    const targets = entries.map(([, { ref }]): UsageTarget => ({
      workload: ref,
      pods: this.#options.podsOf(ref),
    }));
    const namespaces = new Set(entries.map(([, { ref }]) => ref.namespace));
    return {
      targets,
      siblings: [...namespaces].flatMap((name) => this.#options.siblingsOf(name)),
    };
  }

  #keep(entry: Entry, fresh: FreshUsage | undefined, read: Read): void {
    this.#merge(entry, fresh, read.toSeconds);
    entry.failure = undefined;
    entry.failures = 0;
    // A window that was widened while this was read is yet to be read.
    if (entry.windowSeconds > read.windowSeconds) return;
    entry.readTo = read.toSeconds;
    if (read.isWhole) entry.wholeReadSeconds = read.toSeconds;
    entry.nextSeconds = read.nextSeconds;
  }

  #merge(entry: Entry, fresh: FreshUsage | undefined, toSeconds: number): void {
    const merged = new Map<string, UsageHistory>();
    const names = new Set([...entry.containers.keys(), ...(fresh?.keys() ?? [])]);
    for (const name of names) {
      const history = mergeHistory(
        entry.containers.get(name),
        fresh?.get(name),
        toSeconds - entry.windowSeconds,
      );
      if (history !== undefined) merged.set(name, history);
    }
    entry.containers = merged;
  }

  #keepFailure(entry: Entry, failure: UsageFailure, jitter: number): void {
    const pause = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** entry.failures);
    entry.failure = failure;
    entry.failures += 1;
    entry.nextSeconds = this.#options.clock.nowSeconds() + pause * jitter;
  }
}

/**
 * What makes a whole answer doubtful: a partial one may lack the very peak that matters, and on another clock the
 * newest samples are not the newest.
 */
const DOUBTS: readonly (readonly [UsageWarning['reason'], UsageFailure['reason']])[] = [
  ['PartialAnswer', 'PrometheusPartialAnswer'],
  ['ClockSkew', 'PrometheusClockSkew'],
];

function doubt(warnings: readonly UsageWarning[]): UsageFailure | undefined {
  for (const [warned, reason] of DOUBTS) {
    const warning = warnings.find((each) => each.reason === warned);
    if (warning !== undefined) return { reason, message: warning.message };
  }
  return undefined;
}
