import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import { backoffUntil } from '../resize/backoff.ts';
import { givesNothing, lowered, type ChangeRecord } from '../resize/changes.ts';

/** What new pods get at least of a container, whatever is recommended. */
export interface Floor {
  /** What a pod in need was raised to; bounds and guardrails of now hold it down. */
  readonly rescued: Sizes;
  /** What was good before a change that did harm: what has no amount there is left to the template. */
  readonly returned: Sizes | undefined;
  /** Resources of which it was more that did harm: new pods get what was good, and no more. */
  readonly capped: readonly Resource[];
}

const NOTHING: Sizes = { requests: {}, limits: {} };

/**
 * By container: a new pod is not to come up with what its replicas have just been raised from, nor with what has just
 * done harm, until savings are allowed to try it again. Where pods that came with more did not come up, new ones get
 * what was there before, and are raised in place where their node has room. `cooldownSeconds` is that of decreases.
 */
export function floorsOf(
  records: readonly ChangeRecord[],
  {
    cooldownSeconds,
    nowSeconds,
  }: { readonly cooldownSeconds: number; readonly nowSeconds: number },
): ReadonlyMap<string, Floor> {
  // What a node could not make of a pod that runs is what that pod needs still, and a new one can have it.
  const rescues = records.filter(
    ({ lane, outcome, atSeconds }) =>
      lane === 'Rescue' && outcome !== 'TakenBack' && nowSeconds < atSeconds + cooldownSeconds,
  );
  const isBackedOff = nowSeconds < (backoffUntil(records, cooldownSeconds) ?? -Infinity);
  const last = isBackedOff ? records.findLast(({ lane }) => lane === 'Return') : undefined;
  const floors = new Map<string, Floor>();
  const at = (name: string) =>
    floors.get(name) ?? { rescued: NOTHING, returned: undefined, capped: [] };
  for (const { name, to } of rescues.flatMap(({ containers }) => containers)) {
    floors.set(name, { ...at(name), rescued: most(at(name).rescued, to) });
  }
  const isOfMore = last !== undefined && givesNothing(last);
  for (const change of last?.containers ?? []) {
    const capped = isOfMore ? lowered(change) : [];
    floors.set(change.name, { ...at(change.name), returned: change.to, capped });
  }
  return floors;
}

function most(a: Sizes, b: Sizes): Sizes {
  return { requests: mostOf(a.requests, b.requests), limits: mostOf(a.limits, b.limits) };
}

function mostOf(a: Amounts, b: Amounts): Amounts {
  return Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const amounts = [a, b].flatMap((each) => each[resource] ?? []);
      return amounts.length === 0 ? [] : [[resource, Math.max(...amounts)]];
    }),
  );
}

/**
 * Sizes with each amount that is there at the floor at least, and limits at their requests at least; `max` bounds what a
 * rescue asks for, by resource. What is capped stays at the floor. Where there was no limit before a change that did harm there is none, and where there
 * was neither request nor limit of a resource, nothing is asked for.
 */
export function raisedTo(sizes: Sizes, floor: Floor | undefined, max: Amounts): Sizes {
  if (floor === undefined) return sizes;
  const { rescued, returned } = floor;
  const raised = (field: keyof Sizes, least: Amounts): Amounts =>
    Object.fromEntries(
      RESOURCES.flatMap((resource) => {
        const amount = sizes[field][resource];
        if (amount === undefined) return [];
        if (returned !== undefined && !isThere(returned, field, resource)) return [];
        const bounded = Math.min(rescued[field][resource] ?? 0, max[resource] ?? Infinity);
        const others = [bounded, returned?.[field][resource] ?? 0, least[resource] ?? 0];
        return [[resource, Math.min(Math.max(amount, ...others), ceiling(floor, field, resource))]];
      }),
    );
  const requests = raised('requests', {});
  return { requests, limits: raised('limits', requests) };
}

function ceiling({ returned, capped }: Floor, field: keyof Sizes, resource: Resource): number {
  return capped.includes(resource) ? (returned?.[field][resource] ?? Infinity) : Infinity;
}

function isThere({ requests, limits }: Sizes, field: keyof Sizes, resource: Resource): boolean {
  const isLimited = limits[resource] !== undefined;
  return isLimited || (field === 'requests' && requests[resource] !== undefined);
}
