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
  type Workload,
  type WorkloadKind,
  type WorkloadRef,
} from '../controller/ports.ts';
import { AdmissionWatch } from './admissionwatch.ts';
import type { KubeConnection } from './connection.ts';
import type { Json } from './json.ts';
import { projectOwned, type Owned } from './metadata.ts';
import { OwnerIndex } from './ownerindex.ts';
import { workloadOf } from './owners.ts';
import {
  OWN_RESOURCES,
  projectPolicy,
  projectRecommendation,
  type ProjectedPolicy,
} from './ownkinds.ts';
import { collectionPath, WORKLOAD_RESOURCES, type ApiResource } from './paths.ts';
import { concernsWorkload, projectPod } from './pods.ts';
import { PolicyStore } from './policystore.ts';
import { Reflector, type ReflectorOptions, type ReflectorState } from './reflector.ts';
import type { Change } from './store.ts';
import {
  projectAutoscaler,
  projectLimitRange,
  projectNamespace,
  projectNode,
  projectResourceQuota,
} from './surroundings.ts';
import { projectJob, projectWorkload, type JobFacts } from './workloads.ts';

export interface KubeClusterOptions {
  readonly connection: KubeConnection;
  /** Of what is in a namespace, watch what is in this one only. */
  readonly namespace: string | undefined;
  /** Kinds that are in no namespace: nodes, namespaces, cluster policies. */
  readonly clusterScoped: 'Watched' | 'LeftOut';
  /** Without our own kinds a one-off report can do; the operator cannot. */
  readonly ownKinds: 'Required' | 'IfServed';
  readonly onChange: (change: ClusterChange) => void;
  readonly onError: (resource: string, error: Error) => void;
  readonly onState: (resource: string, state: ReflectorState) => void;
}

interface Watched {
  readonly resource: string;
  readonly reflector: Pick<
    Reflector<unknown>,
    'start' | 'stop' | 'state' | 'synced' | 'waitForSync'
  >;
  readonly isRequired: boolean;
}

const CLUSTER_SCOPED: ReadonlySet<string> = new Set([
  'namespaces',
  'nodes',
  OWN_RESOURCES.ClusterRightsizePolicy.plural,
]);

/** The cluster as watches show it: one reflector per kind, joined into what the controller reads. */
export class KubeCluster implements ClusterView {
  readonly workloads = new Map<string, Workload>();
  readonly policies: ReadonlyMap<string, Policy>;
  readonly recommendations: ReadonlyMap<string, StoredRecommendation>;
  readonly unreadablePolicies: ReadonlyMap<string, string>;
  readonly #options: KubeClusterOptions;
  readonly #watched: Watched[] = [];
  readonly #owners = new OwnerIndex();
  readonly #policies: PolicyStore;
  readonly #jobs: ReadonlyMap<string, JobFacts>;
  readonly #replicaSets: ReadonlyMap<string, Owned>;
  readonly #namespaces: ReadonlyMap<string, Namespace>;
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #limitRanges: ReadonlyMap<string, LimitRange>;
  readonly #resourceQuotas: ReadonlyMap<string, ResourceQuota>;
  readonly #admission: AdmissionWatch | undefined;
  readonly #autoscalers: ReadonlyMap<string, Autoscaler>;

