import { HOUR_SECONDS, HOURS_OF_DAY } from './hours.ts';
import type { UsageHistory } from './usage.ts';

/** A fall to this share of the hour before begins a new run: a restart, a rollout, memory that was given back. */
const NEW_RUN_SHARE = 2 / 3;

/** A peak may be lower than one before it by this share, and growth is more than that. */
const NOISE_SHARE = 0.02;

const LEAST_GROWTH_SHARE = 0.1;
const LEAST_HOURS = 24;

/** The last day is looked at in parts of so many hours: each must have grown. */
const PART_HOURS = 6;

/** Hours without a sample that the last day may have. */
const MISSING_HOURS = 4;

/** What fills up and levels off has grown by less than this share of an even growth in the last part. */
const STILL_GROWING_SHARE = 0.75;

interface Peak {
  readonly startSeconds: number;
  readonly bytes: number;
}

/**
 * Since when the memory of a container is suspected to leak, in unix seconds: the hour from which on, in the present
 * run, hourly peaks have grown almost without a fall, over a day at least and by a tenth at least, each quarter of the
 * last day included. Undefined where they have not. The hour that is not over is left out. Replicas are pooled, and an
 * hour has the peak of the fullest: one replica that leaks is seen once it is the fullest, and replicas that leak and
 * restart by turns, none of which stays the fullest for a day, are not.
 */
export function leakSince(
  history: UsageHistory,
  { nowSeconds }: { readonly nowSeconds: number },
): number | undefined {
  const growing = growingRun(history, nowSeconds);
  const [base] = growing;
  const last = growing.at(-1);
  if (base === undefined || last === undefined) return undefined;
  const isOfNow = nowSeconds - last.startSeconds <= 2 * HOUR_SECONDS;
  const since = growing.findLast(({ bytes }) => bytes <= base.bytes * (1 + NOISE_SHARE)) ?? base;
  const hours = (last.startSeconds - since.startSeconds) / HOUR_SECONDS;
  const hasGrown = highest(growing) >= base.bytes * (1 + LEAST_GROWTH_SHARE);
  return isOfNow && hours >= LEAST_HOURS && hasGrown && isStillGrowing(growing, last)
    ? since.startSeconds
    : undefined;
}

/** Of the hours that are over, the last without a fall beyond noise. Mostly a few, so that it begins at the end. */
function growingRun({ days }: UsageHistory, nowSeconds: number): readonly Peak[] {
  const growing: Peak[] = [];
  let least = Infinity;
  let after = Infinity;
  for (const { startSeconds, hours } of days.toReversed()) {
    for (let hour = HOURS_OF_DAY - 1; hour >= 0; hour--) {
      const bytes = hours.memoryPeaks[hour] ?? NaN;
      const start = startSeconds + hour * HOUR_SECONDS;
      if (Number.isNaN(bytes) || start + HOUR_SECONDS > nowSeconds) continue;
      const isNewRun = after <= bytes * NEW_RUN_SHARE;
      if (isNewRun || bytes > least * (1 + NOISE_SHARE)) return growing.toReversed();
      least = Math.min(least, bytes);
      after = bytes;
      growing.push({ startSeconds: start, bytes });
    }
  }
  return growing.toReversed();
}

function isStillGrowing(growing: readonly Peak[], last: Peak): boolean {
  const parts = [3, 2, 1, 0].map((ago) => {
    const to = last.startSeconds - ago * PART_HOURS * HOUR_SECONDS;
    return growing.filter(
      ({ startSeconds }) => startSeconds <= to && startSeconds > to - PART_HOURS * HOUR_SECONDS,
    );
  });
  const seen = parts.reduce((sum, part) => sum + part.length, 0);
  if (seen < LEAST_HOURS - MISSING_HOURS) return false;
  const first = growing.findLast(
    ({ startSeconds }) => startSeconds <= last.startSeconds - LEAST_HOURS * HOUR_SECONDS,
  );
  const levels = [first?.bytes ?? Infinity, ...parts.map(highest)];
  const growths = levels.slice(1).map((level, index) => level - (levels[index] ?? Infinity));
  const even = growths.reduce((sum, growth) => sum + growth, 0) / growths.length;
  return (
    growths.every((growth) => growth > 0) && (growths.at(-1) ?? 0) >= STILL_GROWING_SHARE * even
  );
}

function highest(peaks: readonly Peak[]): number {
  return Math.max(...peaks.map(({ bytes }) => bytes));
}
