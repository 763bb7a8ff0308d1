import { isAmount } from '../recommend/rows.ts';
import { isStale, LONGEST_GAP_MS } from './rawfold.ts';
import { seriesMarks, type Mark, type SeriesMarks, type SeriesName } from './seriesmarks.ts';
import type { SampleBuffer } from './xor.ts';

/** Finds the last samples before a time among those of the series of a batch. */
export class FreshMarks {
  readonly #atMs: number;
  /** By all labels of their series. */
  readonly #marks = new Map<number, SeriesName & Mark>();

  constructor(atMs: number) {
    this.#atMs = atMs;
  }

  get marks(): SeriesMarks {
    return seriesMarks(this.#atMs, this.#marks.values());
  }

  /**
   * The next samples of a series, the first `count` of the buffer. One that lies further from the time than a rate
   * reaches is no mark, nor is one after which the series ended.
   */
  see({ id, whole }: SeriesName, samples: SampleBuffer, count: number): void {
    const { times, values } = samples;
    for (let i = count - 1; i >= 0; i--) {
      const timeMs = times[i] ?? NaN;
      const value = values[i] ?? NaN;
      if (timeMs >= this.#atMs) continue;
      if (timeMs < this.#atMs - LONGEST_GAP_MS) return;
      if (isAmount(value)) this.#marks.set(whole, { id, whole, timeMs, value });
      else if (isStale(samples, i)) this.#marks.delete(whole);
      else continue;
      return;
    }
  }
}
