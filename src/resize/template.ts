import { qosClass } from '../recommend/qos.ts';
import type { Sizes } from '../recommend/usage.ts';
import { backoffUntil } from './backoff.ts';
import type { Outside } from './ceiling.ts';
import type { ChangeRecord, Lane } from './changes.ts';
import type { ChangeRules, Weighing } from './desired.ts';
import { inGateOrder, type Held, type WorkloadFacts } from './gates.ts';
import { symptomsOf } from './observe.ts';
import { WHY } from './plan.ts';
import {
  runningSizes,
  sameSizes,
  type ContainerState,
  type ContainerUsage,
  type PodState,
} from './pod.ts';
import { desiredPod, type PatchedContainer, type PodDesire } from './podplan.ts';
import { hasReached } from './reached.ts';
import { lastKill } from './record.ts';
import { roomEach, type Room } from './room.ts';
import { freshUsage, NEAR_LIMIT_SHARE } from './signals.ts';
import { pendingReturns, returnTargets } from './takeback.ts';
import type { ContainerTarget } from './wanted.ts';

export interface TemplateContainer {
  readonly name: string;
  readonly kind: ContainerState['kind'];
  readonly sizes: Sizes;
}

export interface TemplateInput {
  /** Of mode Rollout. */
  readonly facts: WorkloadFacts;
  readonly rules: ChangeRules & { readonly observeSeconds: number };
  /** All containers of the template, since its QoS class follows from all. */
  readonly template: readonly TemplateContainer[];
  readonly targets: readonly ContainerTarget[];
  /** Pods of the workload that have not ended; what they show is what asks for a rescue. */
  readonly pods: readonly PodState[];
  /** How many pods the rollout replaces. */
  readonly replicas: number;
  readonly records: readonly ChangeRecord[];
  readonly freeFleet: number;
  readonly room: Room;
  readonly outside: Outside;
  readonly nowSeconds: number;
}

export interface TemplateChange {
  readonly lane: Lane;
  readonly why: string;
  /** Those of which something changes; of `to` what is left out is to be taken out of the template. */
  readonly containers: readonly PatchedContainer[];
}

export interface TemplatePlan {
  readonly change: TemplateChange | undefined;
  /** Each reason once, in the order of the gates. */
  readonly held: readonly Held[];
  readonly leaking: readonly string[];
}

/**
 * What is to be changed in the template of a workload now: as for a pod that runs the template's sizes, and shows the
 * worst that its pods show. A change that is to be taken back goes before all others. Limits may go as well as come; the
 * QoS class stays, apart from a BestEffort template, which gets requests. Quotas count all replicas at once, and the
 * budget of the fleet too, so that a rollout larger than what is left waits for the next hour.
 */
export function planTemplate(input: TemplateInput): TemplatePlan {
  if (input.facts.mode !== 'Rollout') return { change: undefined, held: [], leaking: [] };
  const pod = templatePod(input);
  const [pending] = pendingReturns(input.records, [pod]);
  if (pending === undefined) return planned(pod, input.targets, weighingOf(input, false));
  const { record } = pending;
  // The others have what it goes back to, or never had more.
  const pods = input.pods.filter((each) => hasReached(each, record, 'from', input.records));
  const back = planned(
    templatePod({ ...input, pods }),
    returnTargets(record),
    weighingOf(input, true),
  );
  if (back.change !== undefined) return back;
  const onward = planned(pod, input.targets, weighingOf(input, false));
  return { ...onward, held: inGateOrder([...back.held, ...onward.held]) };
}

function planned(
  pod: PodState,
  targets: readonly ContainerTarget[],
  weighing: Weighing,
): TemplatePlan {
  const desire = desiredPod(pod, targets, weighing);
  const { lane, containers, causes, leaking } = desire;
  const otherClass = weighing.isReturn ? undefined : otherClassOf(pod, desire);
  const held = inGateOrder([...desire.held, ...(otherClass === undefined ? [] : [otherClass])]);
  if (lane === undefined || containers.length === 0 || otherClass !== undefined) {
    return { change: undefined, held, leaking };
  }
  const why = causes.length > 0 ? causes.join(', ') : WHY[lane];
  return { change: { lane, why, containers }, held, leaking };
}

function otherClassOf({ qos }: PodState, { changesQos }: PodDesire): Held | undefined {
  if (!changesQos || qos === 'BestEffort') return undefined;
  return { reason: 'Infeasible', message: `New pods would not be ${qos} any more.` };
}

function weighingOf(input: TemplateInput, isReturn: boolean): Weighing {
  const { facts, rules, records, replicas, freeFleet, nowSeconds } = input;
  return {
    facts,
    rules,
    records,
    nowSeconds,
    backoffUntilSeconds: backoffUntil(records, rules.decreaseCooldownSeconds),
    // A rollout is seen to do no harm before the next.
    freePods: records.some((record) => isWatched(record, input)) ? 0 : 1,
    freeFleet: freeFleet >= replicas ? freeFleet : 0,
    room: roomEach(input.room, replicas),
    outside: input.outside,
    evicts: false,
    isReturn,
    isTemplate: true,
  };
}

