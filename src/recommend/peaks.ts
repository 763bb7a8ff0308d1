import { isFresh, settle, youthFactor } from './cadence.ts';
import { DAY_SECONDS } from './usage.ts';

const WINDOW_DAYS = 14;

/** Days before a day's peak says anything about the margin: a maximum of fewer is passed too often. */
const LEAST_DAYS = 6;

/** A margin is put on the maximum in units of how much daily peaks differ: this much, and their deviation up to a cap. */
const LEAST_SPREAD = 0.1;
const LARGEST_DEVIATION = 0.5;

/** Least request of memory that is worth stating. */
const FLOOR_BYTES = 16 * 2 ** 20;

const BAND = { raiseAbove: 1, lowerBelow: 0.95 };

/** One hour of memory of one container class. */
export interface ObservedMemory {
  /** Begin of the hour, unix seconds. */
  readonly startSeconds: number;
  /** Highest working set of any pod in bytes, one value per bin; NaN is missing. */
  readonly memory: Float64Array;
}

export interface MemoryDecision {
  /** Bytes. */
  readonly amount: number;
  readonly wanted: number;
  /** Highest peak of the window. */
  readonly peak: number;
  readonly margin: number;
}

/**
 * Daily memory peaks of one container class. The request is the highest of 14 days times a margin; raised at once,
 * lowered once a day. State: 15 peaks, 160 bytes.
 */
export class Peaks {
  readonly #peaks = new Float64Array(WINDOW_DAYS);
  #days = 0;
  #day = -Infinity;
  #today = 0;
  #observedHours = 0;
  #lastSeconds = -Infinity;
  #loweredDay = -Infinity;

  get bytes(): number {
    return this.#peaks.byteLength + 48;
  }

  /**
   * Takes an hour. When it ends a day that had enough days before it, returns how far that day's peak lay over the
   * maximum of those, in units of their spread: below 0 for a day without a new peak.
   */
  observe({ startSeconds, memory }: ObservedMemory): number | undefined {
    let peak = NaN;
    for (const bytes of memory) if (!(bytes <= peak) && !Number.isNaN(bytes)) peak = bytes;
    if (Number.isNaN(peak)) return undefined;
    const day = Math.floor(startSeconds / DAY_SECONDS);
    const excess = day > this.#day ? this.#closeDay() : undefined;
    this.#day = day;
    this.#today = Math.max(this.#today, peak);
    this.#lastSeconds = startSeconds + 3600;
    this.#observedHours += 1;
    return excess;
  }

  #closeDay(): number | undefined {
    if (this.#day === -Infinity) return undefined;
    const before = this.#days >= LEAST_DAYS ? this.#maximum() : undefined;
    const excess = before === undefined ? undefined : this.#excessOver(before);
    this.#peaks[this.#days % WINDOW_DAYS] = Math.max(this.#today, 1);
    this.#days += 1;
    this.#today = 0;
    return excess;
  }

  /** Below the floor no peak can exceed what is requested anyway, so that such days say nothing. */
  #excessOver(before: number): number | undefined {
    if (this.#today < FLOOR_BYTES && before < FLOOR_BYTES) return undefined;
    return Math.log(this.#today / Math.max(before, FLOOR_BYTES)) / this.#spread();
  }

  #past(): Float64Array {
    return this.#peaks.subarray(0, Math.min(this.#days, WINDOW_DAYS));
  }

  #maximum(): number {
    return Math.max(...this.#past());
  }

  #spread(): number {
    const past = this.#past();
    if (past.length < 3) return LEAST_SPREAD + LARGEST_DEVIATION;
    const logs = past.map(Math.log);
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
    const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
    return LEAST_SPREAD + Math.min(Math.sqrt(variance), LARGEST_DEVIATION);
  }

  /** `excess` is the margin in units of spread, as `PeakMargin` gives it. Undefined before the first sample. */
  decide(
    nowSeconds: number,
    excess: number,
    inForce: number | undefined,
  ): MemoryDecision | undefined {
    if (this.#day === -Infinity) return undefined;
    const peak = Math.max(this.#today, this.#days === 0 ? 0 : this.#maximum());
    const margin = Math.max(Math.exp(excess * this.#spread()), youthFactor(this.#observedHours));
    const wanted = peak * margin;
    const mayLower = this.#isLoweringTime(nowSeconds) && isFresh(nowSeconds, this.#lastSeconds);
    return { amount: settle({ wanted, inForce, mayLower }, BAND), wanted, peak, margin };
  }

  #isLoweringTime(nowSeconds: number): boolean {
    const day = Math.floor(nowSeconds / DAY_SECONDS);
    if (day <= this.#loweredDay) return false;
    this.#loweredDay = day;
    return true;
  }
}

/** Fewer container-days than this say less than the prior. */
const LEAST_CONTAINER_DAYS = 100;

/** The fit aims this much under the risk: what comes is not what was. */
const AIM = 0.95;

/** Margins in units of spread that a risk asks for where a fleet is too young, from the loosest risk to the strictest. */
const PRIOR: readonly (readonly [risk: number, excess: number])[] = [
  [0.5, 0],
  [0.1, 0.12],
  [0.05, 0.25],
  [0.02, 0.75],
  [0.01, 1.2],
  [0.005, 1.7],
  [0.001, 3.3],
];

/**
 * The margin on memory peaks that would have kept a risk, pooled over the container-days of a fleet: the least of
 * which (days over it + 1) / (days + 1) is at most the risk. State: 8 bytes a container-day.
 */
export class PeakMargin {
  readonly #risk: number;
  readonly #excesses: number[] = [];

  constructor(risk: number) {
    this.#risk = risk;
  }

  add(excess: number): void {
    this.#excesses.push(excess);
  }

  /** In units of spread, at least 0. A risk that the days are too few for gets the prior, and the highest seen at least. */
  excess(): number {
    const days = this.#excesses.length;
    if (days < LEAST_CONTAINER_DAYS) return priorExcess(this.#risk);
    const sorted = this.#excesses.toSorted((a, b) => b - a);
    const mayExceed = Math.floor(AIM * this.#risk * (days + 1) - 1);
    if (mayExceed < 0) return Math.max(priorExcess(this.#risk), sorted[0] ?? 0);
    return Math.max(0, sorted[mayExceed] ?? 0);
  }
}

function priorExcess(risk: number): number {
  let [below] = PRIOR;
  for (const above of PRIOR) {
    if (risk >= above[0]) {
      if (below === undefined || below === above) return above[1];
      const way = Math.log(below[0] / risk) / Math.log(below[0] / above[0]);
      return below[1] + way * (above[1] - below[1]);
    }
    below = above;
  }
  return below?.[1] ?? 0;
}
