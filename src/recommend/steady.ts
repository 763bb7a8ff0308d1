import {
  hasSample,
  isFresh,
  LoweringTimes,
  youthFactor,
  type Cadence,
  type CadenceDecision,
  type CadenceSettings,
  type LevelDecision,
  type ObservedHour,
} from './cadence.ts';
import { DecayedHistogram, SHORTENING } from './histogram.ts';
import { isListed } from './hours.ts';
import { Ladder, type Evidence } from './ladder.ts';
import { STEADY_TAILS, TailCurve } from './levels.ts';
import type { StateReader, StateWriter } from './savedstate.ts';
import { DAY_SECONDS } from './usage.ts';

const HALF_LIFE_HOURS = 3 * 24;

/** After so long the maximum is forgotten. */
const FORGOTTEN_HOURS = 14 * 24;

const BAND = { raiseAbove: 1.02, lowerBelow: 0.95 };

/**
 * The default cadence: a decayed quantile of use, as strict as the risk budget asks for; raised within the hour,
 * lowered once a day. State: a histogram of 2 to 4 kB and 96 bytes for each level of the ladder.
 */
export class Steady implements Cadence {
  readonly #ladder: Ladder;
  readonly #use: DecayedHistogram;
  /** What a single sample weighs when it is forgotten. */
  readonly #forgottenWeight: number;
  readonly #curve = new TailCurve(STEADY_TAILS);
  /** Of the last decision. */
  readonly #evidence = { curve: this.#curve, youthFactor: 1, mayLower: false };
  readonly #lowering = new LoweringTimes(DAY_SECONDS);
  #observedHours = 0;
  #lastSeconds = -Infinity;
  /** What was decided last left all amounts as they were, and has not been worked out further. */
  #isBehind = false;

  constructor(settings: CadenceSettings) {
    const { halfLifeHours = HALF_LIFE_HOURS } = settings;
    this.#use = new DecayedHistogram(halfLifeHours, SHORTENING);
    this.#forgottenWeight = 2 ** (-FORGOTTEN_HOURS / halfLifeHours);
    this.#ladder = new Ladder(settings, BAND);
  }

  get bytes(): number {
    return this.#use.bytes + this.#curve.bytes + this.#ladder.bytes + 32;
  }

  /** After `keepUp` only before the next hour is observed: what was not asked for by then is not worked out any more. */
  levels(): readonly LevelDecision[] {
    if (this.#isBehind) this.#catchUp();
    return this.#ladder.levels();
  }

  /** The amounts of `levels`, at any time. */
  amounts(): readonly Pick<LevelDecision, 'risk' | 'amount'>[] {
    return this.#ladder.levels();
  }

  /** All that later decisions depend on, and what the last one was. */
  save(to: StateWriter): void {
    if (this.#isBehind) this.#catchUp();
    this.#ladder.save(to);
    this.#use.save(to);
    this.#lowering.save(to);
    to.numbers([this.#observedHours, this.#lastSeconds]);
  }

  /**
   * Makes what is to be saved short. To be done where a walk may be gone on from, also where it goes on by itself: both
   * come to the same then.
   */
  shorten(): void {
    this.#use.shorten();
  }

  /** Goes on from where another one of the same settings was saved. */
  restore(from: StateReader): void {
    this.#isBehind = false;
    this.#ladder.restore(from);
    this.#use.restore(from);
    this.#lowering.restore(from);
    this.#observedHours = from.number();
    this.#lastSeconds = from.number();
  }

  observe(hour: ObservedHour): void {
    this.#isBehind = false;
    this.#ladder.observe(hour);
    if (!hasSample(hour)) return;
    this.#use.age();
    const { cpu } = hour;
    if (isListed(cpu)) {
      for (const cores of cpu) {
        if (!Number.isNaN(cores)) this.#use.addLog(Math.log(cores));
      }
    } else {
      this.#use.addCodes(cpu);
    }
    this.#observedHours += 1;
    this.#lastSeconds = hour.startSeconds + 3600;
  }

  decide(nowSeconds: number, inForce: number | undefined): CadenceDecision | undefined {
    this.#isBehind = false;
    const evidence = this.#evidenceAt(nowSeconds);
    return evidence && this.#ladder.decide(evidence, inForce);
  }

  /**
   * Decides as `decide` does. Where amounts stay, as in most hours, what else there is to a decision is left until it is
   * asked for: a walk over weeks asks at its end.
   */
  keepUp(nowSeconds: number, inForce: number | undefined): void {
    const evidence = this.#evidenceAt(nowSeconds);
    this.#isBehind = evidence !== undefined && this.#ladder.isSureToStay(evidence, inForce);
    if (evidence !== undefined && !this.#isBehind) this.#ladder.decide(evidence, inForce);
  }

  /** Works out the rest of what was decided last: of amounts that stay as they are. */
  #catchUp(): void {
    this.#isBehind = false;
    this.#ladder.decide(this.#evidence, this.amounts()[0]?.amount);
  }

  /** To be asked once for each decision; undefined before the first sample. */
  #evidenceAt(nowSeconds: number): Evidence | undefined {
    const { tails, logs } = this.#curve;
    if (!this.#use.logQuantiles(tails, this.#forgottenWeight, logs)) return undefined;
    this.#curve.filled();
    this.#evidence.youthFactor = youthFactor(this.#observedHours);
    this.#evidence.mayLower =
      this.#lowering.isDue(nowSeconds) && isFresh(nowSeconds, this.#lastSeconds);
    return this.#evidence;
  }
}
