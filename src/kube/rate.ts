export interface RateLimit {
  readonly perSecond: number;
  /** Calls that may go out at once after a quiet time. */
  readonly burst: number;
}

interface Waiting {
  readonly go: () => void;
  readonly isUrgent: boolean;
}

/** Spaces calls out: a bucket of `burst` tokens that fills with time. Of those who wait, urgent ones go first. */
export class RateLimiter {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #waiting: Waiting[] = [];
  #tokens: number;
  #filledMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor({ perSecond, burst }: RateLimit) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Resolves when the call may go out; rejects with the signal's reason when that aborts first. */
  async take(signal: AbortSignal | undefined, isUrgent = false): Promise<void> {
    signal?.throwIfAborted();
    this.#fill();
    if (this.#waiting.length === 0 && this.#tokens >= 1) {
      this.#tokens -= 1;
      return;
    }
    await this.#wait(signal, isUrgent);
  }

  #wait(signal: AbortSignal | undefined, isUrgent: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const waiting = { go, isUrgent };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', leave, { once: true });
      const before = isUrgent ? this.#waiting.findIndex((each) => !each.isUrgent) : -1;
      this.#waiting.splice(before < 0 ? this.#waiting.length : before, 0, waiting);
      this.#schedule();
    });
  }

  #fill(): void {
    const nowMs = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledMs) * this.#perMs);
    this.#filledMs = nowMs;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const waitMs = Math.max(0, Math.ceil((1 - this.#tokens) / this.#perMs));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pass();
    }, waitMs);
  }

  #pass(): void {
    this.#fill();
    while (this.#tokens >= 1) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#tokens -= 1;
      next.go();
    }
    this.#schedule();
  }
}
