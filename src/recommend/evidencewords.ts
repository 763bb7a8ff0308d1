import { shareInterval, type Supported } from './attainable.ts';
import { clopperPearson, upperRate, type Interval } from './chance.ts';
import type { Realised } from './realised.ts';
import type { Resource } from './usage.ts';

/** How amounts, shares and days are written for people; given from outside, since quantities belong to the API. */
export interface Wording {
  readonly amount: (resource: Resource, amount: number) => string;
  readonly share: (share: number) => string;
  /** `2026-11-03`, the UTC day that holds the time. */
  readonly day: (seconds: number) => string;
}

/** Of the intervals that are shown. */
const LEVEL = 0.95;
/** Of the bound that a few days can show by themselves. */
const CONFIDENCE = 0.9;

/** `0.7%` of the time for CPU, `0 of 13 days` for memory. */
export function realisedWords(resource: Resource, realised: Realised, { share }: Wording): string {
  return resource === 'cpu' ? share(realised.share) : daysHitWords(realised);
}

/** `3 of 13 days`. */
export function daysHitWords({ daysHit, days }: Realised): string {
  return `${daysHit} of ${days} ${days === 1 ? 'day' : 'days'}`;
}

/**
 * 95 % intervals: for CPU that of the share of time, from a week on and where there was any; for both that of the days
 * on which the size was passed at all. `0.2% to 1.1% of time, 5% to 51% of days`, `0% to 25% of days`.
 */
export function intervalWords(resource: Resource, realised: Realised, wording: Wording): string {
  const hasShare = resource === 'cpu' && realised.daysHit > 0;
  const time = hasShare ? shareInterval(realised, LEVEL) : undefined;
  const days = clopperPearson(realised.daysHit, realised.days, LEVEL);
  const text = ({ low, high }: Interval) => `${wording.share(low)} to ${wording.share(high)}`;
  return `${time === undefined ? '' : `${text(time)} of time, `}${text(days)} of days`;
}

/** From so many sizes above the size on, a percentage says little. */
const FAR_ABOVE = 9;

/** `2026-11-03: 12% of the day`, `2026-11-03: 12% above the size`; undefined when no day was hit. */
export function worstDayWords(
  resource: Resource,
  { daysHit, worstDay, worstDaySeconds }: Realised,
  { share, day }: Wording,
): string | undefined {
  if (daysHit === 0) return undefined;
  if (resource === 'cpu') return `${day(worstDaySeconds)}: ${share(worstDay)} of the day`;
  const above = worstDay < FAR_ABOVE ? `${share(worstDay)} above` : 'over 10 times';
  return `${day(worstDaySeconds)}: ${above} the size`;
}

/** `5%`, or `none`, for a promise that the container's own history refutes; undefined for any other. */
export function supportedWords(
  supported: Supported | undefined,
  { share }: Wording,
): string | undefined {
  if (supported === undefined || supported.isAttainable) return undefined;
  return supported.risk === undefined ? 'none' : share(supported.risk);
}

/**
 * How far the container's own days go, where they do not reach the promise: `By themselves, so few days show 16% of
 * pod-days at best (90% sure)`. Undefined where they show the promise by themselves, or nothing at all.
 */
export function fewDaysWords(
  { days, daysHit }: Realised,
  promised: number,
  { share }: Wording,
): string | undefined {
  const shown = upperRate(daysHit, days, CONFIDENCE);
  if (shown <= promised || shown === 1) return undefined;
  return `By themselves, so few days show ${share(shown)} of pod-days at best (${share(CONFIDENCE)} sure)`;
}
