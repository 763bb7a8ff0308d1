import {
  workloadKey,
  type UsageFailure,
  type UsageQuery,
  type UsageTarget,
} from '../controller/ports.ts';
import type { AnswerSeries } from './answer.ts';
import { askInParts, groupsOf } from './parts.ts';
import { assignPods, type SeenPods, type WorkloadPods } from './pods.ts';
import {
  jobOwners,
  NAMESPACES_PER_QUERY,
  OWNER_METRICS,
  ownerSelector,
  podOwners,
  replicaSetOwners,
  usageSeries,
} from './queries.ts';
import type { PodName } from './rawbatch.ts';
import { isUnfit } from './readers.ts';
import type { SeriesLister } from './serieslist.ts';
import { eachLimited, usageFailure, type Session } from './session.ts';

export interface FoundPods {
  readonly workloads: readonly WorkloadPods[];
  readonly failures: readonly (UsageFailure & { readonly targets: readonly UsageTarget[] })[];
}

export interface Finding {
  readonly concurrency: number;
  /** Tells owners from the index where it is given; else their samples are looked at, which is dear for long windows. */
  readonly lister?: SeriesLister | undefined;
}

/** Finds the pods, present and former, of all targets. A failure concerns the targets of its namespaces alone. */
export async function findPods(
  session: Session,
  query: UsageQuery,
  { concurrency, lister }: Finding,
): Promise<FoundPods> {
  const targetsOf = Map.groupBy(query.targets, ({ workload }) => workload.namespace);
  const workloads: WorkloadPods[] = [];
  const failures: (UsageFailure & { readonly targets: readonly UsageTarget[] })[] = [];
  const groups = groupsOf([...targetsOf.keys()].sort(), NAMESPACES_PER_QUERY);
  await eachLimited(groups, concurrency, async (namespaces) => {
    const targets = namespaces.flatMap((namespace) => targetsOf.get(namespace) ?? []);
    try {
      workloads.push(
        ...(await podsOfNamespaces({ session, lister }, { ...query, targets }, namespaces)),
      );
    } catch (error) {
      const failure = usageFailure(error, 'find the pods of the workload');
      failures.push({ ...failure, targets });
    }
  });
  return { workloads, failures };
}

interface Finder {
  readonly session: Session;
  readonly lister: SeriesLister | undefined;
}

async function podsOfNamespaces(
  { session, lister }: Finder,
  query: UsageQuery,
  namespaces: readonly string[],
): Promise<readonly WorkloadPods[]> {
  const used = new Map<string, readonly string[]>();
  for (const namespace of namespaces) {
    used.set(namespace, await podsWithUsage(session, query, namespace));
  }
  return assigned({ session, lister }, query, used);
}

async function assigned(
  { session, lister }: Finder,
  query: UsageQuery,
  used: SeenPods['used'],
): Promise<readonly WorkloadPods[]> {
  const owners = await ownersOf({ session, lister }, query, [...used.keys()]);
  const assignment = assignPods(query, { ...owners, used });
  if (assignment.namespacesWithoutOwners.length > 0) {
    session.warn({
      reason: 'OwnerMetricsMissing',
      message:
        'Prometheus has no kube_pod_owner of kube-state-metrics for pods with usage: ' +
        'former pods are told by their names',
    });
  }
  return assignment.workloads;
}

/**
 * The pods among these that are or were of the targets, and that are not named by them. One call tells of several
 * namespaces; none is made where there are no such pods.
 */
export async function ownersOfStrangers(
  finder: Finder,
  query: UsageQuery,
  strangers: readonly PodName[],
): Promise<FoundPods> {
  const used = new Map<string, readonly string[]>();
  for (const [namespace, pods] of Map.groupBy(strangers, (pod) => pod.namespace)) {
    used.set(
      namespace,
      pods.map(({ name }) => name),
    );
  }
  if (used.size === 0) return { workloads: [], failures: [] };
  const targets = query.targets.filter(({ workload }) => used.has(workload.namespace));
  const workloads = await assigned(finder, { ...query, targets }, used);
  const live = new Map(targets.map(({ workload, pods }) => [workloadKey(workload), new Set(pods)]));
  return {
    workloads: workloads.map(({ workload, pods }) => ({
      workload,
      pods: pods.filter((pod) => live.get(workloadKey(workload))?.has(pod) !== true),
    })),
    failures: [],
  };
}

function podsWithUsage(
  session: Session,
  { fromSeconds, toSeconds }: UsageQuery,
  namespace: string,
): Promise<readonly string[]> {
  const selectors = usageSeries(namespace, session.extra);
  return session.ask((client, signal) =>
    client.labelValues({ label: 'pod', selectors, fromSeconds, toSeconds }, signal),
  );
}

type OwnerRows = Pick<SeenPods, 'podOwners' | 'replicaSetOwners' | 'jobOwners'>;

/** Something in between may let remote read through and not the index. */
async function ownersOf(
  { session, lister }: Finder,
  query: UsageQuery,
  namespaces: readonly string[],
): Promise<OwnerRows> {
  if (lister === undefined) return await ownersBySamples(session, query, namespaces);
  try {
    return await ownersByIndex({ session, lister }, query, namespaces);
  } catch (error) {
    if (!isUnfit(error)) throw error;
    return await ownersBySamples(session, query, namespaces);
  }
}

async function ownersBySamples(
  session: Session,
  query: UsageQuery,
  namespaces: readonly string[],
): Promise<OwnerRows> {
  return {
    podOwners: await ownerRows(session, query, { namespaces, owners: podOwners }),
    replicaSetOwners: await ownerRows(session, query, { namespaces, owners: replicaSetOwners }),
    jobOwners: await ownerRows(session, query, { namespaces, owners: jobOwners }),
  };
}

/** One call for all three kinds of owners. */
async function ownersByIndex(
  { session, lister }: Finder & { readonly lister: SeriesLister },
  window: UsageQuery,
  namespaces: readonly string[],
): Promise<OwnerRows> {
  const found = await askInParts(namespaces, (part) => {
    const selectors = Object.values(OWNER_METRICS).map((metric) =>
      ownerSelector(metric, part, session.extra),
    );
    return session.ask((_client, signal) => lister.list(selectors, window, signal));
  });
  const rowsOf = (metric: string): readonly AnswerSeries[] =>
    found
      .filter((labels) => labels['__name__'] === metric)
      .map((labels) => ({ labels, samples: [] }));
  return {
    podOwners: rowsOf(OWNER_METRICS.pod),
    replicaSetOwners: rowsOf(OWNER_METRICS.replicaSet),
    jobOwners: rowsOf(OWNER_METRICS.job),
  };
}

interface OwnerQuestion {
  readonly namespaces: readonly string[];
  readonly owners: typeof podOwners;
}

function ownerRows(
  session: Session,
  query: UsageQuery,
  { namespaces, owners }: OwnerQuestion,
): Promise<readonly AnswerSeries[]> {
  const windowSeconds = Math.max(1, Math.ceil(query.toSeconds - query.fromSeconds));
  return askInParts(namespaces, (part) => {
    const text = owners(part, windowSeconds, session.extra);
    return session.ask((client, signal) => client.instant(text, query.toSeconds, signal));
  });
}
