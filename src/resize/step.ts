import { afterOomKill } from '../recommend/hold.ts';
import { roundReadable } from '../recommend/rounding.ts';
import type { Resource } from '../recommend/usage.ts';
import type { RescueCause } from './signals.ts';

/** Less is not worth a change, whatever its share: 10m and 16Mi. */
const NEGLIGIBLE: Readonly<Record<Resource, number>> = { cpu: 0.01, memory: 16 * 2 ** 20 };

/** The least that an amount can differ by: a millicore, and a mebibyte since bytes are unreadable. */
export const SMALLEST: Readonly<Record<Resource, number>> = { cpu: 0.001, memory: 2 ** 20 };

/** A rescue goes no further than this at once on its own estimate; the next signal may raise again. */
const RESCUE_FACTOR = 2;

/** A container that is throttled shows its limit and not its demand. */
const BLIND_CPU_FACTOR = 1.5;

/** Above the CPU use that was measured. */
const MEASURED_CPU_FACTOR = 1.1;

/** What is asked for while a raise waits for the node moves with what is used: less than this is noise. */
const MUCH_MORE = 1.1;

/** What a suspected leak may grow by in all, for as long as it is suspected. */
const LEAK_FACTOR = 1.25;

/**
 * Whether the way from one amount to the other is worth a change; `minimum` is a share of what is. To lower, it must
 * reach the minimum and 10m or 16Mi. A raise keeps a promise, so that either is enough, as in the recommender.
 */
export function isWorthwhile(
  resource: Resource,
  { from, to }: { readonly from: number; readonly to: number },
  minimum: number,
): boolean {
  if (from === to) return false;
  const share = minimum * from;
  const least = NEGLIGIBLE[resource];
  // 1 less 0.9 is 0.09999999999999998.
  const change = Math.abs(from - to) * (1 + 1e-9);
  return change >= (to < from ? Math.max(share, least) : Math.min(share, least));
}

/**
 * What to ask for in need: what was asked for already, while that waits for the node and the need is not much more. It is
 * never asked for anew for the sake of less.
 */
export function awaited(
  to: number,
  { running, asked }: Readonly<Record<'running' | 'asked', number | undefined>>,
): number {
  const isWaiting = asked !== undefined && running !== undefined && asked > running;
  return isWaiting && to < asked * MUCH_MORE ? asked : to;
}

/**
 * Down towards `to`, by at most `maxStep` as a share of `from`, and readable where that is possible within the step.
 * May be less than what is worthwhile: the whole way must be, not each step of it.
 */
export function steppedDown(
  resource: Resource,
  { from, to }: { readonly from: number; readonly to: number },
  maxStep: number,
): number {
  const least = from * (1 - maxStep);
  if (to >= least) return to;
  const readable = roundReadable(resource, least);
  return readable < from ? readable : Math.min(from, inUnits(resource, least, Math.ceil));
}

/** Up towards `to`, never above it, and readable where that is more than `from`. */
export function roundedDown(
  resource: Resource,
  { from, to }: { readonly from: number; readonly to: number },
): number {
  if (to <= from) return from;
  const readable = roundReadable(resource, to, 'down');
  return readable > from && readable <= to
    ? readable
    : Math.max(from, inUnits(resource, to, Math.floor));
}

function inUnits(resource: Resource, amount: number, round: (units: number) => number): number {
  const unit = SMALLEST[resource];
  return Number((round(Number((amount / unit).toPrecision(12))) * unit).toPrecision(15));
}

export interface RescueInput {
  readonly resource: Resource;
  readonly cause: RescueCause;
  /** What was too little, in cores or bytes. */
  readonly from: number;
  /** CPU use in cores; undefined where it is not known. */
  readonly cpuCores: number | undefined;
}

/**
 * What a signal asks for by itself, before any recommendation knows of it: for memory what follows an OOM kill, for CPU
 * half as much again, or a tenth above what is used where that was measured; twice what is at most.
 */
export function rescueAmount({ resource, cause, from, cpuCores }: RescueInput): number {
  const most = from * RESCUE_FACTOR;
  const wanted = resource === 'memory' ? afterOomKill(from) : wantedCpu({ cause, from, cpuCores });
  return Math.max(from, Math.min(roundReadable(resource, Math.min(wanted, most)), most));
}

function wantedCpu({ cause, from, cpuCores }: Omit<RescueInput, 'resource'>): number {
  return cause === 'OverCpuBudget' && cpuCores !== undefined
    ? cpuCores * MEASURED_CPU_FACTOR
    : from * BLIND_CPU_FACTOR;
}

/** The most bytes that a suspected leak gets, given what it had when it came under suspicion. */
export function leakCeiling(atBegin: number): number {
  return Math.max(atBegin, roundReadable('memory', atBegin * LEAK_FACTOR, 'down'));
}
