import type { Placement, Taint } from './placement.ts';
import type {
  ClusterRightsizePolicySpec,
  PolicyStatus,
  RightsizePolicySpec,
} from '../api/policy.ts';
import type { RecommendationStatus } from '../api/recommendation.ts';
import type { LimitRangeItem } from '../recommend/draft.ts';
import type { PackedUsage } from '../recommend/packed.ts';
import type { Amounts, Resource, Sizes } from '../recommend/usage.ts';
import type { ResizeStatus } from '../resize/pod.ts';

/** Workload kinds that are sized; `Rollout` is Argo's, where the cluster serves it. */
export const WORKLOAD_KINDS = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'CronJob',
  'Job',
  'Rollout',
] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

export interface WorkloadRef {
  readonly namespace: string;
  readonly kind: WorkloadKind;
  readonly name: string;
}

/** `shop/Deployment/cart`: identity of a workload over redeploys. */
export function workloadKey({ namespace, kind, name }: WorkloadRef): string {
  return `${namespace}/${kind}/${name}`;
}

/** `Sidecar`: an init container with restartPolicy Always, which runs beside the others. */
export type ContainerKind = 'Container' | 'Sidecar';

export interface ContainerSpec extends Sizes {
  readonly name: string;
  readonly kind: ContainerKind;
  /** Resources whose change restarts the container (resizePolicy RestartContainer). */
  readonly restartsOn: readonly (keyof Amounts)[];
}

/** What the operator keeps of a workload; sizes are those of its pod template. */
export interface Workload {
  readonly ref: WorkloadRef;
  readonly apiVersion: string;
  readonly uid: string;
  readonly createdSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Pods it wants now; a CronJob or a finished Job wants none, a suspended one neither. */
  readonly replicas: number;
  /** Its controller has not taken in its template yet, or replaces pods by it. */
  readonly isRollingOut: boolean;
  /** As many pods are ready as it wants. */
  readonly isReady: boolean;
  /** Its template states CPU or memory of the pod as a whole. */
  readonly hasPodResources: boolean;
  readonly containers: readonly ContainerSpec[];
}

/** A pod that exists now. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** On which it is; undefined while it is on none. */
  readonly node: string | undefined;
  /** The direct controller of the pod: ReplicaSet, Job, StatefulSet, …; undefined for a bare pod. */
  readonly owner: { readonly kind: string; readonly name: string } | undefined;
  readonly resourceVersion: string;
  readonly createdSeconds: number;
  /** When the kubelet took it on; undefined before, as while it waits for a node. */
  readonly startedSeconds: number | undefined;
  /** In phase Running, and not being deleted. */
  readonly running: boolean;
  readonly isTerminating: boolean;
  /** In phase Succeeded or Failed: it never runs again. */
  readonly hasEnded: boolean;
  /** In phase Failed, by a container of its own: not evicted, preempted or lost with its node. */
  readonly hasFailed: boolean;
  readonly isReady: boolean;
  /** Since when it is ready, or is not. */
  readonly readinessSeconds: number;
  readonly generation: number;
  /** What the kubelet has looked at; where it does not say, as of `generation`. */
  readonly observedGeneration: number;
  readonly resize: ResizeStatus;
  /** A field manager other than ours, and than the pod's makers, that last resized it. */
  readonly otherResizer: string | undefined;
  readonly qosClass: string;
  /** It states CPU or memory of the pod as a whole, under `spec.resources`. */
  readonly hasPodResources: boolean;
  readonly placement: Placement;
  /** Those that run as long as the pod does. */
  readonly containers: readonly PodContainer[];
  /** Init containers that end before the others begin. */
  readonly initContainers: readonly (Sizes & { readonly name: string })[];
}

export interface PodContainer extends Sizes {
  readonly name: string;
  readonly kind: ContainerKind;
  readonly restarts: number;
  /** What the cgroup has, by the kubelet; undefined while the container does not run. */
  readonly actual: Sizes | undefined;
  /** Resources whose change restarts the container (resizePolicy RestartContainer). */
  readonly restartsOn: readonly Resource[];
  /** When the container last ended, to start anew. */
  readonly restartedSeconds: number | undefined;
  /** When the container was last killed for memory, from its present or last state; undefined if not. */
  readonly oomKilledSeconds: number | undefined;
}

/** Items of other types than Container and Pod are not kept. */
export interface LimitRange {
  readonly namespace: string;
  readonly name: string;
  readonly items: readonly LimitRangeItem[];
}

