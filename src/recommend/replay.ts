import { coveredDays, estimate } from './estimate.ts';
import type { ContainerSettings } from './settings.ts';
import { shareAbove } from './sketch.ts';
import { DAY_SECONDS, type Resource, type UsageDay } from './usage.ts';

/** What a rule would have realised on days that it had not seen. */
export interface Realised {
  /** Days that could be judged. */
  readonly days: number;
  /** CPU: share of the samples over the request, 0 to 1. Memory: share of the days with a peak over it. */
  readonly share: number;
  /** Days on which the amount was passed at all. */
  readonly daysHit: number;
}

/**
 * Walks forward over the history: each day that is over is sized from the days before it only, and then judged. Days before the
 * history covers the settings' minimum are not judged. CPU days count by their samples, memory days one each.
 * No day gets more than `most`, in cores or bytes: what a bound takes from the size, it takes from every day's.
 * Undefined when no day can be judged.
 */
export function replay(
  resource: Resource,
  history: readonly UsageDay[],
  settings: ContainerSettings,
  { nowSeconds, most = Infinity }: { readonly nowSeconds: number; readonly most?: number },
): Realised | undefined {
  let days = 0;
  let daysHit = 0;
  let over = 0;
  let total = 0;
  for (const [index, day] of history.entries()) {
    if (day.startSeconds + DAY_SECONDS > nowSeconds) break;
    const before = history.slice(0, index);
    if (coveredDays(resource, before) * DAY_SECONDS < settings.minimumSeconds) continue;
    const sized = estimate(resource, before, settings, day.startSeconds);
    const judged = sized && judge(resource, day, Math.min(sized.amount, most));
    if (judged === undefined) continue;
    days += 1;
    daysHit += judged.over > 0 ? 1 : 0;
    over += judged.over;
    total += judged.total;
  }
  return days === 0 ? undefined : { days, daysHit, share: over / total };
}

function judge(
  resource: Resource,
  day: UsageDay,
  amount: number,
): { over: number; total: number } | undefined {
  if (resource === 'cpu') {
    const { totalCount } = day.cpu;
    if (totalCount === 0) return undefined;
    return { over: shareAbove(day.cpu, amount) * totalCount, total: totalCount };
  }
  if (day.memoryPeakBytes === undefined) return undefined;
  return { over: day.memoryPeakBytes > amount ? 1 : 0, total: 1 };
}
