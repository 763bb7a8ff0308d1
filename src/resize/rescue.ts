import type { Resource } from '../recommend/usage.ts';
import { rescueCeiling, type Admitted, type Ceiling, type CeilingInput } from './ceiling.ts';
import { atLeast, pairOf, type Pair } from './pair.ts';
import type { RescueSignal } from './signals.ts';
import { awaited, rescueAmount } from './step.ts';

interface Rescue {
  readonly signal: RescueSignal;
  readonly resource: Resource;
  /** Of bounds and guardrails. */
  readonly max: number | undefined;
  readonly input: CeilingInput;
}

/**
 * What is too little goes up, of memory and throttled CPU the limit, and nothing goes down while it is. With what ends
 * it, where that is less than the signal asks for.
 */
export function rescued(wanted: Pair, running: Pair, rescue: Rescue): Admitted {
  const { signal, resource, input } = rescue;
  const { cause } = signal;
  const field = cause !== 'OverCpuBudget' && running.limit !== undefined ? 'limit' : 'request';
  const from = running[field];
  if (from === undefined) return { pair: wanted, ceiling: undefined };
  const ceiling = ceilingOf(field, rescue);
  const cpuCores = input.container.usage?.cpuCores;
  const estimate = rescueAmount({ resource, cause, from, cpuCores });
  const most = Math.min(estimate, ceiling.amount);
  // What goes with it waits with it: a limit, say, that only makes room for its request.
  const amount = awaited(most, {
    running: from,
    asked: pairOf(input.container.spec, resource)[field],
  });
  const request = atLeast(wanted.request, running.request, field === 'limit' ? 0 : amount);
  const limit = atLeast(wanted.limit, running.limit, field === 'limit' ? amount : request);
  const pair = { request, limit };
  const isCut = Math.max(pair[field] ?? Infinity, most) < estimate;
  return {
    pair: wanted.request === wanted.limit ? equalAgain(pair, rescue) : pair,
    ceiling: isCut ? ceiling : undefined,
  };
}

/** A Guaranteed pod has its limit at its request, so that both end where either does. */
function ceilingOf(field: keyof Pair, { resource, max, input }: Rescue): Ceiling {
  const own = rescueCeiling(field, resource, { max, input });
  if (field === 'request' || input.pod.qos !== 'Guaranteed') return own;
  const ofRequest = rescueCeiling('request', resource, { max, input });
  return ofRequest.amount < own.amount ? ofRequest : own;
}

/** Equal pairs stay equal, as far as the bounds of requests, and the node, allow. */
function equalAgain({ request, limit }: Pair, { resource, max, input }: Rescue): Pair {
  if (limit === undefined) return { request, limit };
  const { amount } = rescueCeiling('request', resource, { max, input });
  return { request: Math.min(limit, atLeast(request, amount) ?? amount), limit };
}