  constructor(options: KubeClusterOptions) {
    this.#options = options;
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
    const inNamespace = <T extends { readonly namespace: string }>() => ({
      onChange: (change: Change<T>) =>
        options.onChange({ kind: 'Namespace', name: itemOf(change).namespace }),
    });
    this.#limitRanges = this.#watch<LimitRange>(
      { apiVersion: 'v1', plural: 'limitranges' },
      { project: projectLimitRange, ...inNamespace<LimitRange>() },
    );
    this.#resourceQuotas = this.#watch<ResourceQuota>(
      { apiVersion: 'v1', plural: 'resourcequotas' },
      { project: projectResourceQuota, ...inNamespace<ResourceQuota>() },
    );
    this.#autoscalers = this.#watch<Autoscaler>(
      { apiVersion: 'autoscaling/v2', plural: 'horizontalpodautoscalers' },
      { project: projectAutoscaler, ...inNamespace<Autoscaler>() },
    );
    const isWide = options.clusterScoped === 'Watched';
    this.#namespaces = isWide ? this.#watchNamespaces() : new Map<string, Namespace>();
    this.#nodes = isWide
      ? this.#watch<Node>({ apiVersion: 'v1', plural: 'nodes' }, { project: projectNode })
      : new Map<string, Node>();
    this.#watchPolicies('RightsizePolicy');
    if (isWide) this.#watchPolicies('ClusterRightsizePolicy');
    this.recommendations = this.#watch<StoredRecommendation>(OWN_RESOURCES.Recommendation, {
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
    for (const { reflector } of this.#watched) reflector.start();
    this.#admission?.start();
  }

  async stop(): Promise<void> {
    this.#policies.stop();
    await Promise.all([
      ...this.#watched.map(({ reflector }) => reflector.stop()),
      this.#admission?.stop(),
    ]);
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#watched.map(({ reflector }) => reflector.waitForSync(signal)));
  }

  /** Whether decisions may rest on it: all was listed once, and the kinds that are required are served. */
  isWhole(): boolean {
    return (
      (this.#admission === undefined || this.admission.kind !== 'Unknown') &&
      this.#watched.every(
        ({ reflector, isRequired }) =>
          reflector.synced && !(isRequired && reflector.state.kind === 'NotServed'),
      )
    );
  }

  /** What keeps the view from being whole, a sentence each; empty when it is. */
  problems(): readonly string[] {
    return this.#watched.flatMap(({ resource, reflector, isRequired }) => {
      const { state } = reflector;
      if (state.kind === 'Forbidden') return [`may not read ${resource}: ${state.message}`];
      if (state.kind === 'Failing') return [`cannot read ${resource}: ${state.message}`];
      if (state.kind === 'NotServed' && isRequired) {
        return [`the cluster does not serve ${resource}; install it with kubectl apply -k crds`];
      }
      return reflector.synced ? [] : [`has not listed ${resource} yet`];
    });
  }

  get admission(): AdmissionAvailability {
    return this.#admission?.availability ?? { kind: 'Unknown' };
  }

  namespace(name: string): Namespace | undefined {
    return this.#namespaces.get(name);
  }

  limitRanges(namespace: string): readonly LimitRange[] {
    return [...this.#limitRanges.values()].filter((item) => item.namespace === namespace);
  }

  resourceQuotas(namespace: string): readonly ResourceQuota[] {
    return [...this.#resourceQuotas.values()].filter((item) => item.namespace === namespace);
  }

  autoscalers(namespace: string): readonly Autoscaler[] {
    return [...this.#autoscalers.values()].filter((item) => item.namespace === namespace);
  }

  nodes(): Iterable<Node> {
    return this.#nodes.values();
  }

  pods(workload: WorkloadRef): readonly Pod[] {
    return this.#owners.podsOf(workload);
  }

  #watch<T>(
    resource: ApiResource,
    options: Pick<ReflectorOptions<T>, 'project' | 'onChange' | 'content'>,
  ): ReadonlyMap<string, T> {
    const { connection, onError, onState } = this.#options;
    const namespace = CLUSTER_SCOPED.has(resource.plural) ? undefined : this.#options.namespace;
    const name = resourceName(resource);
    const isOwnKind = Object.values(OWN_RESOURCES).some((own) => own === resource);
    const isRequired = isOwnKind && this.#options.ownKinds === 'Required';
    const reflector = new Reflector<T>({
      connection,
      path: collectionPath(resource, namespace),
      ...options,
      // Without its policies every Recommendation would look withdrawn.
      absence: isRequired ? 'Awaited' : undefined,
      onError: (error) => onError(name, error),
      onState: (state) => onState(name, state),
    });
    this.#watched.push({ resource: name, reflector, isRequired });
    return reflector.store;
  }

  #watchReplicaSets(): ReadonlyMap<string, Owned> {
    return this.#watch<Owned>(
      { apiVersion: 'apps/v1', plural: 'replicasets' },
      {
        project: projectOwned,
        content: 'Metadata',
        onChange: (change) => this.#owners.replicaSetChanged(change),
      },
    );
  }

  #watchWorkloadKind(kind: WorkloadKind): void {
    this.#watch<Workload>(WORKLOAD_RESOURCES[kind], {
      project: (raw) => projectWorkload(kind, raw),
      onChange: (change) => {
        const { ref } = itemOf(change);
        this.#putWorkload(ref, change.kind === 'Deleted' ? undefined : change.item);
      },
    });
  }

  #watchJobs(): ReadonlyMap<string, JobFacts> {
    return this.#watch<JobFacts>(WORKLOAD_RESOURCES.Job, {
      project: projectJob,
      onChange: (change) => {
        this.#owners.jobChanged(change);
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
    this.#watch<Pod>(
      { apiVersion: 'v1', plural: 'pods' },
      { project: projectPod, onChange: (change) => this.#podChanged(change) },
    );
  }

  #podChanged(change: Change<Pod>): void {
    this.#owners.podChanged(change);
    if (!concernsWorkload(change)) return;
    const ref = workloadOf(itemOf(change), {
      replicaSet: (namespace, name) => this.#replicaSets.get(`${namespace}/${name}`),
      job: (namespace, name) => this.#jobs.get(`${namespace}/${name}`),
    });
    if (ref !== undefined) this.#options.onChange({ kind: 'Workload', key: workloadKey(ref) });
  }

  #watchNamespaces(): ReadonlyMap<string, Namespace> {
    return this.#watch<Namespace>(
      { apiVersion: 'v1', plural: 'namespaces' },
      {
        project: projectNamespace,
        onChange: (change) =>
          this.#options.onChange({ kind: 'Namespace', name: itemOf(change).name }),
      },
    );
  }

  #watchPolicies(kind: Policy['kind']): void {
    const resource = resourceName(OWN_RESOURCES[kind]);
    const isWatched = (): boolean => {
      const watched = this.#watched.find((each) => each.resource === resource);
      return watched?.reflector.state.kind === 'Watching';
    };
    this.#watch<ProjectedPolicy>(OWN_RESOURCES[kind], {
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

/** `recommendations.rightsize.dev`; the plural alone for the core group. */
function resourceName({ apiVersion, plural }: ApiResource): string {
  const [group] = apiVersion.split('/').slice(0, -1);
  return group === undefined ? plural : `${plural}.${group}`;
}

function itemOf<T>(change: Change<T>): T {
  return change.kind === 'Deleted' ? change.before : change.item;
}
