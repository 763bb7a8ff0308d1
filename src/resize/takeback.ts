import { failuresInARow } from './backoff.ts';
import { setsSame, type ChangeRecord } from './changes.ts';
import { runningSizes, sameSizes, type PodState } from './pod.ts';
import type { ContainerTarget } from './wanted.ts';

/** Whether the pod's containers run what the change found, or what it set. */
export function runs(
  pod: PodState,
  { containers }: Pick<ChangeRecord, 'containers'>,
  which: 'from' | 'to',
): boolean {
  return containers.every((change) =>
    pod.containers.some(
      (container) =>
        container.name === change.name && sameSizes(runningSizes(container), change[which]),
    ),
  );
}

/**
 * The records after a change has done harm: it and all others under watch that set the same are taken back, and the way
 * back is on record, so that it is gone to its end whoever is there to go it. The same again where it was taken back
 * already.
 */
export function takenBack(
  records: readonly ChangeRecord[],
  harmful: ChangeRecord,
  { nowSeconds, story }: { readonly nowSeconds: number; readonly story: string },
): readonly ChangeRecord[] {
  const isSame = (record: ChangeRecord) =>
    record.outcome === 'Watching' && record.lane !== 'Return' && setsSame(record, harmful);
  const same = records.filter(isSame);
  if (same.length === 0) return records;
  const failures = failuresInARow(records) + 1;
  const wayBack: ChangeRecord = {
    ...harmful,
    atSeconds: nowSeconds,
    lane: 'Return',
    // What was rolled out goes back by a rollout; pods go back in place.
    method: harmful.method === 'Evict' ? 'Resize' : harmful.method,
    pods: same.reduce((sum, { pods }) => sum + pods, 0),
    containers: harmful.containers.map(({ name, from, to }) => ({ name, from: to, to: from })),
    why: story,
    outcome: 'Watching',
  };
  const closed = records.map((record): ChangeRecord =>
    isSame(record)
      ? { ...record, outcome: 'TakenBack', outcomeSeconds: nowSeconds, failures }
      : record,
  );
  return [...closed, wayBack];
}

/** A way back that is not gone to its end, with the pods that are left on it. */
export interface PendingReturn {
  readonly record: ChangeRecord;
  readonly pods: readonly PodState[];
}

/** All of them, the oldest first; a pod is on one at most, and none without pods is among them. */
export function pendingReturns(
  records: readonly ChangeRecord[],
  pods: readonly PodState[],
): readonly PendingReturn[] {
  let left = pods.filter(({ isTerminating }) => !isTerminating);
  return records
    .filter(({ lane, outcome }) => lane === 'Return' && outcome === 'Watching')
    .flatMap((record) => {
      const on = left.filter((pod) => runs(pod, record, 'from'));
      left = left.filter((pod) => !on.includes(pod));
      return on.length === 0 ? [] : [{ record, pods: on }];
    });
}

const UNBOUND = {
  ranges: { cpu: { min: undefined, max: undefined }, memory: { min: undefined, max: undefined } },
  evidence: { cpu: 'Sound', memory: 'Sound' },
  leakSinceSeconds: undefined,
} as const;

/** What a change set, as targets of a plan. */
export function returnTargets({ containers }: ChangeRecord): readonly ContainerTarget[] {
  return containers.map(({ name, to }) => ({ name, sizes: to, ...UNBOUND }));
}
