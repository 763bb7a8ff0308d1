import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import { sameSizes } from '../resize/pod.ts';
import type { PatchedContainer } from '../resize/podplan.ts';
import type { TemplateChanger } from './changeports.ts';
import type { Workload } from './ports.ts';

/** A container of a template with the sizes that are stated of it. */
export type StatedContainer = Parameters<TemplateChanger['apply']>[1][number];

export interface TemplateReader {
  /**
   * What the operator's field manager states in the template now; undefined where the workload is gone. It is read from
   * the API server, so that a Recommendation that was deleted and made anew forgets nothing.
   */
  ownSizes(
    workload: Workload,
    signal: AbortSignal,
  ): Promise<readonly StatedContainer[] | undefined>;
}

export interface Statement {
  /** All that the field manager is to state: what is left out is given up. */
  readonly stated: readonly StatedContainer[];
  /** What changes in the template by it. */
  readonly changes: readonly PatchedContainer[];
  /** Amounts that ought to go and are stated by somebody else, such as `main: cpu limit`. */
  readonly foreign: readonly string[];
}

/**
 * How a change is stated: only amounts that change and amounts that are stated already, so that no amount of somebody
 * else becomes ours by the way. What somebody else states cannot be taken out and stays.
 */
export function statement(
  wanted: readonly PatchedContainer[],
  { containers }: Pick<Workload, 'containers'>,
  own: readonly StatedContainer[],
): Statement {
  const parts = wanted.map((change) => {
    const template = containers.find(({ name }) => name === change.name) ?? NOTHING;
    const mine = own.find(({ name }) => name === change.name)?.sizes ?? NOTHING;
    return partOf(change, template, mine);
  });
  const changes = parts.map(({ change }) => change).filter(({ from, to }) => !sameSizes(from, to));
  const untouched = own.filter(({ name }) => !changes.some((each) => each.name === name));
  const touched = parts.flatMap(({ change: { name, kind }, sizes }) =>
    changes.some((each) => each.name === name) ? [{ name, kind, sizes }] : [],
  );
  return {
    stated: [...untouched, ...touched],
    changes,
    foreign: parts.flatMap(({ foreign }) => foreign),
  };
}

const NOTHING: Sizes = { requests: {}, limits: {} };
const FIELDS = { requests: 'request', limits: 'limit' } as const;

function partOf(
  { name, kind, from, to }: PatchedContainer,
  template: Sizes,
  mine: Sizes,
): {
  readonly change: PatchedContainer;
  readonly sizes: Sizes;
  readonly foreign: readonly string[];
} {
  const isForeign = (field: keyof Sizes, resource: Resource) =>
    to[field][resource] === undefined &&
    template[field][resource] !== undefined &&
    mine[field][resource] === undefined;
  const requests = amounts((resource) =>
    isForeign('requests', resource) ? template.requests[resource] : to.requests[resource],
  );
  const limits = amounts((resource) =>
    // A limit that stays makes room for the request; who states it is named then.
    isForeign('limits', resource)
      ? Math.max(template.limits[resource] ?? 0, requests[resource] ?? 0)
      : to.limits[resource],
  );
  const kept: Sizes = { requests, limits };
  const stated = (field: keyof Sizes) =>
    amounts((resource) => {
      const amount = kept[field][resource];
      const isOurs = mine[field][resource] !== undefined;
      return isOurs || amount !== template[field][resource] ? amount : undefined;
    });
  return {
    change: { name, kind, from, to: kept },
    sizes: { requests: stated('requests'), limits: stated('limits') },
    foreign: (['requests', 'limits'] as const).flatMap((field) =>
      RESOURCES.filter((resource) => isForeign(field, resource)).map(
        (resource) => `${name}: ${resource} ${FIELDS[field]}`,
      ),
    ),
  };
}

function amounts(of: (resource: Resource) => number | undefined): Amounts {
  return Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const amount = of(resource);
      return amount === undefined ? [] : [[resource, amount]];
    }),
  );
}
