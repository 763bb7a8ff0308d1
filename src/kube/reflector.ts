import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.ts';
import type { KubeConnection, Query } from './connection.ts';
import { KubeError, asError, transportError } from './errors.ts';
import { objectAt, requiredText, textAt, type Json } from './json.ts';
import { listPages } from './list.ts';
import { Store, type Change, type StoreView } from './store.ts';
import { parseWatchLine } from './watch.ts';

/** Where a reflector stands; `message` is for people. */
export type ReflectorState =
  | { readonly kind: 'Idle' | 'Listing' | 'Watching' | 'NotServed' | 'Stopped' }
  | { readonly kind: 'Forbidden' | 'Failing'; readonly message: string };

export interface ReflectorOptions<T> {
  readonly connection: KubeConnection;
  /** Of the collection, from `collectionPath`. */
  readonly path: string;
  /** Selectors: `labelSelector`, `fieldSelector`. */
  readonly query?: Query;
  /** `Metadata`: the server sends objects without spec and status (PartialObjectMetadata). */
  readonly content?: 'Metadata';
  /**
   * `Awaited`: a kind that the cluster does not serve is one that is still to come: the reflector is not synced
   * without it and looks more often. Unless stated, such a kind counts as one without objects.
   */
  readonly absence?: 'Awaited' | undefined;
  /** Slim form of a raw object; undefined leaves it out. What it throws goes to onError, and leaves it out. */
  readonly project: (raw: Json) => T | undefined;
  /** `namespace/name`, or `name` for a cluster-scoped kind, unless stated. */
  readonly keyOf?: (namespace: string | undefined, name: string) => string;
  /** Called after the store has changed. What it throws goes to onError. */
  readonly onChange?: (change: Change<T>) => void;
  readonly onState?: (state: ReflectorState) => void;
  /** Failures that the reflector gets over by itself, for the log. */
  readonly onError: (error: Error) => void;
  readonly timing?: Partial<ReflectorTiming>;
}

export interface ReflectorTiming {
  /** Bookmarks come every 60 s, so a watch that is silent for longer is dead. */
  readonly silenceMs: number;
  readonly firstBackoffMs: number;
  readonly longestBackoffMs: number;
  /** Between looks for a kind that the cluster does not serve. */
  readonly notServedMs: number;
  /** The same for a kind that is awaited. */
  readonly awaitedMs: number;
  /** How long the server is asked to keep a watch open; spread so that not all end together. */
  readonly watchSeconds: () => number;
}

const TIMING: ReflectorTiming = {
  silenceMs: 90_000,
  firstBackoffMs: 500,
  longestBackoffMs: 30_000,
  notServedMs: 180_000,
  awaitedMs: 5_000,
  watchSeconds: () => 300 + Math.floor(Math.random() * 300),
};

/**
 * A kind that was there and is answered with 404 is believed to be gone only the third time: emptying the store for
 * a server that is just starting would look like the deletion of everything.
 */
const NOT_FOUND_BELIEVED = 3;
/** After so many watches in a row that broke before anything came, a new list is tried. */
const WATCHES_BEFORE_LIST = 5;

