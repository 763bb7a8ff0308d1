import type { ChunkList } from './chunklist.ts';
import { decodeChunk, SAMPLES } from './chunksamples.ts';
import type { Times } from './rawqueries.ts';
import type { ReadSeries } from './readwire.ts';
import { ChunkError } from './xor.ts';

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Pods of whole namespaces that have samples in a time and were not named. */
export class Strangers {
  readonly #times: Times;
  readonly #pods = new Map<string, PodName>();

  constructor(times: Times) {
    this.#times = times;
  }

  get pods(): readonly PodName[] {
    return [...this.#pods.values()];
  }

  see({ chunks }: ReadSeries, pod: PodName): void {
    const key = `${pod.namespace}/${pod.name}`;
    if (this.#pods.has(key)) return;
    for (let i = 0; i < chunks.length; i++) {
      if (!reaches(chunks, i, this.#times)) continue;
      this.#pods.set(key, pod);
      return;
    }
  }
}

/** Whether there are samples in the time, or may be. */
function reaches(chunks: ChunkList, index: number, { fromMs, toMs }: Times): boolean {
  try {
    const count = decodeChunk(chunks, index);
    const { times } = SAMPLES;
    return count > 0 && (times[0] ?? NaN) <= toMs && (times[count - 1] ?? NaN) >= fromMs;
  } catch (cause) {
    // What is wrong with it is said once the pod is known to be asked for.
    if (cause instanceof ChunkError) return true;
    throw cause;
  }
}
