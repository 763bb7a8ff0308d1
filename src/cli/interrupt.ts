import { setImmediate } from 'node:timers/promises';

/** Lets signals through between two stretches of computing, which would hold them back. Rejects once interrupted. */
export async function lookUp(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}
