import type { Policy } from '../controller/ports.ts';
import {
  workloadKey,
  WORKLOAD_KINDS,
  type AdmissionAvailability,
  type Autoscaler,
  type ClusterChange,
  type ClusterView,
  type LimitRange,
  type Namespace,
  type Node,
  type Pod,
  type ResourceQuota,
  type StoredRecommendation,
  type VerticalAutoscaler,
  type Workload,
  type WorkloadKind,
  type WorkloadRef,
} from '../controller/ports.ts';
import type { Amounts } from '../recommend/usage.ts';
import { AdmissionWatch } from './admissionwatch.ts';
import type { Json } from './json.ts';
import { projectOwned, type Owned } from './metadata.ts';
import { NodeRequests } from './noderequests.ts';
import { OwnerIndex } from './ownerindex.ts';
import { workloadOf } from './owners.ts';
import {
  OWN_RESOURCES,
  projectPolicy,
  projectRecommendation,
  type ProjectedPolicy,
} from './ownkinds.ts';
import { WORKLOAD_RESOURCES } from './paths.ts';
import { concernsPods, concernsWorkload } from './podchanges.ts';
import { projectPod } from './pods.ts';
import { PolicyStore } from './policystore.ts';
import { RestartedPods } from './restartedpods.ts';
import type { Change } from './store.ts';
import { SurroundingWatches } from './surroundingwatches.ts';
import { itemOf, Watches, type WatchesOptions } from './watches.ts';
import { projectJob, projectWorkload, type JobFacts } from './workloads.ts';

export interface KubeClusterOptions extends WatchesOptions {
  /** Kinds that are in no namespace: nodes, namespaces, cluster policies. */
  readonly clusterScoped: 'Watched' | 'LeftOut';
  readonly onChange: (change: ClusterChange) => void;
}

/** The cluster as watches show it: one reflector per kind, joined into what the controller reads. */
export class KubeCluster implements ClusterView {
  readonly workloads = new Map<string, Workload>();
  readonly policies: ReadonlyMap<string, Policy>;
  readonly recommendations: ReadonlyMap<string, StoredRecommendation>;
  readonly unreadablePolicies: ReadonlyMap<string, string>;
  readonly #options: KubeClusterOptions;
  readonly #watches: Watches;
  readonly #surroundings: SurroundingWatches;
  readonly #owners = new OwnerIndex();
  readonly #nodeRequests = new NodeRequests();
  readonly #restarted = new RestartedPods();
  readonly #policies: PolicyStore;
  readonly #jobs: ReadonlyMap<string, JobFacts>;
  readonly #replicaSets: ReadonlyMap<string, Owned>;
  readonly #admission: AdmissionWatch | undefined;

