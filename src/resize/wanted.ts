import type { Range } from '../recommend/settings.ts';
import type { Resource, Sizes } from '../recommend/usage.ts';
import { changesThatSet, type ChangeRecord } from './changes.ts';
import type { EvidenceState } from './gates.ts';
import { runningSizes, type ContainerState, type PodState } from './pod.ts';
import { rescueSignals, type RescueSignal } from './signals.ts';
import { leakCeiling, rescueAmount } from './step.ts';

/** What one container ought to have in the end, and what is known about that. */
export interface ContainerTarget {
  readonly name: string;
  /** As recommended, clamps and all. */
  readonly sizes: Sizes;
  /** Bounds and guardrails together; a rescue does not pass `max` on its own estimate. */
  readonly ranges: Readonly<Record<Resource, Range>>;
  readonly evidence: Readonly<Record<Resource, EvidenceState>>;
  /** Since when its memory is suspected to leak. */
  readonly leakSinceSeconds: number | undefined;
}

/** Request and limit of one resource, in cores or bytes. */
export interface Pair {
  readonly request: number | undefined;
  readonly limit: number | undefined;
}

export interface Wanted extends Pair {
  readonly signal: RescueSignal | undefined;
  /** A suspected leak keeps it from growing more. */
  readonly isLeakCapped: boolean;
}

export function pairOf({ requests, limits }: Sizes, resource: Resource): Pair {
  return { request: requests[resource], limit: limits[resource] };
}

export interface WantedInput {
  readonly container: ContainerState;
  readonly target: ContainerTarget;
  readonly pod: PodState;
  readonly records: readonly ChangeRecord[];
  readonly nowSeconds: number;
  /** The pod stands for a template, which may lose limits. */
  readonly isTemplate: boolean;
}

/**
 * What a running container ought to have of a resource, before steps and gates: the target as far as it can be had in
 * place, where no request or limit can be taken away and the QoS class stays, raised by a signal of distress, and held
 * down by a suspected leak. The request is never above the limit where the target's is not.
 */
export function wantedPair(input: WantedInput, resource: Resource): Wanted {
  const { container, target, pod, records, nowSeconds } = input;
  const running = pairOf(runningSizes(container), resource);
  const { max = Infinity } = target.ranges[resource];
  const aim = pairOf(target.sizes, resource);
  const kept =
    pod.qos === 'Guaranteed'
      ? equalised(aim, running, max)
      : reachablePair(aim, running, input.isTemplate);
  const signal = rescueSignals(container, records, nowSeconds).find(
    (each) => each.resource === resource,
  );
  const rescued =
    signal === undefined ? kept : rescuedPair(kept, running, { signal, max, container });
  const capped = resource === 'memory' ? leakCapped(rescued, running, input) : rescued;
  const isLeakCapped = capped.request !== rescued.request || capped.limit !== rescued.limit;
  return { ...capped, signal, isLeakCapped };
}

/**
 * The API server lets nothing be removed in place: a limit that ought to go only makes room for the request. In a
 * template it goes, like one that is never reached.
 */
function reachablePair(target: Pair, running: Pair, isTemplate: boolean): Pair {
  const request = target.request ?? running.request;
  if (target.limit !== undefined || running.limit === undefined) {
    return { request, limit: target.limit };
  }
  return { request, limit: isTemplate ? Infinity : Math.max(running.limit, request ?? 0) };
}

function equalised({ request, limit }: Pair, running: Pair, max: number): Pair {
  const amount = atLeast(request ?? running.request, limit);
  const both = amount && Math.min(amount, max);
  return { request: both, limit: both };
}

interface Rescue {
  readonly signal: RescueSignal;
  readonly max: number;
  readonly container: ContainerState;
}

/** What is too little goes up, and nothing goes down while it is: of memory and throttled CPU the limit. */
function rescuedPair(wanted: Pair, running: Pair, { signal, max, container }: Rescue): Pair {
  const { cause, resource } = signal;
  const isAboutLimit = cause !== 'OverCpuBudget' && running.limit !== undefined;
  const from = isAboutLimit ? running.limit : running.request;
  if (from === undefined) return wanted;
  const cpuCores = container.usage?.cpuCores;
  const amount = Math.min(rescueAmount({ resource, cause, from, cpuCores }), max);
  const request = atLeast(wanted.request, running.request, isAboutLimit ? 0 : amount);
  const limit = atLeast(wanted.limit, running.limit, isAboutLimit ? amount : request);
  if (wanted.request !== wanted.limit || limit === undefined) return { request, limit };
  // Equal pairs stay equal, as far as the bounds of requests allow.
  return { request: Math.min(limit, atLeast(request, max) ?? max), limit };
}

/** An amount that is not there stays away. */
function atLeast(
  value: number | undefined,
  ...others: readonly (number | undefined)[]
): number | undefined {
  return value === undefined ? undefined : Math.max(value, ...others.map((each) => each ?? 0));
}

function leakCapped(wanted: Pair, running: Pair, input: WantedInput): Pair {
  const since = input.target.leakSinceSeconds;
  if (since === undefined) return wanted;
  const begin = atBegin(input, since);
  const cap = (value: number | undefined, has: number | undefined, had: number | undefined) => {
    if (value === undefined || has === undefined) return value;
    return Math.min(value, Math.max(has, leakCeiling(had ?? has)));
  };
  return {
    request: cap(wanted.request, running.request, begin.request),
    limit: cap(wanted.limit, running.limit, begin.limit),
  };
}

/** What the container had when it came under suspicion. */
function atBegin({ container, records }: WantedInput, since: number): Pair {
  const first = changesThatSet(container, 'memory', records).findLast(
    ({ atSeconds }) => atSeconds >= since,
  );
  return pairOf(first?.from ?? runningSizes(container), 'memory');
}
