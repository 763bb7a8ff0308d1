import {
  exceededShare,
  shiftedLevel,
  type CadenceDecision,
  type CadenceSettings,
  type LevelDecision,
  type ObservedHour,
} from './cadence.ts';
import { Following } from './following.ts';
import { cpuOfHour, highestCores, HOUR_SECONDS } from './hours.ts';
import { RUNGS } from './ladder.ts';
import { JudgedDays, Tally } from './realised.ts';
import type { StateReader, StateWriter } from './savedstate.ts';
import { LEVELS, type Estimate, type Level, type SizingInput } from './sizing.ts';
import { Steady } from './steady.ts';
import type { HourCpu, UsageDay } from './usage.ts';
import { atMost, isJudged, walkHours, type Progress, type WalkedHour } from './walkedhours.ts';
import type { Writable } from './writable.ts';

type CadenceName = NonNullable<Estimate['cadence']>;

const NO_SAMPLES = new Float64Array(0);

/** A cadence that follows its own requests, for the risk that it was asked for and the stricter ones beside it. */
class Walk {
  readonly #cadence: Steady | Following;
  /** Lent to the cadence; written over, since a walk has hundreds. */
  readonly #hour: Writable<ObservedHour>;
  #amounts: readonly Pick<LevelDecision, 'risk' | 'amount'>[] = [];

  constructor(settings: CadenceSettings, name: CadenceName) {
    this.#hour = { startSeconds: 0, cpu: NO_SAMPLES, request: undefined };
    this.#cadence = name === 'Tracking' ? new Following(settings) : new Steady(settings);
  }

  follow({ startSeconds, endSeconds, weight, use: cpu }: WalkedHour<HourCpu>): void {
    const request = this.inForce(0)?.amount;
    const hour = this.#hour;
    hour.startSeconds = startSeconds;
    hour.cpu = cpu;
    hour.request = undefined;
    // The time that an hour stands for ages what was before it, but is charged once.
    for (let i = 1; i < weight; i++) this.#cadence.observe(hour);
    hour.request = request;
    this.#cadence.observe(hour);
    if (this.#cadence instanceof Steady) {
      this.#cadence.keepUp(endSeconds, request);
      this.#amounts = this.#cadence.amounts();
    } else {
      this.#cadence.decide(endSeconds, request);
      this.#amounts = this.#cadence.levels();
    }
  }