/** Of a ResourceQuota what a single pod must state for it. */
export interface ResourceQuota {
  readonly namespace: string;
  readonly name: string;
  /** Resources that it counts limits of: a pod with a container that states none is refused. */
  readonly limited: readonly (keyof Amounts)[];
  /**
   * Of what it bounds of all pods, how much is left: hard less used, zero at least; `cpu` is `requests.cpu`. Empty where
   * it has scopes, since it may be about other pods.
   */
  readonly left: Sizes;
}

/** A HorizontalPodAutoscaler: which workload it scales, on which resources' utilisation. */
export interface Autoscaler {
  readonly namespace: string;
  readonly name: string;
  readonly target: { readonly kind: string; readonly name: string };
  readonly resources: readonly (keyof Amounts)[];
  /** What it aims at, one by one; those of other things than CPU and memory are left out. */
  readonly metrics: readonly AutoscalerMetric[];
}

export interface AutoscalerMetric {
  readonly resource: Resource;
  /** Of this container; undefined: of all containers of the pod together. */
  readonly container: string | undefined;
  /** Share of the requests, 0 to 1 and above; undefined where it aims at an amount per pod. */
  readonly utilization: number | undefined;
}

/** A VerticalPodAutoscaler, where the cluster serves that kind. */
export interface VerticalAutoscaler {
  readonly namespace: string;
  readonly name: string;
  readonly target: { readonly kind: string; readonly name: string };
  /** Its updateMode is not Off: it changes pods. */
  readonly updates: boolean;
}

