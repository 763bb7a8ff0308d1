import { RiskBudget } from './budget.ts';
import {
  exceededShare,
  isFresh,
  settle,
  shiftedLevel,
  youthFactor,
  type Cadence,
  type CadenceDecision,
  type CadenceSettings,
  type ObservedHour,
} from './cadence.ts';
import { DecayedHistogram } from './histogram.ts';
import { logAtTail, STEADY_TAILS } from './levels.ts';
import { confidenceScale } from './prior.ts';
import { DAY_SECONDS } from './usage.ts';

const HALF_LIFE_HOURS = 3 * 24;

/** After so long the maximum is forgotten. */
const FORGOTTEN_HOURS = 14 * 24;

const BAND = { raiseAbove: 1.02, lowerBelow: 0.95 };

/**
 * The default cadence: a decayed quantile of use, as strict as the risk budget asks for; raised within the hour,
 * lowered once a day. State: a histogram of 2 to 4 kB and 64 bytes.
 */
export class Steady implements Cadence {
  readonly #budget: RiskBudget;
  readonly #use: DecayedHistogram;
  /** What a single sample weighs when it is forgotten. */
  readonly #forgottenWeight: number;
  readonly #logs = new Float64Array(STEADY_TAILS.length);
  #observedHours = 0;
  #lastSeconds = -Infinity;
  #loweredDay = -Infinity;
  /** Maximum of the last hour where that was a level shift, else 0. */
  #shiftedTo = 0;

  constructor({ risk, confidence, halfLifeHours = HALF_LIFE_HOURS }: CadenceSettings) {
    this.#use = new DecayedHistogram(halfLifeHours);
    this.#forgottenWeight = 2 ** (-FORGOTTEN_HOURS / halfLifeHours);
    this.#budget = new RiskBudget(risk, confidenceScale(confidence));
  }

  get bytes(): number {
    return this.#use.bytes + this.#logs.byteLength + 40;
  }

  observe(hour: ObservedHour): void {
    const exceeded = exceededShare(hour);
    if (exceeded !== undefined) this.#budget.observe(exceeded);
    if (hour.cpu.every(Number.isNaN)) return;
    this.#shiftedTo = shiftedLevel(hour, exceeded);
    this.#use.age();
    for (const cores of hour.cpu) {
      if (!Number.isNaN(cores)) this.#use.addLog(Math.log(cores));
    }
    this.#observedHours += 1;
    this.#lastSeconds = hour.startSeconds + 3600;
  }

  decide(nowSeconds: number, inForce: number | undefined): CadenceDecision | undefined {
    if (!this.#use.logQuantiles(STEADY_TAILS, this.#forgottenWeight, this.#logs)) return undefined;
    const demand = this.#budget.demand();
    const youth = youthFactor(this.#observedHours);
    const quantile = Math.exp(logAtTail(demand.tail, STEADY_TAILS, this.#logs));
    const wanted = Math.max(quantile * youth, this.#shiftedTo) * demand.margin;
    const mayLower = this.#isLoweringTime(nowSeconds) && isFresh(nowSeconds, this.#lastSeconds);
    const amount = settle({ wanted, inForce, mayLower }, BAND);
    return { ...demand, amount, wanted, youthFactor: youth };
  }

  /** The first decision of each UTC day. */
  #isLoweringTime(nowSeconds: number): boolean {
    const day = Math.floor(nowSeconds / DAY_SECONDS);
    if (day <= this.#loweredDay) return false;
    this.#loweredDay = day;
    return true;
  }
}
