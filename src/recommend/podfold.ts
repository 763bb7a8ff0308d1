import { codeOf } from './buckets.ts';
import { HOUR_SECONDS } from './hours.ts';

/** Shorter steps than this cover an hour by the minute: an hour has 60 bins at most. */
export const LEAST_BIN_SECONDS = 60;

/** Takes the samples of one pod; those of an hour best one after the other. */
export interface PodFold {
  /** Cores; an amount that is negative or not finite is a missing sample. */
  addCpu(timeSeconds: number, cores: number): void;
  /** Bytes; likewise. */
  addMemory(timeSeconds: number, bytes: number): void;
  /** Cores of steps in a row, of which the first ends at the time; likewise. The same as one by one, and much faster. */
  addCpuSteps(endSeconds: number, cores: Float64Array): void;
  /** Bytes; likewise. */
  addMemorySteps(endSeconds: number, bytes: Float64Array): void;
}

/** The bins of an hour that have a sample. */
interface Bins {
  low: number;
  high: number;
}

const CODES_AT_ONCE = 256;

/** Steps that begin in one hour. */
interface HourPart {
  from: number;
  until: number;
  /** Of the first. */
  timeSeconds: number;
  /** Where the first lies in the hour, and how far the steps are apart, in bins. */
  bin: number;
  bins: number;
  /** The bins that have an amount, and the last step that has. */
  low: number;
  high: number;
  last: number;
}

function see(part: HourPart, step: number): void {
  const bin = (part.bin + (step - part.from) * part.bins) | 0;
  if (bin < 32) part.low |= 1 << bin;
  else part.high |= 1 << bin;
  part.last = step;
}

function isAmount(value: number): boolean {
  return value >= 0 && value < Infinity;
}

function nextAmount(amounts: Float64Array, from: number): number {
  let at = from;
  while (at < amounts.length && !isAmount(amounts[at] ?? NaN)) at++;
  return at;
}

/** The hour that a pod is in: a change of hours hands it on. */
export class OpenPod implements PodFold {
  readonly codes = new Uint16Array(CODES_AT_ONCE);
  count = 0;
  memoryBytes = 0;
  readonly cpu: Bins = { low: 0, high: 0 };
  readonly memory: Bins = { low: 0, high: 0 };
  firstSeconds = Infinity;
  lastSeconds = -Infinity;
  readonly #stepSeconds: number;
  readonly #bin: number;
  readonly #take: (hour: number, part: OpenPod) => void;
  readonly #hours = new Set<number>();
  #start = NaN;

  constructor(stepSeconds: number, take: (hour: number, part: OpenPod) => void) {
    this.#stepSeconds = stepSeconds;
    this.#bin = 1 / Math.max(stepSeconds, LEAST_BIN_SECONDS);
    this.#take = take;
  }

  isNewTo(hour: number): boolean {
    if (this.#hours.has(hour)) return false;
    this.#hours.add(hour);
    return true;
  }

  addCpu(timeSeconds: number, cores: number): void {
    if (!isAmount(cores)) return;
    let within = timeSeconds - this.#start;
    if (!(within >= 0 && within < HOUR_SECONDS) || this.count === CODES_AT_ONCE) {
      within = this.#enter(timeSeconds);
    }
    this.codes[this.count++] = codeOf(cores);
    const bin = (within * this.#bin) | 0;
    if (bin < 32) this.cpu.low |= 1 << bin;
    else this.cpu.high |= 1 << bin;
    if (timeSeconds > this.lastSeconds) this.lastSeconds = timeSeconds;
    if (timeSeconds < this.firstSeconds) this.firstSeconds = timeSeconds;
  }

  addMemory(timeSeconds: number, bytes: number): void {
    if (!isAmount(bytes)) return;
    let within = timeSeconds - this.#start;
    if (!(within >= 0 && within < HOUR_SECONDS)) within = this.#enter(timeSeconds);
    if (bytes > this.memoryBytes) this.memoryBytes = bytes;
    const bin = (within * this.#bin) | 0;
    if (bin < 32) this.memory.low |= 1 << bin;
    else this.memory.high |= 1 << bin;
    if (timeSeconds > this.lastSeconds) this.lastSeconds = timeSeconds;
    if (timeSeconds < this.firstSeconds) this.firstSeconds = timeSeconds;
  }

  addCpuSteps(endSeconds: number, cores: Float64Array): void {
    this.#eachHour(endSeconds, cores, (part) => {
      if (this.count + part.until - part.from > CODES_AT_ONCE) this.#enter(part.timeSeconds);
      for (let i = part.from; i < part.until; i++) {
        const amount = cores[i] ?? NaN;
        if (!isAmount(amount)) continue;
        this.codes[this.count++] = codeOf(amount);
        see(part, i);
      }
      this.cpu.low |= part.low;
      this.cpu.high |= part.high;
    });
  }

  addMemorySteps(endSeconds: number, bytes: Float64Array): void {
    this.#eachHour(endSeconds, bytes, (part) => {
      let highest = this.memoryBytes;
      for (let i = part.from; i < part.until; i++) {
        const amount = bytes[i] ?? NaN;
        if (!isAmount(amount)) continue;
        if (amount > highest) highest = amount;
        see(part, i);
      }
      this.memoryBytes = highest;
      this.memory.low |= part.low;
      this.memory.high |= part.high;
    });
  }

  /** Hours without an amount are left out, since an hour that is entered has this pod. */
  #eachHour(endSeconds: number, amounts: Float64Array, take: (part: HourPart) => void): void {
    const step = this.#stepSeconds;
    const part: HourPart = {
      from: 0,
      until: 0,
      timeSeconds: 0,
      bin: 0,
      bins: step * this.#bin,
      low: 0,
      high: 0,
      last: 0,
    };
    for (let from = nextAmount(amounts, 0); from < amounts.length;) {
      const timeSeconds = endSeconds - 1 + from * step;
      let within = timeSeconds - this.#start;
      if (!(within >= 0 && within < HOUR_SECONDS)) within = this.#enter(timeSeconds);
      const steps = Math.min(Math.ceil((HOUR_SECONDS - within) / step), CODES_AT_ONCE);
      part.from = from;
      part.until = Math.min(from + steps, amounts.length);
      part.timeSeconds = timeSeconds;
      part.bin = within * this.#bin;
      part.low = part.high = 0;
      take(part);
      this.firstSeconds = Math.min(this.firstSeconds, timeSeconds);
      this.lastSeconds = Math.max(this.lastSeconds, timeSeconds + (part.last - from) * step);
      from = nextAmount(amounts, part.until);
    }
  }

  /** Hands on what the hour has, and begins that of the time; returns how far it lies in it. */
  #enter(timeSeconds: number): number {
    this.flush();
    this.#start = Math.floor(timeSeconds / HOUR_SECONDS) * HOUR_SECONDS;
    return timeSeconds - this.#start;
  }

  flush(): void {
    if (Number.isNaN(this.#start)) return;
    this.#take(this.#start / HOUR_SECONDS, this);
    this.count = 0;
    this.memoryBytes = 0;
    this.cpu.low = this.cpu.high = this.memory.low = this.memory.high = 0;
  }
}
