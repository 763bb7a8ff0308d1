import { Bucket } from './bucket.ts';
import { PrometheusError } from './prometheuserror.ts';

/** What all calls of one source may cost the server together; Infinity is no budget. */
export interface Budgets {
  /** Calls at once, at most. */
  readonly concurrency: number;
  readonly bytesPerSecond: number;
  readonly samplesPerSecond: number;
  /** Seconds of calls under way per second of time: 0.5 is one call half of the time, 2 is two all the time. */
  readonly share: number;
  /** An answer that begins later than this is slow. */
  readonly slowSeconds: number;
}

/** What a call tells of itself while it runs. */
export interface Meter {
  /** How long it waited for its turn. */
  readonly waitedSeconds: number;
  /** The answer began: what follows takes as long as we take to read it. */
  began(): void;
  took(bytes: number, samples: number): void;
}

export interface GovernorState {
  /** Calls at once that are allowed now: the budget, less what a busy server made of it. */
  readonly limit: number;
  readonly active: number;
  readonly waiting: number;
  /** For so long nothing is asked, since the server was busy or asked for it. */
  readonly restSeconds: number;
  /** For so long the call that waits longest has waited. */
  readonly heldSeconds: number;
}

interface Turn {
  readonly signal: AbortSignal;
  /** Goes before others, waits for no budget but a rest, and may be one call more than is allowed. */
  readonly isUrgent: boolean;
}

interface Waiter {
  readonly isUrgent: boolean;
  readonly sinceSeconds: number;
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
}

const FIRST_REST_SECONDS = 0.5;
/** Of our own accord; calls wait out a rest of that length, and fail at once in a longer one. */
const LONGEST_REST_SECONDS = 30;
/** A server may ask for more; then it is asked whether it still means it. */
const LONGEST_ASKED_SECONDS = 3600;

/**
 * Lets calls through as far as the budgets allow, and less while the server is busy: a 429, a 503, a timeout or a slow
 * answer halves the calls at once, each good answer gives a part of one back (additive increase, multiplicative
 * decrease). After a failure of that kind nothing is asked for a while that doubles, or for as long as the server said.
 *
 * The server's time is not known, so the time of our calls stands for it: from sending to the last byte, each of those
 * at once by itself. That is more than the server works, as it includes the network, and our reading of a stream.
 */
export class Governor {
  readonly #budgets: Budgets;
  readonly #clock: () => number;
  readonly #bytes: Bucket;
  readonly #samples: Bucket;
  readonly #time: Bucket;
  #queue: Waiter[] = [];
  #limit: number;
  #active = 0;
  #restUntil = -Infinity;
  #loweredAt = -Infinity;
  #strikes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** The clock is any that only goes forward, in seconds. */
  constructor(budgets: Budgets, clock: () => number = () => performance.now() / 1000) {
    this.#budgets = budgets;
    this.#clock = clock;
    this.#limit = budgets.concurrency;
    this.#bytes = new Bucket(budgets.bytesPerSecond, clock);
    this.#samples = new Bucket(budgets.samplesPerSecond, clock);
    this.#time = new Bucket(budgets.share, clock);
  }

