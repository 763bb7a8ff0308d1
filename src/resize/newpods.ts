import type { Sizes } from '../recommend/usage.ts';
import { backoffUntil } from './backoff.ts';
import {
  isOfNewPods,
  lowered,
  setsSame,
  type ChangeRecord,
  type ContainerChange,
  type Symptoms,
} from './changes.ts';
import {
  beganSeconds,
  isMade,
  isWell,
  isYoung,
  troublesOf,
  troublesSince,
  type MadePod,
  type Troubles,
} from './madepod.ts';
import { isWorse, relevant, type Symptom } from './observe.ts';
import { takenBack } from './takeback.ts';

export interface SizedContainer {
  readonly name: string;
  readonly sizes: Sizes;
}

export interface NewPodsInput {
  /** All that are there and not told to go, also those that have ended. */
  readonly pods: readonly MadePod[];
  /** What new pods get, now and until now; an amount that is left out says nothing. */
  readonly given: readonly (readonly SizedContainer[])[];
  /** What they would get otherwise, defaults and all. */
  readonly template: readonly SizedContainer[];
  readonly records: readonly ChangeRecord[];
  /** Pods end by themselves: a Job's. */
  readonly areRuns: boolean;
  readonly nowSeconds: number;
  readonly observeSeconds: number;
  readonly decreaseCooldownSeconds: number;
  /** What else to say of a harm; may be empty. */
  readonly advice: string;
}

export interface JudgedNewPods {
  readonly record: ChangeRecord;
  readonly outcome: 'Fine' | 'TakenBack';
  readonly story: string | undefined;
}

type Change = Pick<ChangeRecord, 'containers'>;

/**
 * The records with what is known of pods that were made with less than their template says: pods with sizes that no new
 * pod was seen well with yet come on record and are watched; whenever pods are made that do not come up with them, these
 * sizes are taken back. Then new pods get what they got before, by `floorsOf`, and pods that have these sizes go back by
 * the plan where the mode changes pods. All follows from the pods, however late they are looked at.
 */
export function watchNewPods(input: NewPodsInput): {
  readonly records: readonly ChangeRecord[];
  readonly judged: readonly JudgedNewPods[];
} {
  let { records } = input;
  const judged: JudgedNewPods[] = [];
  const at = { outcomeSeconds: input.nowSeconds };
  for (const change of changesOf(input)) {
    if (isBackedOff(change, records, input)) continue;
    const record = watchedOf(change, records);
    const story = harmOf(change, input);
    if (story !== undefined) {
      const harmful = record ?? recordOf(change, input);
      const known = record === undefined ? [...records, harmful] : records;
      records = takenBack(known, harmful, { nowSeconds: input.nowSeconds, story });
      judged.push({ record: harmful, outcome: 'TakenBack', story });
    } else if (record === undefined) {
      if (isNew(change, input)) records = [...records, recordOf(change, input)];
    } else if (isFine(record, input)) {
      records = records.map((each) =>
        each === record ? { ...each, outcome: 'Fine' as const, ...at } : each,
      );
      judged.push({ record, outcome: 'Fine', story: undefined });
    }
  }
  return { records, judged };
}

/** Records as the breaker counts them: who fails with what new pods were fine with has changed itself. */
export function withoutProven(records: readonly ChangeRecord[]): readonly ChangeRecord[] {
  return records.filter(
    (record) =>
      !(isOfNewPods(record) && record.outcome === 'TakenBack') || !isProven(record, records),
  );
}

/** What is watched, then what pods were made with that is not. */
function changesOf(input: NewPodsInput): readonly Change[] {
  const watched: Change[] = input.records.filter(
    (record) => isOfNewPods(record) && record.outcome === 'Watching',
  );
  return input.pods.reduce((changes, { state }) => {
    const to = input.given.map((given) => givenTo(state, given, input)).find((each) => each.length);
    if (to === undefined) return changes;
    const change = { containers: withFrom(to, input) };
    const isTaken = change.containers.some((each) => lowered(each).length > 0);
    const isKnown = changes.some((each) => setsSame(each, change));
    return isTaken && !isKnown ? [...changes, change] : changes;
  }, watched);
}

/** Containers of the pod as they were given; none where one of them has other sizes. */
function givenTo(
  { containers }: MadePod['state'],
  given: readonly SizedContainer[],
  { template }: NewPodsInput,
): readonly SizedContainer[] {
  const pairs = given
    .filter(({ name }) => template.some((each) => each.name === name))
    .flatMap(({ name, sizes }) => {
      const container = containers.find((each) => each.name === name);
      return container === undefined ? [] : [{ name, sizes, spec: container.spec }];
    });
  const isAll = pairs.every(({ sizes, spec }) => has(spec, sizes));
  return isAll ? pairs.map(({ name, spec }) => ({ name, sizes: spec })) : [];
}

function has(spec: Sizes, { requests, limits }: Sizes): boolean {
  const isIn = (some: Sizes['requests'], all: Sizes['requests']) =>
    (some.cpu === undefined || some.cpu === all.cpu) &&
    (some.memory === undefined || some.memory === all.memory);
  return isIn(requests, spec.requests) && isIn(limits, spec.limits);
}