function isWatched(
  { lane, outcome, atSeconds }: ChangeRecord,
  { rules, nowSeconds }: TemplateInput,
): boolean {
  const isSavings = lane === 'Savings' && outcome === 'Watching';
  return isSavings && nowSeconds < atSeconds + rules.observeSeconds;
}

/** A pod as the template would make it, with what the pods of today show. */
function templatePod({ template, pods, nowSeconds }: TemplateInput): PodState {
  // What is on no node uses nothing.
  const present = pods.filter(({ isTerminating, node }) => !isTerminating && node !== undefined);
  return {
    uid: 'template',
    name: 'template',
    node: undefined,
    createdSeconds: nowSeconds,
    isReady: true,
    readinessSeconds: nowSeconds,
    isTerminating: false,
    generation: 1,
    observedGeneration: 1,
    qos: qosClass(template.map(({ sizes }) => sizes)),
    resize: { state: 'None' },
    containers: template.map((each) => templateContainer(each, present, nowSeconds)),
  };
}

function templateContainer(
  { name, kind, sizes }: TemplateContainer,
  pods: readonly PodState[],
  nowSeconds: number,
): ContainerState {
  const all = pods.flatMap(({ containers }) => containers.find((each) => each.name === name) ?? []);
  // What others had too little of says nothing of the template.
  const alike = all.filter((each) => sameSizes(runningSizes(each), sizes));
  const kills = alike.flatMap(({ oomKilledSeconds }) => oomKilledSeconds ?? []);
  return {
    name,
    kind,
    spec: sizes,
    actual: undefined,
    // A rollout restarts all of them anyway.
    restartsOn: [],
    restartedSeconds: undefined,
    oomKilledSeconds: kills.length === 0 ? undefined : Math.max(...kills),
    usage: worstUsage({ all, alike, limit: sizes.limits.memory }, nowSeconds),
  };
}

interface Shown {
  readonly all: readonly ContainerState[];
  readonly alike: readonly ContainerState[];
  readonly limit: number | undefined;
}

/** Undefined where no pod has figures of now; memory is that of the fullest pod of all. */
function worstUsage({ all, alike, limit }: Shown, nowSeconds: number): ContainerUsage | undefined {
  // Nothing runs, so that nothing can be killed by a limit.
  if (all.length === 0) return { ...NO_USAGE, atSeconds: nowSeconds, memoryBytes: 0 };
  const fresh = (of: readonly ContainerState[]) =>
    of.flatMap((container) => freshUsage(container, nowSeconds) ?? []);
  const seen = fresh(all);
  if (seen.length === 0) return undefined;
  const shown = fresh(alike);
  const memory = most(seen.map(({ memoryBytes }) => memoryBytes));
  const isWhole = seen.filter(({ memoryBytes }) => memoryBytes !== undefined).length === all.length;
  // One that is near its limit is in need whatever is not known of the others.
  const isNear = memory !== undefined && memory > NEAR_LIMIT_SHARE * (limit ?? Infinity);
  return {
    atSeconds: Math.max(...seen.map(({ atSeconds }) => atSeconds)),
    memoryBytes: isWhole || isNear ? memory : undefined,
    cpuCores: most(shown.map(({ cpuCores }) => cpuCores)),
    throttledShare: most(shown.map(({ throttledShare }) => throttledShare)),
    // The oldest: a share that spans a change is not taken for one after it.
    throttledSinceSeconds: least(shown.flatMap((usage) => usage.throttledSinceSeconds ?? [])),
    isCpuOverBudget: shown.some(({ isCpuOverBudget }) => isCpuOverBudget),
  };
}

const NO_USAGE = {
  cpuCores: undefined,
  throttledShare: undefined,
  throttledSinceSeconds: undefined,
  isCpuOverBudget: false,
};

function least(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times);
}

function most(amounts: readonly (number | undefined)[]): number | undefined {
  const known = amounts.filter((amount) => amount !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** To be written before the template is changed; a way back is on record already. */
export function templateRecord(
  { lane, why, containers }: TemplateChange,
  { pods, replicas, rules, nowSeconds }: TemplateInput,
): ChangeRecord | undefined {
  if (lane === 'Return') return undefined;
  const period = { fromSeconds: nowSeconds - rules.observeSeconds, toSeconds: nowSeconds };
  const names = containers.map(({ name }) => name);
  const killed = lane === 'Rescue' ? lastKill(names, pods) : undefined;
  return {
    atSeconds: nowSeconds,
    lane,
    method: 'Rollout',
    pods: replicas,
    containers: containers.map(({ name, from, to }) => ({ name, from, to })),
    why,
    ...(killed !== undefined && { signalSeconds: killed }),
    outcome: 'Watching',
    before: symptomsOf(pods, names, { ...period, nowSeconds }),
  };
}
