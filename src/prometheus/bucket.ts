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
  #spentPerSecond = 0;

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

  /** From now on so much is spent every second: at the end of a long call as one sum, nothing would be left of what came in meanwhile. */
  spend(perSecond: number): void {
    this.#fill();
    this.#spentPerSecond = perSecond;
  }

  /** Seconds until the debt is paid off; 0 without any, Infinity while no less is spent than comes in. */
  waitSeconds(): number {
    this.#fill();
    if (this.#level >= 0) return 0;
    return this.#gained > 0 ? -this.#level / this.#gained : Infinity;
  }

  get #gained(): number {
    return this.#perSecond - this.#spentPerSecond;
  }

  #fill(): void {
    const now = this.#clock();
    const seconds = now - this.#atSeconds;
    this.#atSeconds = now;
    if (seconds <= 0) return;
    this.#level = Math.min(this.#perSecond * SAVED_SECONDS, this.#level + seconds * this.#gained);
  }
}
