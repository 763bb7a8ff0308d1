import { DAY_SECONDS, type UsageSignals } from '../recommend/usage.ts';

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

interface DaySignals {
  /** A time within the day. */
  readonly timeSeconds: number;
  readonly signals: UsageSignals;
}

/**
 * Signals per day. The first hour, `baselineSeconds`, lies before the window: it says where the counters stood.
 * OOM kills come from cAdvisor's counter and from kube-state-metrics' reasons; both see the same kill, perhaps in
 * neighbouring hours, so the larger count of the day holds.
 */
export function signalsByDay(
  signals: ContainerSignals,
  baselineSeconds: number,
): readonly DaySignals[] {
  const restarts = sumByDay(increments(signals.restartCounts, baselineSeconds));
  const events = sumByDay(increments(signals.oomEventCounts, baselineSeconds));
  const reasons = sumByDay(killsByReason(signals, baselineSeconds));
  const throttled = new Map<number, number>();
  for (const { timeSeconds, value } of signals.throttledShares) {
    if (timeSeconds <= baselineSeconds) continue;
    const day = dayOf(timeSeconds);
    throttled.set(day, Math.max(throttled.get(day) ?? 0, Math.min(1, value)));
  }
  const days = [restarts, events, reasons, throttled].flatMap((counts) => [...counts.keys()]);
  return [...new Set(days)].map((day) => ({
    timeSeconds: day * DAY_SECONDS,
    signals: {
      oomKills: Math.max(events.get(day) ?? 0, reasons.get(day) ?? 0),
      restarts: restarts.get(day) ?? 0,
      throttledShare: throttled.get(day) ?? 0,
    },
  }));
}

/**
 * By how much a counter rose in each hour, without the zeros. A fall is a counter that began again at zero. A
 * counter that appears after the baseline began in the window, so its first value counts in full; Prometheus'
 * `increase` would lose that, and what falls between two of its windows.
 */
function increments(
  counts: readonly SignalPoint[],
  baselineSeconds: number,
): readonly SignalPoint[] {
  let before = 0;
  const risen: SignalPoint[] = [];
  for (const { timeSeconds, value } of counts) {
    const count = Math.round(value);
    const rise = count >= before ? count - before : count;
    before = count;
    if (rise > 0 && timeSeconds > baselineSeconds) risen.push({ timeSeconds, value: rise });
  }
  return risen;
}

/** Restarts whose reason was an OOM kill; for a container that is never restarted, its one end. */
function killsByReason(signals: ContainerSignals, baselineSeconds: number): readonly SignalPoint[] {
  const restarts = increments(signals.restartCounts, baselineSeconds);
  const flagged = new Set(
    signals.oomKilledBefore.filter(({ value }) => value > 0).map(({ timeSeconds }) => timeSeconds),
  );
  const killed = restarts.filter(({ timeSeconds }) => flagged.has(timeSeconds));
  if (restarts.length > 0) return killed;
  const first = signals.oomKilledNow.find(({ value }) => value > 0);
  if (first === undefined || first.timeSeconds <= baselineSeconds) return [];
  return [{ timeSeconds: first.timeSeconds, value: 1 }];
}

function sumByDay(points: readonly SignalPoint[]): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  for (const { timeSeconds, value } of points) {
    const day = dayOf(timeSeconds);
    sums.set(day, (sums.get(day) ?? 0) + value);
  }
  return sums;
}

/** The hour that ends at midnight is the last one of its day. */
function dayOf(endSeconds: number): number {
  return Math.floor((endSeconds - 1) / DAY_SECONDS);
}
