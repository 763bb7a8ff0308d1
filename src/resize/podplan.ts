import { qosClass } from '../recommend/qos.ts';
import { RESOURCES, type Amounts, type Resource, type Sizes } from '../recommend/usage.ts';
import { raised, sameOf, type ContainerChange, type Lane } from './changes.ts';
import { desiredPair, type DesiredPair, type Weighing } from './desired.ts';
import type { Held, WorkloadFacts } from './gates.ts';
import { pairOf, type Pair } from './pair.ts';
import { runningSizes, sameSizes, type ContainerState, type PodState } from './pod.ts';
import { addedBy, counted, roomAfter, shortage, sumOf } from './room.ts';
import { rescueSignals } from './signals.ts';
import { SMALLEST } from './step.ts';
import type { ContainerTarget, WantedInput } from './wanted.ts';

export interface PatchedContainer extends ContainerChange {
  /** Where in the pod's spec it stands. */
  readonly kind: 'Container' | 'Sidecar';
}

/** What is to be asked for in one pod, before it is asked whether the pod can have it in place. */
export interface PodDesire {
  /** Only those of which something changes; `from` is what runs, `to` all of their CPU and memory. */
  readonly containers: readonly PatchedContainer[];
  /** Undefined when nothing may be changed. */
  readonly lane: Lane | undefined;
  /** The signals that ask for a rescue, such as `main: memory OOMKilled`. */
  readonly causes: readonly string[];
  readonly held: readonly Held[];
  /** Containers that a suspected leak keeps from growing. */
  readonly leaking: readonly string[];
  /** The patched pod would be of another QoS class, which the API server refuses. */
  readonly changesQos: boolean;
}

/** Savings before raises: a patch of both is as risky as its riskier part. */
const PATCH_LANES: readonly Lane[] = ['Rescue', 'Return', 'Savings', 'Raise'];

/**
 * All containers of a pod at once, so that one patch does. A pod in need gets what else is to be raised in it with the
 * same patch, which costs no budget, and nothing is taken from it.
 */
export function desiredPod(
  pod: PodState,
  targets: readonly ContainerTarget[],
  weighing: Weighing,
): PodDesire {
  // It is in need also where the quota has no room for it.
  const { lane } = weighed(pod, targets, { ...weighing, room: undefined });
  if (lane !== 'Rescue') return weighed(pod, targets, weighing);
  const gentle = { ...weighing, rules: { ...weighing.rules, mayDecrease: [] } };
  const rescue = weighed(pod, targets, { ...gentle, freePods: Infinity, freeFleet: Infinity });
  return rescue.lane === 'Rescue' ? rescue : weighed(pod, targets, gentle);
}

interface Desire {
  readonly container: ContainerState;
  readonly pairs: Readonly<Record<Resource, DesiredPair>>;
  readonly to: Sizes;
}

function weighed(
  pod: PodState,
  targets: readonly ContainerTarget[],
  weighing: Weighing,
): PodDesire {
  const desires = desiresOf(pod, targets, weighing);
  const kept = keptClass(pod, desires);
  const containers = kept.flatMap(({ container, to }) => {
    const { name, kind, spec } = container;
    if (kind === 'Init' || sameSizes(spec, to)) return [];
    return [{ name, kind, from: runningSizes(container), to }];
  });
  return withinQuota(
    {
      ...summary(desires),
      containers,
      changesQos: containers.length > 0 && classOf(pod, kept) !== pod.qos,
    },
    pod,
    weighing,
  );
}

function summary(
  desires: readonly Desire[],
): Pick<PodDesire, 'lane' | 'causes' | 'held' | 'leaking'> {
  const pairs = desires.flatMap(({ container, pairs: each }) =>
    RESOURCES.map((resource) => ({ name: container.name, resource, pair: each[resource] })),
  );
  const lanes = pairs.flatMap(({ pair }) => pair.lanes);
  return {
    lane: PATCH_LANES.find((lane) => lanes.includes(lane)),
    causes: pairs
      .filter(({ pair }) => pair.lanes.includes('Rescue'))
      .map(({ name, resource, pair: { cause = '', ceiling } }) => {
        const most = ceiling === undefined ? '' : `, up to ${ceiling.says}`;
        return `${name}: ${resource} ${cause}${most}`;
      }),
    held: pairs.flatMap(({ pair }) => pair.held),
    leaking: pairs.filter(({ pair }) => pair.isLeakCapped).map(({ name }) => name),
  };
}

/** What a pod takes from the room of its namespace when its containers are patched. */
export function addedIn(pod: PodState, containers: readonly ContainerChange[]): Sizes {
  return sumOf(
    pod.containers.flatMap((container) => {
      const to = containers.find(({ name }) => name === container.name)?.to;
      return to === undefined ? [] : [addedBy(counted(container, pod), to)];
    }),
  );
}

/** A limit that goes up for the sake of the QoS class alone may be too much: then the pod waits as a whole. */
function withinQuota(desire: PodDesire, pod: PodState, { room, isReturn }: Weighing): PodDesire {
  const message = isReturn ? undefined : shortage(room, addedIn(pod, desire.containers));
  if (message === undefined) return desire;
  const held = [...desire.held, { reason: 'QuotaExceeded', message } as const];
  return { ...desire, containers: [], lane: undefined, held };
}

