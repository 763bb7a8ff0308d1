import { isAmount, type StepRow } from '../recommend/rows.ts';
import type { SampleBuffer } from './xor.ts';

/** Two samples further apart say nothing of what was between them; Prometheus looks back as far. */
export const LONGEST_GAP_MS = 300_000;

/** The value by which Prometheus says that a series has ended: one certain NaN. */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;
const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** Takes the samples of one series, part by part and in ascending order of time. */
export interface SeriesFold {
  /** The first `count` samples of the buffer. */
  take(samples: SampleBuffer, count: number): void;
  /** The series has no further samples. */
  end(): void;
}

/** Whether a sample says that its series has ended. */
export function isStale({ words }: SampleBuffer, index: number): boolean {
  return words[2 * index + HIGH] === STALE_HIGH && words[2 * index + 1 - HIGH] === STALE_LOW;
}

/** Values of bins in a row, on their way to the row of their container. */
class Run {
  readonly #row: StepRow;
  readonly #values: Float64Array;
  #bin = 0;
  #count = 0;

  /** The values are lent by whoever folds: they are empty between two parts of a series. */
  constructor(row: StepRow, values: Float64Array) {
    this.#row = row;
    this.#values = values;
  }

  add(bin: number, value: number): void {
    if (bin !== this.#bin + this.#count || this.#count === this.#values.length) {
      this.flush();
      this.#bin = bin;
    }
    this.#values[this.#count++] = value;
  }

  flush(): void {
    if (this.#count > 0) this.#row.raise(this.#bin, this.#values, this.#count);
    this.#bin += this.#count;
    this.#count = 0;
  }
}

/** Folding is synchronous, so one serves all. */
const RUN_VALUES = new Float64Array(256);

/** Takes samples into bins of the row, one after the other. */
abstract class BinFold implements SeriesFold {
  protected readonly run: Run;
  protected readonly binMs: number;

  constructor(row: StepRow, binSeconds: number) {
    this.run = new Run(row, RUN_VALUES);
    this.binMs = binSeconds * 1000;
  }

  take(samples: SampleBuffer, count: number): void {
    const { times, values } = samples;
    for (
      let i = this.takeEven(samples, 0, count);
      i < count;
      i = this.takeEven(samples, i + 1, count)
    ) {
      const value = values[i] ?? 0;
      if (isAmount(value)) this.step(times[i] ?? 0, value);
      else if (Number.isNaN(value) && isStale(samples, i)) this.end();
    }
    this.run.flush();
  }

  abstract end(): void;

  /** Takes a sample that is an amount. */
  protected abstract step(time: number, value: number): void;

  /**
   * The same as `step` of each sample from the index on, for as long as they are such as nearly all are; says at which
   * it ends. State in locals makes it several times as fast.
   */
  protected abstract takeEven(samples: SampleBuffer, from: number, count: number): number;
}

/**
 * CPU of one series of a counter of seconds: the mean rate over the part of each bin that lies between two samples,
 * in cores. A fall is a counter that began again at zero. There is no rate across the end of a series or across a gap
 * of more than 5 minutes; a NaN of another kind, an infinity or a negative count is a sample that is missing.
 */
export class RateFold extends BinFold {
  /** The sample before; NaN at the beginning of a run. */
  #time = NaN;
  #count = 0;
  /** The bin under way: its end, what was used in it, and over how much time. */
  #bin = -1;
  #binEnd = -Infinity;
  #used = 0;
  #covered = 0;

