import type { UsageFailure, UsageQuery, UsageTarget } from '../controller/ports.ts';
import type { AnswerSeries } from './answer.ts';
import { askInParts, groupsOf } from './parts.ts';
import { assignPods, type WorkloadPods } from './pods.ts';
import {
  jobOwners,
  NAMESPACES_PER_QUERY,
  podOwners,
  replicaSetOwners,
  usageSeries,
} from './queries.ts';
import { eachLimited, usageFailure, type Session } from './session.ts';

export interface FoundPods {
  readonly workloads: readonly WorkloadPods[];
  readonly failures: readonly (UsageFailure & { readonly targets: readonly UsageTarget[] })[];
}

/** Finds the pods, present and former, of all targets. A failure concerns the targets of its namespaces alone. */
export async function findPods(
  session: Session,
  query: UsageQuery,
  concurrency: number,
): Promise<FoundPods> {
  const targetsOf = Map.groupBy(query.targets, ({ workload }) => workload.namespace);
  const workloads: WorkloadPods[] = [];
  const failures: (UsageFailure & { readonly targets: readonly UsageTarget[] })[] = [];
  const groups = groupsOf([...targetsOf.keys()].sort(), NAMESPACES_PER_QUERY);
  await eachLimited(groups, concurrency, async (namespaces) => {
    const targets = namespaces.flatMap((namespace) => targetsOf.get(namespace) ?? []);
    try {
      workloads.push(...(await podsOfNamespaces(session, { ...query, targets }, namespaces)));
    } catch (error) {
      const failure = usageFailure(error, 'find the pods of the workload');
      failures.push({ ...failure, targets });
    }
  });
  return { workloads, failures };
}

async function podsOfNamespaces(
  session: Session,
  query: UsageQuery,
  namespaces: readonly string[],
): Promise<readonly WorkloadPods[]> {
  const used = new Map<string, readonly string[]>();
  for (const namespace of namespaces) {
    used.set(namespace, await podsWithUsage(session, query, namespace));
  }
  const assignment = assignPods(query, {
    podOwners: await ownerRows(session, query, { namespaces, owners: podOwners }),
    replicaSetOwners: await ownerRows(session, query, { namespaces, owners: replicaSetOwners }),
    jobOwners: await ownerRows(session, query, { namespaces, owners: jobOwners }),
    used,
  });
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
