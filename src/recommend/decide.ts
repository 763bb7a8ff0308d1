import {
  afterOomKill,
  holdsDecrease,
  lastOomKill,
  type Evidence,
  type HoldReason,
  type PreviousRecommendation,
} from './hold.ts';
import { roundReadable } from './rounding.ts';
import type { Estimate } from './sizing.ts';
import { DAY_SECONDS, type Resource } from './usage.ts';
import { coveredDays, daysInWindow } from './window.ts';

/** The request of one resource of one container, before limits and clamps. */
export interface Decision {
  readonly resource: Resource;
  /** Cores or bytes; undefined when there is neither evidence nor a present request. */
  readonly request: number | undefined;
  readonly estimate: Estimate | undefined;
  /** What the request is where it is not held: the estimate, the last recommendation near it, or more after a kill. */
  readonly basis: RequestBasis;
  /** Why the request is not what the evidence asks for; undefined when it is. */
  readonly hold: HoldReason | undefined;
  /** The evidence is a lower bound of demand, whether or not that changed the number. */
  readonly isCensored: boolean;
  /** The change would be too small to be worth one. */
  readonly isWithinMinimum: boolean;
}

type RequestBasis = 'Estimate' | 'LastRecommendation' | 'AfterOomKill';

export interface DecisionInput extends Evidence {
  /** Undefined when the window has no sample of the resource. */
  readonly estimate: Estimate | undefined;
  /** Present request, in cores or bytes. */
  readonly current: number | undefined;
  /** An autoscaler scales on this resource. */
  readonly isAutoscaled: boolean;
}

/** Changes of less than this are not worth one, whatever their share. */
const NEGLIGIBLE: Readonly<Record<Resource, number>> = { cpu: 0.01, memory: 16 * 2 ** 20 };

/** A new number replaces the last recommendation when it is this much above or below, so that it does not flap. */
const RAISE_BEYOND = 1.02;
const LOWER_BELOW = 0.9;

/**
 * What the request ought to be. Less data never lowers: where evidence is missing or censored the request stays at
 * what was recommended last, or at what it is, unless the evidence that there is asks for more.
 */
export function decide(input: DecisionInput): Decision {
  const { resource, current, estimate } = input;
  const base = {
    resource,
    estimate,
    isCensored: isCensored(input),
    isWithinMinimum: false,
    basis: 'Estimate' as const,
  };
  if (input.isAutoscaled) {
    const hold = resource === 'cpu' ? 'HPAOwnsCPU' : 'HPAOwnsMemory';
    return { ...base, request: current, hold };
  }
  const wanted = wantedAmount(input);
  const { request, hold, basis } = heldRequest(input, wanted);
  const forbidden = request === undefined ? undefined : forbiddenDirection(input, request);
  if (forbidden !== undefined) return { ...base, request: current, hold: forbidden };
  if (request !== undefined && isTooSmall(input, request)) {
    return { ...base, request: current, hold, isWithinMinimum: true };
  }
  return { ...base, request, hold, basis };
}

function isCensored(input: DecisionInput): boolean {
  return isCensoring(holdsDecrease({ ...input, previous: undefined }));
}

function isCensoring(reason: HoldReason | undefined): boolean {
  return reason === 'Throttled' || reason === 'OOMKilled' || reason === 'AtMemoryLimit';
}

interface Wanted {
  readonly amount: number | undefined;
  readonly basis: RequestBasis;
}

function wantedAmount(input: DecisionInput): Wanted {
  const kill = input.resource === 'memory' ? lastOomKill(input) : undefined;
  const amount = input.estimate && roundReadable(input.resource, input.estimate.amount);
  if (kill?.limitBytes !== undefined) {
    const raised = roundReadable('memory', afterOomKill(kill.limitBytes));
    if (raised > (amount ?? 0)) return { amount: raised, basis: 'AfterOomKill' };
  }
  return { amount, basis: 'Estimate' };
}

function heldRequest(
  input: DecisionInput,
  wanted: Wanted,
): Pick<Decision, 'request' | 'hold' | 'basis'> {
  const { current, previous } = input;
  const reason = holdsDecrease(input);
  const last = previous?.request;
  const { amount, basis } = wanted;
  if (reason === undefined) {
    return isNearLast(amount, previous)
      ? { request: last, hold: undefined, basis: 'LastRecommendation' }
      : { request: amount, hold: undefined, basis };
  }
  const floor = isCensoring(reason) ? highest(current, last) : (last ?? current);
  // Nothing to hold on to: too little history is no basis for a first number.
  if (floor === undefined) return { request: undefined, hold: reason, basis };
  if (amount !== undefined && asksFor(amount, floor, reason)) {
    return { request: amount, hold: undefined, basis };
  }
  return { request: floor, hold: reason, basis: 'Estimate' };
}

/** Where evidence is missing, an amount that is the same says nothing: it stays held. */
function asksFor(amount: number, floor: number, reason: HoldReason): boolean {
  return isMissing(reason) ? amount > floor : amount >= floor;
}

function highest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function isMissing(reason: HoldReason): boolean {
  return reason.startsWith('History') || reason === 'NoHistory';
}

function isNearLast(
  wanted: number | undefined,
  previous: PreviousRecommendation | undefined,
): boolean {
  if (wanted === undefined || previous?.isSamePolicy !== true || wanted === previous.request) {
    return false;
  }
  return wanted <= previous.request * RAISE_BEYOND && wanted >= previous.request * LOWER_BELOW;
}

function forbiddenDirection(input: DecisionInput, request: number): HoldReason | undefined {
  const { mayIncrease, mayDecrease } = input.settings.resources[input.resource];
  if (input.current === undefined || request === input.current) return undefined;
  if (request > input.current) return mayIncrease ? undefined : 'IncreaseNotAllowed';
  return mayDecrease ? undefined : 'DecreaseNotAllowed';
}

/**
 * Lowering is not worth it below the policy's minimum or a negligible amount. A raise keeps a promise, so that it
 * must be below both.
 */
function isTooSmall({ resource, current, settings }: DecisionInput, request: number): boolean {
  if (current === undefined) return false;
  const change = Math.abs(request - current);
  const share = settings.minimumChange * current;
  const negligible = NEGLIGIBLE[resource];
  return request < current
    ? change < Math.max(share, negligible)
    : change < Math.min(share, negligible);
}

/** Days of use of a resource within the window, gaps not counted. */
export function coveredInWindow(evidence: Evidence): number {
  const days = daysInWindow(
    evidence.history?.days ?? [],
    evidence.nowSeconds,
    evidence.settings.windowSeconds,
  );
  return Math.min(
    coveredDays(evidence.resource, days),
    evidence.settings.windowSeconds / DAY_SECONDS,
  );
}
