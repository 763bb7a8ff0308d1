import { BIN_SECONDS } from '../grid.ts';
import { firstAtLeast } from './ascending.ts';

const HOUR_SECONDS = 3600;

/** What one resource of one series used, on the 5-minute grid; NaN is missing, and nothing is filled in. */
export interface Usage {
  readonly values: Float64Array;
  /** Of bin 0: a multiple of BIN_SECONDS. */
  readonly startSeconds: number;
  /**
   * What one unit of the trace is in cores (CPU) or bytes (memory), for histograms with absolute bucket widths:
   * 1, but for a CPU trace that gives the share of a machine, where it is the machine's size.
   */
  readonly unit: number;
}

/** Samples in order of their value, and what a rule may ask about them. */
export interface Samples {
  readonly count: number;
  /** Ascending; only the first `count` mean anything. */
  readonly values: Float64Array;
  /** The bin of each sample. */
  readonly bins: Int32Array;
}

/**
 * The samples of the last `length` bins before a moment, kept in order of their value while the moment moves on: a
 * percentile of any rule is then a walk along one array, and an hour later costs one merge.
 */
export class SortedWindow {
  readonly usage: Usage;
  /** As many places as samples fit in the window, for a running sum over them. */
  readonly scratch: Float64Array;
  readonly #length: number;
  readonly #decays = new Map<number, Float64Array>();
  readonly #recent: { count: number; readonly values: Float64Array; readonly bins: Int32Array };
  #hours: Uint8Array | undefined;
  #recentEnd = -1;
  #recentLength = -1;
  readonly #values: Float64Array;
  readonly #bins: Int32Array;
  #count = 0;
  #now = 0;

  constructor(usage: Usage, length: number) {
    this.usage = usage;
    this.#length = length;
    this.scratch = new Float64Array(length);
    this.#values = new Float64Array(length);
    this.#bins = new Int32Array(length);
    this.#recent = { count: 0, values: new Float64Array(length), bins: new Int32Array(length) };
  }

  /** The window sees the bins before this one. */
  get now(): number {
    return this.#now;
  }

  /** All samples in the window, until it moves. */
  all(): Samples {
    return { count: this.#count, values: this.#values, bins: this.#bins };
  }

  /** The samples of the last `length` bins, until the window moves or is asked for another length. */
  last(length: number): Samples {
    if (this.#recentEnd === this.#now && this.#recentLength === length) return this.#recent;
    this.#recentEnd = this.#now;
    this.#recentLength = length;
    const { values, bins } = this.#recent;
    const [allValues, allBins] = [this.#values, this.#bins];
    const oldest = this.#now - length;
    let count = 0;
    for (let i = 0; i < this.#count; i++) {
      const bin = allBins[i] ?? 0;
      if (bin < oldest) continue;
      values[count] = allValues[i] ?? NaN;
      bins[count] = bin;
      count += 1;
    }
    this.#recent.count = count;
    return this.#recent;
  }

  /** The UTC hour of the day, 0 to 23, of each bin of the series. */
  hours(): Uint8Array {
    const { startSeconds, values } = this.usage;
    this.#hours ??= new Uint8Array(values.length).map(
      (_, bin) => Math.floor((startSeconds + bin * BIN_SECONDS) / HOUR_SECONDS) % 24,
    );
    return this.#hours;
  }

  /** Weights by age in bins, 2 ** (-age / halfLife); the newest sample has age 1. */
  decay(halfLife: number): Float64Array {
    const known = this.#decays.get(halfLife);
    if (known !== undefined) return known;
    const weights = new Float64Array(this.#length + 1).map((_, age) => 2 ** (-age / halfLife));
    this.#decays.set(halfLife, weights);
    return weights;
  }

  /** Moves on to a later moment: what has become too old leaves, the bins before the moment enter. */
  moveTo(bin: number): void {
    const oldest = bin - this.#length;
    const from = Math.max(this.#now, oldest);
    this.#drop(oldest);
    this.#insert(sortedBins(this.usage.values, from, bin));
    this.#now = bin;
  }

  #drop(oldest: number): void {
    const [values, bins] = [this.#values, this.#bins];
    let count = 0;
    for (let i = 0; i < this.#count; i++) {
      const bin = bins[i] ?? 0;
      if (bin < oldest) continue;
      values[count] = values[i] ?? NaN;
      bins[count] = bin;
      count += 1;
    }
    this.#count = count;
  }

  /** From the largest down, so that what stands above each entrant moves once, to its last place. */
  #insert(entering: Int32Array): void {
    let end = this.#count;
    for (let i = entering.length - 1; i >= 0; i--) {
      const bin = entering[i] ?? 0;
      const value = this.usage.values[bin] ?? NaN;
      const at = firstAtLeast(this.#values, end, value);
      this.#values.copyWithin(at + i + 1, at, end);
      this.#bins.copyWithin(at + i + 1, at, end);
      this.#values[at + i] = value;
      this.#bins[at + i] = bin;
      end = at;
    }
    this.#count += entering.length;
  }
}

/** The bins of [from, to) that have a sample, in order of their value. */
function sortedBins(values: Float64Array, from: number, to: number): Int32Array {
  const bins: number[] = [];
  for (let bin = Math.max(0, from); bin < Math.min(to, values.length); bin++) {
    if (Number.isFinite(values[bin])) bins.push(bin);
  }
  return Int32Array.from(bins).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
}
