import {
  exceededShare,
  shiftedLevel,
  type Cadence,
  type CadenceDecision,
  type CadenceSettings,
  type LevelDecision,
} from './cadence.ts';
import { Following } from './following.ts';
import { cpuOfHour, highestCores, HOUR_SECONDS, HOURS_OF_DAY } from './hours.ts';
import { RUNGS } from './ladder.ts';
import { Tally } from './realised.ts';
import { LEVELS, type Estimate, type Level, type Sizing, type SizingInput } from './sizing.ts';
import { Steady } from './steady.ts';
import { DAY_SECONDS, type HourCpu } from './usage.ts';
import { atMost, coveredIn, isJudged, walkHours, type WalkedHour } from './walkedhours.ts';

type CadenceName = NonNullable<Estimate['cadence']>;

/** A cadence that follows its own requests, for the risk that it was asked for and the stricter ones beside it. */
class Walk {
  readonly #cadence: Cadence;
  readonly #following: Following | undefined;
  #levels: readonly LevelDecision[] = [];

  constructor(settings: CadenceSettings, name: CadenceName) {
    this.#following = name === 'Tracking' ? new Following(settings) : undefined;
    this.#cadence = this.#following ?? new Steady(settings);
  }

  follow({ startSeconds, endSeconds, weight, use: cpu }: WalkedHour<HourCpu>): void {
    const request = this.#levels[0]?.amount;
    // The time that an hour stands for ages what was before it, but is charged once.
    for (let i = 1; i < weight; i++) {
      this.#cadence.observe({ startSeconds, cpu, request: undefined });
    }
    this.#cadence.observe({ startSeconds, cpu, request });
    this.#cadence.decide(endSeconds, request);
    this.#levels = this.#cadence.levels();
  }

  /** Where the level of the risk stands from the first decision on; -1 before it. */
  indexOf(risk: number): number {
    return this.#levels.findIndex((level) => level.risk === risk);
  }

  /** Undefined before the first sample. */
  decision(index: number): CadenceDecision | undefined {
    return this.#levels[index];
  }

  followed(index: number): CadenceName {
    return this.#following?.followed(index) ?? 'Steady';
  }
}

/** One risk on a walk, and how it fared. */
class Lane {
  readonly tally = new Tally();
  /** The highest use of the last hour where that shifted the level, else 0. */
  shift = 0;
  readonly #walk: Walk;
  readonly #risk: number;
  #index = -1;

  constructor(walk: Walk, risk: number) {
    this.#walk = walk;
    this.#risk = risk;
  }

  get decision(): CadenceDecision | undefined {
    if (this.#index < 0) this.#index = this.#walk.indexOf(this.#risk);
    return this.#walk.decision(this.#index);
  }

  get followed(): CadenceName {
    return this.#walk.followed(this.#index);
  }

  judge({ startSeconds, use }: WalkedHour<HourCpu>, most: number | undefined): void {
    this.tally.addCpu(startSeconds, use, atMost(this.decision?.amount, most));
  }

  /** To be told of an hour before the walk is. */
  see({ startSeconds, use: cpu }: WalkedHour<HourCpu>): void {
    const request = this.decision?.amount;
    this.shift = 0;
    // Where nothing is over it, as nearly always, nothing has shifted.
    if (request === undefined || highestCores(cpu) <= request) return;
    const hour = { startSeconds, cpu, request };
    this.shift = shiftedLevel(hour, exceededShare(hour, request));
  }

  level(): Level | undefined {
    if (this.decision === undefined) return undefined;
    return { risk: this.#risk, amount: this.decision.amount, realised: this.tally.cpu() };
  }
}

const [LOOSEST = 1] = RUNGS;

/** CPU by its cadence; each risk beside the promised one has a request of its own. */
export function sizeCpu(input: SizingInput): Sizing {
  const { settings } = input;
  const { risk } = settings.resources.cpu;
  const walkOf = (asked: number) => new Walk(cadenceSettings(asked, input), settings.cadence);
  const common = walkOf(LOOSEST);
  const walks = RUNGS.includes(risk) ? [common] : [common, walkOf(risk)];
  const promised = new Lane(walks.at(-1) ?? common, risk);
  const levels = LEVELS.map((level) => new Lane(common, level));
  const ripeHours = hoursUntilRipe(input);
  const see = (hour: WalkedHour<HourCpu>): void => {
    // A first sample over the request would pass for an hour of them. But a first hour is all that there is.
    if (!hour.isOver && hour.hoursBefore > 0) return;
    if (isJudged(hour, input) && hour.hoursBefore >= ripeHours) {
      promised.judge(hour, input.most);
      for (const lane of levels) lane.judge(hour, undefined);
    }
    promised.see(hour);
    for (const walk of walks) walk.follow(hour);
  };
  walkHours(input, (day, hour) => cpuOfHour(day.hours, hour), see);
  return {
    estimate: estimateOf(promised, input),
    realised: promised.tally.cpu(),
    levels: levels.flatMap((lane) => lane.level() ?? []),
    excesses: [],
  };
}

/** From a week of history on nothing is put on for want of it. */
const GROWN_HOURS = 7 * HOURS_OF_DAY;

/**
 * Hours that go before those that are judged: a week, or half of what there is. A size of now has all of it to rest on,
 * and sizes that had little have more put on: they would say how the young fare.
 */
function hoursUntilRipe(input: SizingInput): number {
  return Math.min((coveredIn('cpu', input) * HOURS_OF_DAY) / 2, GROWN_HOURS);
}

function cadenceSettings(risk: number, { settings }: SizingInput): CadenceSettings {
  const { confidence, halfLifeSeconds } = settings;
  return { risk, confidence, halfLifeHours: halfLifeSeconds / HOUR_SECONDS };
}

function estimateOf({ decision, shift, followed }: Lane, input: SizingInput): Estimate | undefined {
  if (decision === undefined) return undefined;
  const { amount, wanted, margin, isSpent, tail } = decision;
  const base = {
    amount,
    wanted,
    margin,
    marginBasis: undefined,
    cadence: followed,
    isSpent,
    coveredDays: coveredIn('cpu', input),
    halfLifeDays: input.settings.halfLifeSeconds / DAY_SECONDS,
  };
  if (shift > 0 && wanted === shift * margin) {
    return { ...base, basis: 'Shift', use: shift, quantile: 1, youthFactor: 1 };
  }
  return {
    ...base,
    basis: 'Quantile',
    use: wanted / margin / decision.youthFactor,
    quantile: 1 - tail,
    youthFactor: decision.youthFactor,
  };
}
