import { clusterRightsizePolicySpec, rightsizePolicySpec } from '../../../src/api/policy.ts';
import type { PolicyStatus } from '../../../src/api/policy.ts';
import {
  recommendationStatus,
  type RecommendationStatus,
} from '../../../src/api/recommendation.ts';
import { ANYWHERE } from '../../../src/controller/placement.ts';
import { policyKey } from '../../../src/controller/policy.ts';
import {
  workloadKey,
  type Policy,
  type AdmissionAvailability,
  type Autoscaler,
  type ClusterView,
  type ClusterWriter,
  type LimitRange,
  type Namespace,
  type Node,
  type Pod,
  type PodContainer,
  type ResourceQuota,
  type StoredRecommendation,
  type UsageFailure,
  type UsageQuery,
  type UsageReading,
  type UsageSource,
  type UsageWarning,
  type VerticalAutoscaler,
  type Workload,
  type WorkloadRef,
} from '../../../src/controller/ports.ts';
import type { PackedUsage } from '../../../src/recommend/packed.ts';
import type { Amounts, Resource, UsageHistory } from '../../../src/recommend/usage.ts';
import { NOW } from '../../support/builders.ts';
import { packedOf } from '../../support/packed.ts';

export function aPolicy(name: string, spec: object = {}, change: Partial<Policy> = {}): Policy {
  return {
    kind: 'RightsizePolicy',
    namespace: 'shop',
    name,
    uid: `uid-${name}`.slice(0, 100),
    generation: 1,
    createdSeconds: NOW - 1000,
    annotations: {},
    spec: rightsizePolicySpec.parse(spec),
    status: undefined,
    ...change,
  };
}

export function aClusterPolicy(
  name: string,
  spec: object = {},
  change: Partial<Policy> = {},
): Policy {
  return aPolicy(
    name,
    {},
    {
      kind: 'ClusterRightsizePolicy',
      namespace: undefined,
      spec: clusterRightsizePolicySpec.parse(spec),
      ...change,
    },
  );
}

export function aWorkload(name: string, change: Partial<Workload> = {}): Workload {
  return {
    ref: { namespace: 'shop', kind: 'Deployment', name },
    apiVersion: 'apps/v1',
    uid: `uid-${name}`.slice(0, 100),
    createdSeconds: NOW - 1000,
    labels: {},
    annotations: {},
    replicas: 2,
    isRollingOut: false,
    isReady: true,
    hasPodResources: false,
    containers: [
      {
        name: 'main',
        kind: 'Container',
        restartsOn: [],
        requests: { cpu: 1, memory: 2 ** 30 },
        limits: {},
      },
    ],
    ...change,
  };
}

/** A container that runs with what it asks for. */
export function aPodContainer(name: string, change: Partial<PodContainer> = {}): PodContainer {
  const sizes = { requests: change.requests ?? {}, limits: change.limits ?? {} };
  return {
    name,
    kind: 'Container',
    ...sizes,
    restarts: 0,
    actual: sizes,
    restartsOn: [],
    restartedSeconds: undefined,
    oomKilledSeconds: undefined,
    ...change,
  };
}

/** A pod of the namespace shop that runs and is ready, with one container that asks for nothing. */
export function aPod(name: string, change: Partial<Pod> = {}): Pod {
  return {
    namespace: 'shop',
    name,
    uid: `uid-${name}`.slice(0, 100),
    node: 'node-a',
    owner: undefined,
    resourceVersion: '1',
    createdSeconds: NOW - 1000,
    startedSeconds: undefined,
    running: true,
    isTerminating: false,
    hasEnded: false,
    hasFailed: false,
    isReady: true,
    readinessSeconds: NOW - 900,
    generation: 1,
    observedGeneration: 1,
    resize: { state: 'None' },
    otherResizer: undefined,
    qosClass: 'Burstable',
    hasPodResources: false,
    placement: ANYWHERE,
    containers: [aPodContainer('main')],
    initContainers: [],
    ...change,
  };
}

/** A HorizontalPodAutoscaler of a Deployment in the namespace shop that aims at 80 % of these resources. */
export function anAutoscaler(
  target: string,
  resources: readonly Resource[],
  change: Partial<Autoscaler> = {},
): Autoscaler {
  return {
    namespace: 'shop',
    name: 'hpa',
    target: { kind: 'Deployment', name: target },
    resources,
    metrics: resources.map((resource) => ({ resource, container: undefined, utilization: 0.8 })),
    ...change,
  };
}

/** A node that takes every pod, and is empty. */
export function aNode(name: string, allocatable: Amounts, change: Partial<Node> = {}): Node {
  return { name, allocatable, schedulable: true, labels: {}, taints: [], ...change };
}

/** A ResourceQuota of the namespace shop that has nothing to say. */
export function aQuota(change: Partial<ResourceQuota> = {}): ResourceQuota {
  return {
    namespace: 'shop',
    name: 'quota',
    limited: [],
    left: { requests: {}, limits: {} },
    ...change,
  };
}

/** A cluster in memory: what is written is seen at once, and statuses are held to the schema as the API server does. */
export class MemoryCluster implements ClusterView, ClusterWriter {
  readonly workloads = new Map<string, Workload>();
  readonly policies = new Map<string, Policy>();
  readonly recommendations = new Map<string, StoredRecommendation>();
  readonly unreadablePolicies = new Map<string, string>();
  readonly namespaces = new Map<string, Namespace>();
  readonly podsOf = new Map<string, readonly Pod[]>();
  ranges: readonly LimitRange[] = [];
  quotas: readonly ResourceQuota[] = [];
  scalers: readonly Autoscaler[] = [];
  verticalScalers: readonly VerticalAutoscaler[] = [];
  machines: readonly Node[] = [];
  readonly requested = new Map<string, Amounts>();
  admission: AdmissionAvailability = { kind: 'Installed' };
  /** Number of writes of any kind. */
  writes = 0;
  /** Called before each write; throws to refuse it. */
  onWrite: (name: string) => void = () => undefined;

