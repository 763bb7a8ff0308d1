import { HOUR_SECONDS } from '../recommend/hours.ts';

/** The last samples of an hour are scraped, and perhaps sent on, a little later. */
const SETTLED_SECONDS = 180;
/** Operators that share a server are spread over so much. */
const SPREAD_SECONDS = 600;
/** What was read so lately is not read again, also where a timer comes a moment early. */
const LATELY_SECONDS = 60;

/**
 * When usage is read again. Where that is by whole hours, 3 to 13 minutes after a full one: of the hour under way, which
 * is read again then, there is hardly anything yet, and the one before is complete.
 */
export class ReadingTimes {
  readonly #intervalSeconds: number;
  readonly #pastSeconds: number;

  /** `random` is from 0 to 1. */
  constructor(intervalSeconds: number, random: () => number) {
    this.#intervalSeconds = intervalSeconds;
    this.#pastSeconds = SETTLED_SECONDS + SPREAD_SECONDS * random();
  }

  /** After a reading up to the time; `jitter` spreads what is not by the hour. */
  next(afterSeconds: number, jitter: number): number {
    const interval = this.#intervalSeconds;
    if (interval % HOUR_SECONDS !== 0) return afterSeconds + interval * jitter;
    const past = this.#pastSeconds;
    const times = Math.floor((afterSeconds + LATELY_SECONDS - past) / interval) + 1;
    return times * interval + past;
  }
}
