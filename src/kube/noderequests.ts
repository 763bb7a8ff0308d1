import type { Pod } from '../controller/ports.ts';
import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import type { Change } from './store.ts';

const UNITS: Readonly<Record<Resource, number>> = { cpu: 1e-9, memory: 1e-3 };

interface Requested {
  readonly node: string;
  readonly amounts: Readonly<Record<Resource, number>>;
}

/** What the pods on each node request, as its scheduler counts them, kept up from changes. */
export class NodeRequests {
  readonly byNode = new Map<string, Amounts>();
  readonly #pods = new Map<string, number>();

  podChanged(change: Change<Pod>): void {
    if (change.kind !== 'Added') this.#add(requestedBy(change.before), -1);
    if (change.kind !== 'Deleted') this.#add(requestedBy(change.item), 1);
  }

  #add(requested: Requested | undefined, sign: 1 | -1): void {
    if (requested === undefined) return;
    const { node, amounts } = requested;
    const pods = (this.#pods.get(node) ?? 0) + sign;
    if (pods === 0) {
      // So that nothing of what adding up loses outlives the pods.
      this.#pods.delete(node);
      this.byNode.delete(node);
      return;
    }
    this.#pods.set(node, pods);
    const before = this.byNode.get(node) ?? {};
    const sum = (resource: Resource): number =>
      inUnits(resource, (before[resource] ?? 0) + sign * amounts[resource]);
    this.byNode.set(node, { cpu: sum('cpu'), memory: sum('memory') });
  }
}

/** 0.1 + 0.2 - 0.2 is 0.10000000000000003: what is added up and taken away a million times must not drift. */
function inUnits(resource: Resource, amount: number): number {
  const unit = UNITS[resource];
  return Number((Math.round(amount / unit) * unit).toPrecision(15));
}

/**
 * The more of what is asked for and what it has, since a resize takes its room until it is done; of init containers that
 * end the largest. Pods that have ended, or are on no node, take none.
 */
function requestedBy({
  node,
  hasEnded,
  resize,
  containers,
  initContainers,
}: Pod): Requested | undefined {
  if (node === undefined || hasEnded) return undefined;
  const requestOf = (sizes: Sizes, resource: Resource): number => sizes.requests[resource] ?? 0;
  const of = (resource: Resource): number => {
    const running = containers.map(({ actual, ...spec }) => {
      if (actual === undefined) return requestOf(spec, resource);
      // What the node can never give it does not wait for.
      const asked = resize.state === 'Infeasible' ? 0 : requestOf(spec, resource);
      return Math.max(asked, requestOf(actual, resource));
    });
    const initial = initContainers.map((each) => requestOf(each, resource));
    return Math.max(
      running.reduce((sum, each) => sum + each, 0),
      ...initial,
    );
  };
  const [cpu, memory] = RESOURCES.map(of) as [number, number];
  return { node, amounts: { cpu, memory } };
}
