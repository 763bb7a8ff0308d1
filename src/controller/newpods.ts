import { isDeepStrictEqual } from 'node:util';
import { parseDuration } from '../api/duration.ts';
import type { Observation } from '../api/conditions.ts';
import type { AdmittedContainer, RecommendationStatus } from '../api/recommendation.ts';
import { GATE_REASONS as ACTING_GATES } from '../resize/gates.ts';
import {
  GATE_REASONS,
  admissionGate,
  admittedContainers,
  haveAdmitted,
  type Gate,
  type GateInput,
} from './admission.ts';
import { recordsOfHistory } from './history.ts';
import { withinLeaks } from './newpodleaks.ts';
import { withinQuota } from './newpodquota.ts';
import { floorsOf } from './newpodfloors.ts';
import type { Policy, Workload } from './ports.ts';

/** What a status says, and the conditions that go with it. */
export interface Said {
  readonly content: Omit<RecommendationStatus, 'conditions'>;
  readonly observations: readonly Observation[];
}

/**
 * Adds what new pods get to what is said of a workload, or why they get nothing. `said` may come from an earlier
 * process: then its targets hold on, but not what stood against them.
 */
export function withNewPods(
  said: Said,
  workload: Workload,
  input: Asked,
): Said & { readonly gate: Gate | undefined } {
  const { view } = input;
  const { reason: before, summary } = said.content;
  const closed = admissionGate(workload, input);
  const { admission, leaking, message } =
    closed === undefined ? boundBy(said, workload, input) : NONE;
  const gate = closed ?? quotaGate(message, input);
  const state = stateOf(baseState(said.content), {
    gate,
    isSized: admission.length > 0,
    isApplied: haveAdmitted(view.pods(workload.ref), admission),
    isRunOnSchedule: workload.ref.kind === 'CronJob',
  });
  const isHeld = gate !== undefined && state === heldBy(gate);
  const own = isGateReason(before) ? undefined : before;
  return {
    content: {
      ...bare(said.content),
      ...reasonOf(isHeld ? gate.reason : own),
      ...(summary && { summary: { ...summary, status: state } }),
      ...(admission.length > 0 && { admission: [...admission] }),
    },
    observations: [...withGate(withoutActing(said.observations), gate), ...leakSuspected(leaking)],
    gate,
  };
}

/** What is left of a quota changes with each pod that comes or goes, which is not told to all that could use it. */
const ROOM_SECONDS = 60;

function quotaGate(message: string | undefined, { nowSeconds }: GateInput): Gate | undefined {
  if (message === undefined) return undefined;
  return { reason: 'QuotaExceeded', message, untilSeconds: nowSeconds + ROOM_SECONDS };
}

const NONE = { admission: [], leaking: [], message: undefined } as const;

/** What new pods get within leaks and quotas, and what is to be said of these. */
function boundBy(said: Said, workload: Workload, input: Asked) {
  const { view, stored } = input;
  const admitted = admittedBy(said, input);
  const { admission, leaking } = withinLeaks(workload, admitted, {
    view,
    records: recordsOfHistory(stored?.history),
    given: stored?.admission ?? [],
    leaks: leaksKnown(admitted, input),
  });
  return { ...withinQuota(workload, admission, view), leaking };
}

/** Until usage is read again nobody knows whether it still looks like one: then nothing in the pod grows. */
function leaksKnown(
  admitted: readonly AdmittedContainer[],
  { stored, leaks }: Asked,
): ReadonlyMap<string, number> {
  if (leaks !== undefined) return leaks;
  const isSuspected = stored?.conditions?.some(
    ({ type, status }) => type === 'LeakSuspected' && status === 'True',
  );
  return new Map(isSuspected === true ? admitted.map(({ name }) => [name, -Infinity]) : []);
}

export function leakSuspected(names: readonly string[]): readonly Observation[] {
  if (names.length === 0) return [];
  const what = names.join(', ');
  const message = `Memory of ${what} grows without a fall: it was raised by a quarter at most and is raised no more until it stops. Look for a leak, or raise bounds or limits by hand.`;
  return [{ type: 'LeakSuspected', status: 'True', reason: 'MemoryGrowsSteadily', message }];
}

