import { DAY_SECONDS } from '../recommend/usage.ts';
import type { UsageFailure } from './ports.ts';
import type { ReadWindow } from './usageplan.ts';

/** Usage that was read, and that is not to be relied on before it was read once more. */
interface Doubt {
  /** From there on. */
  readonly fromSeconds: number;
  readonly failure: UsageFailure;
  /** How often it was read once more in vain. */
  readonly tries: number;
  /** Not once more before. */
  readonly againSeconds: number;
  /** The last answer to what is new was whole, so that one to the rest may be too. */
  readonly mayBeOver: boolean;
}

/**
 * What is in doubt by answers that called themselves partial, or that came from another clock. What came with them is
 * kept, and reading goes on from there, so that a server that stays in trouble is asked for what is new only. When
 * answers are whole again, all that is in doubt is read once more: at once the first time, then after the time between
 * two readings, and twice as long each time, up to a day.
 */
export class Doubts {
  readonly #byKey = new Map<string, Doubt>();
  readonly #intervalSeconds: number;

  constructor(intervalSeconds: number) {
    this.#intervalSeconds = intervalSeconds;
  }

  of(key: string): UsageFailure | undefined {
    return this.#byKey.get(key)?.failure;
  }

  /** Up to when usage is to be relied on. */
  endOfTrust(key: string): number {
    return this.#byKey.get(key)?.fromSeconds ?? Infinity;
  }

  add(key: string, failure: UsageFailure, { fromSeconds }: ReadWindow): void {
    const { tries, againSeconds } = this.#byKey.get(key) ?? { tries: 0, againSeconds: -Infinity };
    this.#byKey.set(key, {
      fromSeconds: Math.min(fromSeconds, this.endOfTrust(key)),
      failure,
      tries,
      againSeconds,
      mayBeOver: false,
    });
  }

  /** It was read once more, and did not come whole. */
  triedInVain(key: string, nowSeconds: number): void {
    const doubt = this.#byKey.get(key);
    if (doubt === undefined) return;
    const pause = Math.min(DAY_SECONDS, this.#intervalSeconds * 2 ** doubt.tries);
    const againSeconds = nowSeconds + pause;
    this.#byKey.set(key, { ...doubt, tries: doubt.tries + 1, againSeconds });
  }

  /** An answer was whole: the doubt is over if that was of all of it. */
  whole(key: string, { fromSeconds }: ReadWindow, windowStart: number): void {
    const doubt = this.#byKey.get(key);
    if (doubt === undefined) return;
    if (fromSeconds <= Math.max(doubt.fromSeconds, windowStart)) this.#byKey.delete(key);
    else this.#byKey.set(key, { ...doubt, mayBeOver: true });
  }

  /** When it is to be read once more; undefined while answers are not whole. */
  againSeconds(key: string): number | undefined {
    const doubt = this.#byKey.get(key);
    return doubt?.mayBeOver === true ? doubt.againSeconds : undefined;
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  clear(): void {
    this.#byKey.clear();
  }
}
