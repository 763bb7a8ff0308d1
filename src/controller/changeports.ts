import type { PatchedContainer } from '../resize/podplan.ts';
import type { Sizes } from '../recommend/usage.ts';
import type { UsageFailure, Workload } from './ports.ts';

/** A pod as it was looked at; a call about it fails when it is another one by now. */
export interface PodAddress {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** As of one look: another one may have changed it since. */
export interface SeenPod extends PodAddress {
  readonly resourceVersion: string;
}

/**
 * What the API server made of a resize. Infeasible: it can never be had on this node or in this pod. Refused: a quota,
 * a LimitRange or an admission plugin says no for now. Stale: the pod has changed since it was looked at. Gone: it is
 * not there any more. Forbidden: the operator may not.
 */
export type ResizeAnswer =
  | { readonly kind: 'Accepted' | 'Stale' | 'Gone' }
  | { readonly kind: 'Infeasible' | 'Refused' | 'Forbidden'; readonly message: string };

/** Blocked: a PodDisruptionBudget, or the server, says not now. */
export type EvictionAnswer =
  | { readonly kind: 'Accepted' | 'Gone' }
  | {
      readonly kind: 'Blocked';
      readonly message: string;
      readonly retryAfterSeconds: number | undefined;
    }
  | { readonly kind: 'Refused' | 'Forbidden'; readonly message: string };

/** Changes pods that run. A call that got no answer rejects: whether it was carried out is not known then. */
export interface PodChanger {
  /** One patch for all containers; of `containers` the sizes `to`. */
  resize(
    pod: SeenPod,
    containers: readonly PatchedContainer[],
    options: {
      readonly isDryRun: boolean;
      /** Somebody is in need: it goes before other calls that wait. */
      readonly isUrgent?: boolean;
      readonly signal: AbortSignal;
    },
  ): Promise<ResizeAnswer>;
  evict(
    pod: PodAddress,
    options: { readonly isDryRun: boolean; readonly signal: AbortSignal },
  ): Promise<EvictionAnswer>;
}

/** Conflict: somebody else manages these fields; `managers` says who. */
export type TemplateAnswer =
  | { readonly kind: 'Accepted' | 'Gone' }
  | { readonly kind: 'Conflict'; readonly managers: readonly string[] }
  | { readonly kind: 'Refused' | 'Forbidden'; readonly message: string };

/** Changes pod templates of workloads, under a field manager of its own. */
export interface TemplateChanger {
  /**
   * States the sizes of these containers in the template, and no other field; those that were stated before and are
   * not now go back to whoever else manages them. An empty list gives all back.
   */
  apply(
    workload: Workload,
    containers: readonly {
      readonly name: string;
      readonly kind: 'Container' | 'Sidecar';
      readonly sizes: Sizes;
    }[],
    options: { readonly isDryRun: boolean; readonly signal: AbortSignal },
  ): Promise<TemplateAnswer>;
}

/** What a mode needs beyond reading. */
export type Permission = 'Resize' | 'Evict' | 'PatchWorkload';

export interface Permissions {
  /** Whether the operator may do this to the workload's pods, or to the workload itself; asks the API server now and then. */
  may(permission: Permission, workload: Workload, signal: AbortSignal): Promise<boolean>;
}

/** What a container does now. Undefined: not known, never zero. */
export interface LiveUsage {
  /** Of the oldest of the newest samples of memory, CPU and throttling; where only a kill is known, when that was. */
  readonly atSeconds: number;
  /** Working set. */
  readonly memoryBytes: number | undefined;
  /** Rate over the last samples, 15 seconds at least. */
  readonly cpuCores: number | undefined;
  /** Throttled share of the CPU periods of the last minutes, 0 to 1. */
  readonly throttledShare: number | undefined;
  /** The oldest sample that the rate of CPU use, and the share, rest on. */
  readonly cpuSinceSeconds: number | undefined;
  readonly throttledSinceSeconds: number | undefined;
  /** When the kernel last killed something in it for memory, as far as its counter shows within the last ten minutes. */
  readonly oomKilledSeconds: number | undefined;
}

export interface LiveReading {
  /** By `namespace/pod`, then container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, LiveUsage>>;
  readonly failure: UsageFailure | undefined;
}

export interface LiveSource {
  /** Never rejects for a query that failed. Rejects on abort. */
  readNow(
    query: { readonly namespaces: readonly string[] },
    signal: AbortSignal,
  ): Promise<LiveReading>;
}

/** What is told of a change that was made. */
export interface ChangeMade {
  readonly lane: 'Rescue' | 'Return' | 'Raise' | 'Savings';
  readonly method: 'Resize' | 'Evict' | 'Rollout' | 'Admission';
  readonly outcome: 'Made' | 'Refused' | 'Fine' | 'Unseen' | 'TakenBack' | 'Failed';
  readonly pods: number;
  /** Requests now less requests before, over the pods, in cores and bytes. */
  readonly addedCores: number;
  readonly addedBytes: number;
  /** Of a rescue: from the signal to the API server's answer. */
  readonly signalSeconds: number | undefined;
}

/** Counts for the metrics endpoint. */
export interface ChangeSink {
  changed(change: ChangeMade): void;
}
