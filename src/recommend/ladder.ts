import { RiskBudget } from './budget.ts';
import {
  exceededShare,
  highestUse,
  settle,
  shiftedLevel,
  type CadenceSettings,
  type DeadBand,
  type LevelDecision,
  type ObservedHour,
} from './cadence.ts';
import { TailPlace, type TailCurve } from './levels.ts';
import { confidenceScale } from './prior.ts';
import type { StateReader, StateWriter } from './savedstate.ts';
import type { Writable } from './writable.ts';

/** The risks at which less risk never costs less, from the loosest to the strictest. */
export const RUNGS: readonly number[] = [0.1, 0.05, 0.02, 0.01, 0.005, 0.002];

/** What a cadence knows at a decision; the same for every risk. */
export interface Evidence {
  /** What use is over for no more than a share of the time. */
  readonly curve: TailCurve;
  readonly youthFactor: number;
  readonly mayLower: boolean;
}

/** More than a level can differ by rounding from what was worked out another way, on the scale of logarithms. */
const ROUNDING = 1e-9;

/** One risk: its own budget, and the request that it would have in force. State: 96 bytes, without what follows from it. */
class Rung {
  readonly #budget: RiskBudget;
  readonly #place = new TailPlace();
  /** Maximum of the last hour where that was a level shift, else 0. */
  #shiftedTo = 0;
  /** What was decided last: written over, since a walk over weeks decides thousands of times. */
  readonly #decision: Writable<LevelDecision>;
  #hasDecided = false;
  /** The natural logarithm of the level that leaves an amount as it is, and what that was found for; no state. */
  #highestLog = NaN;
  #amount = NaN;
  #factor = NaN;

