import { parseDuration } from '../api/duration.ts';
import { governanceOf, type Governance } from '../controller/gather.ts';
import { policyKey } from '../controller/policy.ts';
import {
  workloadKey,
  type ClusterView,
  type UsageReading,
  type Workload,
} from '../controller/ports.ts';
import { compose, recommendationName } from '../controller/reconcile.ts';
import { KubeCluster } from '../kube/cluster.ts';
import { KubeConnection } from '../kube/connection.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { createPrometheusSource } from '../prometheus/source.ts';
import type { Progress } from '../report/progress.ts';
import type { ReportRow } from '../report/report.ts';
import { BadInput, reading } from './failure.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import type { GivenPolicy } from './policyflags.ts';
import { prometheusOptions, type PrometheusFlags } from './prometheusflags.ts';
import type { Report } from './report.ts';

export interface ClusterFlags extends PrometheusFlags {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly selector?: string;
}

interface Context {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

const LIST_DEADLINE_MS = 60_000;
/** What cannot be listed for so long is not listed later either. */
const FAILING_MS = 10_000;

/** Recommendations for what runs in a cluster, from one look at it. */
export async function recommendCluster(
  flags: ClusterFlags,
  given: GivenPolicy,
  context: Context,
): Promise<Report> {
  const prometheus = prometheusOptions(flags);
  const labels = parseSelector(flags.selector);
  const connection = reading(() => new KubeConnection(() => loadKubeConfig(flags.kubeconfig)));
  const failing = new Set<string>();
  const hopeless = new AbortController();
  const cluster = new KubeCluster({
    connection,
    namespace: flags.namespace,
    ownKinds: 'IfServed',
    onChange: () => undefined,
    onError: () => undefined,
    onState: (resource, { kind }) => {
      if (kind === 'Listing') context.progress.show(`listing ${resource}`);
      if (kind === 'Forbidden') hopeless.abort();
      if (kind === 'Failing') failing.add(resource);
      else failing.delete(resource);
    },
  });
  try {
    cluster.start();
    const patience = setTimeout(() => {
      if (failing.size > 0) hopeless.abort();
    }, FAILING_MS);
    await listed(cluster, context.signal, hopeless.signal).finally(() => clearTimeout(patience));
    const { view, notes } = withPolicies(cluster, given);
    const workloads = [...view.workloads.values()].filter((workload) =>
      Object.entries(labels).every(([name, value]) => workload.labels[name] === value),
    );
    const source = reading(() =>
      createPrometheusSource({
        ...prometheus,
        onProgress: (done, total) =>
          context.progress.show(`reading usage, ${done} of ${total} batches`),
      }),
    );
    try {
      const report = await reportOf(view, workloads, (query) => source.read(query, context.signal));
      return { ...report, notes };
    } finally {
      source.close();
    }
  } finally {
    await cluster.stop();
    await connection.close();
  }
}

async function listed(
  cluster: KubeCluster,
  signal: AbortSignal,
  hopeless: AbortSignal,
): Promise<void> {
  try {
    const deadline = AbortSignal.timeout(LIST_DEADLINE_MS);
    await cluster.waitForSync(AbortSignal.any([signal, hopeless, deadline]));
  } catch (error) {
    if (signal.aborted) throw error;
    // Known reasons first; `has not listed` is none.
    const [first = 'no answer', ...others] = cluster.problems().toSorted(byReason);
    const more = others.length === 0 ? '' : ` (and ${others.length} more kinds)`;
    throw new BadInput(`the cluster cannot be read: ${first}${more}`, { cause: error });
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
      const [name = '', value, ...rest] = part.split('=');
      if (name === '' || value === undefined || rest.length > 0) {
        throw new BadInput(`--selector "${text}": "${part}" is not label=value`);
      }
      return [name.trim(), value.trim()];
    }),
  );
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
    namespace: (name) => cluster.namespace(name),
    limitRanges: (namespace) => cluster.limitRanges(namespace),
    autoscalers: (namespace) => cluster.autoscalers(namespace),
    nodes: () => cluster.nodes(),
    pods: (workload) => cluster.pods(workload),
  };
  const note = `the cluster has no policies; going by profile ${policy.spec.riskTolerance.profile} for every workload`;
  return { view, notes: given.isDefault ? [note] : [] };
}

async function reportOf(
  view: ClusterView,
  workloads: readonly Workload[],
  read: (
    query: Parameters<ReturnType<typeof createPrometheusSource>['read']>[0],
  ) => Promise<UsageReading>,
): Promise<Omit<Report, 'notes'>> {
  const governed = workloads.flatMap((workload) => {
    const governance = governanceOf(view, workload);
    return governance === undefined ? [] : [{ workload, governance }];
  });
  const nowSeconds = SYSTEM_CLOCK.nowSeconds();
  const rows: ReportRow[] = [];
  const failures: string[] = [];
  const byWindow = Map.groupBy(governed, ({ governance }) => governance.policy.spec.history.window);
  for (const [window, group] of byWindow) {
    const answer = await read({
      targets: group.map(({ workload: { ref } }) => ({
        workload: ref,
        pods: view.pods(ref).map(({ name }) => name),
      })),
      siblings: [...view.workloads.values()].map(({ ref }) => ref),
      fromSeconds: nowSeconds - parseDuration(window),
      toSeconds: nowSeconds,
    });
    failures.push(...answer.warnings.map(({ message }) => message));
    for (const each of group) {
      const key = workloadKey(each.workload.ref);
      const failure = answer.failures.get(key);
      if (failure !== undefined) failures.push(`${key}: ${failure.message}`);
      rows.push(rowOf(view, each, { answer, nowSeconds }));
    }
  }
  return { rows, failures };
}

function rowOf(
  view: ClusterView,
  { workload, governance }: { readonly workload: Workload; readonly governance: Governance },
  { answer, nowSeconds }: { readonly answer: UsageReading; readonly nowSeconds: number },
): ReportRow {
  const key = workloadKey(workload.ref);
  const containers = answer.usage.get(key) ?? new Map<string, never>();
  const failure = answer.failures.get(key);
  const { status } = compose(workload, {
    view,
    nowSeconds,
    governance,
    usage: { containers, failure, isRead: failure === undefined },
    stored: undefined,
  });
  const { kind, name, namespace } = workload.ref;
  return {
    namespace,
    name: recommendationName(workload.ref),
    targetRef: { apiVersion: workload.apiVersion, kind, name },
    status,
  };
}
