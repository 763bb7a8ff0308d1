import { backoffUntil } from '../resize/backoff.ts';
import type { ChangeRecord } from '../resize/changes.ts';
import { GATE_REASONS, type GateReason, type Held } from '../resize/gates.ts';
import type { Plan, PlanInput } from '../resize/planned.ts';
import { isUnderWay, type PodState } from '../resize/pod.ts';
import { missingPermission } from './actingfacts.ts';
import type { ActingSaid } from './actingstatus.ts';
import type { Permission } from './changeports.ts';
import type { Governance } from './gather.ts';
import type { Workload } from './ports.ts';
import { nextOpening } from './windows.ts';

/**
 * The gates that hold, and what the node cannot give where none does. What cannot be had in place waits for an eviction
 * that the operator may not ask for.
 */
export function heldOf(
  { held, waiting }: Plan,
  missing: readonly Permission[],
  workload: Workload,
): Plan['held'] {
  const [first = refusedByNode(waiting)] = held;
  const message = missingPermission(missing, workload);
  if (message !== undefined && first?.reason === 'Infeasible') {
    return [{ reason: 'PermissionMissing', message }];
  }
  return first === undefined || held.length > 0 ? held : [first];
}

function refusedByNode(waiting: Plan['waiting']): Held | undefined {
  const refused = waiting.find(({ state }) => state === 'Infeasible' || state === 'Error');
  if (refused === undefined) return undefined;
  const { podName, state, message } = refused;
  return {
    reason: 'Infeasible',
    message: `The node does not resize ${podName}: ${message || state}`,
  };
}

export interface Around {
  readonly input: PlanInput;
  readonly records: readonly ChangeRecord[];
  readonly states: readonly PodState[];
  /** Something was planned that is to be tried again shortly. */
  readonly isUnfinished: boolean;
}

export function saidOf(plan: Plan, { input, records, states, isUnfinished }: Around): ActingSaid {
  const { rules, nowSeconds } = input;
  const isGoing = states.some((pod) => isUnderWay(pod) && pod.resize.state !== 'Deferred');
  const deferred = plan.waiting.find(({ state }) => state === 'Deferred');
  const [held] = plan.held;
  const isMaking = plan.patches.length > 0 || plan.evictions.length > 0 || isGoing || isUnfinished;
  const calm = held === undefined && states.length > 0 ? 'Applied' : undefined;
  return {
    state: isMaking ? 'Resizing' : deferred !== undefined ? 'Deferred' : calm,
    held,
    takenBack: storyOf(records, backoffUntil(records, rules.decreaseCooldownSeconds), nowSeconds),
    leaking: plan.leaking,
  };
}

/** Of the last change that did harm, while nothing else is tried. */
export function storyOf(
  records: readonly ChangeRecord[],
  untilSeconds: number | undefined,
  nowSeconds: number,
): string | undefined {
  if (untilSeconds === undefined || untilSeconds <= nowSeconds) return undefined;
  const last = records.findLast(({ lane }) => lane === 'Return');
  const until = new Date(untilSeconds * 1000).toISOString().replace('.000Z', 'Z');
  return `A change was taken back: ${last?.why ?? 'it did harm.'} Nothing is lowered before ${until}.`;
}

/** Gates that open without anything that would be seen, and after how long it is worth to look. */
const REOPENS: Readonly<Partial<Record<GateReason, number>>> = {
  BelowCurrentUsage: 60,
  PodBudget: 60,
  FleetBudget: 300,
  PDB: 60,
  QuotaExceeded: 60,
  AtCeiling: 300,
  NoNodeHasRoom: 60,
  OtherManager: 300,
  DryRunRefused: 300,
  BreakerOpen: 300,
  PermissionMissing: 60,
};

/** What was planned and is to be tried again: of a pod that has changed, or by an eviction. */
const SOON_SECONDS = 5;
/** A deferred resize is waited for, and a way back that is not gone to its end yet. */
const PENDING_SECONDS = 60;

/** What tells when something stops to hold. */
type Timed = Pick<PlanInput, 'records' | 'nowSeconds'> & {
  readonly rules: Pick<
    PlanInput['rules'],
    'observeSeconds' | 'increaseCooldownSeconds' | 'decreaseCooldownSeconds'
  >;
};

/** When to look again, in seconds from now: what has a time is looked at then. Undefined where nothing has. */
export function againSeconds(
  { held, waiting }: Pick<Plan, 'held' | 'waiting'>,
  { input, isUnfinished }: { readonly input: Timed; readonly isUnfinished: boolean },
  { policy }: Governance,
): number | undefined {
  const { nowSeconds } = input;
  const isHeld = (gate: GateReason) => held.some(({ reason }) => reason === gate);
  const opening = isHeld('OutsideWindow')
    ? nextOpening(policy.spec.changes.windows, nowSeconds)
    : undefined;
  const moments = [
    ...(opening === undefined ? [] : [opening]),
    ...(isHeld('Cooldown') ? cooledDown(input) : []),
    backoffUntil(input.records, input.rules.decreaseCooldownSeconds) ?? 0,
  ];
  const times = [
    ...observed(input),
    ...held.flatMap(({ reason }) => REOPENS[reason] ?? []),
    ...moments.filter((moment) => moment > nowSeconds).map((moment) => moment - nowSeconds),
    ...(waiting.some(({ state }) => state === 'Deferred') ? [PENDING_SECONDS] : []),
    ...(isUnfinished ? [SOON_SECONDS] : []),
  ];
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Until each change that is watched has been for long enough. */
function observed({ records, rules, nowSeconds }: Timed): readonly number[] {
  return records
    .filter(({ outcome }) => outcome === 'Watching')
    .map(({ atSeconds }) => atSeconds + rules.observeSeconds - nowSeconds)
    .map((seconds) => (seconds > 0 ? seconds : PENDING_SECONDS));
}

/** When what was changed may be changed again. */
function cooledDown({ records, rules }: Timed): readonly number[] {
  return records.flatMap(({ atSeconds }) => [
    atSeconds + rules.increaseCooldownSeconds,
    atSeconds + rules.decreaseCooldownSeconds,
  ]);
}

/** What is said of pods and template together, where containers of both are changed. */
export function saidTogether(pods: ActingSaid | undefined, template: ActingSaid): ActingSaid {
  if (pods === undefined) return template;
  const both = [pods, template];
  const state = (['Resizing', 'Deferred'] as const).find((each) =>
    both.some((said) => said.state === each),
  );
  const isApplied = both.every((said) => said.state === 'Applied');
  const held = both.flatMap((said) => said.held ?? []);
  return {
    state: state ?? (isApplied ? 'Applied' : undefined),
    held: GATE_REASONS.flatMap((gate) => held.find(({ reason }) => reason === gate) ?? [])[0],
    takenBack: pods.takenBack ?? template.takenBack,
    leaking: [...new Set(both.flatMap(({ leaking }) => leaking))],
  };
}
