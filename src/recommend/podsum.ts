import {
  amountOf,
  clamped,
  jointRange,
  type Draft,
  type Field,
  type LimitRangeItem,
} from './draft.ts';
import { roundReadable } from './rounding.ts';
import type { Resource } from './usage.ts';

interface SumClamp {
  readonly clamp: 'LimitRangePodMax' | 'NodeAllocatable';
  readonly resource: Resource;
  readonly field: Field;
  readonly most: number | undefined;
}

function sumOf(drafts: readonly Draft[], field: Field, resource: Resource): number {
  return drafts.reduce((total, draft) => total + (amountOf(draft, field, resource) ?? 0), 0);
}

/**
 * Scales what is sized down until the pod's sum is at most `most`; what is not sized stays. None goes below its
 * LimitRange, nor below its bounds as long as the others can give way. Where the pod cannot fit at all, nothing is
 * taken from it, since nothing would be gained.
 */
export function clampSum(
  drafts: readonly Draft[],
  limitRanges: readonly LimitRangeItem[],
  bound: SumClamp,
): readonly Draft[] {
  const { resource, field, most } = bound;
  if (most === undefined || sumOf(drafts, field, resource) <= most) return drafts;
  const parts = drafts.flatMap((draft, index) => {
    const value = draft.isSized ? amountOf(draft, field, resource) : undefined;
    return value === undefined ? [] : [{ draft, index, value }];
  });
  const kept = drafts.filter((_, index) => parts.every((part) => part.index !== index));
  const budget = most - sumOf(kept, field, resource);
  const { min = 0 } = jointRange(limitRanges, 'Container', resource);
  const hard = parts.map(({ draft, value }) => {
    return Math.min(value, Math.max(min, leastOf(draft, bound), roundReadable(resource, 0)));
  });
  const soft = parts.map(({ draft, value }, i) =>
    Math.min(
      value,
      Math.max(hard[i] ?? 0, draft.bounds[resource].min ?? 0, draft.guardrails[resource].min ?? 0),
    ),
  );
  const floors = [soft, hard].find((each) => total(each) <= budget);
  if (floors === undefined) return drafts;
  const shares = scaled(
    parts.map(({ value }) => value),
    floors,
    budget,
  );
  const scaledDrafts = new Map(
    parts.map(({ draft, index }, i) => {
      const floor = floors[i] ?? 0;
      const to = Math.max(floor, roundReadable(resource, shares[i] ?? floor, 'down'));
      return [index, shrunk(draft, limitRanges, { ...bound, to })];
    }),
  );
  return drafts.map((draft, index) => scaledDrafts.get(index) ?? draft);
}

/** A limit not below its request; a request that is held for want of evidence not below what it is. */
function leastOf(draft: Draft, { clamp, resource, field }: SumClamp): number {
  if (field === 'limit') return draft.requests[resource] ?? 0;
  const isFloor = clamp === 'NodeAllocatable' && draft.isHeld[resource];
  return isFloor ? (draft.current.requests[resource] ?? 0) : 0;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Values times one share, each at least its floor, so that the sum is the budget. */
function scaled(
  values: readonly number[],
  floors: readonly number[],
  budget: number,
): readonly number[] {
  let isPinned = values.map(() => false);
  for (;;) {
    const free = total(values.filter((_, i) => !isPinned[i]));
    const left = budget - total(floors.filter((_, i) => isPinned[i]));
    const share = free === 0 ? 0 : left / free;
    const isBelow = values.map(
      (value, i) => isPinned[i] === true || value * share < (floors[i] ?? 0),
    );
    const isSettled = isBelow.every((below, i) => below === isPinned[i]);
    if (isSettled)
      return values.map((value, i) => (isPinned[i] ? (floors[i] ?? 0) : value * share));
    isPinned = isBelow;
  }
}

/** A limit that was the request stays it; another comes down as far as the ratio of a LimitRange asks. */
function shrunk(
  draft: Draft,
  limitRanges: readonly LimitRangeItem[],
  { clamp, resource, field, to }: SumClamp & { readonly to: number },
): Draft {
  const before = amountOf(draft, field, resource);
  const next = clamped(draft, { clamp, resource, field, to });
  const limit = draft.limits[resource];
  if (field === 'limit' || limit === undefined) return next;
  if (limit === before) return clamped(next, { clamp, resource, field: 'limit', to });
  const { ratio } = jointRange(limitRanges, 'Container', resource);
  if (ratio === undefined || limit <= to * ratio) return next;
  const highest = Math.max(to, roundReadable(resource, to * ratio, 'down'));
  return clamped(next, { clamp: 'LimitRangeRatio', resource, field: 'limit', to: highest });
}

/** The pod's sums of requests and of limits at most the LimitRange's max for pods, of requests at least its min. */
export function clampToPodRange(
  drafts: readonly Draft[],
  resource: Resource,
  limitRanges: readonly LimitRangeItem[],
): readonly Draft[] {
  const { min, max } = jointRange(limitRanges, 'Pod', resource);
  const bound = { clamp: 'LimitRangePodMax', resource, most: max } as const;
  const requested = clampSum(drafts, limitRanges, { ...bound, field: 'request' });
  const limited = clampSum(requested, limitRanges, { ...bound, field: 'limit' });
  return clampPodMin(limited, limitRanges, { resource, least: min ?? 0 });
}

/** The sized containers take what the pod lacks to the least that it may ask for, each as far as it may, in order. */
function clampPodMin(
  drafts: readonly Draft[],
  limitRanges: readonly LimitRangeItem[],
  { resource, least }: { readonly resource: Resource; readonly least: number },
): readonly Draft[] {
  const { max = Infinity } = jointRange(limitRanges, 'Container', resource);
  let lacks = least - sumOf(drafts, 'request', resource);
  return drafts.map((draft) => {
    const request = draft.requests[resource];
    if (!draft.isSized || request === undefined || lacks <= 0) return draft;
    const to = Math.max(request, Math.min(max, request + lacks));
    lacks -= to - request;
    const change = { clamp: 'LimitRangePodMin', resource, to } as const;
    const raised = clamped(draft, { ...change, field: 'request' });
    const limit = draft.limits[resource];
    return limit !== undefined && limit < to
      ? clamped(raised, { ...change, field: 'limit' })
      : raised;
  });
}
