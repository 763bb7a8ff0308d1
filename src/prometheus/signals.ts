import { HOUR_SECONDS } from '../recommend/hours.ts';
import { DAY_SECONDS, type UsageSignals } from '../recommend/usage.ts';
import { SIGNAL_STEP_SECONDS } from './queries.ts';

/** One value of a signal at the end of its hour. */
export interface SignalPoint {
  readonly timeSeconds: number;
  readonly value: number;
}

/** The signals of one container of one pod, each in ascending order of time. */
export interface ContainerSignals {
  readonly throttledShares: readonly SignalPoint[];
  readonly restartCounts: readonly SignalPoint[];
  readonly oomEventCounts: readonly SignalPoint[];
  /** Hours with value 1: the last termination was an OOM kill. */
  readonly oomKilledBefore: readonly SignalPoint[];
  /** Hours with value 1: it stands terminated by an OOM kill. */
  readonly oomKilledNow: readonly SignalPoint[];
}

interface HourSignals {
  /** Begin of the hour. */
  readonly timeSeconds: number;
  readonly signals: UsageSignals;
}

/** Since when counters of a container may be held against it. */
export interface Counting {
  /** End of the first hour, which lies before the window: it says where the counters stood. */
  readonly baselineSeconds: number;
  /** Of the pod; undefined where it is not known, and what appears in the window is taken to have begun there. */
  readonly startedSeconds?: number | undefined;
}

/** A new pod has its counters so soon. */
const COUNTED_SOON_SECONDS = 300;

/**
 * Signals per hour.
 * OOM kills come from cAdvisor's counter and from kube-state-metrics' reasons; both see the same kill, perhaps in
 * neighbouring hours, so of each day the larger count holds.
 */
export function signalsByHour(
  signals: ContainerSignals,
  counting: Counting,
): readonly HourSignals[] {
  const { baselineSeconds } = counting;
  const restarts = sumBy(hourOf, increments(signals.restartCounts, counting));
  const kills = sumBy(
    hourOf,
    moreOfEachDay(increments(signals.oomEventCounts, counting), killsByReason(signals, counting)),
  );
  const throttled = new Map<number, number>();
  for (const { timeSeconds, value } of signals.throttledShares) {
    if (timeSeconds <= baselineSeconds) continue;
    throttled.set(hourOf(timeSeconds), Math.min(1, value));
  }
  const hours = [restarts, kills, throttled].flatMap((counts) => [...counts.keys()]);
  return [...new Set(hours)].map((hour) => ({
    timeSeconds: hour * HOUR_SECONDS,
    signals: {
      oomKills: kills.get(hour) ?? 0,
      restarts: restarts.get(hour) ?? 0,
      throttledShare: throttled.get(hour) ?? 0,
    },
  }));
}

/** Of each day the points of the one that has more there. */
function moreOfEachDay(
  one: readonly SignalPoint[],
  other: readonly SignalPoint[],
): readonly SignalPoint[] {
  const [ones, others] = [sumBy(dayOf, one), sumBy(dayOf, other)];
  const isMore = ({ timeSeconds }: SignalPoint): boolean =>
    (ones.get(dayOf(timeSeconds)) ?? 0) >= (others.get(dayOf(timeSeconds)) ?? 0);
  return [...one.filter(isMore), ...other.filter((point) => !isMore(point))];
}

/**
 * By how much a counter rose in each hour, without the zeros. A fall is a counter that began again at zero. A
 * counter that appears after the baseline began in the window, so its first value counts in full; Prometheus'
 * `increase` would lose that, and what falls between two of its windows. Not so where the pod is older: then it was not
 * scraped for a while.
 */
function increments(counts: readonly SignalPoint[], counting: Counting): readonly SignalPoint[] {
  const { baselineSeconds } = counting;
  const [first] = counts;
  let before = first !== undefined && isOlder(counting, first) ? Math.round(first.value) : 0;
  const risen: SignalPoint[] = [];
  for (const { timeSeconds, value } of counts) {
    const count = Math.round(value);
    const rise = count >= before ? count - before : count;
    before = count;
    if (rise > 0 && timeSeconds > baselineSeconds) risen.push({ timeSeconds, value: rise });
  }
  return risen;
}

/** Whether the pod was there long before the first point of a counter. */
function isOlder({ startedSeconds = Infinity }: Counting, { timeSeconds }: SignalPoint): boolean {
  return startedSeconds < timeSeconds - HOUR_SECONDS - COUNTED_SOON_SECONDS;
}

/** Restarts whose reason was an OOM kill; for a container that is never restarted, its one end. */
function killsByReason(signals: ContainerSignals, counting: Counting): readonly SignalPoint[] {
  const restarts = increments(signals.restartCounts, counting);
  const flagged = new Set(
    signals.oomKilledBefore.filter(({ value }) => value > 0).map(({ timeSeconds }) => timeSeconds),
  );
  const killed = restarts.filter(({ timeSeconds }) => flagged.has(timeSeconds));
  if (restarts.length > 0) return killed;
  const first = signals.oomKilledNow.find(({ value }) => value > 0);
  const [counted] = signals.restartCounts;
  const isKnown = counted === undefined || !isOlder(counting, counted);
  const since = isKnown ? counting.baselineSeconds : counted.timeSeconds;
  if (first === undefined || first.timeSeconds <= since) return [];
  return [{ timeSeconds: first.timeSeconds, value: 1 }];
}

function sumBy(
  periodOf: (endSeconds: number) => number,
  points: readonly SignalPoint[],
): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  for (const { timeSeconds, value } of points) {
    const period = periodOf(timeSeconds);
    sums.set(period, (sums.get(period) ?? 0) + value);
  }
  return sums;
}

/** The hour that ends at midnight is the last one of its day. */
function dayOf(endSeconds: number): number {
  return Math.floor((endSeconds - 1) / DAY_SECONDS);
}

function hourOf(endSeconds: number): number {
  return Math.floor((endSeconds - 1) / HOUR_SECONDS);
}

export interface Window {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly isContinued?: boolean;
}

/**
 * The hour before the window is read too, for what the counters were when it began. What goes on from a reading before
 * begins an hour earlier: signals are few bytes, and nothing shows which of them came late.
 */
export function signalHours({ fromSeconds, isContinued }: Window): {
  readonly windowStartSeconds: number;
  readonly beforeSeconds: number;
} {
  const back = isContinued === true ? 1 : 0;
  const hour = Math.floor(fromSeconds / SIGNAL_STEP_SECONDS) - back;
  const windowStartSeconds = hour * SIGNAL_STEP_SECONDS;
  return { windowStartSeconds, beforeSeconds: windowStartSeconds - SIGNAL_STEP_SECONDS };
}
