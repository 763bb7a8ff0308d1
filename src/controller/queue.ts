/** What is done with a key; the promise tells when it may be done again. */
type Work = (key: string, signal: AbortSignal) => Promise<WorkResult>;

/** `Done`: until something changes. `Later`: again after a time. */
export type WorkResult =
  { readonly kind: 'Done' } | { readonly kind: 'Later'; readonly afterSeconds: number };

export interface QueueOptions {
  readonly work: Work;
  readonly concurrency: number;
  /** Told of work that threw, before it is tried again. */
  readonly onError: (key: string, error: unknown, retryAfterSeconds: number) => void;
  readonly firstRetrySeconds?: number;
  readonly longestRetrySeconds?: number;
}

/**
 * A keyed work queue. A key that is added while it waits is done once; one that is added while it is being done is
 * done again afterwards, and never twice at the same time. Work that throws is tried again after a time that doubles.
 */
export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #failures = new Map<string, number>();
  readonly #abort = new AbortController();
  #idle: (() => void)[] = [];

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get depth(): number {
    return this.#waiting.size + this.#running.size;
  }

  add(key: string): void {
    if (this.#abort.signal.aborted) return;
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    if (this.#running.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#waiting.add(key);
    this.#pump();
  }

  /** As `add`, before all that waits. */
  addFirst(key: string): void {
    if (!this.#running.has(key)) {
      const others = [...this.#waiting].filter((each) => each !== key);
      this.#waiting.clear();
      for (const each of [key, ...others]) this.#waiting.add(each);
    }
    this.add(key);
  }

  /**
   * Adds the key when the time has passed, unless it is added before. One that waits for its time already keeps it,
   * so that a key that is put off again and again is done all the same.
   */
  addAfter(key: string, seconds: number): void {
    if (this.#abort.signal.aborted || this.#timers.has(key)) return;
    const timer = setTimeout(() => this.add(key), seconds * 1000);
    timer.unref();
    this.#timers.set(key, timer);
  }

  /** Takes no more keys, tells running work to end, and resolves when it has. */
  async stop(): Promise<void> {
    this.#abort.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#waiting.clear();
    this.#again.clear();
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#options.concurrency) return;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    try {
      const result = await this.#options.work(key, this.#abort.signal);
      this.#failures.delete(key);
      if (result.kind === 'Later') this.addAfter(key, result.afterSeconds);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#retry(key, error);
    } finally {
      this.#running.delete(key);
      if (this.#again.delete(key)) this.add(key);
      this.#pump();
      if (this.#running.size === 0) {
        for (const resolve of this.#idle) resolve();
        this.#idle = [];
      }
    }
  }

  #retry(key: string, error: unknown): void {
    const { firstRetrySeconds = 1, longestRetrySeconds = 300 } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const delay = Math.min(longestRetrySeconds, firstRetrySeconds * 2 ** failures);
    this.#options.onError(key, error, delay);
    this.addAfter(key, delay);
  }
}
