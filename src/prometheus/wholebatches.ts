import { workloadKey, type UsageQuery, type UsageTarget } from '../controller/ports.ts';
import { startFinder, SHORT_WINDOW_SECONDS, type Batch } from './batches.ts';
import type { KnownMarks } from './seriesmarks.ts';

const PODS_PER_BATCH = 1000;
const NAMESPACES_PER_BATCH = 50;
/** Whose restarts are asked for by their names. */
const MOST_RESTARTED = 200;
/** Where less of a namespace is wanted, the rest of it would cost more. */
const WANTED_SHARE = 0.5;

/** Targets of whole namespaces, and the batch of their pods that exist. */
export interface WholeBatch {
  readonly targets: readonly UsageTarget[];
  readonly batch: Batch;
}

/** The targets whose namespaces are to be read as a whole, and the others. */
export function splitWhole(
  query: UsageQuery,
): readonly [readonly UsageTarget[], readonly UsageTarget[]] {
  const whole = wholeNamespaces(query);
  return split(query.targets, ({ workload }) => whole.has(workload.namespace));
}

/** Those that most of is wanted of, over a short window: to ask which pods there are costs more than their samples then. */
function wholeNamespaces({
  targets,
  siblings,
  fromSeconds,
  toSeconds,
}: UsageQuery): ReadonlySet<string> {
  if (toSeconds - fromSeconds >= SHORT_WINDOW_SECONDS) return new Set();
  const all = Map.groupBy(siblings, ({ namespace }) => namespace);
  const wanted = Map.groupBy(targets, ({ workload }) => workload.namespace);
  const isMost = (namespace: string, of: readonly unknown[]) =>
    of.length >= WANTED_SHARE * (all.get(namespace)?.length ?? 0);
  return new Set([...wanted].flatMap(([name, of]) => (isMost(name, of) ? [name] : [])));
}

/** The batches that the query comes to for all targets of some namespaces, in as few answers as may be. */
export function wholeBatches(
  targets: readonly UsageTarget[],
  query: UsageQuery,
  marks: KnownMarks | undefined,
): readonly WholeBatch[] {
  const startedOf = startFinder(query);
  const [marked, others] = split(targets, withMarks(targets, query.fromSeconds * 1000, marks));
  return [marked, others].flatMap((some, index) =>
    groupsOf(some).map((group) => {
      const namespaces = [...new Set(group.map(({ workload }) => workload.namespace))];
      const restarted = restartedIn(namespaces, query);
      const whole = { namespaces, restarted, isFromMarks: index === 0 };
      const pods = group.flatMap((target) => podsOf(target, startedOf));
      return { targets: group, batch: { pods, whole } };
    }),
  );
}

function podsOf(
  { workload, pods }: UsageTarget,
  startedOf: ReturnType<typeof startFinder>,
): Batch['pods'] {
  const { namespace } = workload;
  return pods.map((name) => ({
    namespace,
    name,
    workload: workloadKey(workload),
    startedSeconds: startedOf(namespace, name),
  }));
}

/** Undefined where any may have, or so many did that naming them costs more than all others. */
function restartedIn(
  namespaces: readonly string[],
  { restartedPods }: UsageQuery,
): readonly string[] | undefined {
  const known = namespaces.map((name) => restartedPods?.get(name));
  const names = known.flatMap((pods) => pods ?? []);
  return known.includes(undefined) || names.length > MOST_RESTARTED
    ? undefined
    : [...new Set(names)];
}

/** Whether all series of the namespace of a target have a mark at the time. */
function withMarks(
  targets: readonly UsageTarget[],
  atMs: number,
  marks: KnownMarks | undefined,
): (target: UsageTarget) => boolean {
  const isUnknown = ({ workload, pods }: UsageTarget) =>
    pods.length > 0 && marks?.isKnown(workloadKey(workload), atMs) !== true;
  const without = new Set(targets.filter(isUnknown).map(({ workload }) => workload.namespace));
  return ({ workload }) => !without.has(workload.namespace);
}

/** Targets by whole namespaces, of so many namespaces and pods as one answer may hold. */
function groupsOf(targets: readonly UsageTarget[]): readonly (readonly UsageTarget[])[] {
  const groups: UsageTarget[][] = [];
  let namespaces = 0;
  let pods = 0;
  for (const [, of] of Map.groupBy(targets, ({ workload }) => workload.namespace)) {
    const added = of.reduce((sum, target) => sum + target.pods.length, 0);
    const open = groups.at(-1);
    if (
      open === undefined ||
      namespaces === NAMESPACES_PER_BATCH ||
      pods + added > PODS_PER_BATCH
    ) {
      groups.push([...of]);
      namespaces = 1;
      pods = added;
    } else {
      open.push(...of);
      namespaces += 1;
      pods += added;
    }
  }
  return groups;
}

function split<T>(items: readonly T[], isFirst: (item: T) => boolean): readonly [T[], T[]] {
  const { first = [], second = [] } = Object.groupBy(items, (item) =>
    isFirst(item) ? 'first' : 'second',
  );
  return [first, second];
}
