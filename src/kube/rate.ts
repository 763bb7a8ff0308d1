import { setTimeout as sleep } from 'node:timers/promises';

export interface RateLimit {
  readonly perSecond: number;
  /** Calls that may go out at once after a quiet time. */
  readonly burst: number;
}

/** Spaces calls out: each takes the next free slot, and slots of a quiet time are kept up to `burst`. */
export class RateLimiter {
  readonly #intervalMs: number;
  readonly #burst: number;
  #nextMs = -Infinity;

  constructor({ perSecond, burst }: RateLimit) {
    this.#intervalMs = 1000 / perSecond;
    this.#burst = burst;
  }

  /** Resolves when the call may go out; rejects when the signal aborts first. */
  async take(signal: AbortSignal | undefined): Promise<void> {
    const waitMs = this.reserve(performance.now());
    if (waitMs > 0) await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
  }

  /** Takes the next slot and says how far in the future it is, in milliseconds; 0 for now. */
  reserve(nowMs: number): number {
    const earliest = nowMs - (this.#burst - 1) * this.#intervalMs;
    const slot = Math.max(this.#nextMs, earliest);
    this.#nextMs = slot + this.#intervalMs;
    return Math.max(0, slot - nowMs);
  }
}
