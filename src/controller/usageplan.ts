import { gapsOf, isWholeHour } from '../recommend/gaps.ts';
import { dayStart } from '../recommend/history.ts';
import { HOUR_SECONDS } from '../recommend/hours.ts';
import { mergePacked } from '../recommend/mergepacked.ts';
import { release, spanOf, type PackedUsage } from '../recommend/packed.ts';
import { DAY_SECONDS } from '../recommend/usage.ts';
import { ranIn, type KnownPod } from './knownpods.ts';
import type { UsageFailure, UsageWarning, WorkloadRef } from './ports.ts';
import { UsageSlabs, type Slot } from './usageslabs.ts';
import type { KeptUsage } from './usagestore.ts';
import { packWalk, unpackWalk, type KeptWalks } from './usagewalks.ts';

/** Samples may come this late where a pod has not all of them, and where an hour has none at all this late. */
const LATE_SECONDS = HOUR_SECONDS;
const LATEST_SECONDS = 2 * HOUR_SECONDS;
/** Gaps of the last days are looked for once a day, older ones and the begin once a week: what was off stays a gap. */
const GAPS_SECONDS = DAY_SECONDS;
const ALL_GAPS_SECONDS = 7 * DAY_SECONDS;
const RECENT_SECONDS = 3 * DAY_SECONDS;
/** Clocks are set back a little now and then. */
const SLEWED_SECONDS = 60;

/**
 * Where usage lies, and the walks over it. Usage is replaced every hour and walks once a day: in the same slabs these would
 * hold on to the room that those leave.
 */
export interface EntrySlabs {
  readonly usage: UsageSlabs;
  readonly walks: UsageSlabs;
}

export function entrySlabs(): EntrySlabs {
  return { usage: new UsageSlabs(), walks: new UsageSlabs() };
}

/** A workload whose usage is kept. */
export class UsageEntry implements KeptWalks {
  readonly ref: WorkloadRef;
  windowSeconds: number;
  /** By container; another map after each reading. */
  containers: ReadonlyMap<string, { readonly packed: PackedUsage }> = new Map();
  #slots: ReadonlyMap<string, Slot> = new Map();
  /** End of the last good reading; undefined until the window was read. */
  readTo: number | undefined;
  /** Read once since this process began. */
  isRead = false;
  failure: UsageFailure | undefined;
  failures = 0;
  nextSeconds: number;
  nextGapsSeconds = Infinity;
  nextAllGapsSeconds = Infinity;
  readonly #slabs: EntrySlabs;
  #isForgotten = false;

  constructor(ref: WorkloadRef, windowSeconds: number, nextSeconds: number, slabs: EntrySlabs) {
    this.ref = ref;
    this.windowSeconds = windowSeconds;
    this.nextSeconds = nextSeconds;
    this.#slabs = slabs;
  }

  /** Goes on from what was kept, where that reaches into the window and far enough back. */
  restore(kept: KeptUsage, nowSeconds: number): void {
    const { readToSeconds, windowSeconds } = kept;
    const isOfUse =
      readToSeconds > nowSeconds - this.windowSeconds &&
      readToSeconds <= nowSeconds &&
      windowSeconds >= this.windowSeconds;
    if (this.readTo !== undefined || !isOfUse) return;
    this.readTo = readToSeconds;
    this.nextGapsSeconds = kept.nextGapsSeconds;
    this.nextAllGapsSeconds = kept.nextAllGapsSeconds;
    this.#replace(kept.containers);
  }

  /** Its histories are to be read at once: they may lie elsewhere later. */
  kept(): KeptUsage | undefined {
    const { ref, windowSeconds, readTo } = this;
    const containers = new Map([...this.containers].map(([name, { packed }]) => [name, packed]));
    const { nextGapsSeconds, nextAllGapsSeconds } = this;
    if (readTo === undefined) return undefined;
    return {
      ref,
      windowSeconds,
      readToSeconds: readTo,
      nextGapsSeconds,
      nextAllGapsSeconds,
      containers,
    };
  }