/**
 * Keeps a store equal to what the server has of one kind: lists it, watches it from there, and gets over whatever
 * breaks on the way. Stops only when told to.
 */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #timing: ReflectorTiming;
  readonly #listBackoff: Backoff;
  readonly #watchBackoff: Backoff;
  readonly #store = new Store<T>();
  readonly #abort = new AbortController();
  readonly #firstSync = Promise.withResolvers<undefined>();
  #run: Promise<void> | undefined;
  #state: ReflectorState = { kind: 'Idle' };
  #synced = false;
  /** Where the next watch goes on; undefined when a list is due. */
  #resourceVersion: string | undefined;
  #notFound = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    const { firstBackoffMs: firstMs, longestBackoffMs: longestMs } = this.#timing;
    this.#listBackoff = new Backoff({ firstMs, longestMs });
    this.#watchBackoff = new Backoff({ firstMs, longestMs });
  }

  get store(): StoreView<T> {
    return this.#store.view;
  }

  get state(): ReflectorState {
    return this.#state;
  }

  /** True from the first whole list on, or once a kind that is not awaited is known not to be served: then the store is true. */
  get synced(): boolean {
    return this.#synced;
  }

  start(): void {
    this.#run ??= this.#loop();
  }

  /** Ends the call under way at once; resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#run;
    this.#enter({ kind: 'Stopped' });
  }

  /** Resolves when `synced`; rejects when the signal aborts first, or with the reflector's stop. */
  async waitForSync(signal: AbortSignal): Promise<void> {
    const end = AbortSignal.any([signal, this.#abort.signal]);
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => {
      aborted.reject(
        new KubeError('Aborted', `wait for the first list of ${this.#options.path}: aborted`),
      );
    };
    if (end.aborted) onAbort();
    end.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#firstSync.promise, aborted.promise]);
    } finally {
      end.removeEventListener('abort', onAbort);
    }
  }

  async #loop(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const waitMs = await this.#round();
      await this.#pause(waitMs);
    }
  }

  /** One list where due and one watch; says how long to wait before the next. */
  async #round(): Promise<number> {
    try {
      this.#resourceVersion ??= await this.#list();
      await this.#watch(this.#resourceVersion);
      // Waits also after a good end: a server that ends every watch at once must not be asked again at once.
      return this.#watchBackoff.nextMs();
    } catch (thrown) {
      return this.#recover(transportError(`list and watch ${this.#options.path}`, thrown));
    }
  }

  async #list(): Promise<string> {
    if (!this.#synced) this.#enter({ kind: 'Listing' });
    const { connection, path, query = {} } = this.#options;
    const items = new Map<string, T>();
    const resourceVersion = await listPages({
      connection,
      path,
      query,
      accept: this.#accept('PartialObjectMetadataList'),
      signal: this.#abort.signal,
      onPage: (objects) => {
        for (const object of objects) this.#projectInto(items, object);
      },
    });
    for (const change of this.#store.replace(items)) this.#tell(change);
    this.#notFound = 0;
    this.#listBackoff.reset();
    this.#enterSynced({ kind: 'Watching' });
    return resourceVersion;
  }

  /** Watches until the server ends it. Throws when it breaks. */
  async #watch(resourceVersion: string): Promise<void> {
    const { connection, path, query } = this.#options;
    const stream = await connection.stream({
      path,
      query: {
        ...query,
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion,
        timeoutSeconds: this.#timing.watchSeconds(),
      },
      accept: this.#accept('PartialObjectMetadata'),
      silenceMs: this.#timing.silenceMs,
      signal: this.#abort.signal,
    });
    this.#enter({ kind: 'Watching' });
    for await (const line of stream) {
      this.#take(line);
      this.#watchBackoff.reset();
    }
  }

  #take(line: string): void {
    const event = parseWatchLine(`WATCH ${this.#options.path}`, line);
    if (event.kind !== 'Bookmark') this.#put(event.object, event.kind);
    this.#resourceVersion = event.resourceVersion;
  }

  #put(object: Json, kind: 'Set' | 'Deleted'): void {
    const key = this.#keyOf(object);
    if (key === undefined) return;
    const item = kind === 'Set' ? this.#project(object, key) : undefined;
    const change = this.#store.put(key, item);
    if (change !== undefined) this.#tell(change);
  }

  #projectInto(items: Map<string, T>, object: Json): void {
    const key = this.#keyOf(object);
    const item = key === undefined ? undefined : this.#project(object, key);
    if (key !== undefined && item !== undefined) items.set(key, item);
  }

  #project(object: Json, key: string): T | undefined {
    try {
      return this.#options.project(object);
    } catch (cause) {
      this.#report(`read ${this.#options.path} ${key}`, cause);
      return undefined;
    }
  }

  #keyOf(object: Json): string | undefined {
    try {
      const metadata = objectAt(object, 'metadata');
      const namespace = textAt(metadata, 'namespace');
      const name = requiredText(metadata, 'name');
      if (this.#options.keyOf !== undefined) return this.#options.keyOf(namespace, name);
      return namespace === undefined ? name : `${namespace}/${name}`;
    } catch (cause) {
      this.#report(`read the name of an object of ${this.#options.path}`, cause);
      return undefined;
    }
  }

  #tell(change: Change<T>): void {
    try {
      this.#options.onChange?.(change);
    } catch (cause) {
      this.#report(`handle ${change.kind} of ${this.#options.path} ${change.key}`, cause);
    }
  }

  #report(what: string, cause: unknown): void {
    this.#options.onError(new Error(`${what}: ${asError(cause).message}`, { cause }));
  }

  /** Takes in a failure and says how long to wait. */
  #recover(error: KubeError): number {
    if (this.#abort.signal.aborted) return 0;
    const backoff = this.#resourceVersion === undefined ? this.#listBackoff : this.#watchBackoff;
    const waitMs = backoff.nextMs(error.retryAfterSeconds);
    const again = backoff.failures > 1;
    if (error.kind === 'Gone' || backoff.failures >= WATCHES_BEFORE_LIST) {
      this.#resourceVersion = undefined;
    }
    // That a server no longer remembers where we were is an everyday thing, unless it comes again and again.
    if (error.kind === 'Gone' && !again) {
      // What came and went meanwhile is not seen.
      this.#enter({ kind: 'Listing' });
      return 0;
    }
    if (error.kind === 'NotFound') return this.#recoverNotFound(error, waitMs);
    this.#options.onError(error);
    this.#enter({
      kind: error.kind === 'Forbidden' ? 'Forbidden' : 'Failing',
      message: error.message,
    });
    return waitMs;
  }

  #recoverNotFound(error: KubeError, waitMs: number): number {
    this.#resourceVersion = undefined;
    this.#notFound++;
    if (this.#store.view.size > 0 && this.#notFound < NOT_FOUND_BELIEVED) {
      this.#options.onError(error);
      this.#enter({ kind: 'Failing', message: error.message });
      return waitMs;
    }
    for (const change of this.#store.replace(new Map())) this.#tell(change);
    if (this.#options.absence === 'Awaited') {
      this.#enter({ kind: 'NotServed' });
      return this.#timing.awaitedMs;
    }
    this.#enterSynced({ kind: 'NotServed' });
    return this.#timing.notServedMs;
  }

  #enterSynced(state: ReflectorState): void {
    this.#synced = true;
    this.#enter(state);
    this.#firstSync.resolve(undefined);
  }

  #enter(state: ReflectorState): void {
    const before = this.#state;
    this.#state = state;
    if (before.kind !== state.kind) this.#options.onState?.(state);
  }

  #accept(kind: string): string {
    if (this.#options.content !== 'Metadata') return 'application/json';
    return `application/json;as=${kind};g=meta.k8s.io;v=v1`;
  }

  async #pause(waitMs: number): Promise<void> {
    if (waitMs === 0) return;
    try {
      await sleep(waitMs, undefined, { signal: this.#abort.signal });
    } catch (thrown) {
      if (!this.#abort.signal.aborted) throw thrown;
    }
  }
}
