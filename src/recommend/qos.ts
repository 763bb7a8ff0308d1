import {
  amountOf,
  clamped,
  jointRange,
  type Clamp,
  type Draft,
  type LimitRangeItem,
} from './draft.ts';
import { roundReadable } from './rounding.ts';
import type { Range } from './settings.ts';
import { RESOURCES, type Resource, type Sizes } from './usage.ts';

export const QOS_CLASSES = ['Guaranteed', 'Burstable', 'BestEffort'] as const;
export type QosClass = (typeof QOS_CLASSES)[number];

/** The QoS class that Kubernetes gives to a pod of these containers; an amount of zero counts as none. */
export function qosClass(containers: readonly Sizes[]): QosClass {
  const all = containers.flatMap(({ requests, limits }) =>
    RESOURCES.map((resource) => ({
      request: requests[resource] ?? limits[resource] ?? 0,
      limit: limits[resource] ?? 0,
    })),
  );
  if (all.every(({ request, limit }) => request === 0 && limit === 0)) return 'BestEffort';
  return all.every(({ request, limit }) => limit > 0 && request === limit)
    ? 'Guaranteed'
    : 'Burstable';
}

/** Each limit at its request, as a Guaranteed pod has them. */
export function equalised(draft: Draft): Draft {
  return RESOURCES.reduce(
    (next, resource) =>
      clamped(next, { clamp: 'QoSClass', resource, field: 'limit', to: next.requests[resource] }),
    draft,
  );
}

/**
 * Keeps a Burstable pod from becoming Guaranteed, since the class of a running pod cannot change. A BestEffort pod that
 * gets requests becomes another: there is no size without that.
 */
export function keptBurstable(
  drafts: readonly Draft[],
  limitRanges: readonly LimitRangeItem[],
): readonly Draft[] {
  const before = qosClass(drafts.map(({ current }) => current));
  if (before !== 'Burstable' || qosClass(drafts) !== 'Guaranteed') return drafts;
  return loosened(drafts, limitRanges);
}

/**
 * One limit goes up by a step where LimitRanges let it, CPU before memory, else one request goes down by a step.
 * Where neither may be, the LimitRanges allow Guaranteed pods only.
 */
function loosened(
  drafts: readonly Draft[],
  limitRanges: readonly LimitRangeItem[],
): readonly Draft[] {
  const steps = (['limit', 'request'] as const).flatMap((field) =>
    RESOURCES.flatMap((resource) => drafts.map((draft) => ({ draft, resource, field }))),
  );
  for (const { draft, resource, field } of steps) {
    const loose = draft.isSized ? stepped(draft, resource, field) : draft;
    const next = drafts.map((each) => (each === draft ? loose : each));
    if (loose !== draft && mayBe(next, loose, { limitRanges, resource })) return next;
  }
  return drafts;
}

function stepped(draft: Draft, resource: Resource, field: Clamp['field']): Draft {
  const amount = amountOf(draft, field, resource);
  if (amount === undefined || (field === 'limit' && draft.keepsLimit[resource])) return draft;
  const to =
    field === 'limit'
      ? roundReadable(resource, amount * 1.01)
      : roundReadable(resource, amount * 0.99, 'down');
  return clamped(draft, { clamp: 'QoSClass', resource, field, to });
}

function mayBe(
  drafts: readonly Draft[],
  { requests, limits }: Draft,
  { limitRanges, resource }: { limitRanges: readonly LimitRangeItem[]; resource: Resource },
): boolean {
  const range = jointRange(limitRanges, 'Container', resource);
  const request = requests[resource] ?? 0;
  const limit = limits[resource] ?? 0;
  const sum = (field: Clamp['field']) =>
    drafts.reduce((total, draft) => total + (amountOf(draft, field, resource) ?? 0), 0);
  return (
    isBetween(request, limit, range) &&
    limit <= request * (range.ratio ?? Infinity) &&
    isBetween(sum('request'), sum('limit'), jointRange(limitRanges, 'Pod', resource))
  );
}

function isBetween(request: number, limit: number, { min = 0, max = Infinity }: Range): boolean {
  return request >= min && limit <= max;
}
