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

interface Day {
  /** Days since 1970-01-01 UTC. */
  readonly key: number;
  over: number;
  total: number;
  /** Highest peak over the size, as a share of the size. */
  excess: number;
}

/** Tallies of CPU that were told of the same hours, each with a size of its own. */
export function saveTallies(tallies: readonly Tally[], to: StateWriter): void {
  tallies[0]?.saveHours(to);
  for (const tally of tallies) tally.saveOver(to);
}

/** Into as many tallies as were saved. */
export function restoreTallies(tallies: readonly Tally[], from: StateReader): void {
  const [first] = tallies;
  first?.restoreHours(from);
  for (const tally of tallies) {
    if (first !== undefined && tally !== first) tally.takeHoursOf(first);
    tally.restoreOver(from);
  }
}

/** Holds hours against the size that was in force at their beginning, and counts by UTC days. */
export class Tally {
  readonly #days = new Map<number, Day>();
  #today: Day = { key: NaN, over: 0, total: 0, excess: 0 };
  #use = 0;
  #useOver = 0;

  /** Nothing is judged without a size. */
  addCpu(startSeconds: number, use: HourCpu, size: number | undefined): void {
    if (size === undefined) return;
    const { begin, end, counts, samples, sum } = use;
    const day = this.#dayOf(startSeconds);
    day.total += samples;
    this.#use += sum;
    // Ascending, so that what is over the size comes first from the end.
    for (let i = end - 1; i >= begin; i--) {
      const cores = coresAt(use, i);
      if (!(cores > size)) break;
      const count = counts[i] ?? 0;
      day.over += count;
      this.#useOver += (cores - size) * count;
    }
  }

  addPeak(startSeconds: number, peakBytes: number, size: number | undefined): void {
    if (size === undefined) return;
    const day = this.#dayOf(startSeconds);
    day.total = 1;
    if (!(peakBytes > size)) return;
    day.over = 1;
    day.excess = Math.max(day.excess, peakBytes / size - 1);
  }

  saveHours(to: StateWriter): void {
    to.numbers([this.#use, this.#days.size]);
    for (const { key, total } of this.#days.values()) to.numbers([key, total]);
  }

  saveOver(to: StateWriter): void {
    to.number(this.#useOver);
    for (const { over } of this.#days.values()) to.number(over);
  }

  restoreHours(from: StateReader): void {
    this.#use = from.number();
    for (let days = from.number(); days > 0; days--) this.#addDay(from.number(), from.number());
  }

  takeHoursOf(other: Tally): void {
    this.#use = other.#use;
    for (const { key, total } of other.#days.values()) this.#addDay(key, total);
  }

  restoreOver(from: StateReader): void {
    this.#useOver = from.number();
    for (const day of this.#days.values()) day.over = from.number();
  }

  #addDay(key: number, total: number): void {
    this.#days.set(key, { key, over: 0, total, excess: 0 });
  }

  #dayOf(timeSeconds: number): Day {
    const key = Math.floor(timeSeconds / DAY_SECONDS);
    // Hour after hour is of the same day.
    if (key === this.#today.key) return this.#today;
    const day = this.#days.get(key) ?? { key, over: 0, total: 0, excess: 0 };
    this.#days.set(key, day);
    this.#today = day;
    return day;
  }

  /** Undefined when nothing was judged. */
  cpu(): Realised | undefined {
    const workOver = this.#use === 0 ? 0 : this.#useOver / this.#use;
    return this.#realised(({ over, total }) => over / total, workOver);
  }

  /** Undefined when nothing was judged. */
  memory(): Realised | undefined {
    return this.#realised(({ excess }) => excess, 0);
  }

  #realised(badness: (day: Day) => number, workOver: number): Realised | undefined {
    let worst: Day | undefined;
    let over = 0;
    let total = 0;
    let daysHit = 0;
    const shares: number[] = [];
    for (const day of this.#days.values()) {
      if (!(day.total > 0)) continue;
      if (worst === undefined || badness(day) > badness(worst)) worst = day;
      over += day.over;
      total += day.total;
      if (day.over > 0) daysHit += 1;
      shares.push(day.over / day.total);
    }
    if (worst === undefined) return undefined;
    return {
      days: shares.length,
      share: over / total,
      daysHit,
      dayDeviation: standardDeviation(shares),
      worstDay: badness(worst),
      worstDaySeconds: worst.key * DAY_SECONDS,
      workOver,
    };
  }
}
