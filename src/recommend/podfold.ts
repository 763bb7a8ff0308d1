import { codeOf, NO_CODE } from './buckets.ts';
import { HOUR_SECONDS } from './hours.ts';
import { CpuRow, MemoryRow, type PodHours } from './podrows.ts';
import { isAmount, LEAST_BIN_SECONDS, type StepRow, type StepWindow } from './rows.ts';

/** Takes the samples of one pod; those of an hour best one after the other. */
export interface PodFold {
  /** Cores; an amount that is negative or not finite is a missing sample. */
  addCpu(timeSeconds: number, cores: number): void;
  /** Bytes; likewise. */
  addMemory(timeSeconds: number, bytes: number): void;
  /** Rows of steps, as long as those of the fold; much faster than one by one. */
  cpuRow(window: StepWindow): StepRow;
  memoryRow(window: StepWindow): StepRow;
}

/** The bins of an hour that have a sample. */
interface Bins {
  low: number;
  high: number;
}

const CODES_AT_ONCE = 256;

function nextCode(codes: Uint16Array, from: number): number {
  let at = from;
  while (at < codes.length && codes[at] === NO_CODE) at++;
  return at;
}

/** The hour that a pod is in: a change of hours hands it on. */
export class OpenPod implements PodFold, PodHours {
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
  /** Hours in which it was seen: bits, by 32 hours in a row. */
  readonly #hours = new Map<number, number>();
  #start = NaN;

  constructor(stepSeconds: number, take: (hour: number, part: OpenPod) => void) {
    this.#stepSeconds = stepSeconds;
    this.#bin = 1 / Math.max(stepSeconds, LEAST_BIN_SECONDS);
    this.#take = take;
  }

  isNewTo(hour: number): boolean {
    const word = Math.floor(hour / 32);
    const bit = 1 << (hour - word * 32);
    const seen = this.#hours.get(word) ?? 0;
    if ((seen & bit) !== 0) return false;
    this.#hours.set(word, seen | bit);
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
    this.sees(timeSeconds, timeSeconds);
  }

  addMemory(timeSeconds: number, bytes: number): void {
    if (!isAmount(bytes)) return;
    let within = timeSeconds - this.#start;
    if (!(within >= 0 && within < HOUR_SECONDS)) within = this.#enter(timeSeconds);
    if (bytes > this.memoryBytes) this.memoryBytes = bytes;
    const bin = (within * this.#bin) | 0;
    if (bin < 32) this.memory.low |= 1 << bin;
    else this.memory.high |= 1 << bin;
    this.sees(timeSeconds, timeSeconds);
  }

  cpuRow(window: StepWindow): StepRow {
    return new CpuRow(this, window);
  }

  memoryRow(window: StepWindow): StepRow {
    return new MemoryRow(this, window);
  }

  addCodes(endSeconds: number, codes: Uint16Array): void {
    const step = this.#stepSeconds;
    for (let from = nextCode(codes, 0); from < codes.length;) {
      const timeSeconds = endSeconds - 1 + from * step;
      let within = timeSeconds - this.#start;
      if (!(within >= 0 && within < HOUR_SECONDS)) within = this.#enter(timeSeconds);
      const steps = Math.min(Math.ceil((HOUR_SECONDS - within) / step), CODES_AT_ONCE);
      if (this.count + steps > CODES_AT_ONCE) this.#enter(timeSeconds);
      const until = Math.min(from + steps, codes.length);
      const last = this.#takeCodes(codes, from, until, within);
      this.sees(timeSeconds, timeSeconds + (last - from) * step);
      from = nextCode(codes, until);
    }
  }

  /** Of an hour, which is entered; says which is the last that is a code. */
  #takeCodes(codes: Uint16Array, from: number, until: number, within: number): number {
    const bins = this.#stepSeconds * this.#bin;
    const firstBin = within * this.#bin;
    let [low, high, last, count] = [0, 0, from, this.count];
    for (let i = from; i < until; i++) {
      const code = codes[i] ?? NO_CODE;
      if (code === NO_CODE) continue;
      this.codes[count++] = code;
      const bin = (firstBin + (i - from) * bins) | 0;
      if (bin < 32) low |= 1 << bin;
      else high |= 1 << bin;
      last = i;
    }
    this.count = count;
    this.cpu.low |= low;
    this.cpu.high |= high;
    return last;
  }

  addMemoryHour(hour: number, bytes: number, low: number, high: number): void {
    if (this.#start !== hour * HOUR_SECONDS) this.#enter(hour * HOUR_SECONDS);
    this.memoryBytes = Math.max(this.memoryBytes, bytes);
    this.memory.low |= low;
    this.memory.high |= high;
  }

  sees(firstSeconds: number, lastSeconds: number): void {
    if (lastSeconds > this.lastSeconds) this.lastSeconds = lastSeconds;
    if (firstSeconds < this.firstSeconds) this.firstSeconds = firstSeconds;
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
