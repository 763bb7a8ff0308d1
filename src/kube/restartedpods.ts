import type { Pod, PodContainer } from '../controller/ports.ts';
import { HOUR_SECONDS } from '../recommend/hours.ts';
import { DAY_SECONDS } from '../recommend/usage.ts';
import type { Change } from './store.ts';

/** For so long the counters of restarts may not have been scraped, and show only later what has happened. */
const LATELY_SECONDS = DAY_SECONDS;
/** What is read of restarts begins up to so long before the window. */
const BEFORE_SECONDS = 2 * HOUR_SECONDS;

/** Pods in which a container restarted or was killed for memory, by namespace, also those that are gone. */
export class RestartedPods {
  /** By name: when a container last ended; Infinity where it does not say. */
  readonly #byNamespace = new Map<string, Map<string, number>>();
  /** Before that, pods may have come, restarted and gone unseen; undefined while they may. */
  #seenFrom: number | undefined;

  podChanged(change: Change<Pod>, nowSeconds: number): void {
    const { namespace, name } = change.kind === 'Deleted' ? change.before : change.item;
    if (change.kind !== 'Deleted') {
      this.#put(namespace, name, lastEnd(change.item));
      return;
    }
    const last = lastEnd(change.before);
    this.#put(namespace, name, last && Math.min(last, nowSeconds));
  }

  /** Whether pods are shown as they are now, or their watch is broken. */
  watching(isWatching: boolean, nowSeconds: number): void {
    this.#seenFrom = isWatching ? (this.#seenFrom ?? nowSeconds) : undefined;
  }

  /**
   * Their names, of those of which counters of restarts may have something new to say in a window from the time on.
   * Undefined where there may be others.
   */
  of(namespace: string, fromSeconds: number): readonly string[] | undefined {
    if (!((this.#seenFrom ?? Infinity) <= fromSeconds - BEFORE_SECONDS)) return undefined;
    const names = this.#byNamespace.get(namespace) ?? new Map<string, number>();
    return [...names].flatMap(([name, end]) => {
      if (end >= fromSeconds - LATELY_SECONDS) return [name];
      // A pod that restarts once more is put in again.
      this.#put(namespace, name, undefined);
      return [];
    });
  }

  #put(namespace: string, name: string, end: number | undefined): void {
    const names = this.#byNamespace.get(namespace) ?? new Map<string, number>();
    if (end === undefined) names.delete(name);
    else names.set(name, end);
    if (names.size === 0) this.#byNamespace.delete(namespace);
    else this.#byNamespace.set(namespace, names);
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