  /** Rises in the bin under way or into the next one. */
  protected override takeEven(
    { times, values }: SampleBuffer,
    from: number,
    count: number,
  ): number {
    const binMs = this.binMs;
    let [before, counted, binEnd, used, covered] = [
      this.#time,
      this.#count,
      this.#binEnd,
      this.#used,
      this.#covered,
    ];
    let i = from;
    for (; i < count; i++) {
      const time = times[i] ?? 0;
      const value = values[i] ?? 0;
      const gap = time - before;
      const rise = value - counted;
      if (!(
        rise >= 0 &&
        rise < Infinity &&
        gap > 0 &&
        gap <= LONGEST_GAP_MS &&
        time <= binEnd + binMs
      ))
        break;
      if (time <= binEnd) {
        used += rise;
        covered += gap;
      } else {
        const rate = rise / gap;
        const part = binEnd - before;
        this.run.add(this.#bin++, ((used + rate * part) / (covered + part)) * 1000);
        covered = time - binEnd;
        used = rate * covered;
        binEnd += binMs;
      }
      before = time;
      counted = value;
    }
    [this.#time, this.#count, this.#binEnd, this.#used, this.#covered] = [
      before,
      counted,
      binEnd,
      used,
      covered,
    ];
    return i;
  }

  override end(): void {
    this.#closeBin();
    this.run.flush();
    this.#binEnd = -Infinity;
    this.#time = NaN;
  }

  protected override step(time: number, count: number): void {
    const gap = time - this.#time;
    // The same time twice, from blocks that overlap.
    if (gap <= 0) return;
    if (gap <= LONGEST_GAP_MS) {
      const rise = count >= this.#count ? count - this.#count : count;
      if (time <= this.#binEnd) {
        this.#used += rise;
        this.#covered += gap;
      } else this.#spread(time, rise / gap);
    } else {
      this.#closeBin();
      this.#binEnd = -Infinity;
    }
    this.#time = time;
    this.#count = count;
  }

  /** The rate holds from the sample before to this one, which lies in a later bin. */
  #spread(time: number, rate: number): void {
    let from = this.#time;
    if (this.#binEnd === -Infinity) this.#openBin(Math.floor(from / this.binMs) + 1);
    while (this.#binEnd < time) {
      this.#used += rate * (this.#binEnd - from);
      this.#covered += this.#binEnd - from;
      from = this.#binEnd;
      this.#closeBin();
      this.#openBin(this.#bin + 1);
    }
    this.#used += rate * (time - from);
    this.#covered += time - from;
  }

  #openBin(bin: number): void {
    this.#bin = bin;
    this.#binEnd = bin * this.binMs;
  }

  #closeBin(): void {
    if (this.#covered > 0) this.run.add(this.#bin, (this.#used / this.#covered) * 1000);
    this.#used = 0;
    this.#covered = 0;
  }
}

/**
 * Memory of one series of a gauge: the highest sample of each bin. A sample stands for the time since the one before
 * it, so that a scrape that is slower than the bins leaves none empty; but for no gap of more than 5 minutes.
 */
export class PeakFold extends BinFold {
  #time = NaN;
  /** The bin under way, and the highest sample of it. */
  #bin = -1;
  #binEnd = -Infinity;
  #highest = NaN;

  /** Of the bin under way or of the next one. */
  protected override takeEven(
    { times, values }: SampleBuffer,
    from: number,
    count: number,
  ): number {
    const binMs = this.binMs;
    let [before, binEnd, highest] = [this.#time, this.#binEnd, this.#highest];
    let i = from;
    for (; i < count; i++) {
      const time = times[i] ?? 0;
      const value = values[i] ?? 0;
      if (!(isAmount(value) && time > binEnd - binMs && time <= binEnd + binMs)) break;
      if (time > binEnd) {
        this.run.add(this.#bin++, highest);
        binEnd += binMs;
        highest = value;
      } else if (value > highest) highest = value;
      before = time;
    }
    [this.#time, this.#binEnd, this.#highest] = [before, binEnd, highest];
    return i;
  }

  override end(): void {
    this.#closeBin();
    this.run.flush();
    this.#binEnd = -Infinity;
    this.#time = NaN;
  }

  protected override step(time: number, value: number): void {
    // A sample at the end of a bin is of that bin.
    if (time <= this.#binEnd && time > this.#binEnd - this.binMs) {
      if (!(value <= this.#highest)) this.#highest = value;
    } else this.#move(time, value);
    this.#time = time;
  }

  #move(time: number, value: number): void {
    this.#closeBin();
    const bin = Math.ceil(time / this.binMs);
    if (time - this.#time <= LONGEST_GAP_MS) {
      for (let between = this.#bin + 1; between < bin; between++) this.run.add(between, value);
    }
    this.#bin = bin;
    this.#binEnd = bin * this.binMs;
    this.#highest = value;
  }

  #closeBin(): void {
    if (this.#binEnd > -Infinity) this.run.add(this.#bin, this.#highest);
  }
}
