import { qosClass } from '../recommend/qos.ts';
import { roundReadable } from '../recommend/rounding.ts';
import { RESOURCES, type Resource, type Sizes } from '../recommend/usage.ts';
import type { ContainerChange, Lane } from './changes.ts';
import { desiredPair, type DesiredPair, type Weighing } from './desired.ts';
import type { Held } from './gates.ts';
import { runningSizes, sameSizes, type ContainerState, type PodState } from './pod.ts';
import { pairOf, type ContainerTarget } from './wanted.ts';

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
  const desire = weighed(pod, targets, weighing);
  if (desire.lane !== 'Rescue') return desire;
  const rules = { ...weighing.rules, mayDecrease: [] };
  return weighed(pod, targets, { ...weighing, rules, freePods: Infinity, freeFleet: Infinity });
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
  const desires = pod.containers.flatMap((container) => {
    const target = targets.find(({ name }) => name === container.name);
    return target === undefined || container.kind === 'Init'
      ? []
      : [desireOf(pod, container, target, weighing)];
  });
  const kept = keptClass(pod, desires);
  const containers = kept.flatMap(({ container, to }) => {
    const { name, kind, spec } = container;
    if (kind === 'Init' || sameSizes(spec, to)) return [];
    return [{ name, kind, from: runningSizes(container), to }];
  });
  const pairs = desires.flatMap(({ container, pairs: each }) =>
    RESOURCES.map((resource) => ({ name: container.name, resource, pair: each[resource] })),
  );
  const lanes = pairs.flatMap(({ pair }) => pair.lanes);
  return {
    containers,
    lane: PATCH_LANES.find((lane) => lanes.includes(lane)),
    causes: pairs
      .filter(({ pair }) => pair.lanes.includes('Rescue'))
      .map(({ name, resource, pair }) => `${name}: ${resource} ${pair.cause ?? ''}`),
    held: pairs.flatMap(({ pair }) => pair.held),
    leaking: pairs.filter(({ pair }) => pair.isLeakCapped).map(({ name }) => name),
    changesQos: containers.length > 0 && classOf(pod, kept) !== pod.qos,
  };
}

function desireOf(
  pod: PodState,
  container: ContainerState,
  target: ContainerTarget,
  weighing: Weighing,
): Desire {
  const { records, nowSeconds } = weighing;
  const of = (resource: Resource) =>
    desiredPair({ container, target, pod, records, nowSeconds }, resource, weighing);
  const pairs = { cpu: of('cpu'), memory: of('memory') };
  return { container, pairs, to: sizesOf(pairs) };
}

function sizesOf({ cpu, memory }: Desire['pairs']): Sizes {
  const amounts = (field: 'request' | 'limit') => ({
    ...(cpu[field] !== undefined && { cpu: cpu[field] }),
    ...(memory[field] !== undefined && { memory: memory[field] }),
  });
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
  const above = roundReadable(resource, limit * 1.01);
  const loose = before > limit ? Math.min(before, above) : above;
  return { ...desire, to: { ...to, limits: { ...to.limits, [resource]: loose } } };
}
