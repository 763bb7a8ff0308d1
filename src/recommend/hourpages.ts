import type { UsageSignals } from './usage.ts';

/** A refresh is of a few hours, and a first reading of weeks. */
const PAGE_HOURS = 32;

/** Four numbers of 8 bytes, seven of 4, and one of 1. */
const HOUR_BYTES = 4 * 8 + 7 * 4 + 1;

/**
 * What hours in a row have so far, over all pods of a container, each at its index in every array: 61 bytes an hour, and
 * 1.6 kB a page for what it is made of. The collector of garbage would copy an object of each hour time and again.
 */
export class HourPage {
  /** Hours since 1970. */
  firstHour = 0;
  readonly memoryBytes: Float64Array;
  readonly oomKills: Float64Array;
  readonly restarts: Float64Array;
  readonly throttledShare: Float64Array;
  /** The bins of an hour that have a sample are bits, since there are at most 60; the first 32 are in `low`. */
  readonly cpuLow: Int32Array;
  readonly cpuHigh: Int32Array;
  readonly memoryLow: Int32Array;
  readonly memoryHigh: Int32Array;
  readonly pods: Int32Array;
  /** Where codes of it wait, begin and end. */
  readonly begin: Int32Array;
  readonly end: Int32Array;
  /** 1 where something came. */
  readonly isOpen: Uint8Array;
  readonly #all = new Uint8Array(HOUR_BYTES * PAGE_HOURS);

  constructor() {
    const { buffer } = this.#all;
    let at = 0;
    const doubles = (): Float64Array => new Float64Array(buffer, 8 * PAGE_HOURS * at++, PAGE_HOURS);
    [this.memoryBytes, this.oomKills] = [doubles(), doubles()];
    [this.restarts, this.throttledShare] = [doubles(), doubles()];
    at *= 2;
    const words = (): Int32Array => new Int32Array(buffer, 4 * PAGE_HOURS * at++, PAGE_HOURS);
    [this.cpuLow, this.cpuHigh] = [words(), words()];
    [this.memoryLow, this.memoryHigh] = [words(), words()];
    [this.pods, this.begin, this.end] = [words(), words(), words()];
    this.isOpen = new Uint8Array(buffer, 4 * PAGE_HOURS * at, PAGE_HOURS);
  }

  /** Takes what a pod had in the hour; its codes are not part of it. */
  take(at: number, { cpu, memory, memoryBytes }: PodHour, isNewPod: boolean): void {
    this.isOpen[at] = 1;
    if (isNewPod) add(this.pods, at, 1);
    setBits(this.cpuLow, at, cpu.low);
    setBits(this.cpuHigh, at, cpu.high);
    setBits(this.memoryLow, at, memory.low);
    setBits(this.memoryHigh, at, memory.high);
    raise(this.memoryBytes, at, memoryBytes);
  }

  /** Counts add up; of throttled shares the highest stays. */
  addSignals(at: number, { oomKills = 0, restarts = 0, throttledShare = 0 }: Signals): void {
    this.isOpen[at] = 1;
    add(this.oomKills, at, oomKills);
    add(this.restarts, at, restarts);
    raise(this.throttledShare, at, throttledShare);
  }

  clear(): void {
    this.#all.fill(0);
  }
}

type Signals = Partial<UsageSignals>;

/** Bins that have a sample, as bits; and the highest memory. */
interface PodHour {
  readonly cpu: { readonly low: number; readonly high: number };
  readonly memory: { readonly low: number; readonly high: number };
  readonly memoryBytes: number;
}

function setBits(words: Int32Array, at: number, bits: number): void {
  words[at] = (words[at] ?? 0) | bits;
}

function add(values: Int32Array | Float64Array, at: number, more: number): void {
  values[at] = (values[at] ?? 0) + more;
}

function raise(values: Float64Array, at: number, value: number): void {
  values[at] = Math.max(values[at] ?? 0, value);
}

/** Pages that are free to be used again, all clear: 3.5 kB each. */
const FREE_PAGES: HourPage[] = [];
const MOST_FREE_PAGES = 512;

/** The pages of a container, where there are hours. */
export class HourPages {
  readonly #pages = new Map<number, HourPage>();
  #last: HourPage | undefined;

  /** The page that an hour lies in, by `hour - firstHour`. */
  of(hour: number): HourPage {
    const last = this.#last;
    if (last !== undefined && hour >= last.firstHour && hour < last.firstHour + PAGE_HOURS) {
      return last;
    }
    const number = Math.floor(hour / PAGE_HOURS);
    const page = this.#pages.get(number) ?? this.#open(number);
    this.#last = page;
    return page;
  }

  /** Each hour that something came of, in ascending order. */
  eachOpen(visit: (page: HourPage, at: number) => void): void {
    const numbers = [...this.#pages.keys()].sort((a, b) => a - b);
    for (const number of numbers) {
      const page = this.#pages.get(number);
      if (page === undefined) continue;
      for (let at = 0; at < PAGE_HOURS; at++) if (page.isOpen[at] === 1) visit(page, at);
    }
  }

  /** Nothing is left; others may use the pages. */
  release(): void {
    for (const page of this.#pages.values()) {
      if (FREE_PAGES.length === MOST_FREE_PAGES) break;
      page.clear();
      FREE_PAGES.push(page);
    }
    this.#pages.clear();
    this.#last = undefined;
  }

  #open(number: number): HourPage {
    const page = FREE_PAGES.pop() ?? new HourPage();
    page.firstHour = number * PAGE_HOURS;
    this.#pages.set(number, page);
    return page;
  }
}
