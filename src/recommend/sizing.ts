import type { Behaviour } from './behaviour.ts';
import type { Margin } from './peaks.ts';
import type { Realised } from './realised.ts';
import type { ContainerSettings } from './settings.ts';
import type { UsageDay } from './usage.ts';

/** Risks of the curve of cost over risk, from the loosest to the strictest. */
export const LEVELS: readonly number[] = [0.1, 0.05, 0.02, 0.01, 0.005];

/** A request as the evidence asks for it, before any clamp, and how it came about: use × margin × youthFactor. */
export interface Estimate {
  /** Cores or bytes: what would be in force now, had the estimates been followed since the window began. */
  readonly amount: number;
  /** What the evidence asks for now; `amount` differs while lowering is not due, or not worth a step. */
  readonly wanted: number;
  /** What `use` is: a quantile of CPU use, its highest in an hour that shifted the level, or the memory peak. */
  readonly basis: 'Quantile' | 'Shift' | 'Peak';
  /** What CPU follows; undefined for memory. */
  readonly cadence: 'Steady' | 'Tracking' | undefined;
  /** Cores or bytes. */
  readonly use: number;
  /** 0 to 1; 1 for a maximum. */
  readonly quantile: number;
  readonly margin: number;
  /** What the margin on memory peaks was taken from; undefined for CPU. */
  readonly marginBasis: Margin['basis'] | undefined;
  /** 1, or more while history is short. */
  readonly youthFactor: number;
  /** The risk budget is used up, so that the margin is larger. */
  readonly isSpent: boolean;
  /** Days of use that it rests on, gaps not counted. */
  readonly coveredDays: number;
  /** Age at which a sample counted half; undefined where age does not matter. */
  readonly halfLifeDays: number | undefined;
}

/** What one risk asks for, and what it would have realised. */
export interface Level {
  /** 0 to 1. */
  readonly risk: number;
  /** Cores or bytes that it would have in force now, before any clamp; no less than a looser risk has. */
  readonly amount: number;
  readonly realised: Realised | undefined;
}

/** That the peak of a day was over the highest of the days before it, in units of their spread. */
export interface DayExcess {
  /** Days since 1970-01-01 UTC. */
  readonly day: number;
  /** Below 0 for a day without a new peak. */
  readonly excess: number;
}

export interface Sizing {
  /** Undefined when the window has no sample of the resource. */
  readonly estimate: Estimate | undefined;
  /** Undefined when nothing can be judged. */
  readonly realised: Realised | undefined;
  /** One for each of LEVELS, in their order; empty when the window has no sample of the resource. */
  readonly levels: readonly Level[];
  /** Memory: what the days of this container say of the margin, in ascending order. */
  readonly excesses: readonly DayExcess[];
  /** What CPU use looks like over the days before today, or all where these cover less than one; undefined for memory, and with `most`. */
  readonly behaviour: Behaviour | undefined;
  /**
   * CPU: where the walk stood when today began, to be given again at the next look. Undefined where that cannot be gone
   * on from, or where it is what was given.
   */
  readonly walked: Float64Array | undefined;
}

/** The margin on memory peaks that a risk asks for on a UTC day, from what was known before that day. */
export type MarginOf = (risk: number, day: number) => Margin;

export interface SizingInput {
  /** The days of the window, ascending. */
  readonly days: readonly UsageDay[];
  readonly settings: ContainerSettings;
  readonly nowSeconds: number;
  /** Between two runs there is nothing that could be missing: an hour stands for the time since the one before it. */
  readonly runsToCompletion: boolean;
  readonly marginOf: MarginOf;
  /** Where the walk over CPU stood when today began, as an earlier look had it; that of something else has no effect. */
  readonly walked?: Float64Array | undefined;
  /** What was realised is judged against no more than this, in cores or bytes: what a bound leaves of the size. */
  readonly most?: number;
}