  add(...objects: readonly (Workload | Policy)[]): this {
    for (const object of objects) {
      if ('ref' in object) this.workloads.set(workloadKey(object.ref), object);
      else this.policies.set(policyKey(object), object);
    }
    return this;
  }

  namespace(name: string): Namespace | undefined {
    return this.namespaces.get(name);
  }

  limitRanges(namespace: string): readonly LimitRange[] {
    return this.ranges.filter((range) => range.namespace === namespace);
  }

  resourceQuotas(namespace: string): readonly ResourceQuota[] {
    return this.quotas.filter((quota) => quota.namespace === namespace);
  }

  autoscalers(namespace: string): readonly Autoscaler[] {
    return this.scalers.filter((scaler) => scaler.namespace === namespace);
  }

  verticalAutoscalers(namespace: string): readonly VerticalAutoscaler[] {
    return this.verticalScalers.filter((scaler) => scaler.namespace === namespace);
  }

  nodes(): Iterable<Node> {
    return this.machines;
  }

  nodeRequests(): ReadonlyMap<string, Amounts> {
    return this.requested;
  }

  restartedPods(): undefined {
    return undefined;
  }

  pods(workload: WorkloadRef): readonly Pod[] {
    return this.podsOf.get(workloadKey(workload)) ?? [];
  }

  statusOf(name: string): RecommendationStatus | undefined {
    return this.recommendations.get(`shop/${name}`)?.status;
  }

  #write(name: string): void {
    this.onWrite(name);
    this.writes += 1;
  }

  applyRecommendation(
    workload: Workload,
    name: string,
    admission: 'Active' | 'Inactive',
  ): Promise<void> {
    return attempt(() => {
      this.#write(name);
      const { namespace, kind, name: target } = workload.ref;
      const key = `${namespace}/${name}`;
      this.recommendations.set(key, {
        namespace,
        name,
        uid: `uid-${name}`.slice(0, 100),
        targetRef: { apiVersion: workload.apiVersion, kind, name: target },
        ownerUid: workload.uid,
        isActive: admission === 'Active',
        status: this.recommendations.get(key)?.status,
      });
    });
  }

  applyRecommendationStatus(
    { namespace, name }: { readonly namespace: string; readonly name: string },
    status: RecommendationStatus,
  ): Promise<void> {
    return attempt(() => {
      this.#write(name);
      const stored = this.recommendations.get(`${namespace}/${name}`);
      if (stored === undefined) throw new Error(`no recommendation ${name}`);
      const kept = recommendationStatus.parse(JSON.parse(JSON.stringify(status)));
      this.recommendations.set(`${namespace}/${name}`, { ...stored, status: kept });
    });
  }

  deleteRecommendation({ namespace, name }: StoredRecommendation): Promise<void> {
    return attempt(() => {
      this.#write(name);
      this.recommendations.delete(`${namespace}/${name}`);
    });
  }

  applyPolicyStatus(policy: Policy, status: PolicyStatus): Promise<void> {
    return attempt(() => {
      this.#write(policy.name);
      const kept = JSON.parse(JSON.stringify(status)) as PolicyStatus;
      this.policies.set(policyKey(policy), { ...policy, status: kept });
    });
  }
}

function attempt(write: () => void): Promise<void> {
  return new Promise((resolve) => {
    write();
    resolve();
  });
}

/** Usage in memory, by workload key: histories by container, or why they cannot be read. */
export class MemoryUsage implements UsageSource {
  readonly queries: UsageQuery[] = [];
  readonly usage = new Map<string, Readonly<Record<string, UsageHistory>>>();
  failure: UsageFailure | undefined;
  warnings: readonly UsageWarning[] = [];
  /** Held back until it resolves. */
  gate: Promise<unknown> = Promise.resolve();
  /** Called at each reading. */
  onRead: () => void = () => undefined;
  /** Handed on before the gate, where it is set. */
  firstPart: ((query: UsageQuery) => UsageReading) | undefined;
  /** Is given what takes parts. */
  onPart: (take: (part: UsageReading) => void) => void = () => undefined;

  async read(
    query: UsageQuery,
    signal: AbortSignal,
    onPart?: (part: UsageReading) => void,
  ): Promise<UsageReading> {
    this.queries.push(query);
    this.onRead();
    if (onPart !== undefined) this.onPart(onPart);
    if (this.firstPart !== undefined) onPart?.(this.firstPart(query));
    const aborted = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
    await Promise.race([this.gate, aborted]);
    const keys = query.targets.map(({ workload }) => workloadKey(workload));
    const { failure, warnings } = this;
    if (failure !== undefined) {
      return { usage: new Map(), failures: new Map(keys.map((key) => [key, failure])), warnings };
    }
    return {
      usage: new Map(keys.map((key) => [key, packedUsage(this.usage.get(key))])),
      failures: new Map(),
      warnings,
    };
  }
}

function packedUsage(
  containers: Readonly<Record<string, UsageHistory>> = {},
): ReadonlyMap<string, PackedUsage> {
  return new Map(
    Object.entries(containers).map(([name, history]) => [name, packedOf(history)] as const),
  );
}

export const UNREACHABLE: UsageFailure = {
  reason: 'PrometheusUnreachable',
  message: 'nobody answers',
};
