import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '../controller/ports.ts';
import type { Change } from './store.ts';

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

/**
 * Whether it is of interest where pods are changed. The resourceVersion tells nothing by itself, nor does the wording of
 * why a resize waits, which names what other pods use and so changes with each of them.
 */
export function concernsPods(change: Change<Pod>): boolean {
  return (
    change.kind !== 'Updated' ||
    !isDeepStrictEqual(essentials(change.before), essentials(change.item))
  );
}

function essentials(pod: Pod): object {
  return { ...pod, resourceVersion: '', resize: pod.resize.state };
}
