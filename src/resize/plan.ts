import { RESOURCES } from '../recommend/usage.ts';
import { backoffUntil } from './backoff.ts';
import { freePods, isPatienceOver } from './budget.ts';
import type { Lane } from './changes.ts';
import type { Weighing } from './desired.ts';
import { evictionOf } from './evict.ts';
import { inGateOrder, type Held } from './gates.ts';
import type { Plan, PlanInput, PodPatch } from './planned.ts';
import { isUnderWay, type PodState } from './pod.ts';
import { addedIn, apart, desiredPod, type PodDesire } from './podplan.ts';
import { isRefusedWith, type Refusal } from './refused.ts';
import { roomAfter } from './room.ts';
import { restartHeld } from './restart.ts';
import { pendingReturns, targetsOfParts } from './takeback.ts';

/** A pod, and what is to be asked for in it. */
interface Weighed {
  readonly pod: PodState;
  readonly desire: PodDesire;
}

/**
 * What is to be done to the pods of one workload now. Changes that are to be taken back go before all others. Pods in
 * need come first, then raises, then savings; of the same kind the youngest, whose loss is the cheapest. Carried out
 * and asked again, it plans nothing more for the same pods.
 */
export function planPods(input: PlanInput): Plan {
  const { facts, pods, records } = input;
  if (facts.mode !== 'InPlace' && facts.mode !== 'Recreate') return NOTHING;
  const pending = pendingReturns(records, pods);
  if (pending.length === 0) return planned(input, { isReturn: false, of: pods }, NOTHING);
  // One that is stuck keeps no other from being gone.
  const back = pending.reduce(
    (begun, way) =>
      planned({ ...input, targets: targetsOfParts(way) }, { isReturn: true, of: way.pods }, begun),
    NOTHING,
  );
  if (back.patches.length > 0) return back;
  // What cannot go back for now must not keep others in need from being raised.
  const onward = planned(input, { isReturn: false, of: pods }, NOTHING);
  return { ...onward, held: inGateOrder([...back.held, ...onward.held]) };
}

/**
 * Back to given sizes, as when the operator leaves: at once and for all pods, held only by what the API server, the
 * owner of the object or the container itself would not allow.
 */
export function planReturn(input: PlanInput): Plan {
  return planned(input, { isReturn: true, of: input.pods }, NOTHING);
}

const NOTHING: Plan = { patches: [], evictions: [], waiting: [], held: [], leaking: [] };

interface Purpose {
  readonly isReturn: boolean;
  /** The pods that are changed; the others count all the same. */
  readonly of: readonly PodState[];
}

/** With what was planned before, which is of other pods. */
function planned(input: PlanInput, { isReturn, of }: Purpose, begun: Plan): Plan {
  const { rules, records, nowSeconds } = input;
  const weighing: Weighing = {
    facts: input.facts,
    rules,
    records,
    nowSeconds,
    backoffUntilSeconds: backoffUntil(records, rules.decreaseCooldownSeconds),
    freePods: freePods(rules, input.pods, records, nowSeconds),
    freeFleet: input.freeFleet,
    room: input.room,
    outside: input.outside,
    evicts: false,
    isReturn,
    isTemplate: false,
  };
  const all = { ...weighing, freePods: Infinity, freeFleet: Infinity, room: undefined };
  const ordered = of
    .filter(({ isTerminating }) => !isTerminating)
    .map((pod) => ({ pod, desire: desiredPod(pod, input.targets, all) }))
    .toSorted(byUrgency);
  return filled(ordered, { input, weighing, plan: begun });
}

const URGENCY: readonly (Lane | undefined)[] = ['Rescue', 'Return', 'Raise', 'Savings', undefined];

function byUrgency(a: Weighed, b: Weighed): number {
  const urgency = ({ desire }: Weighed) => URGENCY.indexOf(desire.lane);
  return (
    urgency(a) - urgency(b) ||
    b.pod.createdSeconds - a.pod.createdSeconds ||
    (a.pod.uid < b.pod.uid ? -1 : 1)
  );
}

/** Goes through the pods in order, and takes from the budgets what each change costs. */
function filled(ordered: readonly Weighed[], { input, weighing, plan: begun }: Around): Plan {
  let { freePods: pods, freeFleet: fleet, room } = weighing;
  let plan = begun;
  for (const { pod } of ordered) {
    const left = { ...weighing, freePods: pods, freeFleet: fleet, room };
    const desire = desiredPod(pod, input.targets, left);
    const step = calmStep({ pod, desire }, { input, weighing: left, plan });
    plan = merged(plan, step);
    for (const { containers } of [...(step.patches ?? []), ...(step.evictions ?? [])]) {
      room = roomAfter(room, addedIn(pod, containers));
    }
    const isCharged = desire.lane === 'Raise' || desire.lane === 'Savings';
    if (isCharged && (step.patches ?? step.evictions) !== undefined) {
      pods -= 1;
      fleet -= 1;
    }
  }
  return { ...plan, held: inGateOrder(plan.held) };
}

