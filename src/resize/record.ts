import type { ChangeRecord, Method } from './changes.ts';
import { symptomsOf } from './observe.ts';
import type { PodPatch } from './planned.ts';
import type { PodState } from './pod.ts';
import { patchKey } from './refused.ts';

export interface RecordInput {
  /** Of a plan: its patches, or its evictions. */
  readonly changes: readonly PodPatch[];
  readonly method: Method;
  readonly pods: readonly PodState[];
  readonly nowSeconds: number;
  readonly observeSeconds: number;
}

/**
 * One record for all pods that go from the same sizes to the same ones. To be written before the change is made: what
 * is on record and was not made is seen to say nothing, what was made and is not on record would never be watched. A way
 * back is on record already.
 */
export function recordsOf(input: RecordInput): readonly ChangeRecord[] {
  const changes = input.changes.filter(({ lane }) => lane !== 'Return');
  const groups = Map.groupBy(changes, ({ lane, containers }) =>
    JSON.stringify([lane, patchKey(containers), containers.map(({ from }) => from)]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [recordOf(first, group, input)];
  });
}

function recordOf(
  { lane, why, containers }: PodPatch,
  group: readonly PodPatch[],
  { method, pods, nowSeconds, observeSeconds }: RecordInput,
): ChangeRecord {
  const uids = new Set(group.map(({ podUid }) => podUid));
  const ofGroup = pods.filter(({ uid }) => uids.has(uid));
  const names = containers.map(({ name }) => name);
  const before = symptomsOf(ofGroup, names, {
    fromSeconds: nowSeconds - observeSeconds,
    toSeconds: nowSeconds,
    nowSeconds,
  });
  const killed = lane === 'Rescue' ? lastKill(names, ofGroup) : undefined;
  return {
    atSeconds: nowSeconds,
    lane,
    method,
    pods: group.length,
    containers: containers.map(({ name, from, to }) => ({ name, from, to })),
    why,
    ...(killed !== undefined && { signalSeconds: killed }),
    outcome: 'Watching',
    before,
  };
}

/** When one of the containers was last killed for memory, as the nodes say. */
export function lastKill(names: readonly string[], pods: readonly PodState[]): number | undefined {
  const kills = pods
    .flatMap(({ containers }) => containers.filter(({ name }) => names.includes(name)))
    .flatMap(({ oomKilledSeconds }) => oomKilledSeconds ?? []);
  return kills.length === 0 ? undefined : Math.max(...kills);
}

/** What was to be made just now and was refused altogether. */
export function withFailed(
  records: readonly ChangeRecord[],
  isNew: (record: ChangeRecord) => boolean,
  nowSeconds: number,
): readonly ChangeRecord[] {
  return records.map((record) =>
    isNew(record) && record.outcome === 'Watching' && record.lane !== 'Return'
      ? { ...record, outcome: 'Failed', outcomeSeconds: nowSeconds }
      : record,
  );
}
