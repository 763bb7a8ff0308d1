import { RESOURCES, type Amounts, type Sizes } from '../recommend/usage.ts';
import { failuresInARow } from './backoff.ts';
import { givesNothing, setsSame, type ChangeRecord } from './changes.ts';
import { runningSizes, sameSizes, type PodState } from './pod.ts';
import { partsAt, type Part } from './reached.ts';
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
    // What was rolled out goes back by a rollout; pods go back in place, also those that are on no node yet.
    method: harmful.method === 'Evict' ? 'Resize' : harmful.method,
    pods: same.reduce((sum, { pods }) => sum + pods, 0),
    containers: harmful.containers.map(({ name, to }) => ({
      name,
      from: to,
      to: mostOf(name, same),
    })),
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

/** Which pod came from where is not known any more: each gets no less than it had. */
function mostOf(name: string, records: readonly ChangeRecord[]): Sizes {
  const all = records.flatMap(({ containers }) => containers.filter((each) => each.name === name));
  const of = (field: keyof Sizes, isMissing: (amounts: readonly number[]) => boolean): Amounts =>
    Object.fromEntries(
      RESOURCES.flatMap((resource) => {
        const amounts = all.flatMap(({ from }) => from[field][resource] ?? []);
        return isMissing(amounts) ? [] : [[resource, Math.max(...amounts)]];
      }),
    );
  return {
    requests: of('requests', (amounts) => amounts.length === 0),
    // One that had no limit had the most.
    limits: of('limits', (amounts) => amounts.length < all.length),
  };
}

/**
 * What of a pod is still to go a way back. One that only takes, after an eviction, is for pods that did not come up with
 * more: those that are ready with it keep it.
 */
export function partsLeft(
  pod: PodState,
  record: ChangeRecord,
  records: readonly ChangeRecord[],
): readonly Part[] {
  const isSpared = pod.isReady && record.method !== 'Rollout' && givesNothing(record);
  return isSpared ? [] : partsAt(pod, record, 'from', records);
}

/** A way back that is not gone to its end, with pods that are left on it, all for the same resources. */
export interface PendingReturn {
  readonly record: ChangeRecord;
  readonly parts: readonly Part[];
  readonly pods: readonly PodState[];
}

/** All of them, the oldest first; a pod is on one at most. */
export function pendingReturns(
  records: readonly ChangeRecord[],
  pods: readonly PodState[],
): readonly PendingReturn[] {
  let left = pods.filter(({ isTerminating }) => !isTerminating);
  return records
    .filter(({ lane, outcome }) => lane === 'Return' && outcome === 'Watching')
    .flatMap((record) => {
      const on = left
        .map((pod) => ({ pod, parts: partsLeft(pod, record, records) }))
        .filter(({ parts }) => parts.length > 0);
      left = left.filter((pod) => on.every((each) => each.pod !== pod));
      const alike = Map.groupBy(on, ({ parts }) => partsKey(parts));
      return [...alike.values()].map((group) => ({
        record,
        parts: group[0]?.parts ?? [],
        pods: group.map(({ pod }) => pod),
      }));
    });
}

function partsKey(parts: readonly Part[]): string {
  return JSON.stringify(parts.map(({ change, resource }) => [change.name, resource]));
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

/** The same of some resources: a pod keeps what it has of the others, such as what it was raised to in need. */
export function targetsOfParts({ parts }: PendingReturn): readonly ContainerTarget[] {
  const byName = Map.groupBy(parts, ({ change }) => change.name);
  return [...byName].map(([name, own]) => {
    const amounts = (field: keyof Sizes): Amounts =>
      Object.fromEntries(
        own.flatMap(({ change, resource }) => {
          const amount = change.to[field][resource];
          return amount === undefined ? [] : [[resource, amount]];
        }),
      );
    return {
      name,
      sizes: { requests: amounts('requests'), limits: amounts('limits') },
      ...UNBOUND,
    };
  });
}
