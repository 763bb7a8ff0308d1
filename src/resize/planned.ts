import type { Sizes } from '../recommend/usage.ts';
import type { PodBudget } from './budget.ts';
import type { Outside } from './ceiling.ts';
import type { ChangeRecord, Lane } from './changes.ts';
import type { ChangeRules } from './desired.ts';
import type { Held, WorkloadFacts } from './gates.ts';
import type { SizedContainer } from './newpods.ts';
import type { PodState } from './pod.ts';
import type { PatchedContainer } from './podplan.ts';
import type { Refusal } from './refused.ts';
import type { NodeRoom, Room } from './room.ts';
import type { ContainerTarget } from './wanted.ts';

export interface PlanRules extends ChangeRules, PodBudget {
  /** Recreate: the only replica may be evicted too. */
  readonly mayEvictLast: boolean;
}

export interface PlanInput {
  readonly facts: WorkloadFacts;
  readonly rules: PlanRules;
  /** Containers that the mode acts on; others stay as they are. */
  readonly targets: readonly ContainerTarget[];
  /** What the workload's template says of its containers, with what the API server makes of sizes that are left out. */
  readonly template: readonly { readonly name: string; readonly sizes: Sizes }[];
  /** What a new pod comes with; undefined while that is being changed, so that nobody can say. */
  readonly newPods: readonly SizedContainer[] | undefined;
  /** Schedulable nodes, with what their pods leave; undefined where that is not known. */
  readonly nodes: readonly NodeRoom[] | undefined;
  /** What replaces a pod is on the same node, as of a DaemonSet. */
  readonly staysOnNode: boolean;
  /** Pods of the workload that have not ended. */
  readonly pods: readonly PodState[];
  /** How many pods there ought to be. */
  readonly replicas: number;
  readonly records: readonly ChangeRecord[];
  readonly refusals: readonly Refusal[];
  readonly freeFleet: number;
  /** What the quotas of the namespace leave for this workload; undefined where none counts. */
  readonly room: Room;
  readonly outside: Outside;
  readonly nowSeconds: number;
}

export interface PodPatch {
  readonly podUid: string;
  readonly podName: string;
  readonly lane: Lane;
  readonly why: string;
  readonly containers: readonly PatchedContainer[];
}

export interface PodEviction {
  readonly podUid: string;
  readonly podName: string;
  readonly lane: Lane;
  readonly why: string;
  /** What runs and what the replacement is to have. */
  readonly containers: readonly PatchedContainer[];
}

/** A pod whose resize is not there yet, or never will be. */
interface WaitingPod {
  readonly podUid: string;
  readonly podName: string;
  readonly state: 'InProgress' | 'Deferred' | 'Infeasible' | 'Error';
  readonly message: string;
}

export interface Plan {
  /** In the order in which they are to be made; one per pod. */
  readonly patches: readonly PodPatch[];
  /** One at most. */
  readonly evictions: readonly PodEviction[];
  readonly waiting: readonly WaitingPod[];
  /** Gates that hold something, each once, in their order: the first is the one to show. */
  readonly held: readonly Held[];
  /** Containers that a suspected leak keeps from growing, by name. */
  readonly leaking: readonly string[];
}