  /** Takes over what is fresh: there is nothing in it then. */
  merge(fresh: ReadonlyMap<string, PackedUsage> | undefined, nowSeconds: number): void {
    const merged = new Map<string, PackedUsage>();
    for (const name of new Set([...this.containers.keys(), ...(fresh?.keys() ?? [])])) {
      const from = nowSeconds - this.windowSeconds;
      const packed = mergePacked(this.containers.get(name)?.packed, fresh?.get(name), from);
      if (packed !== undefined) merged.set(name, packed);
    }
    this.#replace(merged);
    for (const packed of [...merged.values(), ...(fresh?.values() ?? [])]) release(packed);
  }

  /** Nobody wants it any more: what is read of it all the same is not kept. Who looks at it just now goes on to see it. */
  forget(): void {
    this.#isForgotten = true;
    this.containers = new Map(
      [...this.containers].map(([name, { packed }]) => [name, { packed: packed.slice() }]),
    );
    for (const slot of this.#slots.values()) this.#free(slot);
    this.#slots = new Map();
  }

  walkOf(container: string): Float64Array | undefined {
    const walk = this.#slots.get(container)?.walk;
    return walk && unpackWalk(walk.packed);
  }

  keepWalk(container: string, walked: Float64Array): void {
    const slot = this.#slots.get(container);
    if (slot === undefined) return;
    const walk = this.#slabs.walks.put(packWalk(walked));
    if (slot.walk !== undefined) this.#slabs.walks.free(slot.walk);
    slot.walk = walk;
  }

  /** Takes copies. */
  #replace(by: ReadonlyMap<string, PackedUsage>): void {
    if (this.#isForgotten) return;
    const before = this.#slots;
    const slots = new Map([...by].map(([name, packed]) => [name, this.#slabs.usage.put(packed)]));
    this.containers = slots;
    this.#slots = slots;
    for (const [name, slot] of before) {
      const after = slots.get(name);
      // Mostly what is new is of today, and the walk over the days before it still stands.
      if (after !== undefined) [after.walk, slot.walk] = [slot.walk, undefined];
      this.#free(slot);
    }
  }

  #free(slot: Slot): void {
    if (slot.walk !== undefined) this.#slabs.walks.free(slot.walk);
    this.#slabs.usage.free(slot);
  }

  /**
   * Where the clock was set back: what was read up to a time to come, or is due only after `latestSeconds`, is due now; and what was
   * read up to more than an hour to come is read anew, since nobody knows of which time it is. True in that case.
   */
  keepBefore(nowSeconds: number, latestSeconds: number): boolean {
    if (this.nextSeconds > latestSeconds) this.nextSeconds = nowSeconds;
    const ahead = (this.readTo ?? -Infinity) - nowSeconds;
    if (ahead <= 0) return false;
    if (ahead > SLEWED_SECONDS) this.nextSeconds = Math.min(this.nextSeconds, nowSeconds);
    this.readTo = ahead > HOUR_SECONDS ? undefined : nowSeconds;
    return this.readTo === undefined;
  }

  /** Everything up to the time is read; `spread` is from 0 to 1. */
  keepWhole(toSeconds: number, spread: number): void {
    this.readTo = toSeconds;
    // Not all workloads at once, also where all were first read together.
    this.nextGapsSeconds = toSeconds + GAPS_SECONDS * (0.5 + spread);
    this.nextAllGapsSeconds = toSeconds + ALL_GAPS_SECONDS * (0.5 + spread);
  }

  /** What is to be read again because samples are missing, by whole days; undefined where that is not due or none are. */
  dueGaps(nowSeconds: number): ReadWindow | undefined {
    if (this.readTo === undefined || nowSeconds < this.nextGapsSeconds) return undefined;
    this.nextGapsSeconds = nowSeconds + GAPS_SECONDS;
    const isOfAll = nowSeconds >= this.nextAllGapsSeconds;
    if (isOfAll) this.nextAllGapsSeconds = nowSeconds + ALL_GAPS_SECONDS;
    const windowStart = nowSeconds - this.windowSeconds;
    const from = isOfAll ? windowStart : Math.max(windowStart, nowSeconds - RECENT_SECONDS);
    const gaps = [
      ...(isOfAll ? this.#missingBegin(windowStart) : []),
      ...this.#packed.flatMap((packed) => gapsOf(packed, from) ?? []),
    ];
    if (gaps.length === 0) return undefined;
    const first = Math.min(...gaps.map(({ fromSeconds }) => fromSeconds));
    const last = Math.max(...gaps.map(({ toSeconds }) => toSeconds));
    return {
      fromSeconds: Math.max(windowStart, dayStart(first)),
      toSeconds: Math.min(nowSeconds, dayStart(last - 1) + DAY_SECONDS),
    };
  }

  /**
   * The days of the window before the first sample of all: who answered then may know less than who answers now, as of two
   * servers one with a new volume. Where nothing was in use, to ask again costs next to nothing.
   */
  #missingBegin(windowStart: number): readonly ReadWindow[] {
    const firsts = this.#packed.map((packed) => spanOf(packed).firstSampleSeconds);
    if (firsts.length === 0) return [];
    const first = Math.min(...firsts);
    return dayStart(first) > windowStart ? [{ fromSeconds: windowStart, toSeconds: first }] : [];
  }

  window(nowSeconds: number): ReadWindow {
    return { fromSeconds: nowSeconds - this.windowSeconds, toSeconds: nowSeconds };
  }

  /** What is new since the last reading, or all of the window; the pods are those that exist. */
  newPart(nowSeconds: number, pods: readonly KnownPod[]): ReadWindow {
    const { fromSeconds: start } = this.window(nowSeconds);
    if (this.readTo === undefined) return this.window(nowSeconds);
    // The window is open at its beginning: a sample at the full hour is of the hour before.
    const late = this.#isWhole(this.readTo - LATE_SECONDS, pods) ? 0 : LATE_SECONDS;
    const from = Math.min(hourStartOf(this.readTo - late), this.#lateFrom(this.readTo));
    return { fromSeconds: Math.max(start, from), toSeconds: nowSeconds };
  }

  get #packed(): readonly PackedUsage[] {
    return Array.from(this.containers.values(), ({ packed }) => packed);
  }

  /** Of what was in use in the hour of the time nothing can come late. */
  #isWhole(seconds: number, pods: readonly KnownPod[]): boolean {
    const hour = Math.floor(seconds / HOUR_SECONDS);
    const ran = ranIn(pods, hour);
    const seen = this.#packed.flatMap((packed) => isWholeHour(packed, hour, ran) ?? []);
    return seen.length === 0 ? ran === 0 : !seen.includes(false);
  }

  /** The first of the last hours that had not all of its samples when it was read. */
  #lateFrom(readTo: number): number {
    const since = readTo - LATEST_SECONDS;
    const late = this.#packed.flatMap((packed) => {
      const { lastSampleSeconds } = spanOf(packed);
      const gaps = gapsOf(packed, since);
      return [
        ...(lastSampleSeconds > since ? [hourStartOf(lastSampleSeconds)] : []),
        ...(gaps === undefined ? [] : [gaps.fromSeconds]),
      ];
    });
    return Math.min(...late);
  }
}

function hourStartOf(seconds: number): number {
  return Math.floor(seconds / HOUR_SECONDS) * HOUR_SECONDS;
}

/** The window (from, to]. */
export interface ReadWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/**
 * What makes a whole answer doubtful: a partial one may lack the very peak that matters, and on another clock the
 * newest samples are not the newest.
 */
const DOUBTS: readonly (readonly [UsageWarning['reason'], UsageFailure['reason']])[] = [
  ['PartialAnswer', 'PrometheusPartialAnswer'],
  ['ClockSkew', 'PrometheusClockSkew'],
];

export function doubtOf(warnings: readonly UsageWarning[]): UsageFailure | undefined {
  for (const [warned, reason] of DOUBTS) {
    const warning = warnings.find((each) => each.reason === warned);
    if (warning !== undefined) return { reason, message: warning.message };
  }
  return undefined;
}
