import { backoffUntil } from '../resize/backoff.ts';
import { isOfNewPods, type ChangeRecord } from '../resize/changes.ts';
import type { MadePod } from '../resize/madepod.ts';
import { watchNewPods } from '../resize/newpods.ts';
import type { PodState } from '../resize/pod.ts';
import type { Asked } from './actinginput.ts';
import { actingModes, planRules } from './actingrules.ts';
import { againSeconds, storyOf } from './actorsays.ts';
import { sizesNewPods } from './admission.ts';
import { tellMade, type Telling } from './changetold.ts';
import { judge, type Judged } from './judging.ts';
import { admittedSizes, templateSizes } from './newpodsizes.ts';
import { podState } from './podstate.ts';
import type { ClusterView, Pod, Workload } from './ports.ts';
import type { Prepared } from './prepared.ts';

export interface KnownOfNewPods {
  readonly view: ClusterView;
  /** Pods that have not ended, with what is seen of them. */
  readonly states: readonly PodState[];
  readonly records: readonly ChangeRecord[];
  readonly nowSeconds: number;
}

/** What became by now of all that is watched, new pods included. */
export function judgeAll(
  workload: Workload,
  asked: Asked,
  { view, states, records, nowSeconds }: KnownOfNewPods,
): { readonly records: readonly ChangeRecord[]; readonly judged: readonly Judged[] } {
  const { observeSeconds, decreaseCooldownSeconds } = planRules(asked.governance.policy);
  const changesPods = actingModes(asked.governance).pods !== undefined;
  const known = judge(records, states, { nowSeconds, observeSeconds, changesPods });
  const { kind } = workload.ref;
  const watched = watchNewPods({
    pods: view.pods(workload.ref).flatMap((pod) => madePod(pod, states)),
    given: sizesNewPods(asked.governance)
      ? [asked.given, asked.status.admission ?? []].map(admittedSizes)
      : [],
    template: templateSizes(workload, view),
    records: known.records,
    areRuns: kind === 'Job' || kind === 'CronJob',
    nowSeconds,
    observeSeconds,
    decreaseCooldownSeconds,
    advice: changesPods ? '' : ADVICE,
  });
  return { records: watched.records, judged: [...known.judged, ...watched.judged] };
}

const ADVICE =
  'New pods get what they got before; pods that run stay as they are in mode Admission: delete those that do not come up.';

function madePod(pod: Pod, states: readonly PodState[]): readonly MadePod[] {
  const nothing = { live: [undefined, undefined], history: new Map() } as const;
  const state = states.find(({ uid }) => uid === pod.uid) ?? podState(pod, nothing);
  if (state.isTerminating) return [];
  return [
    {
      state,
      isRunning: pod.running,
      hasEnded: pod.hasEnded,
      hasFailed: pod.hasFailed,
      restarts: new Map(pod.containers.map(({ name, restarts }) => [name, restarts])),
    },
  ];
}

/** Whether pods are watched that nothing but their making was changed of. */
export function isWatchingNewPods(records: readonly ChangeRecord[]): boolean {
  return records.some((record) => isOfNewPods(record) && record.outcome === 'Watching');
}

/** What is said, and when it is looked again, where only new pods are sized. */
export function saidOfNewPods(
  { governance }: Asked,
  records: readonly ChangeRecord[],
  nowSeconds: number,
): Pick<Prepared, 'said' | 'againSeconds'> {
  if (!sizesNewPods(governance)) return { said: undefined, againSeconds: undefined };
  const rules = planRules(governance.policy);
  const until = backoffUntil(records, rules.decreaseCooldownSeconds);
  const message = storyOf(records, until, nowSeconds);
  const input = { records, rules, nowSeconds };
  return {
    said:
      message === undefined
        ? undefined
        : {
            state: undefined,
            held: { reason: 'Backoff', message },
            takenBack: message,
            leaking: [],
          },
    againSeconds: againSeconds(
      { held: [], waiting: [] },
      { input, isUnfinished: false },
      governance,
    ),
  };
}

/** Tells of pods that were seen to be made with other sizes; that is on record by now. */
export function tellNewPods(
  workload: Workload,
  { before, now }: Readonly<Record<'before' | 'now', readonly ChangeRecord[]>>,
  telling: Telling,
): void {
  const fresh = now.filter((record) => isOfNewPods(record) && record.outcome === 'Watching');
  for (const record of fresh.filter((each) => !before.includes(each))) {
    const containers = record.containers.map((each) => ({ ...each, kind: 'Container' as const }));
    const made = { ...record, containers, workload, podName: undefined, signalSeconds: undefined };
    tellMade(telling, made);
  }
}
