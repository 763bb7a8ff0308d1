import {
  hasSample,
  isFresh,
  LoweringTimes,
  type Cadence,
  type CadenceDecision,
  type CadenceSettings,
  type LevelDecision,
  type ObservedHour,
} from './cadence.ts';
import { Steady } from './steady.ts';
import { Tracking } from './tracking.ts';
import { DAY_SECONDS } from './usage.ts';

/** Requests of long ago count half after this long: a container may change its ways. */
const HALF_LIFE_HOURS = 14 * 24;
const DECAY = 2 ** (-1 / HALF_LIFE_HOURS);

/** Tracking is followed where its requests were at most this share of Steady's. */
const WORTH_FOLLOWING = 0.95;

/** Hours of both that are compared before Tracking is followed at all. */
const LEAST_HOURS = 24;

type Followed = 'Tracking' | 'Steady';

/** One of the two cadences, with what it would have had in force since it began. */
class Path {
  readonly #cadence: Cadence;
  #request: number | undefined;
  #levels: readonly LevelDecision[] = [];

  constructor(cadence: Cadence) {
    this.#cadence = cadence;
  }

  get bytes(): number {
    return this.#cadence.bytes + 8;
  }

  /** From the risk that is asked for to the strictest; empty before the first sample. */
  get levels(): readonly LevelDecision[] {
    return this.#levels;
  }

  /** `request` stands for what the path itself would have in force; undefined where that is to be taken. */
  observe(hour: ObservedHour, request: number | undefined): void {
    const own = hour.request === undefined ? undefined : (request ?? this.#request);
    this.#cadence.observe({ ...hour, request: own });
  }

  decide(nowSeconds: number, inForce: number | undefined): void {
    this.#request = this.#cadence.decide(nowSeconds, inForce ?? this.#request)?.amount;
    this.#levels = this.#cadence.levels();
  }
}

/** One risk: which of the two it follows, and the sums of the requests of both. State: 24 bytes. */
class Choice {
  #followed: Followed = 'Steady';
  #tracking = 0;
  #steady = 0;

  get followed(): Followed {
    return this.#followed;
  }

  /** Takes what both had in force for an hour with samples. */
  compare(tracking: number, steady: number): void {
    this.#tracking = this.#tracking * DECAY + tracking;
    this.#steady = this.#steady * DECAY + steady;
  }

  choose(): void {
    const pays = this.#tracking <= WORTH_FOLLOWING * this.#steady;
    this.#followed = pays ? 'Tracking' : 'Steady';
  }
}

/**
 * Tracking where it pays, else Steady: both are walked over the same past, and once a day each risk takes the one
 * whose requests were lower there. No risk asks for more than a stricter one that follows the other.
 */
export class Following implements Cadence {
  readonly #tracking: Path;
  readonly #steady: Path;
  readonly #days = new LoweringTimes(DAY_SECONDS);
  #choices: readonly Choice[] = [];
  #levels: readonly LevelDecision[] = [];
  #comparedHours = 0;
  #lastSeconds = -Infinity;

  constructor(settings: CadenceSettings) {
    this.#tracking = new Path(new Tracking(settings));
    this.#steady = new Path(new Steady(settings));
  }

  /**
   * What a risk follows today, in the order of `levels`, the one that is asked for being the first; a stricter one that
   * follows the other may still bound it.
   */
  followed(level = 0): Followed {
    return this.#choices[level]?.followed ?? 'Steady';
  }

  get bytes(): number {
    return this.#tracking.bytes + this.#steady.bytes + 24 * this.#choices.length + 32;
  }

  levels(): readonly LevelDecision[] {
    return this.#levels;
  }

  observe(hour: ObservedHour): void {
    // What both would have asked for is compared from the first sample on, before the promise begins.
    if (hour.request === undefined) this.#walk(hour.startSeconds, undefined);
    const request = this.#foreign(hour.request);
    this.#tracking.observe(hour, request);
    this.#steady.observe(hour, request);
    if (!hasSample(hour)) return;
    this.#lastSeconds = hour.startSeconds + 3600;
    this.#compare();
  }

  decide(nowSeconds: number, inForce: number | undefined): CadenceDecision | undefined {
    this.#walk(nowSeconds, this.#foreign(inForce));
    const mayLower = inForce === undefined || isFresh(nowSeconds, this.#lastSeconds);
    if (this.#days.isDue(nowSeconds) && mayLower) this.#choose();
    this.#levels = this.#bounded(mayLower ? 0 : inForce);
    return this.#levels[0];
  }

  /** A request that is not what was decided here: both go on from it. */
  #foreign(request: number | undefined): number | undefined {
    return request === this.#levels[0]?.amount ? undefined : request;
  }

  #walk(nowSeconds: number, inForce: number | undefined): void {
    this.#tracking.decide(nowSeconds, inForce);
    this.#steady.decide(nowSeconds, inForce);
  }

  #compare(): void {
    const steady = this.#steady.levels;
    const tracking = this.#tracking.levels;
    if (tracking.length === 0) return;
    if (this.#choices.length === 0) this.#choices = tracking.map(() => new Choice());
    for (const [i, choice] of this.#choices.entries()) {
      choice.compare(tracking[i]?.amount ?? 0, steady[i]?.amount ?? 0);
    }
    this.#comparedHours += 1;
  }

  #choose(): void {
    if (this.#comparedHours < LEAST_HOURS) return;
    for (const choice of this.#choices) choice.choose();
  }

  /** The levels of what each follows, none over a stricter one, nor the one that is asked for under `least`. */
  #bounded(least: number): readonly LevelDecision[] {
    const tracking = this.#tracking.levels;
    const levels: LevelDecision[] = [];
    for (const [i, steady] of [...this.#steady.levels.entries()].toReversed()) {
      const followed = this.#choices[i]?.followed === 'Tracking' ? tracking[i] : undefined;
      const own = followed ?? steady;
      const stricter = levels[0];
      const isBound = stricter !== undefined && stricter.amount < own.amount;
      // A copy, since it is to hold while both walk on.
      levels.unshift({ ...(isBound ? stricter : own), risk: own.risk });
    }
    const [asked] = levels;
    if (asked !== undefined && asked.amount < least) levels[0] = { ...asked, amount: least };
    return levels;
  }
}
