import { parseDuration } from '../api/duration.ts';
import { parsePercent } from '../api/percent.ts';
import type { Mode } from '../api/policy.ts';
import type { ContainerStatus } from '../api/recommendation.ts';
import type { HoldReason } from '../recommend/hold.ts';
import type { ContainerSettings, Range } from '../recommend/settings.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import type { PodLimit } from '../resize/budget.ts';
import type { EvidenceState } from '../resize/gates.ts';
import type { PlanRules } from '../resize/planned.ts';
import type { ContainerTarget } from '../resize/wanted.ts';
import type { Governance } from './gather.ts';
import { sizesOfText } from './history.ts';
import type { Policy } from './ports.ts';

/** A resize that the node defers for want of room is waited for this long before anything else is tried. */
const PATIENCE_SECONDS = 600;

/** What the policy says of changes, in numbers. */
export function planRules({ spec }: Policy): PlanRules {
  const { changes } = spec;
  return {
    minimumChange: parsePercent(changes.minimum),
    maxStep: parsePercent(changes.decrease.maxStep),
    mayIncrease: changes.increase.allowed,
    mayDecrease: changes.decrease.allowed,
    increaseCooldownSeconds: parseDuration(changes.increase.cooldown),
    decreaseCooldownSeconds: parseDuration(changes.decrease.cooldown),
    limit: podLimit(changes.maxPodsAtOnce),
    patienceSeconds: PATIENCE_SECONDS,
    observeSeconds: parseDuration(changes.rollback.observe),
    mayEvictLast: changes.evictLastReplica,
  };
}

/** `2` pods, or `10%` of them. */
function podLimit(text: string): PodLimit {
  return text.endsWith('%') ? { share: parsePercent(text) } : { count: Number(text) };
}

/** Which containers the policy changes, and how. */
export interface ActingModes {
  /** Containers of pods that run; undefined where none is changed there. */
  readonly pods:
    { readonly mode: 'InPlace' | 'Recreate'; readonly names: readonly string[] } | undefined;
  /** Containers of the template. */
  readonly template: readonly string[];
}

/** A pod is evicted only where all containers that are changed in it may be recreated. */
export function actingModes({ modes }: Pick<Governance, 'modes'>): ActingModes {
  const named = (...wanted: readonly Mode[]) =>
    [...modes].filter(([, mode]) => wanted.includes(mode)).map(([name]) => name);
  const names = named('InPlace', 'Recreate');
  const mode = named('InPlace').length > 0 ? 'InPlace' : 'Recreate';
  return { pods: names.length === 0 ? undefined : { mode, names }, template: named('Rollout') };
}

/** What a reason says of the evidence; a reason that is none of these says nothing against it. */
const STATES: Readonly<Partial<Record<HoldReason, EvidenceState>>> = {
  NoHistory: 'Missing',
  HistoryTooShort: 'Missing',
  HistoryStale: 'Stale',
  HistoryShrank: 'Stale',
  Throttled: 'Censored',
  OOMKilled: 'Censored',
  AtMemoryLimit: 'Censored',
};

/** What is left out of a target stays. */
const AS_THEY_RUN = { requests: {}, limits: {} };

export interface TargetInput {
  readonly names: readonly string[];
  readonly settings: Governance['settings'];
  /** What is recommended was made under this policy, as it reads now. */
  readonly isOfPolicy: boolean;
  /** The last reading of usage failed, so that what is recommended is of before. */
  readonly isStale: boolean;
  /** By container: since when its memory is suspected to leak. */
  readonly leaks: ReadonlyMap<string, number>;
}

/**
 * What the containers that are acted on ought to have, from what their Recommendation says. What was recommended under
 * another policy, or another text of it, may be out of the present bounds: then they are to stay as they run, and only
 * a signal of distress raises them.
 */
export function containerTargets(
  containers: readonly ContainerStatus[],
  { names, settings, isOfPolicy, isStale, leaks }: TargetInput,
): readonly ContainerTarget[] {
  return containers.flatMap((container): readonly ContainerTarget[] => {
    const { name, target } = container;
    const own = settings.get(name);
    if (own === undefined || target === undefined || !names.includes(name)) return [];
    const of = <T>(pick: (resource: Resource) => T) => ({
      cpu: pick('cpu'),
      memory: pick('memory'),
    });
    return [
      {
        name,
        sizes: isOfPolicy ? sizesOfText(target) : AS_THEY_RUN,
        ranges: of((resource) => rangeOf(own, resource)),
        evidence: of((resource) => evidenceOf(container[resource]?.reason, isStale || !isOfPolicy)),
        leakSinceSeconds: leaks.get(name),
      },
    ];
  });
}

/** Guardrails go before bounds. */
export function rangeOf({ resources }: ContainerSettings, resource: Resource): Range {
  const { bounds, guardrails } = resources[resource];
  return {
    min: inner(Math.max, bounds.min, guardrails.min),
    max: inner(Math.min, bounds.max, guardrails.max),
  };
}

function inner(
  pick: (a: number, b: number) => number,
  a: number | undefined,
  b: number | undefined,
): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : pick(a, b);
}

function evidenceOf(reason: string | undefined, isStale: boolean): EvidenceState {
  const state = STATES[reason as HoldReason];
  return state ?? (isStale ? 'Stale' : 'Sound');
}

/** Resources that may be lowered: not those whose promise is broken, of any container that is changed. */
export function loweringAllowed(
  containers: readonly ContainerStatus[],
  allowed: readonly Resource[],
): readonly Resource[] {
  return RESOURCES.filter(
    (resource) =>
      allowed.includes(resource) &&
      !containers.some((container) => container[resource]?.reason === 'RiskNotKept'),
  );
}
