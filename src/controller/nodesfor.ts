import type { Amounts } from '../recommend/usage.ts';
import { mayRunOn } from './placement.ts';
import type { ClusterView, Node, WorkloadRef } from './ports.ts';

/**
 * Schedulable nodes that pods of the workload may be on: of a DaemonSet those that have one, of others where its youngest
 * pod may be. While there is none, nobody knows, and each may be it.
 */
export function nodesFor(view: ClusterView, ref: WorkloadRef): readonly Node[] {
  return among([...view.nodes()], view, ref);
}

/** What a node says of itself for a while, such as that it is not ready, is no reason to size for smaller ones. */
const OF_THE_MOMENT = 'node.kubernetes.io/';

/** The most that a single one of them has, resource by resource; undefined where nodes are not known. */
export function largestNode(view: ClusterView, ref: WorkloadRef): Amounts | undefined {
  const lasting = [...view.nodes()].map((node) => ({
    ...node,
    taints: node.taints.filter(({ key }) => !key.startsWith(OF_THE_MOMENT)),
  }));
  const nodes = among(lasting, view, ref);
  const cpu = nodes.flatMap(({ allocatable }) => allocatable.cpu ?? []);
  const memory = nodes.flatMap(({ allocatable }) => allocatable.memory ?? []);
  if (cpu.length === 0 || memory.length === 0) return undefined;
  return { cpu: Math.max(...cpu), memory: Math.max(...memory) };
}

function among(nodes: readonly Node[], view: ClusterView, ref: WorkloadRef): readonly Node[] {
  const open = nodes.filter(({ schedulable }) => schedulable);
  const pods = view.pods(ref).filter(({ hasEnded }) => !hasEnded);
  const [youngest] = pods.toSorted((a, b) => b.createdSeconds - a.createdSeconds);
  if (youngest === undefined) return open;
  if (ref.kind !== 'DaemonSet') return open.filter((node) => mayRunOn(youngest.placement, node));
  const names = new Set(pods.map(({ node }) => node));
  return open.filter(({ name }) => names.has(name));
}
