import { HOUR_SECONDS } from '../recommend/hours.ts';

/** The last samples of an hour are scraped, and perhaps sent on, a little later. */
const SETTLED_SECONDS = 180;
/** Operators that share a server are spread over so much. */
const SPREAD_SECONDS = 600;
/** What was read so lately is not read again, also where a timer comes a moment early. */
const LATELY_SECONDS = 60;

/**
 * When usage is read again: at the same times for all workloads, whenever they were first read, so that a namespace is read as
 * one. Where that is by whole hours, 3 to 13 minutes after a full one: of the hour under way, which is read again then, there
 * is hardly anything yet, and the one before is complete.
 */
export class ReadingTimes {
  readonly #intervalSeconds: number;
  readonly #pastSeconds: number;
  readonly #latelySeconds: number;

  /** `random` is from 0 to 1. */
  constructor(intervalSeconds: number, random: () => number) {
    this.#intervalSeconds = intervalSeconds;
    this.#pastSeconds =
      intervalSeconds % HOUR_SECONDS === 0
        ? SETTLED_SECONDS + SPREAD_SECONDS * random()
        : intervalSeconds * random();
    this.#latelySeconds = Math.min(LATELY_SECONDS, intervalSeconds / 2);
  }

  /** After a reading up to the time. */
  next(afterSeconds: number): number {
    const past = this.#pastSeconds;
    const since = afterSeconds + this.#latelySeconds - past;
    return (Math.floor(since / this.#intervalSeconds) + 1) * this.#intervalSeconds + past;
  }
}
