import {
  workloadKey,
  type UsageQuery,
  type UsageTarget,
  type WorkloadRef,
} from '../controller/ports.ts';
import type { AnswerSeries } from './answer.ts';
import {
  jobOwnerByName,
  ownerByName,
  replicaSetOwnerByName,
  siblingsOf,
  type Siblings,
} from './podnames.ts';

/** What Prometheus knows of the pods of some namespaces in a window. */
export interface SeenPods {
  readonly podOwners: readonly AnswerSeries[];
  readonly replicaSetOwners: readonly AnswerSeries[];
  readonly jobOwners: readonly AnswerSeries[];
  /** Names of all pods with usage, by namespace. */
  readonly used: ReadonlyMap<string, readonly string[]>;
}

export interface WorkloadPods {
  readonly workload: WorkloadRef;
  /** Present and former, none twice. */
  readonly pods: readonly string[];
}

interface PodAssignment {
  readonly workloads: readonly WorkloadPods[];
  /** Namespaces that have pods with usage of which no owner metric says a word. */
  readonly namespacesWithoutOwners: readonly string[];
}

/**
 * Gives each pod to the workload it is of. In this order: pods that exist now are of the target that names them;
 * then the owner metrics decide; then, for pods that the owner metrics never saw, the shape of the name, where it
 * leaves one workload only. A pod that two workloads owned in turn under one name is nobody's.
 */
export function assignPods(query: UsageQuery, seen: SeenPods): PodAssignment {
  const assigned = new Map(
    query.targets.map(({ workload }) => [
      workloadKey(workload),
      { workload, pods: new Set<string>() },
    ]),
  );
  const owned = byNamespace(seen);
  const missing: string[] = [];
  for (const [namespace, targets] of targetsByNamespace(query.targets)) {
    const siblings = siblingsOf(query.siblings.filter((ref) => ref.namespace === namespace));
    const owners = owned.get(namespace) ?? NO_OWNERS;
    const used = seen.used.get(namespace) ?? [];
    if (owners.pods.size === 0 && used.length > 0) missing.push(namespace);
    for (const [pod, owner] of ownersOfPods(used, { targets, siblings, owners })) {
      assigned.get(workloadKey(owner))?.pods.add(pod);
    }
  }
  return {
    workloads: [...assigned.values()].map(({ workload, pods }) => ({
      workload,
      pods: [...pods].sort(),
    })),
    namespacesWithoutOwners: missing,
  };
}

function targetsByNamespace(
  targets: readonly UsageTarget[],
): ReadonlyMap<string, readonly UsageTarget[]> {
  return Map.groupBy(targets, ({ workload }) => workload.namespace);
}

interface NamespaceKnowledge {
  readonly targets: readonly UsageTarget[];
  readonly siblings: Siblings;
  readonly owners: NamespaceOwners;
}

function* ownersOfPods(
  used: readonly string[],
  known: NamespaceKnowledge,
): Generator<readonly [pod: string, owner: WorkloadRef]> {
  const live = new Set<string>();
  for (const { workload, pods } of known.targets) {
    for (const pod of pods) {
      live.add(pod);
      yield [pod, workload];
    }
  }
  for (const pod of new Set([...used, ...known.owners.pods.keys()])) {
    if (live.has(pod)) continue;
    const owner = ownerOf(pod, known);
    if (owner !== undefined) yield [pod, owner];
  }
}

function ownerOf(pod: string, known: NamespaceKnowledge): WorkloadRef | undefined {
  const controllers = known.owners.pods.get(pod);
  if (controllers === undefined) return ownerByName(pod, known.siblings);
  const owners = new Map(
    controllers
      .map((controller) => workloadOf(controller, known))
      .map((ref) => [ref === undefined ? '' : workloadKey(ref), ref]),
  );
  return owners.size === 1 ? [...owners.values()][0] : undefined;
}

interface Owner {
  readonly kind: string;
  readonly name: string;
}

function workloadOf(owner: Owner, known: NamespaceKnowledge): WorkloadRef | undefined {
  switch (owner.kind) {
    case 'ReplicaSet':
      return replicaSetWorkload(owner.name, known);
    case 'Job':
      return jobWorkload(owner.name, known);
    default:
      return siblingOf(owner, known);
  }
}

/** Where there is no row of those that were asked for, the name has to tell; otherwise one without a row is a bare one. */
function replicaSetWorkload(name: string, known: NamespaceKnowledge): WorkloadRef | undefined {
  const { replicaSets } = known.owners;
  if (replicaSets.size === 0) return replicaSetOwnerByName(name, known.siblings);
  const owner = replicaSets.get(name);
  return owner === undefined ? undefined : siblingOf(owner, known);
}

function jobWorkload(name: string, known: NamespaceKnowledge): WorkloadRef | undefined {
  const { jobs } = known.owners;
  if (jobs.size === 0) return jobOwnerByName(name, known.siblings);
  const owner = jobs.get(name);
  return owner?.kind === 'CronJob'
    ? siblingOf(owner, known)
    : siblingOf({ kind: 'Job', name }, known);
}

function siblingOf(owner: Owner, known: NamespaceKnowledge): WorkloadRef | undefined {
  return known.siblings.get(`${owner.kind}/${owner.name}`);
}

interface NamespaceOwners {
  /** Direct controllers by pod; more than one when a name was used again under another. */
  readonly pods: Map<string, Owner[]>;
  readonly replicaSets: Map<string, Owner>;
  readonly jobs: Map<string, Owner>;
}

const NO_OWNERS: NamespaceOwners = { pods: new Map(), replicaSets: new Map(), jobs: new Map() };

function byNamespace(seen: SeenPods): ReadonlyMap<string, NamespaceOwners> {
  const found = new Map<string, NamespaceOwners>();
  const at = (row: AnswerSeries): NamespaceOwners => {
    const namespace = row.labels['namespace'] ?? '';
    const owners = found.get(namespace) ?? {
      pods: new Map(),
      replicaSets: new Map(),
      jobs: new Map(),
    };
    found.set(namespace, owners);
    return owners;
  };
  for (const row of seen.podOwners) {
    const { pods } = at(row);
    const pod = row.labels['pod'] ?? '';
    pods.set(pod, [...(pods.get(pod) ?? []), ownerIn(row)]);
  }
  for (const row of seen.replicaSetOwners) {
    at(row).replicaSets.set(row.labels['replicaset'] ?? '', ownerIn(row));
  }
  for (const row of seen.jobOwners) at(row).jobs.set(row.labels['job_name'] ?? '', ownerIn(row));
  return found;
}

function ownerIn({ labels }: AnswerSeries): Owner {
  return { kind: labels['owner_kind'] ?? '', name: labels['owner_name'] ?? '' };
}
