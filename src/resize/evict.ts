import type { Sizes } from '../recommend/usage.ts';
import type { ChangeRecord } from './changes.ts';
import type { Weighing } from './desired.ts';
import type { Held } from './gates.ts';
import { pairOf } from './pair.ts';
import type { PlanInput, PodEviction } from './planned.ts';
import { isUnderWay, runningSizes, sameSizes, type ContainerState, type PodState } from './pod.ts';
import { addedIn, desiredPod, type PatchedContainer } from './podplan.ts';
import { counted, hasRoom, shortage, sumOf } from './room.ts';
import { rescueSignals, type RescueSignal } from './signals.ts';
import { isWorthwhile } from './step.ts';
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
  if (lane === undefined) return { eviction: undefined, held };
  if (input.newPods === undefined) return { eviction: undefined, held: [UNSETTLED] };
  const containers = replaced(pod, input);
  if (containers.length === 0) return { eviction: undefined, held };
  const unsafe =
    unsafeEviction(pod, input) ??
    inVain(pod, containers, { ...input, lane }) ??
    noRoom(pod, containers, weighing) ??
    noNode(pod, containers, input);
  if (unsafe !== undefined) return { eviction: undefined, held: [unsafe] };
  const why = causes.length > 0 ? causes.join(', ') : 'it cannot be resized in place';
  const eviction = { podUid: pod.uid, podName: pod.name, lane, why, containers };
  return { eviction, held: [] };
}

const UNSETTLED: Held = {
  reason: 'AdmissionUnavailable',
  message: 'What new pods get is being changed: an eviction waits until that is done.',
};

/** What the replacement gets at admission, which may be more than is recommended, or what the template says. */
function replaced(
  { containers }: PodState,
  { targets, newPods = [] }: PlanInput,
): readonly PatchedContainer[] {
  return containers.flatMap((container) => {
    const { name, kind } = container;
    const sized = newPods.find((each) => each.name === name);
    const isTarget = targets.some((each) => each.name === name);
    if (sized === undefined || !isTarget || kind === 'Init') return [];
    return [{ name, kind, from: runningSizes(container), to: sized.sizes }];
  });
}

/**
 * What is in need is not restarted to have less of what it lacks, and none that is evicted for its need without having
 * more of it.
 */
function inVain(
  pod: PodState,
  containers: readonly PatchedContainer[],
  { lane, records, nowSeconds, rules }: PlanInput & Pick<PodEviction, 'lane'>,
): Held | undefined {
  const needs = containers.flatMap(({ name, to }) => {
    const container = pod.containers.find((each) => each.name === name);
    if (container === undefined) return [];
    return rescueSignals(container, records, nowSeconds).map((signal) => ({
      resource: signal.resource,
      ...scarce(container, to, signal),
    }));
  });
  const less = needs.find(({ from, to }) => to < from);
  if (less !== undefined) {
    const message = `It is in need, and its replacement would have less ${less.resource}.`;
    return { reason: 'WouldRestart', message };
  }
  const isHelped = needs.some((need) => isWorthwhile(need.resource, need, rules.minimumChange));
  if (lane !== 'Rescue' || isHelped) return undefined;
  const what = needs.map(({ resource }) => resource).join(' and ');
  return {
    reason: 'WouldRestart',
    message: `It is in need, and its replacement would have no more ${what}.`,
  };
}

/** What there is too little of, now and in the replacement: of memory and throttled CPU the limit, where there is one. */
function scarce(
  container: ContainerState,
  replacement: Sizes,
  { resource, cause }: RescueSignal,
): { readonly from: number; readonly to: number } {
  const running = pairOf(runningSizes(container), resource);
  const next = pairOf(replacement, resource);
  return cause !== 'OverCpuBudget' && running.limit !== undefined
    ? { from: running.limit, to: next.limit ?? Infinity }
    : { from: running.request ?? 0, to: next.request ?? 0 };
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

/**
 * The replacement would be Pending. What the node can never resize may still be the same pod on the same node: that is
 * tried also where nodes are not known.
 */
function noNode(
  pod: PodState,
  containers: readonly PatchedContainer[],
  { nodes, staysOnNode }: PlanInput,
): Held | undefined {
  if (nodes === undefined) {
    const message = 'Deferred, and it is not known whether another node has room for it.';
    return pod.resize.state === 'Deferred' ? { reason: 'NoNodeHasRoom', message } : undefined;
  }
  const running = pod.containers.filter(({ kind }) => kind !== 'Init');
  const own = sumOf(running.map((container) => counted(container, pod))).requests;
  const { requests } = sumOf(
    running.map((container) => {
      const to = containers.find(({ name }) => name === container.name)?.to.requests;
      return { requests: { ...runningSizes(container).requests, ...to }, limits: {} };
    }),
  );
  const eligible = staysOnNode ? nodes.filter(({ name }) => name === pod.node) : nodes;
  return eligible.some((node) => hasRoom(node, requests, { from: pod.node, own }))
    ? undefined
    : { reason: 'NoNodeHasRoom', message: 'No node that takes it has room for the replacement.' };
}

function unsafeEviction(pod: PodState, input: EvictionInput): Held | undefined {
  const { pods, replicas, rules } = input;
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
  return pods.some((other) => isUnsized(other, input))
    ? {
        reason: 'AdmissionUnavailable',
        message: 'The replacement of the last pod that was evicted does not have the new size.',
      }
    : undefined;
}

/**
 * Began after the last eviction, and has neither what that was for nor what it would get now: another would be in vain.
 * What was resized since has what its records say. Where something else is aimed at by now, only what is as the template
 * says was not sized: other sizes may be those of a time between.
 */
function isUnsized(pod: PodState, input: EvictionInput): boolean {
  const last = lastEviction(input.records);
  if (last === undefined || pod.createdSeconds < last.atSeconds) return false;
  const now = { ...last, containers: replaced(pod, input) };
  const since = input.records.filter(
    ({ method, atSeconds }) => method === 'Resize' && atSeconds >= pod.createdSeconds,
  );
  if ([last, now, ...since].some((record) => runs(pod, record, 'to'))) return false;
  return sizesAlike(last, now) || isAsTemplate(pod, last, input);
}

/** Of the records that are left, whatever became of it: that its replacement lacks the size may be why it failed. */
function lastEviction(records: readonly ChangeRecord[]): ChangeRecord | undefined {
  return records
    .filter(({ method, outcome }) => method === 'Evict' && outcome !== 'TakenBack')
    .toSorted((a, b) => a.atSeconds - b.atSeconds)
    .at(-1);
}

function sizesAlike(a: ChangeRecord, b: ChangeRecord): boolean {
  return a.containers.every(({ name, to }) => {
    const other = b.containers.find((each) => each.name === name);
    return other !== undefined && sameSizes(other.to, to);
  });
}

function isAsTemplate(pod: PodState, { containers }: ChangeRecord, input: EvictionInput): boolean {
  return containers.some(({ name, to }) => {
    const template = input.template.find((each) => each.name === name);
    const own = pod.containers.find((each) => each.name === name);
    if (template === undefined || own === undefined) return false;
    return sameSizes(runningSizes(own), template.sizes) && !sameSizes(template.sizes, to);
  });
}
