import type { Resource } from '../recommend/usage.ts';
import type { Lane } from './changes.ts';

/**
 * Why nothing is changed, or less than ought to be, in the order in which it is asked. The same word stands in status,
 * events, metrics.
 */
export const GATE_REASONS = [
  'Suspended',
  'NamespaceProtected',
  // Of a container in need, which is not ready for that very reason.
  'AtCeiling',
  'RollingOut',
  'NotReady',
  'EvidenceMissing',
  'EvidenceStale',
  'EvidenceCensored',
  'VPAOwns',
  'OtherManager',
  'PodLevelResources',
  'HPAOwnsCPU',
  'HPAOwnsMemory',
  'WouldRestart',
  'BelowCurrentUsage',
  'OutsideWindow',
  'Cooldown',
  'PodBudget',
  'FleetBudget',
  'QuotaExceeded',
  'NoNodeHasRoom',
  'PDB',
  'DryRunRefused',
  'BreakerOpen',
  'Backoff',
  'Infeasible',
  'AdmissionUnavailable',
  'PermissionMissing',
] as const;
export type GateReason = (typeof GATE_REASONS)[number];

export interface Held {
  readonly reason: GateReason;
  /** A sentence. */
  readonly message: string;
}

/** Each reason once, with the first sentence that was said of it, in the order of the gates. */
export function inGateOrder(held: readonly Held[]): readonly Held[] {
  return GATE_REASONS.flatMap((reason) => held.find((each) => each.reason === reason) ?? []);
}

/** Modes in which something is changed. */
type ActingMode = 'Admission' | 'InPlace' | 'Recreate' | 'Rollout';

/** What a recommendation rests on. Censored: a lower bound of demand, which must not lower. */
export type EvidenceState = 'Sound' | 'Missing' | 'Stale' | 'Censored';

/** What holds for a workload whatever is changed in it. */
export interface WorkloadFacts {
  readonly mode: ActingMode;
  /** By policy, namespace or workload; by whom, such as `policy team-a/web`; undefined when it is not. */
  readonly suspendedBy: string | undefined;
  readonly isNamespaceProtected: boolean;
  readonly isRollingOut: boolean;
  /** All the replicas that it ought to have are ready. */
  readonly isReady: boolean;
  /** Name of a VerticalPodAutoscaler that is not just recommending. */
  readonly vpa: string | undefined;
  /** A foreign field manager of resources. */
  readonly otherManager: string | undefined;
  /** A pod, or the template, states resources of the pod as a whole. */
  readonly hasPodResources: boolean;
  /** Resources that a HorizontalPodAutoscaler or KEDA scales on. */
  readonly autoscaled: readonly Resource[];
  readonly isInWindow: boolean;
  /** Mode Recreate, and where there is one replica only, it too may be away for a moment. */
  readonly mayRestart: boolean;
  readonly isBreakerOpen: boolean;
  readonly isAdmissionAvailable: boolean;
  /** What the mode needs and the operator may not do, with the file that grants it. */
  readonly missingPermission: string | undefined;
  /** Why no pod may be evicted now, in the words of the API server. */
  readonly disruptionRefused: string | undefined;
}

/** One change of one resource of one container of one pod, and all that speaks for or against it. */
export interface Situation extends WorkloadFacts {
  readonly lane: Lane;
  readonly resource: Resource;
  readonly evidence: EvidenceState;
  /** The change would restart the container. */
  readonly restarts: boolean;
  /** The pod would be evicted. */
  readonly evicts: boolean;
  /** Of a memory limit that comes down: working set in bytes, or undefined where it is not known. */
  readonly newMemoryLimit: { readonly to: number; readonly used: number | undefined } | undefined;
  readonly nowSeconds: number;
  readonly cooldownUntilSeconds: number | undefined;
  readonly backoffUntilSeconds: number | undefined;
  /** How many more pods may be changed now, of the workload and of the cluster. */
  readonly freePods: number;
  readonly freeFleet: number;
  /** What a quota of the namespace has no room for, as a sentence; undefined where all fits. */
  readonly overQuota: string | undefined;
  /** What became of the same change of the same pod before. */
  readonly refused: Held | undefined;
}

interface Gate {
  readonly reason: GateReason;
  /** The lanes that it can hold. */
  readonly lanes: readonly Lane[];
  /** The sentence that goes with it; undefined when it does not hold. */
  readonly holds: (situation: Situation) => string | undefined;
}

/** Above what is used when a memory limit comes down: well away from where a rescue would raise it again. */
const USAGE_HEADROOM = 1.125;

const ALL: readonly Lane[] = ['Rescue', 'Return', 'Raise', 'Savings'];
const NOT_RETURN: readonly Lane[] = ['Rescue', 'Raise', 'Savings'];
const PLANNED: readonly Lane[] = ['Raise', 'Savings'];
const SAVINGS: readonly Lane[] = ['Savings'];

function when(is: boolean, message: string): string | undefined {
  return is ? message : undefined;
}

function inTime(atSeconds: number | undefined, nowSeconds: number, message: string) {
  if (atSeconds === undefined || nowSeconds >= atSeconds) return undefined;
  return `${message} for ${Math.ceil(atSeconds - nowSeconds)} s more.`;
}

function refusal({ refused }: Situation, reason: GateReason): string | undefined {
  return refused?.reason === reason ? refused.message : undefined;
}