  constructor(options: KubeClusterOptions) {
    this.#options = options;
    this.#watches = new Watches(options);
    this.#policies = new PolicyStore({
      onChange: (key) => options.onChange({ kind: 'Policy', key }),
      onUnreadable: options.onError,
    });
    this.policies = this.#policies.readable;
    this.unreadablePolicies = this.#policies.unreadable;
    for (const kind of WORKLOAD_KINDS) {
      if (kind !== 'Job') this.#watchWorkloadKind(kind);
    }
    this.#jobs = this.#watchJobs();
    this.#replicaSets = this.#watchReplicaSets();
    this.#watchPods();
    this.#surroundings = new SurroundingWatches({
      watches: this.#watches,
      clusterScoped: options.clusterScoped,
      onNamespaceChange: (name) => options.onChange({ kind: 'Namespace', name }),
    });
    this.#watchPolicies('RightsizePolicy');
    if (options.clusterScoped === 'Watched') this.#watchPolicies('ClusterRightsizePolicy');
    this.recommendations = this.#watches.add<StoredRecommendation>(OWN_RESOURCES.Recommendation, {
      project: projectRecommendation,
      onChange: (change) => this.#recommendationChanged(change),
    });
    // A report changes no label, so that it need not know.
    this.#admission =
      options.ownKinds === 'Required'
        ? new AdmissionWatch({
            connection: options.connection,
            onChange: () => options.onChange({ kind: 'Admission' }),
            onState: options.onState,
          })
        : undefined;
  }

  start(): void {
    this.#watches.start();
    this.#admission?.start();
  }

  async stop(): Promise<void> {
    this.#policies.stop();
    await Promise.all([this.#watches.stop(), this.#admission?.stop()]);
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    await this.#watches.waitForSync(signal);
  }

  /** Whether decisions may rest on it: all was listed once, and the kinds that are required are served. */
  isWhole(): boolean {
    const isAdmissionKnown = this.#admission === undefined || this.admission.kind !== 'Unknown';
    return isAdmissionKnown && this.#watches.isWhole();
  }

  /** What keeps the view from being whole, a sentence each; empty when it is. */
  problems(): readonly string[] {
    return this.#watches.problems();
  }

  get admission(): AdmissionAvailability {
    return this.#admission?.availability ?? { kind: 'Unknown' };
  }

  namespace(name: string): Namespace | undefined {
    return this.#surroundings.namespace(name);
  }

  limitRanges(namespace: string): readonly LimitRange[] {
    return this.#surroundings.limitRanges(namespace);
  }

  resourceQuotas(namespace: string): readonly ResourceQuota[] {
    return this.#surroundings.resourceQuotas(namespace);
  }

  autoscalers(namespace: string): readonly Autoscaler[] {
    return this.#surroundings.autoscalers(namespace);
  }

  verticalAutoscalers(namespace: string): readonly VerticalAutoscaler[] {
    return this.#surroundings.verticalAutoscalers(namespace);
  }

  nodes(): Iterable<Node> {
    return this.#surroundings.nodes();
  }

  nodeRequests(): ReadonlyMap<string, Amounts> | undefined {
    return this.#options.namespace === undefined ? this.#nodeRequests.byNode : undefined;
  }

  pods(workload: WorkloadRef): readonly Pod[] {
    return this.#owners.podsOf(workload);
  }

  restartedPods(namespace: string, fromSeconds: number): readonly string[] | undefined {
    return this.#restarted.of(namespace, fromSeconds);
  }

  #watchReplicaSets(): ReadonlyMap<string, Owned> {
    return this.#watches.add<Owned>(
      { apiVersion: 'apps/v1', plural: 'replicasets' },
      {
        project: projectOwned,
        content: 'Metadata',
        onChange: (change) => {
          this.#owners.replicaSetChanged(change);
          if (change.kind === 'Added') this.#ownerAdded('ReplicaSet', change.item);
        },
      },
    );
  }

  #watchWorkloadKind(kind: WorkloadKind): void {
    this.#watches.add<Workload>(WORKLOAD_RESOURCES[kind], {
      project: (raw) => projectWorkload(kind, raw),
      onChange: (change) => {
        const { ref } = itemOf(change);
        this.#putWorkload(ref, change.kind === 'Deleted' ? undefined : change.item);
      },
    });
  }

  #watchJobs(): ReadonlyMap<string, JobFacts> {
    return this.#watches.add<JobFacts>(WORKLOAD_RESOURCES.Job, {
      project: projectJob,
      onChange: (change) => {
        this.#owners.jobChanged(change);
        if (change.kind === 'Added') this.#ownerAdded('Job', change.item);
        const { namespace, name } = itemOf(change);
        const workload = change.kind === 'Deleted' ? undefined : change.item.workload;
        this.#putWorkload({ namespace, kind: 'Job', name }, workload);
      },
    });
  }

  #putWorkload(ref: WorkloadRef, workload: Workload | undefined): void {
    const key = workloadKey(ref);
    if (workload === undefined && !this.workloads.has(key)) return;
    if (workload === undefined) this.workloads.delete(key);
    else this.workloads.set(key, workload);
    this.#options.onChange({ kind: 'Workload', key });
  }

  #watchPods(): void {
    const resource = { apiVersion: 'v1', plural: 'pods' };
    this.#watches.add<Pod>(resource, {
      project: projectPod,
      onChange: (change) => this.#podChanged(change),
      onState: ({ kind }) => this.#restarted.watching(kind === 'Watching', nowSeconds()),
    });
  }

  #podChanged(change: Change<Pod>): void {
    this.#owners.podChanged(change);
    this.#nodeRequests.podChanged(change);
    this.#restarted.podChanged(change, nowSeconds());
    const [workload, pods] = [concernsWorkload(change), concernsPods(change)];
    if (!workload && !pods) return;
    const ref = this.#workloadOf(itemOf(change));
    if (ref === undefined) return;
    const key = workloadKey(ref);
    if (workload) this.#options.onChange({ kind: 'Workload', key });
    if (pods) this.#options.onChange({ kind: 'Pods', key });
  }

  /** Watches of several kinds go at their own pace: pods may be seen before what stands between them and their workload. */
  #ownerAdded(kind: 'ReplicaSet' | 'Job', { namespace, name }: Owned): void {
    const ref = this.#workloadOf({ namespace, owner: { kind, name } });
    if (ref === undefined || this.#owners.podsOf(ref).length === 0) return;
    this.#options.onChange({ kind: 'Pods', key: workloadKey(ref) });
  }

  #workloadOf(pod: Pick<Pod, 'namespace' | 'owner'>): WorkloadRef | undefined {
    return workloadOf(pod, {
      replicaSet: (namespace, name) => this.#replicaSets.get(`${namespace}/${name}`),
      job: (namespace, name) => this.#jobs.get(`${namespace}/${name}`),
    });
  }

  #watchPolicies(kind: Policy['kind']): void {
    const resource = OWN_RESOURCES[kind];
    const isWatched = (): boolean => this.#watches.isWatching(resource);
    this.#watches.add<ProjectedPolicy>(resource, {
      project: (raw: Json) => projectPolicy(kind, raw),
      onChange: (change) => this.#policies.apply(change, isWatched),
    });
  }

  #recommendationChanged(change: Change<StoredRecommendation>): void {
    const { namespace, targetRef } = itemOf(change);
    const kind = WORKLOAD_KINDS.find((each) => each === targetRef.kind);
    if (kind === undefined) return;
    const key = workloadKey({ namespace, kind, name: targetRef.name });
    this.#options.onChange({ kind: 'Recommendation', key });
  }
}

function nowSeconds(): number {
  return Date.now() / 1000;
}
