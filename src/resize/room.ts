import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import { runningSizes, type ContainerState, type PodState } from './pod.ts';

/**
 * Requests and limits that the quotas of a namespace still leave, in cores and bytes. What is left out is unbounded, and
 * so is all where it is undefined.
 */
export type Room = Sizes | undefined;

/** What the requests of a node's pods leave of what it can give, in cores or bytes; none and less where they are too many. */
export interface NodeRoom {
  readonly name: string;
  readonly free: Amounts;
}

const FIELDS = ['requests', 'limits'] as const;

/** 0.3 - 0.1 is 0.19999999999999998: what fits to the last digit fits. */
export const FLOAT_ERROR = 1 + 1e-9;

/**
 * What a quota counts of a container: the more of what runs and what is asked for; only what runs where the node can
 * never give the rest.
 */
export function counted(container: ContainerState, { resize }: Pick<PodState, 'resize'>): Sizes {
  const running = runningSizes(container);
  if (resize.state === 'Infeasible') return running;
  return sizesBy((field, resource) => {
    const runs = running[field][resource];
    const asked = container.spec[field][resource];
    return runs === undefined || asked === undefined ? (runs ?? asked) : Math.max(runs, asked);
  });
}

/** What a container of these sizes takes from the room beyond what counts of it already; less of one gives nothing back. */
export function addedBy(before: Sizes, to: Sizes): Sizes {
  return sizesBy((field, resource) =>
    Math.max(0, (to[field][resource] ?? 0) - (before[field][resource] ?? 0)),
  );
}

export function sumOf(all: readonly Sizes[]): Sizes {
  return sizesBy((field, resource) =>
    all.reduce((sum, sizes) => sum + (sizes[field][resource] ?? 0), 0),
  );
}

/** Whether a node can hold what is requested, once a pod that has `own` is gone from the node `from`. */
export function hasRoom(
  { name, free }: NodeRoom,
  requests: Amounts,
  { from, own }: { readonly from: string | undefined; readonly own: Amounts },
): boolean {
  return RESOURCES.every((resource) => {
    const given = name === from ? (own[resource] ?? 0) : 0;
    const most = (free[resource] ?? Infinity) + given;
    return (requests[resource] ?? 0) <= most * FLOAT_ERROR;
  });
}

/** What each of so many pods may take; none take nothing. */
export function roomEach(room: Room, pods: number): Room {
  if (room === undefined || pods === 0) return undefined;
  return sizesBy((field, resource) => {
    const left = room[field][resource];
    return left === undefined ? undefined : left / pods;
  });
}

export function roomAfter(room: Room, taken: Sizes): Room {
  return (
    room &&
    sizesBy((field, resource) => {
      const left = room[field][resource];
      return left === undefined ? undefined : Math.max(0, left - (taken[field][resource] ?? 0));
    })
  );
}

/** A sentence that says what does not fit; undefined when all does. */
export function shortage(room: Room, added: Sizes): string | undefined {
  for (const field of FIELDS) {
    for (const resource of RESOURCES) {
      const left = room?.[field][resource] ?? Infinity;
      const more = added[field][resource] ?? 0;
      if (more <= left * FLOAT_ERROR) continue;
      const what = `${resource} ${field}`;
      return `The quota has no room: ${what} would grow by ${words(resource, more)}, ${words(resource, left)} is left.`;
    }
  }
  return undefined;
}

/** `0.25 cores`, `300 Mi`. */
export function words(resource: Resource, amount: number): string {
  const [unit, name] = resource === 'cpu' ? [1, 'cores'] : [2 ** 20, 'Mi'];
  return `${Number((amount / unit).toPrecision(4))} ${name}`;
}

function sizesBy(
  of: (field: (typeof FIELDS)[number], resource: Resource) => number | undefined,
): Sizes {
  const amounts = (field: (typeof FIELDS)[number]): Amounts => {
    const cpu = of(field, 'cpu');
    const memory = of(field, 'memory');
    return { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) };
  };
  return { requests: amounts('requests'), limits: amounts('limits') };
}