  constructor(risk: number, scale: number) {
    this.#budget = new RiskBudget(risk, scale);
    this.#decision = {
      risk,
      amount: NaN,
      wanted: NaN,
      tail: NaN,
      margin: NaN,
      isSpent: false,
      youthFactor: NaN,
    };
  }

  get decision(): LevelDecision | undefined {
    return this.#hasDecided ? this.#decision : undefined;
  }

  save(to: StateWriter): void {
    const { amount, wanted, tail, margin, isSpent, youthFactor } = this.#decision;
    this.#budget.save(to);
    to.numbers([this.#shiftedTo, Number(this.#hasDecided)]);
    to.numbers([amount, wanted, tail, margin, Number(isSpent), youthFactor]);
  }

  restore(from: StateReader): void {
    const decision = this.#decision;
    this.#budget.restore(from);
    this.#shiftedTo = from.number();
    this.#hasDecided = from.number() === 1;
    decision.amount = from.number();
    decision.wanted = from.number();
    decision.tail = from.number();
    decision.margin = from.number();
    decision.isSpent = from.number() === 1;
    decision.youthFactor = from.number();
  }

  /** Charges an hour of which the share `exceeded` was over its request; undefined before the promise began. */
  observe(hour: ObservedHour, exceeded: number | undefined): void {
    if (exceeded !== undefined) this.#budget.observe(exceeded);
    this.#shiftedTo = shiftedLevel(hour, exceeded);
  }

  /** Whether it is sure that a decision that may not lower leaves the amount as it was decided last. */
  isSureToStay({ curve, youthFactor }: Evidence, band: DeadBand): boolean {
    const { amount } = this.#decision;
    if (!this.#hasDecided || this.#shiftedTo > 0) return false;
    const { tail, margin } = this.#budget.demand();
    const factor = youthFactor * margin;
    if (this.#amount !== amount || this.#factor !== factor) {
      this.#amount = amount;
      this.#factor = factor;
      this.#highestLog = Math.log((amount * band.raiseAbove) / factor) - ROUNDING;
    }
    const most = this.#highestLog;
    return curve.logAtMost(tail) <= most || curve.logAt(tail, this.#place) <= most;
  }

  /** Decides for no more than `stricter`, which decided before it. */
  decide(
    { curve, youthFactor, mayLower }: Evidence,
    inForce: number | undefined,
    stricter: LevelDecision | undefined,
    band: DeadBand,
  ): LevelDecision {
    const demand = this.#budget.demand();
    const level = curve.amountAt(demand.tail, this.#place);
    const use = Math.max(level * youthFactor, this.#shiftedTo);
    const own = use * demand.margin;
    const isBound = stricter !== undefined && stricter.wanted < own;
    const wanted = isBound ? stricter.wanted : own;
    const settled = settle({ wanted, inForce, mayLower }, band);
    const bounded = Math.min(settled, stricter?.amount ?? Infinity);
    const amount = mayLower ? bounded : Math.max(bounded, inForce ?? 0);
    const from = isBound ? stricter : demand;
    const decision = this.#decision;
    decision.amount = amount;
    decision.wanted = wanted;
    decision.tail = from.tail;
    decision.margin = from.margin;
    decision.isSpent = from.isSpent;
    decision.youthFactor = youthFactor;
    this.#hasDecided = true;
    return decision;
  }
}

/**
 * The risk that is asked for and every stricter level, each held against its own budget over its own past, and none
 * asking for more than a stricter one. A looser budget that is spent would otherwise ask for more than a stricter one
 * that is not. A level depends on stricter ones only: so it is the same whatever risk is asked for.
 */
export class Ladder {
  /** From the strictest to the one that is asked for. */
  readonly #rungs: readonly Rung[];
  readonly #asked: Rung;
  readonly #band: DeadBand;
  #levels: readonly LevelDecision[] = [];

  constructor({ risk, confidence }: CadenceSettings, band: DeadBand) {
    const scale = confidenceScale(confidence);
    const stricter = RUNGS.filter((level) => level < risk).toReversed();
    this.#asked = new Rung(risk, scale);
    this.#rungs = [...stricter.map((level) => new Rung(level, scale)), this.#asked];
    this.#band = band;
  }

  /** Bytes of state. */
  get bytes(): number {
    return 96 * this.#rungs.length;
  }

  save(to: StateWriter): void {
    for (const rung of this.#rungs) rung.save(to);
  }

  /** Of a ladder for the same risk. */
  restore(from: StateReader): void {
    for (const rung of this.#rungs) rung.restore(from);
    this.#tellLevels();
  }

  #tellLevels(): void {
    this.#levels = this.#rungs.flatMap(({ decision }) => decision ?? []).toReversed();
  }

  /** Charges the hour: the risk that is asked for by the request in force, the others by what they decided. */
  observe(hour: ObservedHour): void {
    const highest = highestUse(hour);
    if (highest === undefined) return;
    const { request, isRaisePending } = hour;
    for (const rung of this.#rungs) {
      if (request === undefined) {
        rung.observe(hour, undefined);
        continue;
      }
      const decided = rung === this.#asked ? undefined : rung.decision;
      const isUnder = decided === undefined ? highest <= request : highest <= decided.amount;
      if (isUnder && isRaisePending !== true) rung.observe(hour, 0);
      else rung.observe(hour, exceededShare(hour, decided?.amount ?? request));
    }
  }

  /**
   * Whether it is sure that a decision would leave all amounts as they are; then only what is wanted may differ from
   * what was decided last. Most hours are such.
   */
  isSureToStay(evidence: Evidence, inForce: number | undefined): boolean {
    if (evidence.mayLower || inForce !== this.#asked.decision?.amount) return false;
    for (const rung of this.#rungs) if (!rung.isSureToStay(evidence, this.#band)) return false;
    return true;
  }

  /** Decides for all risks, and gives what was asked for; `inForce` is the request of that one. */
  decide(evidence: Evidence, inForce: number | undefined): LevelDecision {
    let stricter: LevelDecision | undefined;
    for (const rung of this.#rungs) {
      if (rung === this.#asked) break;
      stricter = rung.decide(evidence, rung.decision?.amount, stricter, this.#band);
    }
    const asked = this.#asked.decide(evidence, inForce, stricter, this.#band);
    if (this.#levels.length === 0) this.#tellLevels();
    return asked;
  }

  /**
   * What was decided last, from the risk that is asked for to the strictest; empty before the first decision. The next
   * decision is written over it.
   */
  levels(): readonly LevelDecision[] {
    return this.#levels;
  }
}
