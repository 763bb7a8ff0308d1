import { NOTHING_OUTSIDE } from '../../../src/resize/ceiling.ts';
import type { ChangeRecord } from '../../../src/resize/changes.ts';
import type { Situation, WorkloadFacts } from '../../../src/resize/gates.ts';
import type { Plan, PlanInput, PlanRules } from '../../../src/resize/planned.ts';
import type { ContainerState, ContainerUsage, PodState } from '../../../src/resize/pod.ts';
import type { ContainerTarget } from '../../../src/resize/wanted.ts';
import type { Sizes } from '../../../src/recommend/usage.ts';

export const MI = 2 ** 20;
export const NOW = 1_800_000_000;

/** CPU in cores and memory in MiB; limits are left out unless given. */
export function sized(cpu: number, memory: number, limits: readonly number[] = []): Sizes {
  const [cpuLimit, memoryLimit] = limits;
  return {
    requests: { cpu, memory: memory * MI },
    limits: {
      ...(cpuLimit !== undefined && { cpu: cpuLimit }),
      ...(memoryLimit !== undefined && { memory: memoryLimit * MI }),
    },
  };
}

/** Looked at just now, using little. */
export function used(changed: Partial<ContainerUsage> = {}): ContainerUsage {
  return {
    atSeconds: NOW,
    memoryBytes: 10 * MI,
    cpuCores: 0.01,
    throttledShare: 0,
    throttledSinceSeconds: NOW - 10,
    isCpuOverBudget: false,
    ...changed,
  };
}

/** Runs what it asks for, unless something else is said. */
export function aContainer(sizes: Sizes, changed: Partial<ContainerState> = {}): ContainerState {
  return {
    name: 'main',
    kind: 'Container',
    spec: sizes,
    actual: sizes,
    restartsOn: [],
    restartedSeconds: undefined,
    oomKilledSeconds: undefined,
    usage: used(),
    ...changed,
  };
}

/** The same pods, looked at anew at a time. */
export function seenAt(pods: readonly PodState[], atSeconds: number): readonly PodState[] {
  return pods.map((pod) => ({
    ...pod,
    containers: pod.containers.map((container) => ({
      ...container,
      usage: container.usage && { ...container.usage, atSeconds },
    })),
  }));
}

export function aPod(
  container: ContainerState | readonly ContainerState[],
  changed: Partial<PodState> = {},
): PodState {
  return {
    uid: 'a',
    name: changed.uid ?? 'a',
    node: 'node-a',
    createdSeconds: NOW - 86_400,
    isReady: true,
    readinessSeconds: NOW - 86_000,
    isTerminating: false,
    generation: 1,
    observedGeneration: 1,
    qos: 'Burstable',
    containers: 'name' in container ? [container] : container,
    resize: { state: 'None' },
    ...changed,
  };
}

const FREE = { min: undefined, max: undefined };

export function aTarget(sizes: Sizes, changed: Partial<ContainerTarget> = {}): ContainerTarget {
  return {
    name: 'main',
    sizes,
    ranges: { cpu: FREE, memory: FREE },
    evidence: { cpu: 'Sound', memory: 'Sound' },
    leakSinceSeconds: undefined,
    ...changed,
  };
}

/** Nothing speaks against a change. */
export const FACTS: WorkloadFacts = {
  mode: 'InPlace',
  suspendedBy: undefined,
  isNamespaceProtected: false,
  isRollingOut: false,
  isReady: true,
  vpa: undefined,
  otherManager: undefined,
  hasPodResources: false,
  autoscaled: [],
  isInWindow: true,
  mayRestart: false,
  isBreakerOpen: false,
  isAdmissionAvailable: true,
  missingPermission: undefined,
  disruptionRefused: undefined,
};

export const RULES: PlanRules = {
  minimumChange: 0.1,
  maxStep: 0.25,
  mayIncrease: ['cpu', 'memory'],
  mayDecrease: ['cpu', 'memory'],
  increaseCooldownSeconds: 300,
  decreaseCooldownSeconds: 86_400,
  limit: { share: 0.1 },
  patienceSeconds: 300,
  observeSeconds: 600,
  mayEvictLast: false,
};

export function aPlanInput(
  pods: readonly PodState[],
  targets: readonly ContainerTarget[],
  changed: Partial<PlanInput> = {},
): PlanInput {
  return {
    facts: FACTS,
    rules: RULES,
    targets,
    template: [],
    newPods: targets.map(({ name, sizes }) => ({ name, sizes })),
    nodes: [{ name: 'node-b', free: { cpu: 100, memory: 100_000 * MI } }],
    staysOnNode: false,
    pods,
    replicas: pods.length,
    records: [],
    refusals: [],
    freeFleet: Infinity,
    room: undefined,
    outside: NOTHING_OUTSIDE,
    nowSeconds: NOW,
    ...changed,
  };
}

/** A change of the container `main` of one pod. */
export function aRecord(from: Sizes, to: Sizes, changed: Partial<ChangeRecord> = {}): ChangeRecord {
  return {
    atSeconds: NOW - 60,
    lane: 'Savings',
    method: 'Resize',
    pods: 1,
    containers: [{ name: 'main', from, to }],
    why: 'less is recommended',
    outcome: 'Watching',
    before: { pods: 1, oomKilled: 0, restarted: 0, notReady: 0, throttled: 0 },
    ...changed,
  };
}

/** A change that no gate holds. */
export const SITUATION: Situation = {
  ...FACTS,
  lane: 'Savings',
  resource: 'cpu',
  evidence: 'Sound',
  restarts: false,
  evicts: false,
  newMemoryLimit: undefined,
  nowSeconds: NOW,
  cooldownUntilSeconds: undefined,
  backoffUntilSeconds: undefined,
  freePods: 1,
  freeFleet: 1,
  overQuota: undefined,
  refused: undefined,
};

/** The pods once the kubelet has done all that the plan asks for, in place. */
export function carriedOut(
  pods: readonly PodState[],
  { patches }: Pick<Plan, 'patches'>,
): readonly PodState[] {
  return pods.map((pod) => {
    const patch = patches.find(({ podUid }) => podUid === pod.uid);
    if (patch === undefined) return pod;
    const containers = pod.containers.map((container) => {
      const to = patch.containers.find(({ name }) => name === container.name)?.to;
      return to === undefined ? container : { ...container, spec: to, actual: to };
    });
    const generation = pod.generation + 1;
    const resize = { state: 'None' } as const;
    return { ...pod, containers, resize, generation, observedGeneration: generation };
  });
}
