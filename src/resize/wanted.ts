import type { Range } from '../recommend/settings.ts';
import type { Resource, Sizes } from '../recommend/usage.ts';
import { admitted, type Ceiling, type CeilingInput } from './ceiling.ts';
import { changesThatSet } from './changes.ts';
import type { EvidenceState } from './gates.ts';
import { atLeast, pairOf, type Pair } from './pair.ts';
import { runningSizes } from './pod.ts';
import { rescued } from './rescue.ts';
import { rescueSignals, type RescueSignal } from './signals.ts';
import { leakCeiling } from './step.ts';

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

export interface Wanted extends Pair {
  readonly signal: RescueSignal | undefined;
  /** A suspected leak keeps it from growing more. */
  readonly isLeakCapped: boolean;
  /** What keeps it from growing as far as it ought to. */
  readonly ceiling: Ceiling | undefined;
}

export interface WantedInput extends CeilingInput {
  readonly target: ContainerTarget;
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
  const raised =
    signal === undefined
      ? { pair: kept, ceiling: undefined }
      : rescued(kept, running, { signal, resource, max: target.ranges[resource].max, input });
  const isRescue = signal !== undefined;
  const { pair, ceiling = raised.ceiling } = admitted(raised.pair, resource, {
    max,
    isRescue,
    input,
  });
  const capped = resource === 'memory' ? leakCapped(pair, running, input) : pair;
  const isLeakCapped = capped.request !== pair.request || capped.limit !== pair.limit;
  return { ...capped, signal, isLeakCapped, ceiling };
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