function belowUsage({ newMemoryLimit: limit }: Situation): string | undefined {
  if (limit === undefined) return undefined;
  if (limit.used === undefined) return 'The memory limit would come down, and use is not known.';
  return when(
    limit.to < limit.used * USAGE_HEADROOM,
    'The memory limit would be less than an eighth above what is used now.',
  );
}

function wouldRestart({ restarts, mayRestart, evicts }: Situation): string | undefined {
  return when(
    restarts && !evicts && !mayRestart,
    'Its resizePolicy is RestartContainer, and the mode restarts nothing.',
  );
}

function owned(resource: Resource): Gate['holds'] {
  return (situation) =>
    when(
      situation.resource === resource && situation.autoscaled.includes(resource),
      `An autoscaler scales on ${resource}; the target that goes with the recommendation is in status.`,
    );
}

const GATES: readonly Gate[] = [
  {
    reason: 'Suspended',
    lanes: ALL,
    holds: ({ suspendedBy }) => suspendedBy && `Suspended by ${suspendedBy}.`,
  },
  {
    reason: 'NamespaceProtected',
    lanes: ALL,
    holds: ({ isNamespaceProtected }) =>
      when(isNamespaceProtected, 'Nothing is changed in this namespace.'),
  },
  {
    reason: 'RollingOut',
    lanes: PLANNED,
    holds: ({ isRollingOut }) => when(isRollingOut, 'The workload is being rolled out.'),
  },
  {
    reason: 'NotReady',
    lanes: PLANNED,
    holds: ({ isReady }) => when(!isReady, 'Not all replicas are ready.'),
  },
  {
    reason: 'EvidenceMissing',
    lanes: PLANNED,
    holds: ({ evidence }) => when(evidence === 'Missing', 'Too little use was seen yet.'),
  },
  {
    reason: 'EvidenceStale',
    lanes: PLANNED,
    holds: ({ evidence }) => when(evidence === 'Stale', 'Use was not seen of late, or in part.'),
  },
  {
    reason: 'EvidenceCensored',
    lanes: SAVINGS,
    holds: ({ evidence }) =>
      when(evidence === 'Censored', 'Use was held down by a limit, so that demand is not known.'),
  },
  {
    reason: 'VPAOwns',
    lanes: ALL,
    holds: ({ vpa }) => vpa && `VerticalPodAutoscaler ${vpa} sizes it.`,
  },
  {
    reason: 'OtherManager',
    lanes: ALL,
    holds: ({ otherManager }) => otherManager && `Its resources are managed by ${otherManager}.`,
  },
  {
    reason: 'PodLevelResources',
    lanes: ALL,
    holds: ({ hasPodResources }) =>
      when(hasPodResources, 'Its pods state resources of the pod as a whole (spec.resources).'),
  },
  { reason: 'HPAOwnsCPU', lanes: ALL, holds: owned('cpu') },
  { reason: 'HPAOwnsMemory', lanes: ALL, holds: owned('memory') },
  { reason: 'WouldRestart', lanes: ALL, holds: wouldRestart },
  { reason: 'BelowCurrentUsage', lanes: ALL, holds: belowUsage },
  {
    reason: 'OutsideWindow',
    lanes: SAVINGS,
    holds: ({ isInWindow }) => when(!isInWindow, 'Savings wait for a window.'),
  },
  {
    reason: 'Cooldown',
    lanes: PLANNED,
    holds: ({ cooldownUntilSeconds, nowSeconds }) =>
      inTime(cooldownUntilSeconds, nowSeconds, 'The last change cools down'),
  },
  {
    reason: 'PodBudget',
    lanes: PLANNED,
    holds: ({ freePods }) => when(freePods <= 0, 'As many pods as may be are being changed.'),
  },
  {
    reason: 'FleetBudget',
    lanes: PLANNED,
    holds: ({ freeFleet }) => when(freeFleet <= 0, 'The changes of this hour are used up.'),
  },
  { reason: 'QuotaExceeded', lanes: NOT_RETURN, holds: ({ overQuota }) => overQuota },
  {
    reason: 'PDB',
    lanes: ALL,
    holds: ({ evicts, disruptionRefused }) => (evicts ? disruptionRefused : undefined),
  },
  {
    reason: 'DryRunRefused',
    lanes: ALL,
    holds: (situation) => refusal(situation, 'DryRunRefused'),
  },
  {
    reason: 'BreakerOpen',
    lanes: SAVINGS,
    holds: ({ isBreakerOpen }) =>
      when(isBreakerOpen, 'Too many changes went bad in the cluster of late.'),
  },
  {
    reason: 'Backoff',
    lanes: NOT_RETURN,
    holds: ({ backoffUntilSeconds, nowSeconds }) =>
      inTime(backoffUntilSeconds, nowSeconds, 'A change was taken back; no other is tried'),
  },
  { reason: 'Infeasible', lanes: ALL, holds: (situation) => refusal(situation, 'Infeasible') },
  {
    reason: 'AdmissionUnavailable',
    lanes: ALL,
    holds: ({ mode, evicts, isAdmissionAvailable }) =>
      when(
        !isAdmissionAvailable && (evicts || mode === 'Admission'),
        'The cluster does not size new pods at admission.',
      ),
  },
  {
    reason: 'PermissionMissing',
    lanes: ALL,
    holds: ({ missingPermission }) => missingPermission,
  },
];

/** The first gate that holds the change; undefined when it may be made. */
export function firstGate(situation: Situation): Held | undefined {
  for (const { reason, lanes, holds } of GATES) {
    const message = lanes.includes(situation.lane) ? holds(situation) : undefined;
    if (message !== undefined) return { reason, message };
  }
  return undefined;
}
