import {
  exceededShare,
  shiftedLevel,
  youthFactor,
  type CadenceDecision,
  type ObservedHour,
} from './cadence.ts';
import { cpuOfHour, HOUR_SECONDS, HOURS_OF_DAY } from './hours.ts';
import { PeakMargin, Peaks, type MemoryDecision } from './peaks.ts';
import type { ContainerSettings } from './settings.ts';
import { Steady } from './steady.ts';
import { DAY_SECONDS, type Resource, type UsageDay } from './usage.ts';
import { coveredDays } from './window.ts';

/** A request as the evidence asks for it, before any clamp, and how it came about: use × margin × youthFactor. */
export interface Estimate {
  /** Cores or bytes: what would be in force now, had the estimates been followed since the window began. */
  readonly amount: number;
  /** What the evidence asks for now; `amount` differs while lowering is not due, or not worth a step. */
  readonly wanted: number;
  /** What `use` is: a quantile of CPU use, its highest in an hour that shifted the level, or the memory peak. */
  readonly basis: 'Quantile' | 'Shift' | 'Peak';
  /** Cores or bytes. */
  readonly use: number;
  /** 0 to 1; 1 for a maximum. */
  readonly quantile: number;
  readonly margin: number;
  /** 1, or more while history is short. */
  readonly youthFactor: number;
  /** The risk budget is used up, so that the margin is larger. */
  readonly isSpent: boolean;
  /** Days of use that it rests on, gaps not counted. */
  readonly coveredDays: number;
  /** Age at which a sample counted half; undefined where age does not matter. */
  readonly halfLifeDays: number | undefined;
}

/** Of memory no more days than these are looked at, however long the window. */
const PEAK_DAYS = 14;

/** What a rule would have realised on hours that it had not seen. */
export interface Realised {
  /** Days of which anything could be judged. */
  readonly days: number;
  /** CPU: share of the samples over the request, 0 to 1. Memory: share of the days with a peak over it. */
  readonly share: number;
  /** Days on which the amount was passed at all. */
  readonly daysHit: number;
}

export interface Sizing {
  /** Undefined when the window has no sample of the resource. */
  readonly estimate: Estimate | undefined;
  /** Undefined when nothing can be judged. */
  readonly realised: Realised | undefined;
}

export interface SizingInput {
  /** The days of the window, ascending. */
  readonly days: readonly UsageDay[];
  readonly settings: ContainerSettings;
  readonly nowSeconds: number;
  /** Between two runs there is nothing that could be missing: an hour stands for the time since the one before it. */
  readonly runsToCompletion: boolean;
  /** What was realised is judged against no more than this, in cores or bytes: what a bound leaves of the size. */
  readonly most?: number;
}

/**
 * Walks over the hours of the window from its beginning. Each hour is held against the amount that the hours before
 * it asked for, and the risk budget is charged with what went over it: so the state of the budget is rebuilt from
 * history at each look, and a restart forgets nothing. Nothing after an hour has any effect on it.
 */
export function size(resource: Resource, input: SizingInput): Sizing {
  return resource === 'cpu' ? sizeCpu(input) : sizeMemory(input);
}

/** An hour with a sample of the resource. */
interface Hour<Use> {
  readonly startSeconds: number;
  /** End of the hour; now, while it is not over. */
  readonly endSeconds: number;
  readonly isOver: boolean;
  /** Hours that it stands for. */
  readonly weight: number;
  /** Hours that were seen before it. */
  readonly hoursBefore: number;
  readonly use: Use;
}

function* hoursWith<Use>(
  { days, nowSeconds, runsToCompletion }: SizingInput,
  useOf: (day: UsageDay, hour: number) => Use | undefined,
): Generator<Hour<Use>> {
  let hoursBefore = 0;
  let last: number | undefined;
  for (const day of days) {
    for (let hour = 0; hour < HOURS_OF_DAY; hour++) {
      const startSeconds = day.startSeconds + hour * HOUR_SECONDS;
      const use = startSeconds < nowSeconds ? useOf(day, hour) : undefined;
      if (use === undefined) continue;
      const since = last === undefined ? 1 : (startSeconds - last) / HOUR_SECONDS;
      const weight = runsToCompletion ? Math.min(since, HOURS_OF_DAY) : 1;
      const endSeconds = Math.min(startSeconds + HOUR_SECONDS, nowSeconds);
      const isOver = startSeconds + HOUR_SECONDS <= nowSeconds;
      yield { startSeconds, endSeconds, isOver, weight, hoursBefore, use };
      hoursBefore += weight;
      last = startSeconds;
    }
  }
}

