import { setTimeout as wait } from 'node:timers/promises';
import { PrometheusError } from './prometheuserror.ts';

const ATTEMPTS = 4;
const FIRST_WAIT_SECONDS = 0.5;
/** A server that asks for a longer wait is left alone: the next reading comes later. */
const LONGEST_WAIT_SECONDS = 30;

/**
 * Calls until it succeeds, at most 4 times, waiting 0.5, 1 and 2 s (shortened by up to half, so that callers do
 * not come back together), or as long as the server asked for.
 */
export async function withRetries<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      const seconds = waitBeforeNext(error, attempt);
      if (seconds === undefined) throw error;
      await wait(seconds * 1000, undefined, { signal });
    }
  }
}

function waitBeforeNext(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof PrometheusError) || error.retry === undefined) return undefined;
  if (attempt >= ATTEMPTS) return undefined;
  const backoff = FIRST_WAIT_SECONDS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  const seconds = Math.max(backoff, error.retry.afterSeconds ?? 0);
  return seconds > LONGEST_WAIT_SECONDS ? undefined : seconds;
}
