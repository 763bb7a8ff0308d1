import {
  clamped,
  jointRange,
  within,
  type Draft,
  type JointRange,
  type LimitRangeItem,
} from './draft.ts';
import { clampSum, clampToPodRange } from './podsum.ts';
import { equalised, keptBurstable, qosClass, type QosClass } from './qos.ts';
import { roundReadable } from './rounding.ts';
import { RESOURCES, type Amounts, type Resource } from './usage.ts';

export interface ClampContext {
  readonly limitRanges: readonly LimitRangeItem[];
  /** Resources of which a quota of the namespace counts limits; none unless stated. */
  readonly limited?: readonly Resource[] | undefined;
  /** The most that one schedulable node can give to pods, per resource; undefined where nodes are not known. */
  readonly largestNode: Amounts | undefined;
  /** As the kubelet has it, which counts init containers too; undefined without a pod: then from the sizes. */
  readonly qosClass?: QosClass | undefined;
}

function clampRange(draft: Draft, resource: Resource, clamp: 'Bounds' | 'Guardrails'): Draft {
  const request = draft.requests[resource];
  // What is held stays what it is: a bound is for what we compute, and would move what an autoscaler goes by.
  if (request === undefined || draft.isHeld[resource]) return draft;
  const range = clamp === 'Bounds' ? draft.bounds[resource] : draft.guardrails[resource];
  return clamped(draft, { clamp, resource, field: 'request', to: within(request, range) });
}

/** A limit that is computed follows its request up; one that is kept holds the request down. */
function clampToLimit(draft: Draft, resource: Resource): Draft {
  const request = draft.requests[resource];
  const limit = draft.limits[resource];
  if (request === undefined || limit === undefined || request <= limit) return draft;
  return draft.keepsLimit[resource]
    ? clamped(draft, { clamp: 'RequestAboveLimit', resource, field: 'request', to: limit })
    : clamped(draft, { clamp: 'RequestAboveLimit', resource, field: 'limit', to: request });
}

function clampToLimitRange(draft: Draft, resource: Resource, range: JointRange): Draft {
  let next = draft;
  for (const field of ['request', 'limit'] as const) {
    const value = (field === 'request' ? next.requests : next.limits)[resource];
    if (value === undefined) continue;
    const to = within(value, range);
    const clamp = to > value ? 'LimitRangeMin' : 'LimitRangeMax';
    next = clamped(next, { clamp, resource, field, to });
  }
  return clampToRatio(withDefaultLimit(next, resource, range), resource, range);
}

/** A quota on limits refuses pods without one: the limit that is there stays, else it becomes the request. */
function withQuotaLimit(draft: Draft, resource: Resource, range: JointRange): Draft {
  const request = draft.requests[resource];
  if (request === undefined || draft.limits[resource] !== undefined) return draft;
  const to = within(Math.max(draft.current.limits[resource] ?? request, request), range);
  return clamped(draft, { clamp: 'ResourceQuota', resource, field: 'limit', to });
}

/** The API server would set the default limit itself, and then refuse a request above it. */
function withDefaultLimit(draft: Draft, resource: Resource, range: JointRange): Draft {
  const request = draft.requests[resource];
  const isDue = draft.limits[resource] === undefined && range.default !== undefined;
  if (!isDue || request === undefined) return draft;
  const to = within(Math.max(range.default, request), range);
  return clamped(draft, { clamp: 'LimitRangeDefault', resource, field: 'limit', to });
}

/**
 * The request goes up and not the limit down: a limit is where a container is throttled or killed. A ratio also asks
 * for a limit where there is none; it gets the highest that it allows.
 */
function clampToRatio(draft: Draft, resource: Resource, { ratio, max }: JointRange): Draft {
  const request = draft.requests[resource];
  if (ratio === undefined || request === undefined) return draft;
  const clamp = 'LimitRangeRatio';
  const limit = draft.limits[resource];
  if (limit === undefined) {
    const highest = roundReadable(resource, request * ratio, 'down');
    const to = Math.max(request, Math.min(highest, max ?? Infinity));
    return clamped(draft, { clamp, resource, field: 'limit', to });
  }
  if (limit <= request * ratio) return draft;
  const to = Math.min(limit, roundReadable(resource, limit / ratio));
  return clamped(draft, { clamp, resource, field: 'request', to });
}

/**
 * The limits of a Guaranteed pod become its requests before the LimitRange: a ratio of the two would raise a request
 * for the sake of a limit that is not to be.
 */
function clampContainer(draft: Draft, context: ClampContext, isGuaranteed: boolean): Draft {
  if (!draft.isSized) return draft;
  const { limitRanges, limited = [] } = context;
  const bounded = RESOURCES.reduce((next, resource) => {
    const ranged = clampRange(clampRange(next, resource, 'Bounds'), resource, 'Guardrails');
    return clampToLimit(ranged, resource);
  }, draft);
  return RESOURCES.reduce(
    (next, resource) => {
      const range = jointRange(limitRanges, 'Container', resource);
      const ranged = clampToLimitRange(next, resource, range);
      return limited.includes(resource) ? withQuotaLimit(ranged, resource, range) : ranged;
    },
    isGuaranteed ? equalised(bounded) : bounded,
  );
}

/**
 * Takes sizes through everything that bounds them, in a fixed order: the policy's bounds, the cluster's guardrails,
 * request against limit, LimitRange of containers, quota on limits, LimitRange of the pod, the QoS class, the largest node. A later one
 * goes before an earlier one where not all can hold. Each step that changes a number is recorded on its container.
 */
export function clampPod(drafts: readonly Draft[], context: ClampContext): readonly Draft[] {
  const { limitRanges, largestNode } = context;
  const before = context.qosClass ?? qosClass(drafts.map(({ current }) => current));
  const isGuaranteed = before === 'Guaranteed';
  const sized = drafts.map((draft) => clampContainer(draft, context, isGuaranteed));
  const ranged = RESOURCES.reduce<readonly Draft[]>(
    (next, resource) => clampToPodRange(next, resource, limitRanges),
    sized,
  );
  return RESOURCES.reduce<readonly Draft[]>(
    (next, resource) =>
      clampSum(next, limitRanges, {
        clamp: 'NodeAllocatable',
        resource,
        field: 'request',
        most: largestNode?.[resource],
      }),
    keptBurstable(ranged, limitRanges),
  );
}
