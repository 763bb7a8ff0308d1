import { isDeepStrictEqual } from 'node:util';
import { policyKey } from '../controller/policy.ts';
import type { Policy } from '../controller/ports.ts';
import type { ProjectedPolicy } from './ownkinds.ts';
import type { Change } from './store.ts';

interface PolicyStoreOptions {
  /** A policy says something else now, or is gone. */
  readonly onChange: (key: string) => void;
  readonly onUnreadable: (key: string, error: Error) => void;
}

/**
 * A kind's objects vanish before the kind does: a policy is believed to be gone when its kind is still watched after
 * this time, in which the end of a kind shows.
 */
const GONE_BELIEVED_MS = 5_000;

/** The policies of both kinds, by key, as watches tell of them. */
export class PolicyStore {
  readonly readable = new Map<string, Policy>();
  /** Why not. */
  readonly unreadable = new Map<string, string>();
  readonly #options: PolicyStoreOptions;
  /** Those that have vanished and are not yet believed to be gone. */
  readonly #vanished = new Map<string, NodeJS.Timeout>();

  constructor(options: PolicyStoreOptions) {
    this.#options = options;
  }

  /** `isWatched` tells whether the kind is still watched. */
  apply(change: Change<ProjectedPolicy>, isWatched: () => boolean): void {
    const { key } = change.kind === 'Deleted' ? change.before : change.item;
    clearTimeout(this.#vanished.get(key));
    this.#vanished.delete(key);
    if (change.kind === 'Deleted') this.#vanish(key, isWatched);
    else this.#state(change.item);
  }

  stop(): void {
    for (const timer of this.#vanished.values()) clearTimeout(timer);
    this.#vanished.clear();
  }

  #state(item: ProjectedPolicy): void {
    const { key } = item;
    const before = this.readable.get(key);
    this.#forget(key);
    if (item.kind === 'Readable') {
      this.readable.set(policyKey(item.policy), item.policy);
    } else {
      this.unreadable.set(key, item.message);
      this.#options.onUnreadable(key, new Error(`read policy ${key}: ${item.message}`));
    }
    // Our own status writes come back as changes; only another spec or annotation concerns the workloads.
    const now = this.readable.get(key);
    if (before === undefined || !isDeepStrictEqual(said(before), now && said(now))) {
      this.#options.onChange(key);
    }
  }

  #vanish(key: string, isWatched: () => boolean): void {
    const timer = setTimeout(() => {
      if (!isWatched()) {
        this.#vanish(key, isWatched);
        return;
      }
      this.#vanished.delete(key);
      this.#forget(key);
      this.#options.onChange(key);
    }, GONE_BELIEVED_MS);
    this.#vanished.set(key, timer);
  }

  #forget(key: string): void {
    this.readable.delete(key);
    this.unreadable.delete(key);
  }
}

function said({ uid, generation, annotations }: Policy): unknown {
  return { uid, generation, annotations };
}
