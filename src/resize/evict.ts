import type { ChangeRecord } from './changes.ts';
import type { Weighing } from './desired.ts';
import type { Held } from './gates.ts';
import type { PlanInput, PodEviction } from './planned.ts';
import { isUnderWay, runningSizes, type PodState } from './pod.ts';
import { addedIn, desiredPod, type PatchedContainer } from './podplan.ts';
import { shortage } from './room.ts';
import { runs } from './takeback.ts';

interface EvictionInput extends PlanInput {
  readonly weighing: Weighing;
}

/**
 * The eviction of a pod that cannot have its size in place, or the gates that hold it. One pod at a time: the next only
 * when all others are there, ready, and the last replacement has the new size.
 */
export function evictionOf(
  pod: PodState,
  input: EvictionInput,
): { readonly eviction: PodEviction | undefined; readonly held: readonly Held[] } {
  const { targets, weighing } = input;
  const { lane, causes, held } = desiredPod(pod, targets, { ...weighing, evicts: true });
  const containers = replaced(pod, input);
  if (lane === undefined || containers.length === 0) return { eviction: undefined, held };
  const unsafe = unsafeEviction(pod, input) ?? noRoom(pod, containers, weighing);
  if (unsafe !== undefined) return { eviction: undefined, held: [unsafe] };
  const why = causes.length > 0 ? causes.join(', ') : 'it cannot be resized in place';
  const eviction = { podUid: pod.uid, podName: pod.name, lane, why, containers };
  return { eviction, held: [] };
}

/** What the replacement gets at admission: the target itself, since nothing of it runs yet. */
function replaced({ containers }: PodState, { targets }: PlanInput): readonly PatchedContainer[] {
  return containers.flatMap((container) => {
    const target = targets.find(({ name }) => name === container.name);
    const { name, kind } = container;
    if (target === undefined || kind === 'Init') return [];
    return [{ name, kind, from: runningSizes(container), to: target.sizes }];
  });
}

/** The replacement has its full size from the beginning, and is not made at all where the quota has no room. */
function noRoom(
  pod: PodState,
  containers: readonly PatchedContainer[],
  { room }: Weighing,
): Held | undefined {
  const message = shortage(room, addedIn(pod, containers));
  return message === undefined ? undefined : { reason: 'QuotaExceeded', message };
}

function unsafeEviction(pod: PodState, input: EvictionInput): Held | undefined {
  const { pods, replicas, records, rules } = input;
  if (replicas <= 1 && !rules.mayEvictLast) {
    return { reason: 'WouldRestart', message: 'The only replica would be restarted.' };
  }
  const others = pods.filter(({ uid }) => uid !== pod.uid);
  const areThere = others.filter(({ isTerminating }) => !isTerminating).length >= replicas - 1;
  if (!areThere || others.some((other) => !other.isReady || other.isTerminating)) {
    return { reason: 'NotReady', message: 'A pod is evicted only when all others are ready.' };
  }
  if (others.some((other) => isUnderWay(other) && other.resize.state !== 'Deferred')) {
    return { reason: 'PodBudget', message: 'Another pod is being changed.' };
  }
  const last = lastEviction(records);
  const isSmall = (other: PodState) =>
    last !== undefined && other.createdSeconds >= last.atSeconds && !runs(other, last, 'to');
  return pods.some(isSmall)
    ? {
        reason: 'AdmissionUnavailable',
        message: 'The replacement of the last pod that was evicted does not have the new size.',
      }
    : undefined;
}

/** The last that is still watched: targets may have changed since an older one. */
function lastEviction(records: readonly ChangeRecord[]): ChangeRecord | undefined {
  return records
    .filter(({ method, outcome }) => method === 'Evict' && outcome === 'Watching')
    .toSorted((a, b) => a.atSeconds - b.atSeconds)
    .at(-1);
}