function merged(plan: Plan, step: Partial<Plan>): Plan {
  return {
    patches: [...plan.patches, ...(step.patches ?? [])],
    evictions: [...plan.evictions, ...(step.evictions ?? [])],
    waiting: [...plan.waiting, ...(step.waiting ?? [])],
    held: [...plan.held, ...(step.held ?? [])],
    leaking: [...new Set([...plan.leaking, ...(step.leaking ?? [])])],
  };
}

interface Around {
  readonly input: PlanInput;
  readonly weighing: Weighing;
  readonly plan: Plan;
}

/** Without a patch that would restart one pod too many. */
function calmStep(weighed: Weighed, around: Around): Partial<Plan> {
  const step = stepOf(weighed, around);
  const [patch] = step.patches ?? [];
  const held = patch && restartHeld(patch, around.input, around.plan.patches);
  if (held === undefined) return step;
  const others = { ...step };
  delete others.patches;
  return { ...others, held: [...(step.held ?? []), held] };
}

function stepOf({ pod, desire }: Weighed, around: Around): Partial<Plan> {
  const { held, leaking, lane, containers } = desire;
  const base: Partial<Plan> = { held, leaking, ...waitingOf(pod) };
  if (isBusy(pod, lane)) return base;
  if (containers.length === 0 || lane === undefined) {
    return isStuck(pod, around.input) ? withEviction(base, pod, around) : base;
  }
  const patch = patchOf(
    pod,
    lane === 'Rescue' ? apart(pod, desire, around.input.facts) : desire,
    lane,
  );
  const refused = refusalOf(pod, desire, patch, around.input.refusals);
  if (refused === undefined) return { ...base, patches: [patch] };
  const step = { ...base, held: [...held, refused] };
  const part = lane === 'Rescue' ? partOf(pod, around) : undefined;
  if (part !== undefined) return { ...step, patches: [part] };
  return refused.reason === 'Infeasible' ? withEviction(step, pod, around) : step;
}

/** The kubelet is at it: only what is urgent does not wait. */
function isBusy(pod: PodState, lane: Lane | undefined): boolean {
  const isUrgent = lane === 'Rescue' || lane === 'Return';
  return isUnderWay(pod) && pod.resize.state !== 'Deferred' && !isUrgent;
}

function patchOf({ uid, name }: PodState, desire: PodDesire, lane: Lane): PodPatch {
  const { causes, containers } = desire;
  const why = causes.length > 0 ? causes.join(', ') : WHY[lane];
  return { podUid: uid, podName: name, lane, why, containers };
}

/** What a pod in need may have of one resource: the server and the node refuse a patch as a whole. */
function partOf(pod: PodState, { input, weighing }: Around): PodPatch | undefined {
  const { rules } = weighing;
  for (const resource of RESOURCES) {
    const mayIncrease = rules.mayIncrease.filter((each) => each === resource);
    const part = desiredPod(pod, input.targets, { ...weighing, rules: { ...rules, mayIncrease } });
    if (part.lane !== 'Rescue' || part.containers.length === 0) continue;
    const patch = patchOf(pod, part, part.lane);
    if (refusalOf(pod, part, patch, input.refusals) === undefined) return patch;
  }
  return undefined;
}

export const WHY: Readonly<Record<Lane, string>> = {
  Rescue: 'in need',
  Return: 'back to what was before',
  Raise: 'more is recommended',
  Savings: 'less is recommended',
};

function waitingOf({ uid, name, resize }: PodState): Partial<Plan> {
  if (resize.state === 'None') return {};
  const { state, message } = resize;
  return { waiting: [{ podUid: uid, podName: name, state, message }] };
}

/** What was asked for cannot be had in place, or not for longer than is waited for. */
function isStuck(pod: PodState, { rules, nowSeconds }: PlanInput): boolean {
  return (
    pod.resize.state === 'Infeasible' || isPatienceOver(pod, rules.patienceSeconds, nowSeconds)
  );
}

function refusalOf(
  pod: PodState,
  { changesQos }: PodDesire,
  patch: PodPatch,
  refusals: readonly Refusal[],
): Held | undefined {
  if (changesQos) {
    const message = `It cannot be had in place: the pod would not stay ${pod.qos}.`;
    return { reason: 'Infeasible', message };
  }
  const refusal = refusals.find((each) => isRefusedWith(each, patch));
  return refusal && { reason: refusal.reason, message: refusal.message };
}

function withEviction(step: Partial<Plan>, pod: PodState, around: Around): Partial<Plan> {
  const { input, weighing, plan } = around;
  if (input.facts.mode !== 'Recreate' || weighing.isReturn || plan.evictions.length > 0) {
    return step;
  }
  const { eviction, held } = evictionOf(pod, { ...input, weighing });
  return {
    ...step,
    held: [...(step.held ?? []), ...held],
    ...(eviction !== undefined && { evictions: [eviction] }),
  };
}