export interface Node {
  readonly name: string;
  readonly allocatable: Amounts;
  readonly schedulable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

export interface Namespace {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A workload whose usage is wanted, and the pods of it that exist now. */
export interface UsageTarget {
  readonly workload: WorkloadRef;
  readonly pods: readonly string[];
}

export interface UsageQuery {
  readonly targets: readonly UsageTarget[];
  /** All workloads of the targets' namespaces: a pod name that could belong to two of them is nobody's. */
  readonly siblings: readonly WorkloadRef[];
  /** The window (from, to]. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** What was before the window was read already: a counter that appears in it began in it, unless its pod is older. */
  readonly isContinued?: boolean;
  /** The window ends now: hardly anything comes after it. */
  readonly endsNow?: boolean;
  /**
   * By namespace the names of the pods of which counters of restarts may have something new to say; in a short window they
   * are read of no others. Of all pods of a namespace that is not in it.
   */
  readonly restartedPods?: ReadonlyMap<string, readonly string[]>;
  /**
   * By namespace and name when pods of the targets were started, of those since shortly before the window; the others are
   * older. Not known unless given.
   */
  readonly youngPods?: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Why usage could not be read, from a closed set: it labels conditions, events and metrics. */
export type UsageFailureReason =
  | 'PrometheusUnreachable'
  | 'PrometheusRefused'
  | 'PrometheusTimeout'
  | 'PrometheusOverloaded'
  | 'PrometheusAnswerInvalid'
  | 'PrometheusPartialAnswer'
  | 'PrometheusClockSkew';

export interface UsageFailure {
  readonly reason: UsageFailureReason;
  /** A sentence without credentials or URL queries. */
  readonly message: string;
}

/** What holds for the whole reading, such as owner metrics that are missing; said once, not per workload. */
export interface UsageWarning {
  readonly reason: 'OwnerMetricsMissing' | 'ClockSkew' | 'PartialAnswer' | 'BudgetHeld';
  readonly message: string;
}

export interface UsageReading {
  /**
   * By workload key, then container name; a workload that was read and has no samples has an empty map. The histories
   * are those of whoever asked, who may give their memory back.
   */
  readonly usage: ReadonlyMap<string, ReadonlyMap<string, PackedUsage>>;
  /** By workload key: what could not be read; never in `usage` as well. */
  readonly failures: ReadonlyMap<string, UsageFailure>;
  readonly warnings: readonly UsageWarning[];
}

export interface UsageSource {
  /**
   * Never rejects for a query that failed: that is a failure of the workloads it was for. Rejects on abort. With
   * `onPart`, workloads are handed on as soon as all of them is read, and are not in the result then; those that failed are.
   */
  read(
    query: UsageQuery,
    signal: AbortSignal,
    onPart?: (part: UsageReading) => void,
  ): Promise<UsageReading>;
}

/** Both kinds of policy in one shape: a namespaced one has no namespaceSelector and no guardrails. */
export interface Policy {
  readonly kind: 'RightsizePolicy' | 'ClusterRightsizePolicy';
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly createdSeconds: number;
  /** Of this API group only. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: RightsizePolicySpec & Partial<ClusterRightsizePolicySpec>;
  readonly status: PolicyStatus | undefined;
}

/** A Recommendation as it stands in the cluster. */
export interface StoredRecommendation {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly targetRef: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  /** The workload that it goes with. */
  readonly ownerUid: string | undefined;
  /** It has the label by which the API server takes it into account for new pods. */
  readonly isActive: boolean;
  readonly status: RecommendationStatus | undefined;
  /** Whether the status has a history, where that is known without it: a status may be dear to look at. */
  readonly hasHistory?: boolean;
}

/** Whether the API server sizes new pods by active Recommendations. `Unknown`: nobody has looked. */
export type AdmissionAvailability =
  | { readonly kind: 'Installed' | 'Unknown' }
  /** Why, and what to do, in a sentence. */
  | { readonly kind: 'Unavailable'; readonly message: string };

/** What is known of the cluster now, from watches; reading it costs nothing. */
export interface ClusterView {
  /** By workload key. */
  readonly workloads: ReadonlyMap<string, Workload>;
  /** By policy key. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** By `namespace/name`. */
  readonly recommendations: ReadonlyMap<string, StoredRecommendation>;
  /** Undefined where namespaces are not watched or it is not there. */
  namespace(name: string): Namespace | undefined;
  limitRanges(namespace: string): readonly LimitRange[];
  resourceQuotas(namespace: string): readonly ResourceQuota[];
  autoscalers(namespace: string): readonly Autoscaler[];
  verticalAutoscalers(namespace: string): readonly VerticalAutoscaler[];
  nodes(): Iterable<Node>;
  /** What the pods of each node request, by its name; undefined where pods of one namespace only are watched. */
  nodeRequests(): ReadonlyMap<string, Amounts> | undefined;
  pods(workload: WorkloadRef): readonly Pod[];
  /**
   * Names of the pods of a namespace, also of those that are gone, of which counters of restarts may have something new to say
   * in a window from the time on. Undefined where there may be others that were not seen.
   */
  restartedPods(namespace: string, fromSeconds: number): readonly string[] | undefined;
  /** Policies that are there but could not be read, with the reason. */
  readonly unreadablePolicies: ReadonlyMap<string, string>;
  readonly admission: AdmissionAvailability;
}

/** What changed in the cluster, as far as the controller cares. */
export type ClusterChange =
  | { readonly kind: 'Workload'; readonly key: string }
  | { readonly kind: 'Policy'; readonly key: string }
  | { readonly kind: 'Recommendation'; readonly key: string }
  /** A pod of this workload is new, gone, resized, ready or not: of interest where pods are changed. */
  | { readonly kind: 'Pods'; readonly key: string }
  /** Whether new pods can be sized. */
  | { readonly kind: 'Admission' }
  /** Something that workloads of a namespace depend on: its labels, a LimitRange, a quota, an autoscaler. */
  | { readonly kind: 'Namespace'; readonly name: string };

export interface ClusterWriter {
  /** Creates the object or brings its spec, owner and label up to date; only an `Active` one sizes new pods. */
  applyRecommendation(
    workload: Workload,
    name: string,
    admission: 'Active' | 'Inactive',
    signal: AbortSignal,
  ): Promise<void>;
  applyRecommendationStatus(
    at: { readonly namespace: string; readonly name: string },
    status: RecommendationStatus,
    signal: AbortSignal,
  ): Promise<void>;
  deleteRecommendation(recommendation: StoredRecommendation, signal: AbortSignal): Promise<void>;
  applyPolicyStatus(policy: Policy, status: PolicyStatus, signal: AbortSignal): Promise<void>;
}

/** Tells people what changed; repeats are left out by the recorder. */
export interface EventSink {
  record(event: {
    readonly regarding: {
      readonly apiVersion: string;
      readonly kind: string;
      readonly namespace?: string;
      readonly name: string;
      readonly uid?: string;
    };
    readonly type: 'Normal' | 'Warning';
    readonly reason: string;
    readonly action: string;
    readonly note: string;
  }): void;
}

/** One line of structured log; fields before prose. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

type LogFields = Readonly<Record<string, unknown>>;

export interface Clock {
  /** Unix seconds. */
  nowSeconds(): number;
}
