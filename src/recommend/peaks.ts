import { sampleStandardDeviation } from 'simple-statistics';
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

/** A size and what the peaks ask for: `peak` times `margin`. */
export interface MemoryDecision {
  /** Bytes that are to be in force; `wanted` differs where lowering is not due, or not worth a step. */
  readonly amount: number;
  /** Bytes. */
  readonly wanted: number;
  /** Highest peak of the window, in bytes. */
  readonly peak: number;
  readonly margin: number;
}

/**
 * Daily memory peaks of one container class. The request is the highest of 14 days times a margin.
 * State: 14 peaks, 180 bytes.
 */
export class Peaks {
  readonly #peaks = new Float64Array(WINDOW_DAYS);
  #days = 0;
  #day = -Infinity;
  #today = 0;
  /** Highest of the days before today; 0 when there is none. */
  #highest = 0;
  #revision = 0;
  #spread = LEAST_SPREAD + LARGEST_DEVIATION;
  #observedHours = 0;
  /** The factor for hours that were not seen yet: each risk asks for it, hour by hour. */
  #youth = youthFactor(0);
  #lastSeconds = -Infinity;

  get bytes(): number {
    return this.#peaks.byteLength + 64;
  }

  /**
   * Grows with each peak that may raise a size, as none does that is under the highest of the days before. Less is
   * demanded hour by hour while the container is young, and by days that are forgotten.
   */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Takes an hour. When it ends a day that had enough days before it, returns how far that day's peak lay over the
   * maximum of those, in units of their spread: below 0 for a day without a new peak.
   */
  observe({ startSeconds, memory }: ObservedMemory): number | undefined {
    let peak = NaN;
    for (const bytes of memory) if (!(bytes <= peak) && !Number.isNaN(bytes)) peak = bytes;
    return Number.isNaN(peak) ? undefined : this.observePeak(startSeconds, peak);
  }

  /** The same with the highest of the hour in bytes, which must be there. */
  observePeak(startSeconds: number, peak: number): number | undefined {
    const day = Math.floor(startSeconds / DAY_SECONDS);
    const excess = day > this.#day ? this.#closeDay() : undefined;
    if (peak > this.#today && peak >= this.#highest) this.#revision += 1;
    this.#day = day;
    this.#today = Math.max(this.#today, peak);
    this.#lastSeconds = startSeconds + 3600;
    this.#observedHours += 1;
    if (this.#youth > 1) this.#youth = youthFactor(this.#observedHours);
    return excess;
  }

  #closeDay(): number | undefined {
    if (this.#day === -Infinity) return undefined;
    const before = this.#days >= LEAST_DAYS ? this.#highest : undefined;
    const excess = before === undefined ? undefined : this.#excessOver(before);
    this.#peaks[this.#days % WINDOW_DAYS] = Math.max(this.#today, 1);
    this.#days += 1;
    this.#today = 0;
    const past = this.#peaks.subarray(0, Math.min(this.#days, WINDOW_DAYS));
    this.#highest = 0;
    for (const peakOfDay of past) this.#highest = Math.max(this.#highest, peakOfDay);
    this.#spread = spreadOf(past);
    return excess;
  }

  /** Below the floor no peak can exceed what is requested anyway, so that such days say nothing. */
  #excessOver(before: number): number | undefined {
    if (this.#today < FLOOR_BYTES && before < FLOOR_BYTES) return undefined;
    return Math.log(this.#today / Math.max(before, FLOOR_BYTES)) / this.#spread;
  }

  /** The highest peak of the window in bytes; undefined before the first sample. */
  get highest(): number | undefined {
    return this.#day === -Infinity ? undefined : Math.max(this.#today, this.#highest);
  }

  /** What the highest peak is to be multiplied with; `excess` is in units of spread, as `PeakMargin` gives it. */
  marginOf(excess: number): number {
    return Math.max(Math.exp(excess * this.#spread), this.#youth);
  }

  /** Today is at or above the highest of the days before it, or there is none. */
  get isAtPeak(): boolean {
    return this.#today >= this.#highest;
  }

  /** Whether the last hour is recent enough for a lower size to rest on. */
  isFresh(nowSeconds: number): boolean {
    return isFresh(nowSeconds, this.#lastSeconds);
  }
}

/** Of the peaks of a window; used again, since a walk closes hundreds of days. */
const LOGS = new Float64Array(WINDOW_DAYS);

/** How much daily peaks in bytes differ: too few say nothing of it, and count as differing most. */
function spreadOf(peaks: Float64Array): number {
  if (peaks.length < 3) return LEAST_SPREAD + LARGEST_DEVIATION;
  for (let i = 0; i < peaks.length; i++) LOGS[i] = Math.log(peaks[i] ?? NaN);
  const deviation = sampleStandardDeviation(LOGS.subarray(0, peaks.length) as unknown as number[]);
  return LEAST_SPREAD + Math.min(deviation, LARGEST_DEVIATION);
}

/**
 * The size that one margin keeps in force: raised at once, lowered by the first decision of a UTC day. Only a peak
 * raises it: use that falls makes peaks differ more, and would ask for more than it did when it was high.
 */
export class PeakSize {
  /** What was decided last: written over, since a walk over weeks decides thousands of times. */
  readonly #decision = { amount: NaN, wanted: NaN, peak: NaN, margin: NaN };
  #loweredDay = -Infinity;

  /** Bytes; undefined before the first decision. */
  get amount(): number | undefined {
    const { amount } = this.#decision;
    return Number.isNaN(amount) ? undefined : amount;
  }

  /** Undefined before the first sample. What is given holds until the next decision, which is written over it. */
  decide(peaks: Peaks, nowSeconds: number, excess: number): MemoryDecision | undefined {
    const peak = peaks.highest;
    if (peak === undefined) return undefined;
    const inForce = this.amount;
    const margin = peaks.marginOf(excess);
    const wanted = peak * margin;
    const mayRaise = inForce === undefined || peaks.isAtPeak;
    const mayLower = this.#isLoweringTime(nowSeconds) && peaks.isFresh(nowSeconds);
    const settling = {
      wanted: mayRaise ? wanted : Math.min(wanted, inForce),
      inForce,
      mayLower,
    };
    const decision = this.#decision;
    decision.amount = settle(settling, BAND);
    decision.wanted = wanted;
    decision.peak = peak;
    decision.margin = margin;
    return decision;
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

  /** In units of spread, at least 0. */
  excess(): number {
    return fitMargin(
      this.#risk,
      this.#excesses.toSorted((a, b) => b - a),
    ).excess;
  }
}

/** A margin in units of spread, at least 0, and what it was taken from. */
export interface Margin {
  readonly excess: number;
  readonly basis: 'Fleet' | 'Prior';
}

/**
 * The margin that the excesses of container-days ask for, given from the highest to the lowest. Where they are too few,
 * the prior; a risk that they are too few for gets the prior, and the highest seen at least.
 */
export function fitMargin(risk: number, falling: ArrayLike<number>): Margin {
  const days = falling.length;
  if (days < LEAST_CONTAINER_DAYS) return priorMargin(risk);
  const mayExceed = Math.floor(AIM * risk * (days + 1) - 1);
  if (mayExceed >= 0) return { excess: Math.max(0, falling[mayExceed] ?? 0), basis: 'Fleet' };
  return { excess: Math.max(priorExcess(risk), falling[0] ?? 0), basis: 'Prior' };
}

/** The margin where nothing is known of a fleet. */
export function priorMargin(risk: number): Margin {
  return { excess: priorExcess(risk), basis: 'Prior' };
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
