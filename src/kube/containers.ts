import { parseCpu, parseMemory } from '../api/quantity.ts';
import type { ContainerKind, ContainerSpec } from '../controller/ports.ts';
import type { Amounts, Resource, Sizes } from '../recommend/usage.ts';
import { listAt, objectAt, requiredText, type Json } from './json.ts';

const PARSERS: Readonly<Record<Resource, (quantity: string | number) => number>> = {
  cpu: parseCpu,
  memory: parseMemory,
};

/** CPU in cores and memory in bytes of a resource list; other resources are left out. Throws on a bad quantity. */
export function amountsAt(value: unknown, field: string): Amounts {
  const list = objectAt(value, field);
  return { ...amount('cpu', list['cpu']), ...amount('memory', list['memory']) };
}

function amount(resource: Resource, quantity: unknown): Amounts {
  if (quantity === undefined || quantity === null) return {};
  if (typeof quantity !== 'string' && typeof quantity !== 'number') {
    throw new Error(`${resource} is not a quantity`);
  }
  return { [resource]: PARSERS[resource](quantity) };
}

/** What stands under `resources`, of a container or of its status. */
export function sizesOf(container: Json): Sizes {
  const resources = objectAt(container, 'resources');
  return { requests: amountsAt(resources, 'requests'), limits: amountsAt(resources, 'limits') };
}

/** Whether a pod spec states CPU or memory of the pod as a whole. Other resources bound no container's CPU or memory. */
export function hasPodResources(podSpec: Json): boolean {
  const { requests, limits } = sizesOf(podSpec);
  return Object.keys({ ...requests, ...limits }).length > 0;
}

/** The containers of a pod spec that run as long as the pod does, native sidecars first; other init containers end before. */
export function runningContainers(
  podSpec: Json,
): readonly { readonly kind: ContainerKind; readonly raw: Json }[] {
  const sidecars = listAt(podSpec, 'initContainers').filter(isSidecar);
  return [
    ...sidecars.map((raw) => ({ kind: 'Sidecar' as const, raw })),
    ...listAt(podSpec, 'containers').map((raw) => ({ kind: 'Container' as const, raw })),
  ];
}

/** Init containers that end before the others begin. */
export function endingContainers(podSpec: Json): readonly (Sizes & { readonly name: string })[] {
  return listAt(podSpec, 'initContainers')
    .filter((container) => !isSidecar(container))
    .map((raw) => ({ name: requiredText(raw, 'name'), ...sizesOf(raw) }));
}

function isSidecar(initContainer: Json): boolean {
  return initContainer['restartPolicy'] === 'Always';
}

export function containerSpecs(podSpec: Json): readonly ContainerSpec[] {
  return runningContainers(podSpec).map(({ kind, raw }) => ({
    name: requiredText(raw, 'name'),
    kind,
    ...sizesOf(raw),
    restartsOn: restartsOn(raw),
  }));
}

/** Resources whose change restarts the container. */
export function restartsOn(container: Json): readonly Resource[] {
  return listAt(container, 'resizePolicy')
    .filter((policy) => policy['restartPolicy'] === 'RestartContainer')
    .map((policy) => policy['resourceName'])
    .filter((name): name is Resource => name === 'cpu' || name === 'memory');
}
