import type { Range } from './settings.ts';
import { RESOURCES, type Amounts, type Resource, type Sizes } from './usage.ts';
import { roundReadable } from './rounding.ts';

/** What bound a number, in the order in which they are tried. */
export type ClampName =
  | 'Bounds'
  | 'Guardrails'
  | 'RequestAboveLimit'
  | 'LimitRangeMin'
  | 'LimitRangeMax'
  | 'LimitRangeRatio'
  | 'LimitRangeDefault'
  | 'LimitRangePodMin'
  | 'LimitRangePodMax'
  | 'QoSClass'
  | 'NodeAllocatable';

/** One step that changed a number; amounts are cores or bytes. */
export interface Clamp {
  readonly clamp: ClampName;
  readonly resource: Resource;
  readonly field: 'request' | 'limit';
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** A container on its way through the clamps. */
export interface Draft {
  readonly name: string;
  /** Sized by the policy; others keep what they have but count for the pod. */
  readonly isSized: boolean;
  /** What the template says. */
  readonly current: Sizes;
  readonly requests: Amounts;
  readonly limits: Amounts;
  readonly bounds: Readonly<Record<Resource, Range>>;
  readonly guardrails: Readonly<Record<Resource, Range>>;
  readonly clamps: readonly Clamp[];
}

/** One item of a LimitRange of type Container or Pod. */
export interface LimitRangeItem {
  readonly type: 'Container' | 'Pod';
  readonly min: Amounts;
  readonly max: Amounts;
  readonly default: Amounts;
  readonly maxLimitRequestRatio: Amounts;
}

export interface ClampContext {
  readonly limitRanges: readonly LimitRangeItem[];
  /** The most that one schedulable node can give to pods, per resource; undefined where nodes are not known. */
  readonly largestNode: Amounts | undefined;
}

type Field = 'request' | 'limit';

function get(draft: Draft, field: Field, resource: Resource): number | undefined {
  return (field === 'request' ? draft.requests : draft.limits)[resource];
}

/** The draft with one number changed and the step recorded; the same draft when nothing changes. */
function set(draft: Draft, { clamp, resource, field, to }: Omit<Clamp, 'from'>): Draft {
  const from = get(draft, field, resource);
  if (from === to) return draft;
  const amounts = field === 'request' ? draft.requests : draft.limits;
  const { cpu, memory }: Partial<Record<Resource, number | undefined>> = {
    ...amounts,
    [resource]: to,
  };
  const changed: Amounts = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
  };
  return {
    ...draft,
    ...(field === 'request' ? { requests: changed } : { limits: changed }),
    clamps: [...draft.clamps, { clamp, resource, field, from, to }],
  };
}

function within(value: number, { min, max }: Range): number {
  return Math.min(Math.max(value, min ?? value), max ?? Infinity);
}

function clampRange(draft: Draft, resource: Resource, clamp: 'Bounds' | 'Guardrails'): Draft {
  const request = draft.requests[resource];
  if (request === undefined) return draft;
  const range = clamp === 'Bounds' ? draft.bounds[resource] : draft.guardrails[resource];
  return set(draft, { clamp, resource, field: 'request', to: within(request, range) });
}

/** A limit that is computed follows its request up; one that is kept holds the request down. */
function clampToLimit(draft: Draft, resource: Resource): Draft {
  const request = draft.requests[resource];
  const limit = draft.limits[resource];
  if (request === undefined || limit === undefined || request <= limit) return draft;
  const isKept = limit === draft.current.limits[resource];
  return isKept
    ? set(draft, { clamp: 'RequestAboveLimit', resource, field: 'request', to: limit })
    : set(draft, { clamp: 'RequestAboveLimit', resource, field: 'limit', to: request });
}

function clampToLimitRange(draft: Draft, resource: Resource, item: LimitRangeItem): Draft {
  const limit = (value: Draft) => value.limits[resource];
  const range: Range = { min: item.min[resource], max: item.max[resource] };
  let next = draft;
  for (const field of ['request', 'limit'] as const) {
    const value = get(next, field, resource);
    if (value === undefined) continue;
    const to = within(value, range);
    const clamp = to > value ? 'LimitRangeMin' : 'LimitRangeMax';
    next = set(next, { clamp, resource, field, to });
  }
  const defaulted = item.default[resource];
  const request = next.requests[resource];
  // The API server would set the default limit itself, and then refuse a request above it.
  if (limit(next) === undefined && defaulted !== undefined && request !== undefined) {
    const to = within(Math.max(defaulted, request), range);
    next = set(next, { clamp: 'LimitRangeDefault', resource, field: 'limit', to });
  }
  return clampToRatio(next, resource, item.maxLimitRequestRatio[resource]);
}

/** The request goes up and not the limit down: a limit is where a container is throttled or killed. */
function clampToRatio(draft: Draft, resource: Resource, ratio: number | undefined): Draft {
  const limit = draft.limits[resource];
  const request = draft.requests[resource];
  if (ratio === undefined || limit === undefined || request === undefined) return draft;
  if (limit <= request * ratio) return draft;
  const to = Math.min(limit, roundReadable(resource, limit / ratio));
  return set(draft, { clamp: 'LimitRangeRatio', resource, field: 'request', to });
}

