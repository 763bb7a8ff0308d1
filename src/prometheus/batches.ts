import type { UsageQuery } from '../controller/ports.ts';
import type { WorkloadPods } from './pods.ts';
import type { PodScope } from './queries.ts';

/**
 * A shorter window is read by whole namespaces and without an end, goes on from marks, and is folded before a thread has
 * started.
 */
export const SHORT_WINDOW_SECONDS = 24 * 3600;

/** Pods that are asked for in one query, each with the workload it counts for. */
export interface Batch {
  readonly pods: readonly BatchPod[];
  /** All pods of some namespaces are asked for, whatever their names; those that are named unless given. */
  readonly whole?: WholeNamespaces;
}

interface WholeNamespaces {
  readonly namespaces: readonly string[];
  /** Names of the pods whose restarts are asked for; all unless given. */
  readonly restarted: readonly string[] | undefined;
  /** The window begins where all series have a mark, see `KnownMarks`: no sample before it is asked for. */
  readonly isFromMarks: boolean;
}

export interface BatchPod {
  readonly namespace: string;
  readonly name: string;
  /** Key of the workload. */
  readonly workload: string;
  /** Of one that exists; -Infinity where that was well before the window, undefined where it is not known. */
  readonly startedSeconds?: number | undefined;
}

/** When pods of the targets that exist were started, as `BatchPod` has it. */
export function startFinder({
  targets,
  youngPods,
}: UsageQuery): (namespace: string, name: string) => number | undefined {
  if (youngPods === undefined) return () => undefined;
  const existing = new Set(
    targets.flatMap(({ workload, pods }) => pods.map((name) => podKey(workload.namespace, name))),
  );
  return (namespace, name) =>
    existing.has(podKey(namespace, name))
      ? (youngPods.get(namespace)?.get(name) ?? -Infinity)
      : undefined;
}

/** Evenly spaced times, both ends included and multiples of the step, so that servers can cache the answers. */
interface TimeRange {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly stepSeconds: number;
}

/** A sample takes about 35 bytes of JSON: 4 MB an answer, of which a few are in memory at once. */
const POINTS_PER_ANSWER = 120_000;
/** Containers of a pod are not known before; most pods have one or two. */
const CONTAINERS_PER_POD = 2;
/** Former pods of a workload share the window with each other; an hour each is what pods of CronJobs seldom reach. */
const FORMER_POD_STEPS = 12;
/** Bounds the length of the query. */
const PODS_PER_BATCH = 400;
/** Prometheus refuses to answer with more than 11,000 steps. */
const STEPS_PER_ANSWER = 10_000;

/**
 * Batches in the order of the workloads, so that each workload is complete, and its samples can be let go, as
 * early as can be. Of a workload as many pods are counted for the whole window as exist now, at least one.
 */
export function planBatches(
  workloads: readonly (WorkloadPods & { readonly key: string; readonly livePods: number })[],
  steps: number,
  startedOf: ReturnType<typeof startFinder> = () => undefined,
): readonly Batch[] {
  const batches: Batch[] = [];
  let pods: BatchPod[] = [];
  let points = 0;
  for (const { key, workload, pods: names, livePods } of workloads) {
    names.forEach((name, index) => {
      const podSteps = index < Math.max(1, livePods) ? steps : Math.min(steps, FORMER_POD_STEPS);
      const added = podSteps * CONTAINERS_PER_POD;
      if (
        pods.length > 0 &&
        (points + added > POINTS_PER_ANSWER || pods.length >= PODS_PER_BATCH)
      ) {
        batches.push({ pods });
        pods = [];
        points = 0;
      }
      const { namespace } = workload;
      pods.push({ namespace, name, workload: key, startedSeconds: startedOf(namespace, name) });
      points += added;
    });
  }
  return pods.length === 0 ? batches : [...batches, { pods }];
}

/** The times within (from, to] that are multiples of the step, in ranges that one answer may hold; none is empty. */
export function timeRanges(
  fromSeconds: number,
  toSeconds: number,
  stepSeconds: number,
): readonly TimeRange[] {
  const first = (Math.floor(fromSeconds / stepSeconds) + 1) * stepSeconds;
  const last = Math.floor(toSeconds / stepSeconds) * stepSeconds;
  const ranges: TimeRange[] = [];
  for (let start = first; start <= last; start += STEPS_PER_ANSWER * stepSeconds) {
    const end = Math.min(last, start + (STEPS_PER_ANSWER - 1) * stepSeconds);
    ranges.push({ startSeconds: start, endSeconds: end, stepSeconds });
  }
  return ranges;
}

export interface Part {
  readonly pods: readonly BatchPod[];
  readonly range: TimeRange;
}

/** Half of the pods each; for one pod half of the time each; undefined for one pod at one time. */
export function halves({ pods, range }: Part): readonly [Part, Part] | undefined {
  if (pods.length > 1) {
    const middle = Math.ceil(pods.length / 2);
    return [
      { pods: pods.slice(0, middle), range },
      { pods: pods.slice(middle), range },
    ];
  }
  const { startSeconds, endSeconds, stepSeconds } = range;
  const steps = Math.round((endSeconds - startSeconds) / stepSeconds) + 1;
  if (steps < 2) return undefined;
  const middleSeconds = startSeconds + (Math.ceil(steps / 2) - 1) * stepSeconds;
  return [
    { pods, range: { ...range, endSeconds: middleSeconds } },
    { pods, range: { ...range, startSeconds: middleSeconds + stepSeconds } },
  ];
}

/** Finds those of the pods that are named. */
export function podFinder(
  pods: readonly BatchPod[],
): (namespace: string, name: string) => BatchPod | undefined {
  const known = new Map(pods.map((pod) => [podKey(pod.namespace, pod.name), pod]));
  return (namespace, name) => known.get(podKey(namespace, name));
}

export function scopeOf({ pods, whole }: Batch): PodScope {
  if (whole !== undefined) return { namespaces: whole.namespaces, pods: undefined };
  return {
    namespaces: [...new Set(pods.map(({ namespace }) => namespace))],
    pods: [...new Set(pods.map(({ name }) => name))],
  };
}

/** Of the pods whose restarts are asked for; undefined where there are none. */
export function restartScopeOf(batch: Batch): PodScope | undefined {
  const scope = scopeOf(batch);
  const restarted = batch.whole?.restarted;
  if (restarted === undefined) return scope;
  return restarted.length === 0 ? undefined : { ...scope, pods: restarted };
}

function podKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
