import type { BinRow } from './bins.ts';
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

function isStale({ words }: SampleBuffer, index: number): boolean {
  return words[2 * index + HIGH] === STALE_HIGH && words[2 * index + 1 - HIGH] === STALE_LOW;
}

/**
 * CPU of one series of a counter of seconds: the mean rate over the part of each bin that lies between two samples,
 * in cores. A fall is a counter that began again at zero. There is no rate across the end of a series or across a gap
 * of more than 5 minutes; a NaN of another kind, an infinity or a negative count is a sample that is missing.
 */
export class RateFold implements SeriesFold {
  readonly #row: BinRow;
  readonly #binMs: number;
  /** The sample before; NaN at the beginning of a run. */
  #time = NaN;
  #count = 0;
  /** The bin under way: its end, what was used in it, and over how much time. */
  #bin = -1;
  #binEnd = -Infinity;
  #used = 0;
  #covered = 0;

  constructor(row: BinRow, binSeconds: number) {
    this.#row = row;
    this.#binMs = binSeconds * 1000;
  }

  take(samples: SampleBuffer, count: number): void {
    const { times, values } = samples;
    for (let i = 0; i < count; i++) {
      const value = values[i] ?? 0;
      if (value >= 0 && value < Infinity) this.#step(times[i] ?? 0, value);
      else if (Number.isNaN(value) && isStale(samples, i)) this.end();
    }
  }

  end(): void {
    this.#closeBin();
    this.#time = NaN;
  }

  #step(time: number, count: number): void {
    const gap = time - this.#time;
    // The same time twice, from blocks that overlap.
    if (gap <= 0) return;
    if (gap > LONGEST_GAP_MS) this.#closeBin();
    else if (gap > 0) {
      const rise = count >= this.#count ? count - this.#count : count;
      if (time <= this.#binEnd) {
        this.#used += rise;
        this.#covered += gap;
      } else this.#spread(time, rise / gap);
    }
    this.#time = time;
    this.#count = count;
  }

  /** The rate holds from the sample before to this one, which lies in a later bin. */
  #spread(time: number, rate: number): void {
    let from = this.#time;
    while (from < time) {
      if (from >= this.#binEnd) this.#openBin(from);
      const until = Math.min(time, this.#binEnd);
      this.#used += rate * (until - from);
      this.#covered += until - from;
      from = until;
    }
  }

  #openBin(time: number): void {
    this.#closeBin();
    this.#bin = Math.floor(time / this.#binMs) + 1;
    this.#binEnd = this.#bin * this.#binMs;
  }

  #closeBin(): void {
    if (this.#covered > 0) this.#row.raise(this.#bin, (this.#used / this.#covered) * 1000);
    this.#used = 0;
    this.#covered = 0;
    this.#binEnd = -Infinity;
  }
}

/**
 * Memory of one series of a gauge: the highest sample of each bin. A sample stands for the time since the one before
 * it, so that a scrape that is slower than the bins leaves none empty; but for no gap of more than 5 minutes.
 */
export class PeakFold implements SeriesFold {
  readonly #row: BinRow;
  readonly #binMs: number;
  #time = NaN;
  #bin = -1;

  constructor(row: BinRow, binSeconds: number) {
    this.#row = row;
    this.#binMs = binSeconds * 1000;
  }

  take(samples: SampleBuffer, count: number): void {
    const { times, values } = samples;
    for (let i = 0; i < count; i++) {
      const value = values[i] ?? 0;
      if (value >= 0 && value < Infinity) this.#step(times[i] ?? 0, value);
      else if (Number.isNaN(value) && isStale(samples, i)) this.end();
    }
  }

  end(): void {
    this.#time = NaN;
  }

  #step(time: number, value: number): void {
    // A sample at the end of a bin is of that bin.
    const bin = Math.ceil(time / this.#binMs);
    if (time - this.#time <= LONGEST_GAP_MS) {
      for (let between = this.#bin + 1; between < bin; between++) this.#row.raise(between, value);
    }
    this.#row.raise(bin, value);
    this.#bin = bin;
    this.#time = time;
  }
}
