import { bucketOfCode, LOG_GROWTH, LOG_SMALLEST } from './buckets.ts';
import type { StateReader, StateWriter } from './savedstate.ts';
import { shortened } from './shortnumbers.ts';
import type { HourCpu } from './usage.ts';

/** Sums of weights differ by so much with the order of their parts. */
const ROUNDING = 1e-12;
/** And by so much, as a share of themselves, once the weights were shortened: twice of what a weight may be off. */
export const SHORTENING = 2 ** -15;

/** A weight that doubles with age would overflow: it is brought back to 1 long before. */
const LARGEST_UNIT = 2 ** 40;

/**
 * A histogram with logarithmic buckets, of 2 % each, in which a sample counts half after each half-life. Only its own
 * clock ages it: while no sample comes, nothing changes. Old buckets are not touched: new samples weigh more instead.
 * State: 8 bytes for each bucket between the smallest and the largest sample, 2 kB for a range of 1 to 100.
 */
export class DecayedHistogram {
  readonly #growth: number;
  readonly #shortening: number;
  #first = 0;
  #weights = new Float64Array(0);
  #total = 0;
  #unit = 1;

  /** Where shares are met but for `shortening` of themselves they count as met; exactly, unless given. */
  constructor(halfLifeHours: number, shortening = 0) {
    this.#growth = 2 ** (1 / halfLifeHours);
    this.#shortening = shortening;
  }

  /** Bytes of state. */
  get bytes(): number {
    return 8 * (this.#weights.length + 3);
  }

  save(to: StateWriter): void {
    to.numbers([this.#first, this.#total, this.#unit, this.#weights.length]);
    to.numbers(this.#weights);
  }

  restore(from: StateReader): void {
    this.#first = from.number();
    this.#total = from.number();
    this.#unit = from.number();
    this.#weights = from.numbers(from.number());
  }

  /**
   * Rounds the weights to what takes three bytes each: they are off by 16 millionths at most then, which no quantile shows,
   * and their sum stays what it was. For one that was made with room for that.
   */
  shorten(): void {
    for (let i = 0; i < this.#weights.length; i++) this.#weights[i] = shortened(this.#weight(i));
  }

  /** Sum of the weights; a sample of the present hour weighs 1. */
  get total(): number {
    return this.#total / this.#unit;
  }

  /** Ages everything by one hour. */
  age(): void {
    this.#unit *= this.#growth;
    if (this.#unit < LARGEST_UNIT) return;
    const unit = this.#unit;
    this.#weights = this.#weights.map((weight) => weight / unit);
    this.#total /= this.#unit;
    this.#unit = 1;
  }

  /** Adds samples, one unless said, by their natural logarithm; -Infinity for zero. */
  addLog(log: number, count = 1): void {
    const weight = this.#unit * count;
    this.#total += weight;
    // What is next to nothing counts as under every bucket.
    if (log <= LOG_SMALLEST) return;
    const bucket = Math.floor(log / LOG_GROWTH);
    const index = this.#indexOf(bucket);
    this.#weights[index] = this.#weight(index) + weight;
  }

  /** Adds the samples of an hour by the codes of their amounts. */
  addCodes(hour: Pick<HourCpu, 'begin' | 'end' | 'codes' | 'counts' | 'weight'>): void {
    const { begin, end, codes, counts } = hour;
    this.#makeRoom(codes, begin, end);
    const first = bucketOfCode(0) - this.#first;
    const weights = this.#weights;
    const unit = this.#unit * hour.weight;
    let total = 0;
    for (let i = begin; i < end; i++) {
      const code = codes[i] ?? 0;
      const weight = (counts[i] ?? 0) * unit;
      total += weight;
      if (code > 0) weights[first + code] = (weights[first + code] ?? 0) + weight;
    }
    this.#total += total;
  }

  #makeRoom(codes: Uint16Array, begin: number, end: number): void {
    const lowest = codes[begin] === 0 ? begin + 1 : begin;
    if (lowest >= end) return;
    this.#indexOf(bucketOfCode(codes[lowest] ?? 0));
    this.#indexOf(bucketOfCode(codes[end - 1] ?? 0));
  }

  #weight(index: number): number {
    return this.#weights[index] ?? 0;
  }

  #indexOf(bucket: number): number {
    if (this.#weights.length === 0) this.#first = bucket;
    const index = bucket - this.#first;
    if (index >= 0 && index < this.#weights.length) return index;
    const first = Math.min(this.#first, bucket);
    const end = Math.max(this.#first + this.#weights.length, bucket + 1);
    const weights = new Float64Array(end - first);
    weights.set(this.#weights, this.#first - first);
    this.#weights = weights;
    this.#first = first;
    return bucket - first;
  }

  /**
   * Writes to `out` the natural logarithm of the amount that the share `tails[i]` of the weight lies above, for
   * falling tails; -Infinity where that is 0. The last tail may be 0: the highest amount that still weighs
   * `leastWeight`. Nothing is written without a sample; returns whether there was one.
   */
  logQuantiles(tails: readonly number[], leastWeight: number, out: Float64Array): boolean {
    if (this.#total <= 0) return false;
    const weights = this.#weights;
    const total = this.#total;
    let index = this.#highestOf(leastWeight * this.#unit);
    // What just has the share over it counts as having more, in whatever order the samples came, shortened or not.
    const slack = ROUNDING * total;
    let above = 0;
    for (let i = tails.length - 1; i >= 0; i--) {
      const wanted = (tails[i] ?? 0) * total;
      const least = wanted - wanted * this.#shortening - slack;
      while (index >= 0) {
        const next = above + (weights[index] ?? 0);
        if (next > least) break;
        above = next;
        index -= 1;
      }
      out[i] = index < 0 ? -Infinity : this.#within(index, wanted - above);
    }
    return true;
  }

  /** The highest bucket of so much weight; -1 where none has it. */
  #highestOf(least: number): number {
    const weights = this.#weights;
    let index = weights.length - 1;
    while (index >= 0 && (weights[index] ?? 0) < least) index -= 1;
    return index;
  }

  /** Interpolates within a bucket, of which the weight `above` lies over the wanted amount. */
  #within(index: number, above: number): number {
    // What it is short of the wanted weight by rounding may be more than a bucket has.
    const share = Math.min(above / this.#weight(index), 1);
    return (this.#first + index + 1 - share) * LOG_GROWTH;
  }
}
