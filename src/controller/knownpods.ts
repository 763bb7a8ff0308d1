import { HOUR_SECONDS } from '../recommend/hours.ts';
import type { Pod } from './ports.ts';

/** What is to be known of a pod to read its usage. */
export type KnownPod = Pick<Pod, 'name' | 'createdSeconds' | 'startedSeconds' | 'running'>;

/** What a reading takes in of restarts begins up to two hours before its window; and a new pod is not scraped at once. */
const BEFORE_SECONDS = 2 * HOUR_SECONDS + 300;

/** Pods that were started since shortly before a window; one that waits for a node has no counters. */
export class YoungPods {
  readonly #sinceSeconds: number;
  readonly #byNamespace = new Map<string, Map<string, number>>();

  constructor(fromSeconds: number) {
    this.#sinceSeconds = fromSeconds - BEFORE_SECONDS;
  }

  get byNamespace(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#byNamespace;
  }

  see(namespace: string, pods: readonly KnownPod[]): void {
    for (const { name, createdSeconds, startedSeconds = createdSeconds } of pods) {
      if (startedSeconds < this.#sinceSeconds) continue;
      const known = this.#byNamespace.get(namespace) ?? new Map<string, number>();
      this.#byNamespace.set(namespace, known.set(name, startedSeconds));
    }
  }
}

/** How many of the pods ran in an hour, which is given as hours since 1970, as far as what they are now tells. */
export function ranIn(pods: readonly KnownPod[], hour: number): number {
  const endSeconds = (hour + 1) * HOUR_SECONDS;
  const ran = ({ running, createdSeconds, startedSeconds = createdSeconds }: KnownPod): boolean =>
    running && startedSeconds < endSeconds;
  return pods.filter(ran).length;
}
