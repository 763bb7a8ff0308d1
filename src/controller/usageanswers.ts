import type { Clock, UsageFailure, UsageReading } from './ports.ts';
import { ReadingTimes } from './readingtimes.ts';
import type { Doubts } from './usagedoubt.ts';
import { doubtOf, type UsageEntry } from './usageplan.ts';
import type { Asked, Keyed, Reading } from './usagereadings.ts';

const FIRST_RETRY_SECONDS = 15;
const LONGEST_RETRY_SECONDS = 300;

/** Failures before a server did any work. */
const CHEAP: ReadonlySet<UsageFailure['reason']> = new Set([
  'PrometheusUnreachable',
  'PrometheusRefused',
]);

/** A reading that came back for a workload, which may want a longer window by now. */
interface Answered extends Pick<Reading, 'kind' | 'window'> {
  readonly windowSeconds: number;
  readonly jitter: number;
}

interface Options {
  readonly clock: Clock;
  /** Time between two readings of a workload, by the clock: see `ReadingTimes`. */
  readonly intervalSeconds: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** What an answer is for a workload: usage, usage in doubt, or a failure; and when it is to be asked for again. */
export class Answers {
  readonly #doubts: Doubts;
  readonly #options: Options;
  readonly #times: ReadingTimes;

  constructor(doubts: Doubts, options: Options) {
    this.#doubts = doubts;
    this.#options = options;
    this.#times = new ReadingTimes(options.intervalSeconds, options.random);
  }

  take({ keyed }: Asked, { usage, failures, warnings }: UsageReading, answered: Answered): void {
    const [key, entry] = keyed;
    const failure = failures.get(key);
    const doubt = doubtOf(warnings);
    // What came is true all the same.
    entry.merge(usage.get(key), this.#options.clock.nowSeconds());
    if (failure !== undefined) this.fail(keyed, failure, answered);
    else if (doubt !== undefined) this.#doubt(keyed, doubt, answered);
    else if (answered.kind !== 'Gaps') this.#keep(keyed, answered);
  }

  #keep([key, entry]: Keyed, answered: Answered): void {
    entry.failures = 0;
    entry.failure = undefined;
    // A window that was widened while this was read is yet to be read.
    if (entry.windowSeconds > answered.windowSeconds) return;
    const { window } = answered;
    this.#goOn(entry, answered);
    // One time for the whole batch, so that it stays one.
    entry.nextSeconds = this.#times.next(window.toSeconds);
    this.#doubts.whole(key, window, window.toSeconds - entry.windowSeconds);
    entry.failure = this.#doubts.of(key);
    if (entry.failure === undefined) entry.isRead = true;
    else entry.nextSeconds = Math.min(entry.nextSeconds, this.#againSeconds(key));
  }

  #goOn(entry: UsageEntry, { kind, window }: Answered): void {
    if (kind === 'First') entry.keepWhole(window.toSeconds, this.#options.random());
    else entry.readTo = window.toSeconds;
  }

  #againSeconds(key: string): number {
    return Math.max(this.#options.clock.nowSeconds(), this.#doubts.againSeconds(key) ?? Infinity);
  }

  /** Reading goes on from there, as often as the server was asked if all was well. */
  #doubt(keyed: Keyed, failure: UsageFailure, answered: Answered): void {
    const [key, entry] = keyed;
    const { kind, window } = answered;
    this.#pause(entry, failure, answered, this.#options.intervalSeconds);
    // Of a gap nothing is known that was not known before.
    if (kind === 'Gaps' || entry.windowSeconds > answered.windowSeconds) return;
    this.#doubts.add(key, failure, window);
    if (kind === 'Again') this.#doubts.triedInVain(key, window.toSeconds);
    if (kind === 'First') entry.isRead = false;
    this.#goOn(entry, answered);
  }

  /** What is known stays; it is tried again after a pause that doubles. */
  fail([key, entry]: Keyed, failure: UsageFailure, answered: Answered): void {
    const { intervalSeconds } = this.#options;
    const isDear = entry.readTo === undefined && !CHEAP.has(failure.reason);
    this.#pause(entry, failure, answered, isDear ? intervalSeconds : LONGEST_RETRY_SECONDS);
    if (answered.kind === 'Again') this.#doubts.triedInVain(key, answered.window.toSeconds);
  }

  #pause(
    entry: UsageEntry,
    failure: UsageFailure,
    { jitter }: Answered,
    longestSeconds: number,
  ): void {
    const pause = Math.min(longestSeconds, FIRST_RETRY_SECONDS * 2 ** entry.failures);
    entry.failure = failure;
    entry.failures += 1;
    entry.nextSeconds = this.#options.clock.nowSeconds() + pause * jitter;
  }
}