/** In the order of the pod; each leaves less room to the others, those in need first. */
function desiresOf(
  pod: PodState,
  targets: readonly ContainerTarget[],
  weighing: Weighing,
): readonly Desire[] {
  const { records, nowSeconds } = weighing;
  const isCalm = (container: ContainerState) =>
    rescueSignals(container, records, nowSeconds).length === 0 ? 1 : 0;
  let { room } = weighing;
  const desires = new Map<ContainerState, Desire>();
  for (const container of pod.containers.toSorted((a, b) => isCalm(a) - isCalm(b))) {
    const target = targets.find(({ name }) => name === container.name);
    if (target === undefined || container.kind === 'Init') continue;
    const others = sumOf(
      pod.containers
        .filter((each) => each !== container && each.kind !== 'Init')
        .map((each) => desires.get(each)?.to ?? each.spec),
    );
    const wanted = { container, target, pod, others };
    const desire = desireOf(wanted, { ...weighing, room });
    room = roomAfter(room, addedBy(counted(container, pod), desire.to));
    desires.set(container, desire);
  }
  return pod.containers.flatMap((container) => desires.get(container) ?? []);
}

function desireOf(
  one: Pick<WantedInput, 'container' | 'target' | 'pod' | 'others'>,
  weighing: Weighing,
): Desire {
  const { container } = one;
  const { records, nowSeconds, isTemplate, outside, rules } = weighing;
  const needSeconds = rules.decreaseCooldownSeconds;
  const input = { ...one, records, nowSeconds, isTemplate, outside, needSeconds };
  const of = (resource: Resource) => desiredPair(input, resource, weighing);
  const pairs = { cpu: of('cpu'), memory: of('memory') };
  return { container, pairs, to: sizesOf(pairs, isTemplate) };
}

/**
 * Without raises that the node refuses for good and that are asked for still, where something else is asked for: the node
 * would refuse both. What an autoscaler owns, or a restart would come of, stays as it is asked for.
 */
export function apart(
  pod: PodState,
  desire: PodDesire,
  { autoscaled }: Pick<WorkloadFacts, 'autoscaled'>,
): PodDesire {
  if (pod.resize.state !== 'Infeasible') return desire;
  const containers = pod.containers.flatMap((container) => {
    const { name, kind, spec, restartsOn } = container;
    if (kind === 'Init') return [];
    const from = runningSizes(container);
    const owned = [...autoscaled, ...restartsOn];
    const refused = raised({ from, to: spec }).filter((each) => !owned.includes(each));
    const asked = desire.containers.find((each) => each.name === name)?.to ?? spec;
    const isLeft = (resource: Resource) =>
      refused.includes(resource) && sameOf(resource, asked, spec);
    const of = (resource: Resource) => pairOf(isLeft(resource) ? from : asked, resource);
    const to = sizesOf({ cpu: of('cpu'), memory: of('memory') }, false);
    return sameSizes(spec, to) ? [] : [{ name, kind, from, to }];
  });
  return { ...desire, containers };
}

/** A limit that is never reached is none, and so is a request of zero that a template gets. */
function sizesOf({ cpu, memory }: Readonly<Record<Resource, Pair>>, isTemplate: boolean): Sizes {
  const isNone = (amount: number | undefined) =>
    amount === undefined || amount === Infinity || (isTemplate && amount === 0);
  const only = (amounts: Readonly<Record<Resource, number | undefined>>): Amounts =>
    Object.fromEntries(Object.entries(amounts).filter(([, amount]) => !isNone(amount)));
  const amounts = (field: 'request' | 'limit') => only({ cpu: cpu[field], memory: memory[field] });
  return { requests: amounts('request'), limits: amounts('limit') };
}

function classOf({ containers }: PodState, desires: readonly Desire[]): PodState['qos'] {
  return qosClass(
    containers.map(
      (container) => desires.find((each) => each.container === container)?.to ?? container.spec,
    ),
  );
}

/** A Burstable pod stays it: where it would become Guaranteed, one limit that was above its request stays above it. */
function keptClass(pod: PodState, desires: readonly Desire[]): readonly Desire[] {
  if (pod.qos !== 'Burstable' || classOf(pod, desires) !== 'Guaranteed') return desires;
  for (const desire of desires) {
    const loose = loosened(desire);
    if (loose !== undefined) return desires.map((each) => (each === desire ? loose : each));
  }
  return desires;
}

function loosened(desire: Desire): Desire | undefined {
  const { container, to } = desire;
  const resource = RESOURCES.find((each) => {
    const { request, limit } = pairOf(container.spec, each);
    return request !== limit && to.limits[each] !== undefined;
  });
  const limit = resource && to.limits[resource];
  if (resource === undefined || limit === undefined) return undefined;
  const before = container.spec.limits[resource] ?? 0;
  // So little that it is never worth to be taken away again.
  const above = Number((limit + SMALLEST[resource]).toPrecision(15));
  const loose = before > limit ? Math.min(before, above) : above;
  return { ...desire, to: { ...to, limits: { ...to.limits, [resource]: loose } } };
}
