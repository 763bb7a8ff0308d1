import { NO_CODE, raiseCodes } from './buckets.ts';
import { HOUR_SECONDS } from './hours.ts';
import { isAmount, LEAST_BIN_SECONDS, stepsIn, type StepRow, type StepWindow } from './rows.ts';

/** Takes what the rows of a pod came to. */
export interface PodHours {
  /** Codes of CPU of steps in a row, of which the first ends at the time; NO_CODE is a step without a sample. */
  addCodes(endSeconds: number, codes: Uint16Array): void;
  /** An hour, as hours since 1970, by its peak in bytes and the bins that have a sample, the first 32 of them in `low`. */
  addMemoryHour(hour: number, bytes: number, low: number, high: number): void;
  /** There is a sample at each of these times, and between them alone. */
  sees(firstSeconds: number, lastSeconds: number): void;
}

/** Steps in a page: a day of minutes. */
const PAGE_STEPS = 1440;

/** Pages that are free to be used again, all NO_CODE: a new one for each day of each pod would take longer than filling it. */
const FREE_PAGES: Uint16Array[] = [];
const MOST_FREE_PAGES = 128;

/** CPU of one pod: the code of the highest value of each step, in pages of 2.9 kB where there are values. */
export class CpuRow implements StepRow {
  readonly #pod: PodHours;
  readonly #window: StepWindow;
  readonly #first: number;
  readonly #last: number;
  readonly #pages = new Map<number, Uint16Array>();

  constructor(pod: PodHours, window: StepWindow) {
    this.#pod = pod;
    this.#window = window;
    ({ first: this.#first, last: this.#last } = stepsIn(window));
  }

  raise(step: number, values: Float64Array, count: number): void {
    const end = Math.min(step + count, this.#last + 1);
    for (let from = Math.max(step, this.#first); from < end;) {
      const number = Math.floor(from / PAGE_STEPS);
      const page = this.#pages.get(number) ?? this.#open(number);
      const start = number * PAGE_STEPS;
      const until = Math.min(end, start + PAGE_STEPS);
      raiseCodes(page, from - start, { values, begin: from - step, end: until - step });
      from = until;
    }
  }

  fold(): void {
    const numbers = [...this.#pages.keys()].sort((a, b) => a - b);
    for (const number of numbers) {
      const endSeconds = number * PAGE_STEPS * this.#window.stepSeconds;
      const page = this.#pages.get(number);
      if (page === undefined) continue;
      this.#pod.addCodes(endSeconds, page);
      if (FREE_PAGES.length < MOST_FREE_PAGES) FREE_PAGES.push(page.fill(NO_CODE));
    }
    this.#pages.clear();
  }

  #open(number: number): Uint16Array {
    const page = FREE_PAGES.pop() ?? new Uint16Array(PAGE_STEPS).fill(NO_CODE);
    this.#pages.set(number, page);
    return page;
  }
}

/** Memory of one pod: the peak of each hour, and in which of its bins there was a sample. 16 bytes an hour. */
export class MemoryRow implements StepRow {
  readonly #pod: PodHours;
  readonly #stepSeconds: number;
  readonly #first: number;
  readonly #last: number;
  readonly #firstHour: number;
  readonly #peaks: Float64Array;
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  /** The first and the last step with a value. */
  #from = Infinity;
  #to = -Infinity;

  constructor(pod: PodHours, window: StepWindow) {
    this.#pod = pod;
    this.#stepSeconds = window.stepSeconds;
    ({ first: this.#first, last: this.#last } = stepsIn(window));
    this.#firstHour = this.#hourOf(this.#first);
    const hours = Math.max(0, this.#hourOf(this.#last) - this.#firstHour + 1);
    this.#peaks = new Float64Array(hours);
    this.#low = new Int32Array(hours);
    this.#high = new Int32Array(hours);
  }

  raise(step: number, values: Float64Array, count: number): void {
    let at = Math.max(step, this.#first);
    let end = Math.min(step + count, this.#last + 1);
    while (at < end && !isAmount(values[at - step] ?? NaN)) at += 1;
    while (at < end && !isAmount(values[end - 1 - step] ?? NaN)) end -= 1;
    if (at >= end) return;
    this.#from = Math.min(this.#from, at);
    this.#to = Math.max(this.#to, end - 1);
    while (at < end) {
      const until = Math.min(end, this.#hourEnd(at));
      this.#raiseHour(at, until, values, at - step);
      at = until;
    }
  }

  // A sample costs a few nanoseconds, so that an object or a call for each would be most of it.
  #raiseHour(from: number, until: number, values: Float64Array, begin: number): void {
    const at = this.#hourOf(from) - this.#firstHour;
    const binSeconds = Math.max(this.#stepSeconds, LEAST_BIN_SECONDS);
    let within = this.#secondOf(from) - this.#hourOf(from) * HOUR_SECONDS;
    let [peak, low, high] = [this.#peaks[at] ?? 0, 0, 0];
    for (let step = from; step < until; step++, within += this.#stepSeconds) {
      const value = values[begin + step - from] ?? NaN;
      if (!isAmount(value)) continue;
      if (value > peak) peak = value;
      const bin = (within / binSeconds) | 0;
      if (bin < 32) low |= 1 << bin;
      else high |= 1 << bin;
    }
    this.#peaks[at] = peak;
    this.#low[at] = (this.#low[at] ?? 0) | low;
    this.#high[at] = (this.#high[at] ?? 0) | high;
  }

  fold(): void {
    for (let at = 0; at < this.#peaks.length; at++) {
      const low = this.#low[at] ?? 0;
      const high = this.#high[at] ?? 0;
      if (low === 0 && high === 0) continue;
      this.#pod.addMemoryHour(this.#firstHour + at, this.#peaks[at] ?? 0, low, high);
    }
    if (this.#from <= this.#to)
      this.#pod.sees(this.#secondOf(this.#from), this.#secondOf(this.#to));
    this.#peaks.fill(0);
    this.#low.fill(0);
    this.#high.fill(0);
    [this.#from, this.#to] = [Infinity, -Infinity];
  }

  /** What ends at midnight is of the day before. */
  #secondOf(step: number): number {
    return step * this.#stepSeconds - 1;
  }

  #hourOf(step: number): number {
    return Math.floor(this.#secondOf(step) / HOUR_SECONDS);
  }

  /** The first step of the hour after. */
  #hourEnd(step: number): number {
    const rest = (this.#hourOf(step) + 1) * HOUR_SECONDS - this.#secondOf(step);
    return step + Math.ceil(rest / this.#stepSeconds);
  }
}
