import { standardDeviation } from 'simple-statistics';
import { coresAt } from './hours.ts';
import type { StateReader, StateWriter } from './savedstate.ts';
import { DAY_SECONDS, type HourCpu } from './usage.ts';

/** What a rule would have realised on hours that it had not seen. */
export interface Realised {
  /** Days of which anything could be judged. */
  readonly days: number;
  /** CPU: share of the samples over the size, 0 to 1. Memory: share of the days with a peak over it. */
  readonly share: number;
  /** Days on which the size was passed at all. */
  readonly daysHit: number;
  /** Standard deviation of the days' own shares over the size: how unevenly the days have it. */
  readonly dayDeviation: number;
  /**
   * The day that fared worst. CPU: its share of samples over the size, 0 to 1. Memory: by how much its peak was over
   * the size, as a share of the size; 0 when none was.
   */
  readonly worstDay: number;
  /** 00:00 UTC of that day. */
  readonly worstDaySeconds: number;
  /** CPU: use above the size over all use, 0 to 1. Memory: 0. */
  readonly workOver: number;
}

/** The days of which hours were judged, by the sizes of however many tallies. */
export class JudgedDays {
  /** Days since 1970-01-01 UTC, in the order in which they were first told of. */
  readonly keys: number[] = [];
  /** Of each of them CPU samples, weighted; 1 of memory. */
  readonly totals: number[] = [];
  /** CPU use that was judged, in cores times samples. */
  use = 0;
  /** Which one was told of last; -1 before the first. */
  last = -1;

  /** To be told of an hour before the tallies are. */
  addCpu(startSeconds: number, { samples, sum, weight }: HourCpu): void {
    this.#stand(startSeconds);
    this.totals[this.last] = (this.totals[this.last] ?? 0) + samples * weight;
    this.use += sum * weight;
  }

  /** Likewise; a day of memory counts once. */
  addPeak(startSeconds: number): void {
    this.#stand(startSeconds);
    this.totals[this.last] = 1;
  }

  save(to: StateWriter): void {
    to.numbers([this.use, this.keys.length]);
    to.numbers(this.keys);
    to.numbers(this.totals);
  }

  restore(from: StateReader): void {
    this.use = from.number();
    const days = from.number();
    this.keys.push(...from.numbers(days));
    this.totals.push(...from.numbers(days));
  }

  #stand(timeSeconds: number): void {
    const key = Math.floor(timeSeconds / DAY_SECONDS);
    // Hour after hour is of the same day.
    if (this.keys[this.last] === key) return;
    this.last = this.keys.lastIndexOf(key);
    if (this.last >= 0) return;
    this.last = this.keys.push(key) - 1;
    this.totals.push(0);
  }
}

/** Of the days of a tally; used again, since each container has a dozen of them. */
let shares = new Float64Array(0);

/** Holds hours against the size that was in force at their beginning, and counts by UTC days. */
export class Tally {
  readonly #days: JudgedDays;
  /** Of each of the days; less than there are where nothing was over the size since. */
  readonly #over: number[] = [];
  /** Likewise; the highest peak over the size, as a share of the size. */
  readonly #excess: number[] = [];
  #useOver = 0;

  constructor(days: JudgedDays) {
    this.#days = days;
  }

  /** To be told of each hour that the days were told of last, where any of it is over the size in cores. */
  addCpu(use: HourCpu, size: number): void {
    const { begin, end, counts, weight } = use;
    const day = this.#days.last;
    let over = 0;
    // Ascending, so that what is over the size comes first from the end.
    for (let i = end - 1; i >= begin; i--) {
      const cores = coresAt(use, i);
      if (!(cores > size)) break;
      const count = (counts[i] ?? 0) * weight;
      over += count;
      this.#useOver += (cores - size) * count;
    }
    this.#over[day] = (this.#over[day] ?? 0) + over;
  }

  /** Likewise with a peak and a size in bytes. */
  addPeak(peakBytes: number, size: number): void {
    if (!(peakBytes > size)) return;
    const day = this.#days.last;
    this.#over[day] = 1;
    this.#excess[day] = Math.max(this.#excess[day] ?? 0, peakBytes / size - 1);
  }

  /** What there is to CPU; the days are saved and restored before it, for all tallies at once. */
  save(to: StateWriter): void {
    to.number(this.#useOver);
    for (let day = 0; day < this.#days.keys.length; day++) to.number(this.#over[day] ?? 0);
  }

  restore(from: StateReader): void {
    this.#useOver = from.number();
    this.#over.push(...from.numbers(this.#days.keys.length));
  }

  /** Undefined when nothing was judged. */
  cpu(): Realised | undefined {
    const { use } = this.#days;
    return this.#realised('share', use === 0 ? 0 : this.#useOver / use);
  }

  /** Undefined when nothing was judged. */
  memory(): Realised | undefined {
    return this.#realised('excess', 0);
  }

  /** The worst day is that of the largest share over the size, or of the highest peak over it. */
  #realised(worstBy: 'share' | 'excess', workOver: number): Realised | undefined {
    const { keys, totals } = this.#days;
    if (shares.length < keys.length) shares = new Float64Array(2 * keys.length);
    let worstDay = -1;
    let [overAll, all, hit, days] = [0, 0, 0, 0];
    for (let day = 0; day < keys.length; day++) {
      const total = totals[day] ?? 0;
      if (!(total > 0)) continue;
      if (this.#badness(day, worstBy) > this.#badness(worstDay, worstBy)) worstDay = day;
      const over = this.#over[day] ?? 0;
      const share = over / total;
      overAll += over;
      all += total;
      if (over > 0) hit += 1;
      shares[days++] = share;
    }
    if (worstDay < 0) return undefined;
    return {
      days,
      share: overAll / all,
      daysHit: hit,
      // The library takes what has a length and numbers at indices.
      dayDeviation: standardDeviation(shares.subarray(0, days) as unknown as number[]),
      worstDay: this.#badness(worstDay, worstBy),
      worstDaySeconds: (keys[worstDay] ?? 0) * DAY_SECONDS,
      workOver,
    };
  }

  /** Of no day less than of any. */
  #badness(day: number, by: 'share' | 'excess'): number {
    if (day < 0) return -1;
    const over = (by === 'share' ? this.#over : this.#excess)[day] ?? 0;
    return by === 'share' ? over / (this.#days.totals[day] ?? 0) : over;
  }
}
