import { isOfNewPods, type ChangeRecord } from '../resize/changes.ts';
import { verdict } from '../resize/observe.ts';
import type { PodState } from '../resize/pod.ts';
import { takenBack } from '../resize/takeback.ts';

/** A change whose outcome is known now. */
export interface Judged {
  readonly record: ChangeRecord;
  readonly outcome: 'Fine' | 'Unseen' | 'TakenBack' | 'Failed';
  readonly story: string | undefined;
}

/**
 * The records with the outcome of each change that is watched, as far as it is known by now; those of new pods are
 * judged by `watchNewPods`.
 */
export function judge(
  records: readonly ChangeRecord[],
  pods: readonly PodState[],
  at: {
    readonly nowSeconds: number;
    readonly observeSeconds: number;
    /** Pods go back in place; else what is taken back of new pods is for new pods. */
    readonly changesPods: boolean;
  },
): { readonly records: readonly ChangeRecord[]; readonly judged: readonly Judged[] } {
  let known = records;
  const judged: Judged[] = [];
  for (const record of records) {
    // What went the same way as one that did harm is taken back with it.
    if (record.outcome !== 'Watching' || isOfNewPods(record) || !known.includes(record)) continue;
    const isOfOthers = record.method === 'Admission' && !at.changesPods;
    const found = verdict(record, isOfOthers ? [] : pods, { ...at, records: known });
    if (found.outcome === 'Watching') continue;
    const story = 'story' in found ? found.story : undefined;
    if (found.outcome === 'Harmful') {
      known = takenBack(known, record, { nowSeconds: at.nowSeconds, story: found.story });
      judged.push({ record, outcome: 'TakenBack', story });
      continue;
    }
    const { outcome } = found;
    known = known.map((each) =>
      each === record ? { ...each, outcome, outcomeSeconds: at.nowSeconds } : each,
    );
    judged.push({ record, outcome, story });
  }
  return { records: known, judged };
}
