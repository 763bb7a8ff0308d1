import type { Range } from './settings.ts';
import type { Amounts, Resource, Sizes } from './usage.ts';

/** What bound a number, in the order in which they are tried. */
type ClampName =
  | 'Bounds'
  | 'Guardrails'
  | 'RequestAboveLimit'
  | 'LimitRangeMin'
  | 'LimitRangeMax'
  | 'LimitRangeRatio'
  | 'LimitRangeDefault'
  | 'ResourceQuota'
  | 'LimitRangePodMin'
  | 'LimitRangePodMax'
  | 'QoSClass'
  | 'NodeAllocatable';

export type Field = 'request' | 'limit';

/** One step that changed a number; amounts are cores or bytes. */
export interface Clamp {
  readonly clamp: ClampName;
  readonly resource: Resource;
  readonly field: Field;
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
  /** The policy keeps the limit as it is: it binds the request, and not the other way round. */
  readonly keepsLimit: Readonly<Record<Resource, boolean>>;
  /** The request is what it was for a reason, and not what the evidence asks for. */
  readonly isHeld: Readonly<Record<Resource, boolean>>;
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
  readonly defaultRequest: Amounts;
  readonly maxLimitRequestRatio: Amounts;
}

/** What all LimitRanges of a namespace together say of one resource of a container, or of a pod. */
export interface JointRange extends Range {
  readonly default: number | undefined;
  readonly ratio: number | undefined;
}

/** Every LimitRange binds; of defaults the first holds, as in the API server's admission. */
export function jointRange(
  items: readonly LimitRangeItem[],
  type: LimitRangeItem['type'],
  resource: Resource,
): JointRange {
  const amounts = (pick: (item: LimitRangeItem) => Amounts) =>
    items.filter((item) => item.type === type).flatMap((item) => pick(item)[resource] ?? []);
  const least = (values: readonly number[]) =>
    values.length === 0 ? undefined : Math.min(...values);
  const mins = amounts(({ min }) => min);
  return {
    min: mins.length === 0 ? undefined : Math.max(...mins),
    max: least(amounts(({ max }) => max)),
    default: amounts((item) => item.default)[0],
    ratio: least(amounts(({ maxLimitRequestRatio }) => maxLimitRequestRatio)),
  };
}

export function amountOf(
  draft: Pick<Draft, 'requests' | 'limits'>,
  field: Field,
  resource: Resource,
): number | undefined {
  return (field === 'request' ? draft.requests : draft.limits)[resource];
}

/** The draft with one number changed and the step recorded; the same draft when nothing changes. */
export function clamped(draft: Draft, { clamp, resource, field, to }: Omit<Clamp, 'from'>): Draft {
  const from = amountOf(draft, field, resource);
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

/** The least or most that is within the range; where min is above max, max holds. */
export function within(value: number, { min, max }: Range): number {
  return Math.min(Math.max(value, min ?? value), max ?? Infinity);
}
