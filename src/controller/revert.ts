import { qosClass } from '../recommend/qos.ts';
import { RESOURCES, type Resource, type Sizes } from '../recommend/usage.ts';
import { sameSizes } from '../resize/pod.ts';
import type { PatchedContainer } from '../resize/podplan.ts';
import type { Pod, PodContainer } from './ports.ts';

/** What a container has in a pod that its template makes: what is stated, completed as the API server does. */
export interface TemplateContainer {
  readonly name: string;
  readonly sizes: Sizes;
}

/** The way of a running pod back to its template. */
export interface PodRevert {
  readonly pod: Pod;
  /** One patch for all; only those of which something differs, as near to the template as can be had in place. */
  readonly containers: readonly PatchedContainer[];
  /** What only a new pod would have, a sentence each. */
  readonly needsNewPod: readonly string[];
}

/**
 * Undefined where the pod has what its template says. Containers that are not in the template, such as those that were
 * injected, stay as they are.
 */
export function podRevert(pod: Pod, template: readonly TemplateContainer[]): PodRevert | undefined {
  const ways = pod.containers.flatMap((container) => {
    const stated = template.find(({ name }) => name === container.name);
    return stated === undefined ? [] : [wayBack(container, stated.sizes)];
  });
  const needsNewPod = ways.flatMap(({ obstacles }) => obstacles);
  const containers = ways.flatMap(({ container, to }) => {
    const { name, kind, actual = container } = container;
    if (sameSizes(container, to) && sameSizes(actual, to)) return [];
    return [{ name, kind, from: plain(actual), to }];
  });
  if (containers.length === 0 && needsNewPod.length === 0) return undefined;
  const changed = containers.length === 0 ? undefined : changedClass(pod, containers);
  return changed === undefined
    ? { pod, containers, needsNewPod }
    : { pod, containers: [], needsNewPod: [...needsNewPod, changed] };
}

interface WayBack {
  readonly container: PodContainer;
  readonly to: Sizes;
  readonly obstacles: readonly string[];
}

function wayBack(container: PodContainer, template: Sizes): WayBack {
  const steps = RESOURCES.map((resource) => ({
    resource,
    ...stepBack(container, resource, pairOf(template, resource)),
  }));
  const amounts = (field: keyof Pair) =>
    Object.fromEntries(
      steps.flatMap(({ resource, to }) => {
        const amount = to[field];
        return amount === undefined ? [] : [[resource, amount] as const];
      }),
    );
  return {
    container,
    to: { requests: amounts('request'), limits: amounts('limit') },
    obstacles: steps.flatMap(({ obstacle }) =>
      obstacle === undefined ? [] : [`${container.name}: ${obstacle}`],
    ),
  };
}

interface Pair {
  readonly request: number | undefined;
  readonly limit: number | undefined;
}

function pairOf({ requests, limits }: Sizes, resource: Resource): Pair {
  return { request: requests[resource], limit: limits[resource] };
}

/** The API server lets nothing be taken away in place, and the kubelet restarts what its resizePolicy says. */
function stepBack(
  container: PodContainer,
  resource: Resource,
  template: Pair,
): { readonly to: Pair; readonly obstacle?: string } {
  const has = pairOf(container, resource);
  const to = reachable(has, template);
  const isChange = to.request !== has.request || to.limit !== has.limit;
  if (isChange && container.restartsOn.includes(resource)) {
    const obstacle = `its resizePolicy restarts the container when ${resource} changes`;
    return { to: has, obstacle };
  }
  const removed = (['request', 'limit'] as const).filter(
    (field) => template[field] === undefined && has[field] !== undefined,
  );
  if (removed.length === 0) return { to };
  const what = removed.map((field) => `${resource} ${field}`).join(' and no ');
  return { to, obstacle: `the template has no ${what}, which cannot be taken away in place` };
}

/** A limit that has to stay makes room for the request, and a request that has to stay keeps under the limit. */
function reachable(has: Pair, template: Pair): Pair {
  const { limit } = template;
  const request = template.request ?? least(has.request, limit);
  return { request, limit: limit ?? most(has.limit, request) };
}

function least(amount: number | undefined, bound = Infinity): number | undefined {
  return amount === undefined ? undefined : Math.min(amount, bound);
}

function most(amount: number | undefined, bound = 0): number | undefined {
  return amount === undefined ? undefined : Math.max(amount, bound);
}

/** Why the pod cannot be patched so; undefined where its QoS class stays, or is not known. */
function changedClass(pod: Pod, changes: readonly PatchedContainer[]): string | undefined {
  const after = pod.containers.map(
    (container) => changes.find(({ name }) => name === container.name)?.to ?? container,
  );
  const next = qosClass([...after, ...pod.initContainers]);
  if (pod.qosClass === '' || next === pod.qosClass) return undefined;
  return `the pod would be ${next}, and one that is ${pod.qosClass} stays it`;
}

function plain({ requests, limits }: Sizes): Sizes {
  return { requests, limits };
}

/** Where a pod stands after it was asked to go back. */
export type Arrival =
  | { readonly kind: 'There' | 'Gone' }
  /** Not yet. `isFinal`: nor will it be, as the node says. */
  | { readonly kind: 'Underway'; readonly message: string; readonly isFinal: boolean };

/** `pod` as it is now, undefined once it is gone. Sizes of a container that does not run are those asked for. */
export function arrivalOf(
  pod: Pod | undefined,
  containers: readonly Pick<PatchedContainer, 'name' | 'to'>[],
): Arrival {
  if (pod === undefined || pod.isTerminating || pod.hasEnded) return { kind: 'Gone' };
  const { resize } = pod;
  const isAsked = containers.every(({ name, to }) =>
    pod.containers.some((container) => container.name === name && sameSizes(container, to)),
  );
  if (!isAsked || pod.observedGeneration < pod.generation) {
    return { kind: 'Underway', message: 'the kubelet has not looked at it yet', isFinal: false };
  }
  const isThere = containers.every(({ name, to }) =>
    pod.containers.some(
      (container) => container.name === name && sameSizes(container.actual ?? container, to),
    ),
  );
  if (isThere) return { kind: 'There' };
  const message = resize.state === 'None' ? 'not done yet' : `${resize.state}: ${resize.message}`;
  return { kind: 'Underway', message, isFinal: resize.state === 'Infeasible' };
}
