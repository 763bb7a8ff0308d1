/** What a budget may save up while nothing is asked, so that it holds on average over a minute. */
const SAVED_SECONDS = 60;

/**
 * A budget of so much per second. What a call costs is known only afterwards, so it may go into debt: then nothing
 * begins until the debt is paid off.
 */
export class Bucket {
  readonly #perSecond: number;
  readonly #clock: () => number;
  #level: number;
  #atSeconds: number;

  /** `perSecond` of Infinity is no budget; the clock is any that only goes forward, in seconds. */
  constructor(perSecond: number, clock: () => number) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#level = perSecond * SAVED_SECONDS;
    this.#atSeconds = clock();
  }

  take(amount: number): void {
    this.#fill();
    this.#level -= amount;
  }

  /** Seconds until the debt is paid off; 0 without any. */
  waitSeconds(): number {
    this.#fill();
    return this.#level >= 0 ? 0 : -this.#level / this.#perSecond;
  }

  #fill(): void {
    const now = this.#clock();
    const earned = (now - this.#atSeconds) * this.#perSecond;
    if (earned > 0) this.#level = Math.min(this.#perSecond * SAVED_SECONDS, this.#level + earned);
    this.#atSeconds = now;
  }
}
