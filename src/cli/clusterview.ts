import { governanceOf, type Governance } from '../controller/gather.ts';
import { policyKey } from '../controller/policy.ts';
import type { ClusterView, UsageQuery, Workload } from '../controller/ports.ts';
import { KubeCluster, type KubeClusterOptions } from '../kube/cluster.ts';
import { KubeConnection } from '../kube/connection.ts';
import { KubeError } from '../kube/errors.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { createPrometheusSource, type PrometheusSource } from '../prometheus/source.ts';
import type { Progress } from '../report/progress.ts';
import { countOf } from '../report/report.ts';
import { BadInput, reading } from './failure.ts';
import type { GivenPolicy } from './policyflags.ts';
import { prometheusOptions, type PrometheusFlags } from './prometheusflags.ts';

export interface ClusterFlags extends PrometheusFlags {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly selector?: string;
}

export interface Context {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** What one look at a cluster shows, with the policies to go by. */
export interface Seen {
  readonly view: ClusterView;
  /** The chosen workloads that a policy selects. */
  readonly governed: readonly GovernedWorkload[];
  /** For people, a sentence each. */
  readonly notes: readonly string[];
}

export interface GovernedWorkload {
  readonly workload: Workload;
  readonly governance: Governance;
}

const LIST_DEADLINE_MS = 60_000;
/** What cannot be listed for so long is not listed later either. */
const FAILING_MS = 10_000;

/** Where usage is, with progress for people. Throws BadInput for flags that cannot be meant. */
export function openPrometheus(flags: PrometheusFlags, { progress }: Context): PrometheusSource {
  return reading(() =>
    createPrometheusSource({
      ...prometheusOptions(flags),
      onProgress: (done, total) => progress.show(`reading usage, ${done} of ${total} workloads`),
    }),
  );
}

/** Looks once at the workloads that the flags choose. Rejects with BadInput where the cluster cannot be read. */
export async function seeCluster(
  flags: ClusterFlags,
  given: GivenPolicy,
  context: Context,
): Promise<Seen> {
  const labels = parseSelector(flags.selector);
  const connection = reading(() => new KubeConnection(() => loadKubeConfig(flags.kubeconfig)));
  try {
    const { cluster, notes } = await look(connection, flags.namespace, context);
    const chosen = withPolicies(cluster, given);
    const { workloads, notes: missing } = choose(cluster, flags.namespace, labels);
    const { governed, notes: left } = governedBy(chosen.view, workloads);
    return {
      view: chosen.view,
      governed,
      notes: [...notes, ...chosen.notes, ...missing, ...left],
    };
  } finally {
    await connection.close();
  }
}

/** Asks for the usage of the workloads, present and former pods alike. */
export function usageQuery(
  view: ClusterView,
  governed: readonly GovernedWorkload[],
  window: Pick<UsageQuery, 'fromSeconds' | 'toSeconds'>,
): UsageQuery {
  return {
    targets: governed.map(({ workload: { ref } }) => ({
      workload: ref,
      pods: view.pods(ref).map(({ name }) => name),
    })),
    siblings: [...view.workloads.values()].map(({ ref }) => ref),
    ...window,
  };
}

/**
 * The cluster as it is now. Of one namespace, who may not read what is in none still gets an answer, and a note of
 * what is not in it.
 */
async function look(
  connection: KubeConnection,
  namespace: string | undefined,
  context: Context,
): Promise<{ readonly cluster: KubeCluster; readonly notes: readonly string[] }> {
  const whole = await lookAt({ connection, namespace, clusterScoped: 'Watched' }, context);
  if (whole.problems === undefined) return { cluster: whole.cluster, notes: whole.leftOut };
  if (namespace === undefined || !whole.isForbidden) throw whole.problems;
  const own = await lookAt({ connection, namespace, clusterScoped: 'LeftOut' }, context);
  if (own.problems !== undefined) throw own.problems;
  const left = 'cluster policies, nodes and labels of namespaces may not be read';
  const notes = [`${left}: the report goes without them`, ...own.leftOut];
  return { cluster: own.cluster, notes };
}

interface Look {
  readonly cluster: KubeCluster;
  /** Why it is not whole. */
  readonly problems: BadInput | undefined;
  readonly isForbidden: boolean;
  /** Objects that could not be read, a sentence each. */
  readonly leftOut: readonly string[];
}

/** Lists everything once. What was listed stays readable when the watches have stopped. */
async function lookAt(
  at: Pick<KubeClusterOptions, 'connection' | 'namespace' | 'clusterScoped'>,
  { signal, progress }: Context,
): Promise<Look> {
  const failing = new Set<string>();
  const hopeless = new AbortController();
  const leftOut: string[] = [];
  let isForbidden = false;
  const cluster = new KubeCluster({
    ...at,
    ownKinds: 'IfServed',
    onChange: () => undefined,
    // A call that fails shows as a state; anything else is an object that is left out.
    onError: (_resource, error) => {
      if (!(error instanceof KubeError)) leftOut.push(`left out: ${error.message}`);
    },
    onState: (resource, { kind }) => {
      if (kind === 'Listing') progress.show(`listing ${resource}`);
      if (kind === 'Forbidden') {
        isForbidden = true;
        hopeless.abort();
      }
      if (kind === 'Failing') failing.add(resource);
      else failing.delete(resource);
    },
  });
  const patience = setTimeout(() => {
    if (failing.size > 0) hopeless.abort();
  }, FAILING_MS);
  try {
    cluster.start();
    const problems = await listed(cluster, signal, hopeless.signal);
    return { cluster, problems, isForbidden, leftOut };
  } finally {
    clearTimeout(patience);
    await cluster.stop();
  }
}

/** What keeps the cluster from being read; undefined when all was listed. */
async function listed(
  cluster: KubeCluster,
  signal: AbortSignal,
  hopeless: AbortSignal,
): Promise<BadInput | undefined> {
  try {
    const deadline = AbortSignal.timeout(LIST_DEADLINE_MS);
    await cluster.waitForSync(AbortSignal.any([signal, hopeless, deadline]));
    return undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    // Known reasons first; `has not listed` is none.
    const [first = 'no answer', ...others] = cluster.problems().toSorted(byReason);
    const more = others.length === 0 ? '' : ` (and ${others.length} more kinds)`;
    return new BadInput(`the cluster cannot be read: ${first}${more}`, { cause: error });
  }
}

function byReason(a: string, b: string): number {
  const isVague = (problem: string) => Number(problem.startsWith('has not listed'));
  return isVague(a) - isVague(b);
}

/** `app=web,tier=front`; only equality, which is what a report is cut by. */
function parseSelector(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [, name, value] = /^\s*([\w./-]+)=([\w.-]*)\s*$/.exec(part) ?? [];
      if (name === undefined || value === undefined) {
        throw new BadInput(
          `--selector "${text}": only label=value works, several of them with commas, such as app=web,tier=front`,
        );
      }
      return [name, value];
    }),
  );
}