  /** Runs the call when its turn comes. Rejects as it does, on abort, or with a PrometheusError in a long rest. */
  async run<T>(call: (meter: Meter) => Promise<T>, turn: Turn): Promise<T> {
    const waitedSeconds = await this.#enter(turn);
    const started = this.#clock();
    let began: number | undefined;
    const meter: Meter = {
      waitedSeconds,
      began: () => (began ??= this.#clock()),
      took: (bytes, samples) => {
        this.#bytes.take(bytes);
        this.#samples.take(samples);
      },
    };
    try {
      const result = await call(meter);
      this.#wentWell(started, (began ?? this.#clock()) - started);
      return result;
    } catch (error) {
      if (error instanceof PrometheusError) this.#wentBadly(started, error);
      throw error;
    } finally {
      this.#active--;
      this.#time.spend(this.#active);
      this.#admit();
    }
  }

  get state(): GovernorState {
    const now = this.#clock();
    const since = this.#queue.map(({ sinceSeconds }) => sinceSeconds);
    return {
      limit: Math.floor(this.#limit),
      active: this.#active,
      waiting: this.#queue.length,
      restSeconds: Math.max(0, this.#restUntil - now),
      heldSeconds: since.length === 0 ? 0 : now - Math.min(...since),
    };
  }

  /** Seconds that were waited. */
  async #enter({ signal, isUrgent }: Turn): Promise<number> {
    signal.throwIfAborted();
    const refusal = this.#longRest();
    if (refusal !== undefined) throw refusal;
    const sinceSeconds = this.#clock();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const admit = (): void => resolve(undefined);
    const waiter: Waiter = { isUrgent, sinceSeconds, admit, refuse: reject };
    const urgent = this.#queue.filter((other) => other.isUrgent).length;
    this.#queue.splice(isUrgent ? urgent : this.#queue.length, 0, waiter);
    const leave = (): void => {
      this.#queue = this.#queue.filter((other) => other !== waiter);
      reject(signal.reason);
      this.#admit();
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#admit();
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
    return this.#clock() - sinceSeconds;
  }

  /** Why nothing is asked for so long that a call is not to wait for it. */
  #longRest(): PrometheusError | undefined {
    const seconds = Math.ceil(this.#restUntil - this.#clock());
    if (seconds <= LONGEST_REST_SECONDS) return undefined;
    const message = `Prometheus asked for rest, so nothing is asked for ${seconds} s`;
    return new PrometheusError('PrometheusOverloaded', message);
  }

  /** Those that wait already are no better off than those that come later. */
  #refuseInLongRest(): void {
    const refusal = this.#longRest();
    if (refusal === undefined) return;
    for (const { refuse } of this.#queue.splice(0)) refuse(refusal);
  }

  #admit(): void {
    clearTimeout(this.#timer);
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const seconds = this.#waitSeconds(first);
      if (seconds > 0) {
        // Without a free place the end of a call comes here again.
        if (seconds < Infinity) this.#timer = setTimeout(() => this.#admit(), seconds * 1000 + 1);
        return;
      }
      this.#queue.shift();
      this.#active++;
      this.#time.spend(this.#active);
      first.admit();
    }
  }

  #waitSeconds({ isUrgent }: Waiter): number {
    const allowed = Math.floor(this.#limit) + Number(isUrgent);
    if (this.#active >= allowed) return Infinity;
    const rest = Math.max(0, this.#restUntil - this.#clock());
    if (isUrgent) return rest;
    const buckets = [this.#bytes, this.#samples, this.#time];
    return Math.max(rest, ...buckets.map((bucket) => bucket.waitSeconds()));
  }

  #wentWell(started: number, seconds: number): void {
    this.#strikes = 0;
    if (seconds > this.#budgets.slowSeconds) this.#lower(started);
    else this.#limit = Math.min(this.#budgets.concurrency, this.#limit + 1 / this.#limit);
  }

  #wentBadly(started: number, { reason, tooLarge, retry }: PrometheusError): void {
    const isBusy =
      reason === 'PrometheusTimeout' || (reason === 'PrometheusOverloaded' && !tooLarge);
    if (!isBusy) return;
    const asked = Math.min(LONGEST_ASKED_SECONDS, retry?.afterSeconds ?? 0);
    if (this.#lower(started)) this.#strikes++;
    const doubled = FIRST_REST_SECONDS * 2 ** Math.max(0, this.#strikes - 1);
    // Shortened by up to half, so that several instances do not come back together.
    const own = Math.min(LONGEST_REST_SECONDS, doubled) * (0.5 + Math.random() / 2);
    this.#restUntil = Math.max(this.#restUntil, this.#clock() + Math.max(asked, own));
    this.#refuseInLongRest();
  }

  /** Calls that began before the last time tell of the same trouble: false for those. */
  #lower(started: number): boolean {
    if (started < this.#loweredAt) return false;
    this.#loweredAt = this.#clock();
    this.#limit = Math.max(1, this.#limit / 2);
    return true;
  }
}
