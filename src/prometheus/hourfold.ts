import type { SeriesFold } from './rawfold.ts';
import type { SampleBuffer } from './xor.ts';

const HOUR_SECONDS = 3600;
const HOUR_MS = HOUR_SECONDS * 1000;

/** Whole hours that end in (before, to]; `before` is a whole hour. */
export interface HourWindow {
  readonly beforeSeconds: number;
  readonly hours: number;
}

/** One value for each hour, NaN where there is none. */
export function emptyHours({ hours }: HourWindow): Float64Array {
  return new Float64Array(hours).fill(NaN);
}

/** Index of the hour that holds the time, its end included; outside of the window it is no index. */
function hourAt({ beforeSeconds }: HourWindow, timeMs: number): number {
  return Math.ceil((timeMs - beforeSeconds * 1000) / HOUR_MS) - 1;
}

/** Raises each hour to its highest sample, over all series that share the hours. */
export class HighestFold implements SeriesFold {
  readonly #hours: Float64Array;
  readonly #window: HourWindow;

  constructor(hours: Float64Array, window: HourWindow) {
    this.#hours = hours;
    this.#window = window;
  }

  // Most counters hardly ever rise: of samples in a row of the same value in the same hour, one is looked at.
  take({ times, values }: SampleBuffer, count: number): void {
    let [begin, end, highest] = [Infinity, -Infinity, NaN];
    for (let i = 0; i < count; i++) {
      const value = values[i] ?? 0;
      const time = times[i] ?? 0;
      if (value === highest && time > begin && time <= end) continue;
      if (!Number.isFinite(value)) continue;
      const hour = hourAt(this.#window, time);
      end = (this.#window.beforeSeconds + (hour + 1) * HOUR_SECONDS) * 1000;
      begin = end - HOUR_MS;
      highest = value;
      this.#raise(hour, value);
    }
  }

  end(): void {
    // Nothing is carried from sample to sample.
  }

  #raise(hour: number, value: number): void {
    const hours = this.#hours;
    if (hour < 0 || hour >= hours.length) return;
    if (!((hours[hour] ?? NaN) >= value)) hours[hour] = value;
  }
}

/**
 * Adds up by how much a counter rose within each hour, from its first sample to its last, as PromQL's `rate` does. A
 * fall is a counter that began again at zero.
 */
export class RiseFold implements SeriesFold {
  readonly #hours: Float64Array;
  readonly #window: HourWindow;
  /** The hour under way lies in (begin, end], and the last count of it; none before the first sample. */
  #begin = Infinity;
  #end = -Infinity;
  #count = 0;

  constructor(hours: Float64Array, window: HourWindow) {
    this.#hours = hours;
    this.#window = window;
  }

  // State in locals makes it several times as fast: a sample of the hour under way, as nearly all are, is one addition.
  take({ times, values }: SampleBuffer, count: number): void {
    let [begin, end, counted, risen] = [this.#begin, this.#end, this.#count, NaN];
    for (let i = 0; i < count; i++) {
      const value = values[i] ?? 0;
      const time = times[i] ?? 0;
      if (!Number.isFinite(value)) continue;
      if (time > begin && time <= end) {
        const rise = value >= counted ? value - counted : value;
        risen = Number.isNaN(risen) ? rise : risen + rise;
      } else {
        this.#add(end, risen);
        risen = NaN;
        end = (this.#window.beforeSeconds + (hourAt(this.#window, time) + 1) * HOUR_SECONDS) * 1000;
        begin = end - HOUR_MS;
      }
      counted = value;
    }
    this.#add(end, risen);
    [this.#begin, this.#end, this.#count] = [begin, end, counted];
  }

  end(): void {
    // What was counted stays in the hours.
  }

  /** Nothing for an hour of which there is no rise, or that is not of the window. */
  #add(endMs: number, risen: number): void {
    if (Number.isNaN(risen)) return;
    const hour = hourAt(this.#window, endMs);
    const before = this.#hours[hour];
    if (before !== undefined) this.#hours[hour] = Number.isNaN(before) ? risen : before + risen;
  }
}