/** The workloads of the report, and what to say when there are none. */
function choose(
  cluster: KubeCluster,
  namespace: string | undefined,
  labels: Readonly<Record<string, string>>,
): { readonly workloads: readonly Workload[]; readonly notes: readonly string[] } {
  const workloads = [...cluster.workloads.values()].filter((workload) =>
    Object.entries(labels).every(([name, value]) => workload.labels[name] === value),
  );
  if (workloads.length > 0) return { workloads, notes: [] };
  const where = namespace === undefined ? 'the cluster' : `namespace "${namespace}"`;
  const isThere = namespace === undefined || cluster.namespace(namespace) !== undefined;
  const note =
    cluster.workloads.size > 0
      ? `no workload of ${where} has the labels of --selector`
      : `${where} has no workloads${isThere ? '' : ', or is not there'}`;
  return { workloads, notes: [note] };
}

function withPolicies(
  cluster: KubeCluster,
  given: GivenPolicy,
): { readonly view: ClusterView; readonly notes: readonly string[] } {
  if (given.isDefault && cluster.policies.size > 0) return { view: cluster, notes: [] };
  const { policy } = given;
  const view: ClusterView = {
    workloads: cluster.workloads,
    policies: new Map([[policyKey(policy), policy]]),
    recommendations: new Map(),
    unreadablePolicies: new Map(),
    admission: cluster.admission,
    namespace: (name) => cluster.namespace(name),
    limitRanges: (namespace) => cluster.limitRanges(namespace),
    resourceQuotas: (namespace) => cluster.resourceQuotas(namespace),
    autoscalers: (namespace) => cluster.autoscalers(namespace),
    verticalAutoscalers: (namespace) => cluster.verticalAutoscalers(namespace),
    nodes: () => cluster.nodes(),
    nodeRequests: () => cluster.nodeRequests(),
    pods: (workload) => cluster.pods(workload),
    restartedPods: (namespace, fromSeconds) => cluster.restartedPods(namespace, fromSeconds),
  };
  const note = `the cluster has no policies; going by profile ${policy.spec.riskTolerance.profile} for every workload`;
  return { view, notes: given.isDefault ? [note] : [] };
}

function governedBy(
  view: ClusterView,
  workloads: readonly Workload[],
): Pick<Seen, 'governed' | 'notes'> {
  const governed = workloads.flatMap((workload) => {
    const governance = governanceOf(view, workload);
    return governance === undefined ? [] : [{ workload, governance }];
  });
  const others = workloads.length - governed.length;
  const note = `left out, as no policy selects them: ${countOf(others)}`;
  return { governed, notes: others === 0 ? [] : [note] };
}
