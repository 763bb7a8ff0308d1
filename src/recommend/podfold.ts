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
}

/** The bins of an hour that have a sample. */
interface Bins {
  low: number;
  high: number;
}

const CODES_AT_ONCE = 256;

/** The hour that a pod is in: a change of hours hands it on. */
export class OpenPod implements PodFold {
  readonly codes = new Uint16Array(CODES_AT_ONCE);
  count = 0;
  memoryBytes = 0;
  readonly cpu: Bins = { low: 0, high: 0 };
  readonly memory: Bins = { low: 0, high: 0 };
  firstSeconds = Infinity;
  lastSeconds = -Infinity;
  readonly #bin: number;
  readonly #take: (hour: number, part: OpenPod) => void;
  readonly #hours = new Set<number>();
  #start = NaN;

  constructor(binSeconds: number, take: (hour: number, part: OpenPod) => void) {
    this.#bin = 1 / binSeconds;
    this.#take = take;
  }

  isNewTo(hour: number): boolean {
    if (this.#hours.has(hour)) return false;
    this.#hours.add(hour);
    return true;
  }

  addCpu(timeSeconds: number, cores: number): void {
    if (!(cores >= 0 && cores < Infinity)) return;
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
    if (!(bytes >= 0 && bytes < Infinity)) return;
    let within = timeSeconds - this.#start;
    if (!(within >= 0 && within < HOUR_SECONDS)) within = this.#enter(timeSeconds);
    if (bytes > this.memoryBytes) this.memoryBytes = bytes;
    const bin = (within * this.#bin) | 0;
    if (bin < 32) this.memory.low |= 1 << bin;
    else this.memory.high |= 1 << bin;
    if (timeSeconds > this.lastSeconds) this.lastSeconds = timeSeconds;
    if (timeSeconds < this.firstSeconds) this.firstSeconds = timeSeconds;
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
