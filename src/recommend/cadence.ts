import type { Demand } from './budget.ts';
import { highestCores, isListed, samplesOver } from './hours.ts';
import type { StateReader, StateWriter } from './savedstate.ts';
import type { HourCpu } from './usage.ts';

/** What a cadence is told of the promise that it is to keep. */
export interface CadenceSettings {
  /** Share of time over the request, 0 to 1. */
  readonly risk: number;
  /** Share of the containers that must keep the risk, 0 to 1. */
  readonly confidence: number;
  /** Age at which a sample of use counts half; 72 unless stated. */
  readonly halfLifeHours?: number;
}

/** One hour of one container class. */
export interface ObservedHour {
  /** Begin of the hour, unix seconds. */
  readonly startSeconds: number;
  /** CPU: sample by sample in cores, of which NaN is missing, or counted by amounts. */
  readonly cpu: Float64Array | HourCpu;
  /** The request in force in cores; undefined before the promise began. */
  readonly request: number | undefined;
  /** A raise was asked for and could not be actuated: all of the hour counts as exceeded. */
  readonly isRaisePending?: boolean;
}

/** A request in cores and what it follows from. */
export interface CadenceDecision extends Demand {
  /** The request that is to be in force. */
  readonly amount: number;
  /** What the evidence asks for now; `amount` differs where the step is not worth a change, or not yet allowed. */
  readonly wanted: number;
  /** Factor for what a short history has not shown yet; 1 from a week on. */
  readonly youthFactor: number;
}

/** What a cadence decided for one risk, 0 to 1. */
export interface LevelDecision extends CadenceDecision {
  readonly risk: number;
}

/** The state of one container under a cadence: fed by the hour, asked by the hour. */
export interface Cadence {
  observe(hour: ObservedHour): void;
  /**
   * Undefined before the first sample. `inForce` is undefined before the first decision. What is given holds until the
   * next decision, which may be written over it.
   */
  decide(nowSeconds: number, inForce: number | undefined): CadenceDecision | undefined;
  /**
   * What the last decision was for the risk that is asked for, which comes first, and for each stricter level; amounts
   * never fall from one to the next. Empty before the first decision; holds until the next one.
   */
  levels(): readonly LevelDecision[];
  /** Bytes of state. */
  readonly bytes: number;
}

/** No container gets a request of nothing. */
const LEAST_CORES = 1e-5;

/** Evidence older than this does not lower. */
const STALE_SECONDS = 2 * 3600;

/** When a request follows what is wanted. */
export interface DeadBand {
  /** It rises when more than this multiple of it is wanted. */
  readonly raiseAbove: number;
  /** It falls when less than this multiple of it is wanted. */
  readonly lowerBelow: number;
}

export interface Settling {
  readonly wanted: number;
  readonly inForce: number | undefined;
  readonly mayLower: boolean;
}

/** The request that is to be in force: raised at once, lowered where that is worth it and allowed. */
export function settle({ wanted, inForce, mayLower }: Settling, band: DeadBand): number {
  const amount = Math.max(wanted, LEAST_CORES);
  if (inForce === undefined || amount > inForce * band.raiseAbove) return amount;
  return mayLower && amount < inForce * band.lowerBelow ? amount : inForce;
}

/** The first decision of each period of UTC, in seconds, is one that may lower. */
export class LoweringTimes {
  readonly #periodSeconds: number;
  #last = -Infinity;

  constructor(periodSeconds: number) {
    this.#periodSeconds = periodSeconds;
  }

  save(to: StateWriter): void {
    to.number(this.#last);
  }

  restore(from: StateReader): void {
    this.#last = from.number();
  }

  /** To be asked once at each decision, in ascending order of time. */
  isDue(nowSeconds: number): boolean {
    const period = Math.floor(nowSeconds / this.#periodSeconds);
    if (period <= this.#last) return false;
    this.#last = period;
    return true;
  }
}

export function isFresh(nowSeconds: number, lastSeconds: number): boolean {
  return nowSeconds - lastSeconds <= STALE_SECONDS;
}

/** Whether an hour has a sample. */
export function hasSample({ cpu }: ObservedHour): boolean {
  return !isListed(cpu) || !cpu.every(Number.isNaN);
}

/** Share of an hour's samples over a request in cores; undefined without a sample, or a request. */
export function exceededShare(hour: ObservedHour, request: number | undefined): number | undefined {
  if (request === undefined) return undefined;
  const { cpu, isRaisePending } = hour;
  const share = isListed(cpu) ? shareOver(cpu, request) : samplesOver(cpu, request) / cpu.samples;
  return share !== undefined && isRaisePending === true ? 1 : share;
}

function shareOver(cpu: Float64Array, request: number): number | undefined {
  let over = 0;
  let all = 0;
  for (const cores of cpu) {
    if (Number.isNaN(cores)) continue;
    all += 1;
    if (cores > request) over += 1;
  }
  return all === 0 ? undefined : over / all;
}

/** An hour with this share over the request is a shift of the level: a quantile would need days to see it. */
const SHIFTED_SHARE = 0.75;

/** The highest use of an hour that shifted the level, in cores; 0 for any other hour. */
export function shiftedLevel(hour: ObservedHour, exceeded: number | undefined): number {
  if (exceeded === undefined || exceeded < SHIFTED_SHARE) return 0;
  return Math.max(0, highestUse(hour) ?? 0);
}

/** The highest use of an hour in cores; undefined without a sample. */
export function highestUse({ cpu }: ObservedHour): number | undefined {
  if (!isListed(cpu)) return highestCores(cpu);
  let highest: number | undefined;
  for (const cores of cpu) if (cores >= (highest ?? 0)) highest = cores;
  return highest;
}

/** A week shows what a container can do; half a day is the least that a factor is stated for. */
const GROWN_DAYS = 7;
const YOUNGEST_DAYS = 0.5;
const YOUTH = 0.4;

/**
 * Young containers have not shown yet what they can do. The surprise that is left falls with 1 / days: half a day → 2.4,
 * a day → 1.5, two days → 1.2, four days → 1.05, a week → 1. The least with which 95 % of 1029 stretches of 2.6 days,
 * cut from longer series, kept 5, 2 and 1 % from the second day on.
 */
export function youthFactor(observedHours: number): number {
  const days = Math.max(observedHours / 24, YOUNGEST_DAYS);
  if (days >= GROWN_DAYS) return 1;
  return Math.exp((YOUTH * (1 / days - 1 / GROWN_DAYS)) / (1 - 1 / GROWN_DAYS));
}