function sizeCpu(input: SizingInput): Sizing {
  const { settings } = input;
  const steady = new Steady({
    risk: settings.resources.cpu.risk,
    confidence: settings.confidence,
    halfLifeHours: settings.halfLifeSeconds / HOUR_SECONDS,
  });
  const tally = new Tally();
  let decision: CadenceDecision | undefined;
  let shift = 0;
  const hours = hoursWith(input, ({ hours: packed }, hour) => {
    const cpu = cpuOfHour(packed, hour);
    return cpu.length === 0 ? undefined : Float64Array.from(cpu);
  });
  for (const hour of hours) {
    // A first sample over the request would pass for an hour of them. But a first hour is all that there is.
    if (!hour.isOver && hour.hoursBefore > 0) break;
    const { startSeconds, use: cpu } = hour;
    const observed: ObservedHour = { startSeconds, cpu, request: decision?.amount };
    const exceeded = exceededShare(observed);
    if (isJudged(hour, settings)) judgeCpu(tally, observed, input.most);
    // The time that an hour stands for ages what was before it, but is charged once.
    for (let i = 1; i < hour.weight; i++) steady.observe({ ...observed, request: undefined });
    steady.observe(observed);
    shift = shiftedLevel(observed, exceeded);
    decision = steady.decide(hour.endSeconds, decision?.amount);
  }
  const covered = coveredIn('cpu', input);
  return {
    estimate: decision && {
      ...cpuEstimate(decision, shift, covered),
      halfLifeDays: settings.halfLifeSeconds / DAY_SECONDS,
    },
    realised: tally.bySamples(),
  };
}

function judgeCpu(tally: Tally, observed: ObservedHour, most: number | undefined): void {
  const over = exceededShare({ ...observed, request: atMost(observed.request, most) });
  if (over === undefined) return;
  tally.add(observed.startSeconds, over * observed.cpu.length, observed.cpu.length);
}

function atMost(amount: number | undefined, most = Infinity): number | undefined {
  return amount === undefined ? undefined : Math.min(amount, most);
}

function coveredIn(resource: Resource, { days, settings }: SizingInput): number {
  return Math.min(coveredDays(resource, days), settings.windowSeconds / DAY_SECONDS);
}

function isJudged(hour: Hour<unknown>, { minimumSeconds }: ContainerSettings): boolean {
  return hour.isOver && hour.hoursBefore * HOUR_SECONDS >= minimumSeconds;
}

function cpuEstimate(
  decision: CadenceDecision,
  shift: number,
  covered: number,
): Omit<Estimate, 'halfLifeDays'> {
  const { amount, wanted, margin, isSpent, tail } = decision;
  const base = { amount, wanted, margin, isSpent, coveredDays: covered };
  if (shift > 0 && wanted === shift * margin) {
    return { ...base, basis: 'Shift', use: shift, quantile: 1, youthFactor: 1 };
  }
  const use = wanted / margin / decision.youthFactor;
  return {
    ...base,
    basis: 'Quantile',
    use,
    quantile: 1 - tail,
    youthFactor: decision.youthFactor,
  };
}

function sizeMemory(input: SizingInput): Sizing {
  const { settings, nowSeconds } = input;
  const peaks = new Peaks();
  const excess = new PeakMargin(settings.resources.memory.risk).excess();
  const tally = new Tally();
  let decision: MemoryDecision | undefined;
  let hoursSeen = 0;
  const hours = hoursWith(input, ({ hours: { memoryPeaks } }, hour) => {
    const peak = memoryPeaks[hour] ?? NaN;
    return Number.isNaN(peak) ? undefined : peak;
  });
  for (const hour of hours) {
    const { startSeconds, use: peak } = hour;
    const day = Math.floor(startSeconds / DAY_SECONDS) * DAY_SECONDS;
    const isDayOver = day + DAY_SECONDS <= nowSeconds;
    if (decision !== undefined && isDayOver && isJudged(hour, settings)) {
      const size = atMost(decision.amount, input.most) ?? 0;
      tally.add(startSeconds, peak > size ? 1 : 0, 1);
    }
    const observed = { startSeconds, memory: Float64Array.of(peak) };
    for (let i = 0; i < hour.weight; i++) peaks.observe(observed);
    hoursSeen = hour.hoursBefore + hour.weight;
    decision = peaks.decide(hour.endSeconds, excess, decision?.amount);
  }
  const covered = Math.min(coveredIn('memory', input), PEAK_DAYS);
  return {
    estimate: decision && memoryEstimate(decision, youthFactor(hoursSeen), covered),
    realised: tally.byDays(),
  };
}

/** Of the margin of the risk and that of youth the larger one holds. */
function memoryEstimate(
  { amount, wanted, peak, margin }: MemoryDecision,
  youth: number,
  covered: number,
): Estimate {
  const isYoung = youth > 1 && margin === youth;
  return {
    amount,
    wanted,
    basis: 'Peak',
    use: peak,
    quantile: 1,
    margin: isYoung ? 1 : margin,
    youthFactor: isYoung ? youth : 1,
    isSpent: false,
    coveredDays: covered,
    halfLifeDays: undefined,
  };
}

/** Counts what went over, by samples and by UTC days. */
class Tally {
  readonly #hits = new Map<number, number>();
  #over = 0;
  #total = 0;

  add(timeSeconds: number, over: number, total: number): void {
    const day = Math.floor(timeSeconds / DAY_SECONDS);
    this.#hits.set(day, (this.#hits.get(day) ?? 0) + over);
    this.#over += over;
    this.#total += total;
  }

  #days(): { days: number; daysHit: number } {
    const hits = [...this.#hits.values()];
    return { days: hits.length, daysHit: hits.filter((over) => over > 0).length };
  }

  bySamples(): Realised | undefined {
    return this.#total === 0 ? undefined : { ...this.#days(), share: this.#over / this.#total };
  }

  byDays(): Realised | undefined {
    const { days, daysHit } = this.#days();
    return days === 0 ? undefined : { days, daysHit, share: daysHit / days };
  }
}
