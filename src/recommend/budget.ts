import type { StateReader, StateWriter } from './savedstate.ts';

/** Exceeding counts half after this long: quiet months do not pay for a bad week. */
const HALF_LIFE_HOURS = 14 * 24;
const DECAY = 2 ** (-1 / HALF_LIFE_HOURS);

/** What is left is to be spent over this long. */
const HORIZON_HOURS = 5 * 24;

/** The budget aims this much under the risk, for what comes between two decisions. */
const AIM = 0.95;

/** The rate that may be spent now lies between these multiples of the risk. */
const SLOWEST = 0.02;
const FASTEST = 2;

/** Tails that can be asked of a histogram at all. */
const THINNEST_TAIL = 0.0005;
const WIDEST_TAIL = 0.2;

/** Put on every quantile, since the next hour is not one of those that it was taken from. */
const MARGIN = 1.06;

/** Put on top while the budget is spent. */
const SPENT_FACTOR = 1.15;

/** What a budget asks for: the quantile that leaves `tail` above it, times `margin`. */
export interface Demand {
  readonly tail: number;
  readonly margin: number;
  readonly isSpent: boolean;
}

/**
 * The risk budget of one container: hours exceeded of hours observed since the promise began, both halved by each
 * fortnight. An hour counts by the share of its samples that exceeded. State: 16 bytes.
 */
export class RiskBudget {
  readonly #risk: number;
  readonly #scale: number;
  readonly #demand = { tail: NaN, margin: NaN, isSpent: false };
  #exceeded = 0;
  #observed = 0;

  /** `scale` is how much of the rate that may be spent is planned for, by the confidence: see `plannedShare`. */
  constructor(risk: number, scale: number) {
    this.#risk = risk;
    this.#scale = scale;
  }

  save(to: StateWriter): void {
    to.numbers([this.#exceeded, this.#observed]);
  }

  restore(from: StateReader): void {
    this.#exceeded = from.number();
    this.#observed = from.number();
  }

  /** Counts an hour with samples, of which the share `exceeded`, 0 to 1, was over the request. */
  observe(exceeded: number): void {
    this.#exceeded = this.#exceeded * DECAY + exceeded;
    this.#observed = this.#observed * DECAY + 1;
  }

  /** Share of time over the request, recent weeks weighing more; undefined before the first hour. */
  get realised(): number | undefined {
    return this.#observed === 0 ? undefined : this.#exceeded / this.#observed;
  }

  /**
   * Without an hour observed and at a scale of 0.6, a risk of 2 % asks for the quantile 98.9 %; after a day of
   * nothing exceeded for 98.6 %; after a day fully exceeded for 99.95 % and the factor of a spent budget. What is given
   * is the same object each time, since a walk asks for thousands: it says what the last call asked for.
   */
  demand(): Demand {
    const allowed = AIM * this.#risk * (this.#observed + HORIZON_HOURS);
    const wanted = (allowed - this.#exceeded) / HORIZON_HOURS;
    const least = SLOWEST * this.#risk;
    const rate = Math.min(Math.max(wanted, least), FASTEST * this.#risk);
    const isSpent = wanted <= least;
    const demand = this.#demand;
    demand.tail = Math.min(Math.max(this.#scale * rate, THINNEST_TAIL), WIDEST_TAIL);
    demand.margin = isSpent ? MARGIN * SPENT_FACTOR : MARGIN;
    demand.isSpent = isSpent;
    return demand;
  }
}
