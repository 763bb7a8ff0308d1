import type { Pod, PodContainer } from '../controller/ports.ts';
import { HOUR_SECONDS } from '../recommend/hours.ts';
import { DAY_SECONDS } from '../recommend/usage.ts';
import type { Change } from './store.ts';

/** For so long the counters of restarts may not have been scraped, and show only later what has happened. */
const LATELY_SECONDS = DAY_SECONDS;
const FORGET_SECONDS = HOUR_SECONDS;
/** What is read of restarts begins up to so long before the window. */
const BEFORE_SECONDS = 2 * HOUR_SECONDS;

/** Pods in which a container restarted or was killed for memory, by namespace, also those that are gone. */
export class RestartedPods {
  /** By name: when a container last ended; Infinity where it does not say. */
  readonly #byNamespace = new Map<string, Map<string, number>>();
  #forgetSeconds = -Infinity;
  /** Of those that ended before, some are forgotten. */
  #forgottenBefore = -Infinity;
  /** Before that, pods may have come, restarted and gone unseen; undefined while they may. */
  #seenFrom: number | undefined;

  /** What is told of a pod stays true when another one takes its name. */
  podChanged(change: Change<Pod>, nowSeconds: number): void {
    const isGone = change.kind === 'Deleted';
    const pod = isGone ? change.before : change.item;
    const { namespace, name } = pod;
    if (nowSeconds >= this.#forgetSeconds) this.#forget(nowSeconds);
    const end = lastEnd(pod);
    if (end === undefined) return;
    const names = this.#byNamespace.get(namespace) ?? new Map<string, number>();
    this.#byNamespace.set(namespace, names.set(name, isGone ? Math.min(end, nowSeconds) : end));
  }

  /** Whether pods are shown as they are now, or their watch is broken. */
  watching(isWatching: boolean, nowSeconds: number): void {
    this.#seenFrom = isWatching ? (this.#seenFrom ?? nowSeconds) : undefined;
  }

  /**
   * Their names, of those of which counters of restarts may have something new to say in a window from the time on.
   * Undefined where there may be others, as in a window of some days ago.
   */
  of(namespace: string, fromSeconds: number): readonly string[] | undefined {
    if (!((this.#seenFrom ?? Infinity) <= fromSeconds - BEFORE_SECONDS)) return undefined;
    const since = fromSeconds - LATELY_SECONDS;
    if (since < this.#forgottenBefore) return undefined;
    const names = this.#byNamespace.get(namespace) ?? [];
    return [...names].flatMap(([name, end]) => (end >= since ? [name] : []));
  }

  /** What is of no use any more, also in namespaces that nobody asks about; of a pod that restarts once more it is told anew. */
  #forget(nowSeconds: number): void {
    this.#forgetSeconds = nowSeconds + FORGET_SECONDS;
    this.#forgottenBefore = nowSeconds - 2 * LATELY_SECONDS;
    for (const [namespace, names] of this.#byNamespace) {
      for (const [name, end] of names) {
        if (end < this.#forgottenBefore) names.delete(name);
      }
      if (names.size === 0) this.#byNamespace.delete(namespace);
    }
  }
}

/** When a container that restarted, or was killed for memory, last ended. Undefined where none did either. */
function lastEnd({ containers }: Pod): number | undefined {
  const ends = containers
    .filter(hasStory)
    .map(({ restartedSeconds = Infinity }) => restartedSeconds);
  return ends.length === 0 ? undefined : Math.max(...ends);
}

function hasStory({ restarts, oomKilledSeconds }: PodContainer): boolean {
  return restarts > 0 || oomKilledSeconds !== undefined;
}