function clampContainer(draft: Draft, context: ClampContext): Draft {
  if (!draft.isSized) return draft;
  let next = draft;
  for (const resource of RESOURCES) {
    next = clampRange(next, resource, 'Bounds');
    next = clampRange(next, resource, 'Guardrails');
    next = clampToLimit(next, resource);
    for (const item of context.limitRanges) {
      if (item.type === 'Container') next = clampToLimitRange(next, resource, item);
    }
    next = clampToLimit(next, resource);
  }
  return next;
}

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** The QoS class that Kubernetes gives to a pod of these containers. */
export function qosClass(containers: readonly Sizes[]): QosClass {
  const all = containers.flatMap(({ requests, limits }) =>
    RESOURCES.map((resource) => ({
      request: requests[resource] ?? limits[resource],
      limit: limits[resource],
    })),
  );
  if (all.every(({ request, limit }) => !request && !limit)) return 'BestEffort';
  return all.every(({ request, limit }) => limit !== undefined && request === limit)
    ? 'Guaranteed'
    : 'Burstable';
}

/**
 * Keeps a Guaranteed pod Guaranteed, and a Burstable pod from becoming it, since the class of a running pod cannot
 * change. A BestEffort pod that gets requests becomes Burstable: there is no size without that.
 */
function clampToQosClass(drafts: readonly Draft[], context: ClampContext): readonly Draft[] {
  const before = qosClass(drafts.map(({ current }) => current));
  if (before === 'Guaranteed') return drafts.map(equalised);
  if (before === 'BestEffort' || qosClass(drafts) !== 'Guaranteed') return drafts;
  const [index] = drafts.flatMap((draft, i) => (draft.isSized ? [i] : []));
  return drafts.map((draft, i) => (i === index ? loosened(draft, context) : draft));
}

function equalised(draft: Draft): Draft {
  if (!draft.isSized) return draft;
  return RESOURCES.reduce(
    (next, resource) =>
      set(next, { clamp: 'QoSClass', resource, field: 'limit', to: next.requests[resource] }),
    draft,
  );
}

/** The CPU limit goes up by a little where it may, else the request goes down by a little. */
function loosened(draft: Draft, context: ClampContext): Draft {
  const { cpu } = draft.limits;
  if (cpu === undefined) return draft;
  const max = Math.min(
    ...context.limitRanges.map((item) => item.max.cpu ?? Infinity),
    draft.guardrails.cpu.max ?? Infinity,
  );
  const above = roundReadable('cpu', cpu * 1.01);
  const change = { clamp: 'QoSClass', resource: 'cpu' } as const;
  return above <= max
    ? set(draft, { ...change, field: 'limit', to: above })
    : set(draft, { ...change, field: 'request', to: roundReadable('cpu', cpu * 0.99, 'down') });
}

interface SumClamp {
  readonly clamp: 'LimitRangePodMax' | 'NodeAllocatable';
  readonly resource: Resource;
  readonly field: Field;
  readonly most: number | undefined;
}

function sumOf(drafts: readonly Draft[], field: Field, resource: Resource): number {
  return drafts.reduce((total, draft) => total + (get(draft, field, resource) ?? 0), 0);
}

/** Scales what is sized down until the pod's sum is at most `most`; what is not sized stays. */
function clampSum(drafts: readonly Draft[], bound: SumClamp): readonly Draft[] {
  const { clamp, resource, field, most } = bound;
  const total = sumOf(drafts, field, resource);
  if (most === undefined || total <= most) return drafts;
  const fixed = sumOf(
    drafts.filter(({ isSized }) => !isSized),
    field,
    resource,
  );
  const share = Math.max(0, most - fixed) / (total - fixed);
  return drafts.map((draft) => {
    const value = get(draft, field, resource);
    if (!draft.isSized || value === undefined) return draft;
    const to = roundReadable(resource, value * share, 'down');
    const next = set(draft, { clamp, resource, field, to });
    const follows = field === 'request' && draft.limits[resource] === value;
    return follows ? set(next, { clamp, resource, field: 'limit', to }) : next;
  });
}

/** The first sized container takes what the pod lacks to the least that it may ask for. */
function clampPodMin(
  drafts: readonly Draft[],
  resource: Resource,
  least: number | undefined,
): readonly Draft[] {
  const lacks = (least ?? 0) - sumOf(drafts, 'request', resource);
  const first = drafts.find(({ isSized, requests }) => isSized && requests[resource] !== undefined);
  if (lacks <= 0 || first === undefined) return drafts;
  const to = (first.requests[resource] ?? 0) + lacks;
  const change = { clamp: 'LimitRangePodMin', resource, to } as const;
  const limit = first.limits[resource];
  const raised = set(first, { ...change, field: 'request' });
  const fitting =
    limit !== undefined && limit < to ? set(raised, { ...change, field: 'limit' }) : raised;
  return drafts.map((draft) => (draft === first ? fitting : draft));
}

function clampToPodRange(drafts: readonly Draft[], item: LimitRangeItem): readonly Draft[] {
  return RESOURCES.reduce((next, resource) => {
    const bound = { clamp: 'LimitRangePodMax', resource, most: item.max[resource] } as const;
    const limited = clampSum(clampSum(next, { ...bound, field: 'request' }), {
      ...bound,
      field: 'limit',
    });
    return clampPodMin(limited, resource, item.min[resource]);
  }, drafts);
}

/**
 * Takes sizes through everything that bounds them, in a fixed order: the policy's bounds, the cluster's guardrails,
 * request against limit, LimitRange of containers, then of the pod, the QoS class, the largest node. Each step that
 * changes a number is recorded on its container.
 */
export function clampPod(drafts: readonly Draft[], context: ClampContext): readonly Draft[] {
  let next: readonly Draft[] = drafts.map((draft) => clampContainer(draft, context));
  for (const item of context.limitRanges) {
    if (item.type === 'Pod') next = clampToPodRange(next, item);
  }
  next = clampToQosClass(next, context);
  return RESOURCES.reduce(
    (fitted, resource) =>
      clampSum(fitted, {
        clamp: 'NodeAllocatable',
        resource,
        field: 'request',
        most: context.largestNode?.[resource],
      }),
    next,
  );
}
