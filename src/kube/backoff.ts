/** A server that asks for a longer rest is asked again after this all the same. */
const LONGEST_ASKED_MS = 3_600_000;

export interface BackoffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Waits that double from the first to the longest, each shortened by up to half so that clients spread out. */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #failures = 0;

  constructor(limits: BackoffLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  /** The wait after one more failure, at least what the server asked for, of which an hour counts. */
  nextMs(retryAfterSeconds = 0): number {
    const { firstMs, longestMs } = this.#limits;
    const full = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    const askedMs = Math.min(LONGEST_ASKED_MS, retryAfterSeconds * 1000);
    return Math.max(askedMs, full * (0.5 + 0.5 * this.#random()));
  }

  reset(): void {
    this.#failures = 0;
  }
}