interface Asked extends GateInput {
  readonly stored: RecommendationStatus | undefined;
  /** By container: since when its memory is suspected to leak; undefined while usage is not read. */
  readonly leaks: ReadonlyMap<string, number> | undefined;
}

/** Targets of another policy, or of another text of it, say nothing of what this one allows. */
function admittedBy({ content }: Said, { view, governance, stored, nowSeconds }: Asked) {
  if (view.admission.kind !== 'Installed' || !isOfPolicy(content, governance.policy)) return [];
  const { cooldown } = governance.policy.spec.changes.decrease;
  return admittedContainers(content.containers ?? [], governance, {
    given: stored?.admission ?? [],
    floors: floorsOf(recordsOfHistory(stored?.history), {
      cooldownSeconds: parseDuration(cooldown),
      nowSeconds,
    }),
  });
}

function isOfPolicy({ policy }: Said['content'], { uid, generation }: Policy): boolean {
  return policy?.uid === uid && policy.generation === generation;
}

function reasonOf(reason: string | undefined): Pick<RecommendationStatus, 'reason'> {
  return reason === undefined ? {} : { reason };
}

function bare(content: Said['content']): Said['content'] {
  const others = { ...content };
  delete others.reason;
  delete others.admission;
  return others;
}

const SIZED_STATES: readonly string[] = ['NextPod', 'NextRun', 'Applied', 'Resizing', 'Deferred'];

/** Gates of changes. Who is frozen for an autoscaler is said by the recommender, in the same words. */
const CHANGE_GATES: readonly string[] = ACTING_GATES.filter(
  (reason) => reason !== 'HPAOwnsCPU' && reason !== 'HPAOwnsMemory',
);

/**
 * What is said without what is said of changes, as in a status of an earlier process; what holds new pods in the same
 * words may be kept.
 */
export function withoutActing(
  observations: readonly Observation[],
  kept?: Gate['reason'],
): readonly Observation[] {
  return observations.filter(
    ({ type, reason }) =>
      !(type === 'Held' && CHANGE_GATES.includes(reason) && reason !== kept) &&
      !(type === 'Degraded' && reason === 'TakenBack') &&
      type !== 'LeakSuspected',
  );
}

/** The state as it would be if nothing were applied. */
export function baseState({ summary, containers = [] }: RecommendationStatus): string {
  const state = summary?.status ?? '';
  const isOwn = SIZED_STATES.includes(state) || isGateReason(state.replace(/^Held:/, ''));
  if (!isOwn) return state;
  const isChange = containers.some(
    ({ current, target }) =>
      target !== undefined && !isDeepStrictEqual({ ...target }, { ...current }),
  );
  return isChange ? 'Recommended' : 'Fits';
}

interface NewPods {
  readonly gate: Gate | undefined;
  readonly isSized: boolean;
  readonly isApplied: boolean;
  readonly isRunOnSchedule: boolean;
}

/** Where there is nothing to apply, that is what is said. */
function stateOf(base: string, { gate, isSized, isApplied, isRunOnSchedule }: NewPods): string {
  const isOfTarget = base === 'Recommended' || base === 'Fits' || base.startsWith('Held:');
  if (!isOfTarget) return base;
  if (gate !== undefined) return heldBy(gate);
  if (!isSized || base !== 'Recommended') return base;
  // A run that is under way is not the one that is waited for.
  if (isRunOnSchedule) return 'NextRun';
  return isApplied ? 'Applied' : 'NextPod';
}

function heldBy({ reason }: Gate): string {
  return `Held:${reason}`;
}

function isGateReason(reason: string | undefined): boolean {
  return (
    reason !== undefined &&
    (GATE_REASONS.some((each) => each === reason) || CHANGE_GATES.includes(reason))
  );
}

/** There is one condition Held: the gate goes first, and what else holds is told after it. */
function withGate(
  observations: readonly Observation[],
  gate: Gate | undefined,
): readonly Observation[] {
  const own = observations.filter(({ type, reason }) => type !== 'Held' || !isGateReason(reason));
  if (gate === undefined) return own;
  const held = own.find(({ type }) => type === 'Held');
  const message = held === undefined ? gate.message : `${gate.message} ${held.message}`;
  return [
    ...own.filter(({ type }) => type !== 'Held'),
    { type: 'Held', status: 'True', reason: gate.reason, message },
  ];
}
