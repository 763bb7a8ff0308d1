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
  #hour = NaN;
  #count = 0;

  constructor(hours: Float64Array, window: HourWindow) {
    this.#hours = hours;
    this.#window = window;
  }

  take({ times, values }: SampleBuffer, count: number): void {
    for (let i = 0; i < count; i++) {
      const value = values[i] ?? 0;
      if (Number.isFinite(value)) this.#step(hourAt(this.#window, times[i] ?? 0), value);
    }
  }

  end(): void {
    // What was counted stays in the hours.
  }

  #step(hour: number, count: number): void {
    const before = this.#hours[hour];
    if (hour === this.#hour && before !== undefined) {
      const rise = count >= this.#count ? count - this.#count : count;
      this.#hours[hour] = Number.isNaN(before) ? rise : before + rise;
    }
    this.#hour = hour;
    this.#count = count;
  }
}
