import { codeOf, NO_CODE } from './buckets.ts';
import { HOUR_SECONDS } from './hours.ts';
import { LEAST_BIN_SECONDS, stepsIn, type StepRow, type StepWindow } from './rows.ts';

/** Takes what the rows of a pod came to. */
export interface PodHours {
  /** Codes of CPU of steps in a row, of which the first ends at the time; NO_CODE is a step without a sample. */
  addCodes(endSeconds: number, codes: Uint16Array): void;
  /** An hour, as hours since 1970, by its peak in bytes and the bins that have a sample, the first 32 of them in `low`. */
  addMemoryHour(
    hour: number,
    of: { readonly bytes: number; readonly low: number; readonly high: number },
  ): void;
  /** There is a sample at each of these times, and between them alone. */
  sees(firstSeconds: number, lastSeconds: number): void;
}

/** Steps in a page: a day of minutes. */
const PAGE_STEPS = 1440;

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
      raiseCodes(page.subarray(from - start), values.subarray(from - step, until - step));
      from = until;
    }
  }

  fold(): void {
    const numbers = [...this.#pages.keys()].sort((a, b) => a - b);
    for (const number of numbers) {
      const endSeconds = number * PAGE_STEPS * this.#window.stepSeconds;
      this.#pod.addCodes(endSeconds, this.#pages.get(number) ?? new Uint16Array(0));
    }
    this.#pages.clear();
  }

  #open(number: number): Uint16Array {
    const page = new Uint16Array(PAGE_STEPS).fill(NO_CODE);
    this.#pages.set(number, page);
    return page;
  }
}

function raiseCodes(codes: Uint16Array, values: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (!(value >= 0 && value < Infinity)) continue;
    const code = codeOf(value);
    const before = codes[i] ?? NO_CODE;
    if (before === NO_CODE || code > before) codes[i] = code;
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
    const from = Math.max(step, this.#first);
    const end = Math.min(step + count, this.#last + 1);
    let hour = this.#hourOf(from);
    let within = this.#secondOf(from) - hour * HOUR_SECONDS;
    for (let at = from; at < end; at++, within += this.#stepSeconds) {
      for (; within >= HOUR_SECONDS; within -= HOUR_SECONDS) hour += 1;
      const value = values[at - step] ?? NaN;
      if (value >= 0 && value < Infinity) this.#see(at, { hour, within, value });
    }
  }

  #see(
    step: number,
    { hour, within, value }: { hour: number; within: number; value: number },
  ): void {
    const at = hour - this.#firstHour;
    if (value > (this.#peaks[at] ?? 0)) this.#peaks[at] = value;
    const bin = Math.floor(within / Math.max(this.#stepSeconds, LEAST_BIN_SECONDS));
    if (bin < 32) this.#low[at] = (this.#low[at] ?? 0) | (1 << bin);
    else this.#high[at] = (this.#high[at] ?? 0) | (1 << bin);
    if (step < this.#from) this.#from = step;
    if (step > this.#to) this.#to = step;
  }

  fold(): void {
    for (const [at, peak] of this.#peaks.entries()) {
      const low = this.#low[at] ?? 0;
      const high = this.#high[at] ?? 0;
      if (low === 0 && high === 0) continue;
      this.#pod.addMemoryHour(this.#firstHour + at, { bytes: peak, low, high });
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
}
