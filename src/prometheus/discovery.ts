import {
  workloadKey,
  type UsageFailure,
  type UsageQuery,
  type UsageTarget,
} from '../controller/ports.ts';
import { ownersOf, type Finder } from './ownerrows.ts';
import { podsByIndex, podsByNames, type PodNames } from './podlist.ts';
import { assignPods, type SeenPods, type WorkloadPods } from './pods.ts';
import { NAMESPACES_PER_QUERY } from './queries.ts';
import type { PodName } from './strangers.ts';
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
  const found: FoundPods[] = [];
  const groups = groupsOfTargets(query.targets, { namespaces: NAMESPACES_PER_QUERY });
  await eachLimited(groups, concurrency, async (targets) => {
    found.push(await podsOfTargets({ session, lister }, { ...query, targets }));
  });
  return {
    workloads: found.flatMap(({ workloads }) => workloads),
    failures: found.flatMap(({ failures }) => failures),
  };
}

/**
 * Of so many pods that run now at a time: what a server holds while it lists them is the most that a reading costs it
 * in memory. Namespaces of few pods go together, so that as few calls as can be read them.
 */
const AHEAD = { namespaces: 3 * NAMESPACES_PER_QUERY, pods: 160 };
/** Of fewer to begin with, so that reading can begin. */
const FIRST = { namespaces: NAMESPACES_PER_QUERY, pods: 60 };

export interface FoundPart {
  readonly query: UsageQuery;
  readonly found: FoundPods;
}

/** The same for some namespaces after others, always one part ahead of what is asked for. */
export async function* findPodsAhead(
  finder: Finder,
  query: UsageQuery,
): AsyncGenerator<FoundPart, void> {
  const find = async (targets: readonly UsageTarget[]): Promise<FoundPart> => {
    const part = { ...query, targets };
    return { query: part, found: await podsOfTargets(finder, part) };
  };
  const groups = groupsOfTargets(query.targets, AHEAD, FIRST).values();
  const begin = (): Promise<FoundPart> | undefined => {
    const { value } = groups.next();
    const part = value && find(value);
    // Whoever asks for it is told.
    void part?.catch(() => undefined);
    return part;
  };
  let next = begin();
  try {
    while (next !== undefined) {
      const part = await next;
      next = begin();
      yield part;
    }
  } finally {
    // Nobody asks for it any more, and who stopped asking has a reason of its own to tell.
    await next?.catch(() => undefined);
  }
}

interface GroupSize {
  readonly namespaces: number;
  /** That run now; any number unless given. A namespace is never cut. */
  readonly pods?: number;
}

/** Targets of some namespaces each, of the first group up to another size. */
function groupsOfTargets(
  targets: readonly UsageTarget[],
  size: GroupSize,
  first = size,
): readonly (readonly UsageTarget[])[] {
  const targetsOf = Map.groupBy(targets, ({ workload }) => workload.namespace);
  const groups: UsageTarget[][] = [];
  let [namespaces, pods] = [0, 0];
  for (const namespace of [...targetsOf.keys()].sort()) {
    const added = targetsOf.get(namespace) ?? [];
    const addedPods = added.reduce((sum, target) => sum + target.pods.length, 0);
    const most = groups.length === 1 ? first : size;
    const open = groups.at(-1);
    const isFull = namespaces === most.namespaces || pods + addedPods > (most.pods ?? Infinity);
    if (open === undefined || isFull) {
      groups.push([...added]);
      [namespaces, pods] = [1, addedPods];
    } else {
      open.push(...added);
      namespaces += 1;
      pods += addedPods;
    }
  }
  return groups;
}

/** What fails is a failure of these targets. */
async function podsOfTargets(finder: Finder, query: UsageQuery): Promise<FoundPods> {
  try {
    return { workloads: await workloadPods(finder, query), failures: [] };
  } catch (error) {
    const failure = usageFailure(error, 'find the pods of the workload');
    return { workloads: [], failures: [{ ...failure, targets: query.targets }] };
  }
}

async function workloadPods(finder: Finder, query: UsageQuery): Promise<readonly WorkloadPods[]> {
  const namespaces = [...new Set(query.targets.map(({ workload }) => workload.namespace))];
  const listed = await podsByIndex(finder, query, namespaces);
  const used =
    listed === undefined
      ? await podsByNames(finder.session, query, namespaces)
      : strangersIn(listed, query);
  return assigned(finder.session, query, { ...(await ownersOf(finder, query, used)), used });
}

/** Pods that no target names, whose owners have to be found. */
function strangersIn(pods: PodNames, { targets }: UsageQuery): PodNames {
  const live = new Set(
    targets.flatMap(({ workload, pods: names }) =>
      names.map((name) => `${workload.namespace}/${name}`),
    ),
  );
  const strangers = new Map<string, readonly string[]>();
  for (const [namespace, names] of pods) {
    const unknown = names.filter((name) => !live.has(`${namespace}/${name}`));
    if (unknown.length > 0) strangers.set(namespace, unknown);
  }
  return strangers;
}

function assigned(session: Session, query: UsageQuery, seen: SeenPods): readonly WorkloadPods[] {
  const assignment = assignPods(query, seen);
  if (assignment.namespacesWithoutOwners.length > 0) {
    session.warn({
      reason: 'OwnerMetricsMissing',
      message:
        'Prometheus has no kube_pod_owner of kube-state-metrics for former pods: ' +
        'they are told by their names',
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
  const owners = await ownersOf(finder, query, used);
  const workloads = assigned(finder.session, { ...query, targets }, { ...owners, used });
  const live = new Map(targets.map(({ workload, pods }) => [workloadKey(workload), new Set(pods)]));
  return {
    workloads: workloads.map(({ workload, pods }) => ({
      workload,
      pods: pods.filter((pod) => live.get(workloadKey(workload))?.has(pod) !== true),
    })),
    failures: [],
  };
}
