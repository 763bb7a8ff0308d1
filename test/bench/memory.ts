import { setImmediate } from 'node:timers/promises';

/** Bytes in use once all is collected that can be; needs --expose-gc to collect. */
export async function heldBytes(): Promise<number> {
  // What a weak reference held is let go in the turn after.
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