/** Before it is what new pods were last fine with, where that is more; else what the template says. */
function withFrom(
  to: readonly SizedContainer[],
  { template, records }: NewPodsInput,
): readonly ContainerChange[] {
  const from = (before: readonly SizedContainer[]) =>
    to.map(({ name, sizes }) => ({
      name,
      from: before.find((each) => each.name === name)?.sizes ?? sizes,
      to: sizes,
    }));
  const good = records.findLast((record) => isOfNewPods(record) && record.outcome === 'Fine');
  const before = good?.containers.map(({ name, to: sizes }) => ({ name, sizes })) ?? [];
  const isOfSame = to.every(({ name }) => before.some((each) => each.name === name));
  const changes = from(before);
  const isLess = changes.some((each) => lowered(each).length > 0);
  const isMore = changes.some((each) => lowered({ from: each.to, to: each.from }).length > 0);
  return isOfSame && isLess && !isMore ? changes : from(template);
}

/** The same was taken back and is not tried again yet: pods that have it are on their way back, or stay as they are. */
function isBackedOff(
  change: Change,
  records: readonly ChangeRecord[],
  { decreaseCooldownSeconds, nowSeconds }: NewPodsInput,
): boolean {
  const until = backoffUntil(records, decreaseCooldownSeconds) ?? -Infinity;
  return (
    nowSeconds < until &&
    records.some((record) => record.outcome === 'TakenBack' && setsSame(record, change))
  );
}

function watchedOf(change: Change, records: readonly ChangeRecord[]): ChangeRecord | undefined {
  return records.find(
    (record) => isOfNewPods(record) && record.outcome === 'Watching' && setsSame(record, change),
  );
}

function isProven(change: Change, records: readonly ChangeRecord[]): boolean {
  return records.some(
    (record) => isOfNewPods(record) && record.outcome === 'Fine' && setsSame(record, change),
  );
}

/** A pod was made with it just now, and none was seen to be well with it; after an eviction its record is there. */
function isNew(change: Change, input: NewPodsInput): boolean {
  const { records } = input;
  const isEviction = records.some(
    (record) =>
      record.method === 'Evict' && record.outcome === 'Watching' && setsSame(record, change),
  );
  return !isEviction && !isProven(change, records) && madeSo(change, input).length > 0;
}

function madeSo(change: Change, input: NewPodsInput): readonly MadePod[] {
  return input.pods.filter(
    (pod) =>
      pod.state.generation === 1 && isMade(pod, change.containers, input) && isYoung(pod, input),
  );
}

function isFine(record: ChangeRecord, input: NewPodsInput): boolean {
  if (input.nowSeconds < record.atSeconds + input.observeSeconds) return false;
  const made = input.pods.filter((pod) => isMade(pod, record.containers, input));
  return made.length === 0 || made.some(isWell);
}

function recordOf(change: Change, input: NewPodsInput): ChangeRecord {
  return {
    atSeconds: input.nowSeconds,
    lane: 'Savings',
    method: 'Admission',
    pods: Math.max(1, madeSo(change, input).length),
    containers: change.containers,
    why: 'new pods get what is recommended',
    outcome: 'Watching',
    before: controlOf(change, madeSo(change, input), input),
  };
}

/** Pods to hold it against: those that have no less than what was before. */
function othersOf({ containers }: Change, { pods }: NewPodsInput): readonly MadePod[] {
  return pods.filter(({ state }) =>
    containers.every(({ name, from }) => {
      const spec = state.containers.find((each) => each.name === name)?.spec;
      return spec !== undefined && lowered({ from, to: spec }).length === 0;
    }),
  );
}

/** With what new pods were well before, or of runs, which fail now and then, it takes half of them. */
const MOST_OF_THEM = 0.5;

function harmOf(change: Change, input: NewPodsInput): string | undefined {
  const taken = change.containers.flatMap(lowered);
  const made = input.pods.filter(
    (pod) => isMade(pod, change.containers, input) && isYoung(pod, input),
  );
  const names = namesOf(change);
  const after = tally(made.map((pod) => troublesOf(pod, names, input)));
  const control = controlOf(change, made, input);
  const least = input.areRuns || isProven(change, input.records) ? MOST_OF_THEM * after.pods : 0;
  const isHarm = ({ of }: Symptom) => after[of] >= least && isWorse(after, control, of);
  const worse = relevant(taken).find(isHarm);
  if (worse === undefined) return undefined;
  const says = worse.of === 'restarted' ? 'Failed starts' : worse.says;
  const against =
    control.pods === 0 ? '' : `, against ${control[worse.of]} of ${control.pods} others`;
  const advice = input.advice === '' ? '' : ` ${input.advice}`;
  return `${says} in ${after[worse.of]} of ${after.pods} new pods${against}.${advice}`;
}

/** What the others show since these were made. */
function controlOf(change: Change, made: readonly MadePod[], input: NewPodsInput): Symptoms {
  const since = Math.min(
    input.nowSeconds,
    ...made.map(({ state }) => beganSeconds(state, input.records)),
  );
  const names = namesOf(change);
  return tally(
    othersOf(change, input).map((pod) => troublesSince(pod, names, { ...input, since })),
  );
}

function namesOf({ containers }: Change): readonly string[] {
  return containers.map(({ name }) => name);
}

function tally(all: readonly Troubles[]): Symptoms {
  const count = (of: Symptom['of']) => all.filter((each) => each[of]).length;
  return {
    pods: all.length,
    oomKilled: count('oomKilled'),
    restarted: count('restarted'),
    notReady: count('notReady'),
    throttled: count('throttled'),
  };
}
