import type { Pod, PodContainer } from '../controller/ports.ts';
import { runningContainers, sizesOf } from './containers.ts';
import { listAt, numberAt, objectAt, requiredText, secondsAt, textAt, type Json } from './json.ts';
import { controllerOf, identityOf } from './metadata.ts';
import type { Change } from './store.ts';

/** The pod as it is specified now, with what its containers went through. Throws on a malformed field. */
export function projectPod(raw: Json): Pod {
  const status = objectAt(raw, 'status');
  const statuses = statusesByName(status);
  return {
    ...identityOf(raw),
    owner: controllerOf(raw),
    running: isRunning(raw),
    qosClass: textAt(status, 'qosClass') ?? '',
    containers: runningContainers(objectAt(raw, 'spec')).map((container) => {
      const name = requiredText(container.raw, 'name');
      return {
        name,
        kind: container.kind,
        ...sizesOf(container.raw),
        ...experienceOf(statuses.get(name) ?? {}),
      };
    }),
  };
}

/** A pod that is being deleted no longer counts as running. */
function isRunning(raw: Json): boolean {
  const deleted = textAt(objectAt(raw, 'metadata'), 'deletionTimestamp') !== undefined;
  return !deleted && textAt(objectAt(raw, 'status'), 'phase') === 'Running';
}

function statusesByName(status: Json): ReadonlyMap<string, Json> {
  const all = [...listAt(status, 'initContainerStatuses'), ...listAt(status, 'containerStatuses')];
  return new Map(all.map((one) => [requiredText(one, 'name'), one]));
}

function experienceOf(status: Json): Pick<PodContainer, 'restarts' | 'oomKilledSeconds'> {
  const ends = [
    objectAt(status, 'state', 'terminated'),
    objectAt(status, 'lastState', 'terminated'),
  ];
  const kills = ends
    .filter((end) => end['reason'] === 'OOMKilled')
    .map((end) => secondsAt(end, 'finishedAt') ?? 0);
  return {
    restarts: numberAt(status, 'restartCount') ?? 0,
    oomKilledSeconds: kills.length === 0 ? undefined : Math.max(...kills),
  };
}

/** Whether its workload is to be looked at: a pod that begins to run shows its sizes, and one may tell of an OOM kill. */
export function concernsWorkload(change: Change<Pod>): boolean {
  if (change.kind === 'Deleted') return false;
  const before = change.kind === 'Updated' ? change.before : undefined;
  if (change.item.running && before?.running === false) return true;
  const kill = lastOomKill(change.item);
  return kill !== undefined && kill !== (before && lastOomKill(before));
}

function lastOomKill({ containers }: Pod): number | undefined {
  const times = containers.flatMap(({ oomKilledSeconds }) => oomKilledSeconds ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}
