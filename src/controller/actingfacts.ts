import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import type { WorkloadFacts } from '../resize/gates.ts';
import type { NodeRoom } from '../resize/room.ts';
import type { Permission } from './changeports.ts';
import { autoscaledResources, type Governance } from './gather.ts';
import { nodesFor } from './nodesfor.ts';
import type { ClusterView, Pod, Workload, WorkloadRef } from './ports.ts';
import { suspensionOf } from './suspension.ts';
import { isInWindow } from './windows.ts';

export interface FactsInput {
  readonly view: ClusterView;
  readonly governance: Governance;
  readonly mode: WorkloadFacts['mode'];
  readonly nowSeconds: number;
  readonly isBreakerOpen: boolean;
  readonly missing: readonly Permission[];
  /** Why no pod of it may be evicted now. */
  readonly disruptionRefused: string | undefined;
  /** The operator's own, in which it changes nothing. */
  readonly ownNamespace: string | undefined;
}

/** Nothing is changed where the cluster itself lives, whatever a policy says. */
const PROTECTED: readonly (string | undefined)[] = ['kube-system', 'kube-node-lease'];

/** What holds for the workload now, whatever is changed in it. */
export function workloadFacts(workload: Workload, input: FactsInput): WorkloadFacts {
  const { view, governance, mode, nowSeconds, ownNamespace } = input;
  const { namespace } = workload.ref;
  const { policy } = governance;
  return {
    mode,
    suspendedBy: suspensionOf(view, workload, policy, nowSeconds)?.by,
    isNamespaceProtected: [...PROTECTED, ownNamespace].includes(namespace),
    isRollingOut: workload.isRollingOut,
    isReady: workload.isReady,
    vpa: verticalAutoscaler(view, workload),
    otherManager: otherResizer(view.pods(workload.ref)),
    hasPodResources:
      workload.hasPodResources ||
      view.pods(workload.ref).some(({ hasEnded, hasPodResources }) => !hasEnded && hasPodResources),
    autoscaled: autoscaledResources(view, workload),
    mayRestart:
      mode === 'Recreate' && (workload.replicas > 1 || policy.spec.changes.evictLastReplica),
    isInWindow: isInWindow(policy.spec.changes.windows, nowSeconds),
    isBreakerOpen: input.isBreakerOpen,
    isAdmissionAvailable: view.admission.kind === 'Installed',
    missingPermission: missingPermission(input.missing, workload),
    disruptionRefused: input.disruptionRefused,
  };
}

function verticalAutoscaler(view: ClusterView, { ref }: Workload): string | undefined {
  return view
    .verticalAutoscalers(ref.namespace)
    .find(({ target, updates }) => updates && target.kind === ref.kind && target.name === ref.name)
    ?.name;
}

function otherResizer(pods: readonly Pod[]): string | undefined {
  return pods.find(({ otherResizer: name, hasEnded }) => name !== undefined && !hasEnded)
    ?.otherResizer;
}

interface Grant {
  readonly what: string;
  readonly component: 'resize' | 'workloads';
}

const GRANTS: Readonly<Record<Permission, Grant>> = {
  Resize: { what: 'patch pods/resize', component: 'resize' },
  Evict: { what: 'create pods/eviction', component: 'workloads' },
  PatchWorkload: { what: 'patch the workload', component: 'workloads' },
};

/** What is missing and which file grants it, as a sentence; undefined where nothing is. */
export function missingPermission(
  missing: readonly Permission[],
  { ref }: Workload,
): string | undefined {
  if (missing.length === 0) return undefined;
  const what = missing.map((each) => GRANTS[each].what).join(' and ');
  const files = [...new Set(missing.map((each) => GRANTS[each].component))].map(
    (component) =>
      `deploy/components/cluster-${component} (or namespace-${component} for this namespace)`,
  );
  return `The operator may not ${what} in namespace ${ref.namespace}: apply ${files.join(' and ')}.`;
}

/** What is still free of the namespace's quotas, the least of them; a resource that none bounds is left out. */
export function roomOf(view: ClusterView, namespace: string): Sizes {
  const lefts = view.resourceQuotas(namespace).map(({ left }) => left);
  return {
    requests: least(lefts.map(({ requests }) => requests)),
    limits: least(lefts.map(({ limits }) => limits)),
  };
}

/** Nodes for its pods with what is free on them; undefined where nodes, or all of their pods, are not known. */
export function nodeRooms(view: ClusterView, ref: WorkloadRef): readonly NodeRoom[] | undefined {
  const requests = view.nodeRequests();
  if (requests === undefined || [...view.nodes()].length === 0) return undefined;
  return nodesFor(view, ref).map(({ name, allocatable }) => {
    const taken = requests.get(name) ?? {};
    const free = (resource: Resource) => {
      const all = allocatable[resource];
      return all === undefined ? {} : { [resource]: all - (taken[resource] ?? 0) };
    };
    return { name, free: { ...free('cpu'), ...free('memory') } };
  });
}

function least(all: readonly Amounts[]): Amounts {
  return Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      const amounts = all.flatMap((each) => each[resource] ?? []);
      return amounts.length === 0 ? [] : [[resource, Math.min(...amounts)]];
    }),
  );
}