  /** Of Steady only, as what follows. */
  shorten(): void {
    if (this.#cadence instanceof Steady) this.#cadence.shorten();
  }

  save(to: StateWriter): void {
    if (this.#cadence instanceof Steady) this.#cadence.save(to);
  }

  restore(from: StateReader): void {
    if (!(this.#cadence instanceof Steady)) return;
    this.#cadence.restore(from);
    this.#amounts = this.#cadence.amounts();
  }

  /** Where the level of the risk stands from the first decision on; -1 before it. */
  indexOf(risk: number): number {
    return this.#amounts.findIndex((level) => level.risk === risk);
  }

  /** What was decided last; undefined before the first sample. */
  inForce(index: number): Pick<LevelDecision, 'amount'> | undefined {
    return this.#amounts[index];
  }

  /** All of the last decision; undefined before the first sample. */
  decision(index: number): CadenceDecision | undefined {
    return this.#cadence.levels()[index];
  }

  followed(index: number): CadenceName {
    return this.#cadence instanceof Following ? this.#cadence.followed(index) : 'Steady';
  }
}

/** One risk on a walk, and how it fared. */
export class Lane {
  readonly tally: Tally;
  /** The highest use of the last hour where that shifted the level, else 0. */
  shift = 0;
  readonly #walk: Walk;
  readonly #risk: number;
  #index = -1;

  constructor(walk: Walk, risk: number, judged: JudgedDays) {
    this.#walk = walk;
    this.#risk = risk;
    this.tally = new Tally(judged);
  }

  get decision(): CadenceDecision | undefined {
    return this.#walk.decision(this.#place());
  }

  get #inForce(): Pick<LevelDecision, 'amount'> | undefined {
    return this.#walk.inForce(this.#place());
  }

  #place(): number {
    if (this.#index < 0) this.#index = this.#walk.indexOf(this.#risk);
    return this.#index;
  }

  get followed(): CadenceName {
    return this.#walk.followed(this.#index);
  }

  /** Whether there is a size to judge by, which all risks have from the same hour on. */
  get hasSize(): boolean {
    return this.#inForce !== undefined;
  }

  /** Where nothing is over the size, as nearly always, there is nothing to count. */
  judge(use: HourCpu, most: number | undefined): void {
    const inForce = this.#inForce;
    if (inForce === undefined) return;
    const size = atMost(inForce.amount, most);
    if (highestCores(use) > size) this.tally.addCpu(use, size);
  }

  /** To be told of an hour before the walk is. */
  see({ startSeconds, use: cpu }: WalkedHour<HourCpu>): void {
    const inForce = this.#inForce;
    this.shift = 0;
    // Where nothing is over it, as nearly always, nothing has shifted.
    if (inForce === undefined || highestCores(cpu) <= inForce.amount) return;
    const hour = { startSeconds, cpu, request: inForce.amount };
    this.shift = shiftedLevel(hour, exceededShare(hour, inForce.amount));
  }

  level(): Level | undefined {
    if (this.#inForce === undefined) return undefined;
    return { risk: this.#risk, amount: this.#inForce.amount, realised: this.tally.cpu() };
  }
}

const [LOOSEST = 1] = RUNGS;

/** CPU walked over hour by hour: the promise and the levels beside it, each held against its own requests. */
export class CpuWalk {
  readonly promised: Lane;
  readonly levels: readonly Lane[];
  readonly #walks: readonly Walk[];
  readonly #input: SizingInput;
  readonly #ripeHours: number;
  readonly #progress: Progress = { hours: 0, lastSeconds: undefined };
  readonly #judged = new JudgedDays();

  /** Hours are judged once so many went before them. */
  constructor(input: SizingInput, ripeHours: number) {
    const { settings } = input;
    const { risk } = settings.resources.cpu;
    const walkOf = (asked: number) => new Walk(cadenceSettings(asked, input), settings.cadence);
    const common = walkOf(LOOSEST);
    this.#walks = RUNGS.includes(risk) ? [common] : [common, walkOf(risk)];
    this.promised = new Lane(this.#walks.at(-1) ?? common, risk, this.#judged);
    this.levels = LEVELS.map((level) => new Lane(common, level, this.#judged));
    this.#input = input;
    this.#ripeHours = ripeHours;
  }

  /** Walks on over days that follow. */
  over(days: readonly UsageDay[]): void {
    const see = (hour: WalkedHour<HourCpu>): void => this.#see(hour);
    const useOf = (day: UsageDay, hour: number) => cpuOfHour(day.hours, hour);
    walkHours({ ...this.#input, days }, useOf, see, this.#progress);
  }

  #see(hour: WalkedHour<HourCpu>): void {
    // A first sample over the request would pass for an hour of them. But a first hour is all that there is.
    if (!hour.isOver && hour.hoursBefore > 0) return;
    if (isJudged(hour, this.#input) && hour.hoursBefore >= this.#ripeHours) this.#judge(hour);
    this.promised.see(hour);
    for (const walk of this.#walks) walk.follow(hour);
  }

  #judge({ startSeconds, use }: WalkedHour<HourCpu>): void {
    // Before the first decision there is nothing to judge by.
    if (!this.promised.hasSize) return;
    this.#judged.addCpu(startSeconds, use);
    this.promised.judge(use, this.#input.most);
    for (const lane of this.levels) lane.judge(use, undefined);
  }

  /** To be called where today begins, whether it is saved there or not. */
  shorten(): void {
    for (const walk of this.#walks) walk.shorten();
  }

  /** All that the hours to come depend on; of the cadence Steady only, whose state is small. */
  save(to: StateWriter): void {
    const { hours, lastSeconds = NaN } = this.#progress;
    to.numbers([hours, lastSeconds, this.promised.shift]);
    this.#judged.save(to);
    for (const tally of this.#tallies) tally.save(to);
    for (const walk of this.#walks) walk.save(to);
  }

  /** Goes on from where a walk of the same settings was saved. */
  restore(from: StateReader): void {
    this.#progress.hours = from.number();
    const last = from.number();
    this.#progress.lastSeconds = Number.isNaN(last) ? undefined : last;
    this.promised.shift = from.number();
    this.#judged.restore(from);
    for (const tally of this.#tallies) tally.restore(from);
    for (const walk of this.#walks) walk.restore(from);
  }

  get #tallies(): readonly Tally[] {
    return [this.promised, ...this.levels].map(({ tally }) => tally);
  }
}

function cadenceSettings(risk: number, { settings }: SizingInput): CadenceSettings {
  const { confidence, halfLifeSeconds } = settings;
  return { risk, confidence, halfLifeHours: halfLifeSeconds / HOUR_SECONDS };
}
