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

  /** The wait after one more failure, at least what the server asked for. */
  nextMs(retryAfterSeconds = 0): number {
    const { firstMs, longestMs } = this.#limits;
    const full = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return Math.max(retryAfterSeconds * 1000, full * (0.5 + 0.5 * this.#random()));
  }

  reset(): void {
    this.#failures = 0;
  }
}
