import { RESOURCES } from '../recommend/usage.ts';
import type { Held } from './gates.ts';
import type { PlanInput, PodPatch } from './planned.ts';
import { isUnderWay, type PodState } from './pod.ts';

/** Whether the patch changes a resource whose resizePolicy restarts its container. */
function restarts({ podUid, containers }: PodPatch, pods: readonly PodState[]): boolean {
  const pod = pods.find(({ uid }) => uid === podUid);
  return containers.some(({ name, from, to }) => {
    const { restartsOn = [] } = pod?.containers.find((each) => each.name === name) ?? {};
    return RESOURCES.some(
      (resource) =>
        restartsOn.includes(resource) &&
        (from.requests[resource] !== to.requests[resource] ||
          from.limits[resource] !== to.limits[resource]),
    );
  });
}

/**
 * Why a pod may not be restarted by a patch now, whatever it is for: as with evictions one at a time, and only while all
 * others are ready. One that is not ready itself loses nothing by it.
 */
export function restartHeld(
  patch: PodPatch,
  { pods, facts }: Pick<PlanInput, 'pods' | 'facts'>,
  planned: readonly PodPatch[],
): Held | undefined {
  if (!restarts(patch, pods)) return undefined;
  const pod = pods.find(({ uid }) => uid === patch.podUid);
  if (!pod?.isReady) return undefined;
  const others = pods.filter(({ uid }) => uid !== patch.podUid);
  if (others.some(({ isReady, isTerminating }) => !isReady || isTerminating)) {
    return { reason: 'NotReady', message: 'A pod is restarted only when all others are ready.' };
  }
  const isBusy = others.some((each) => isUnderWay(each) && each.resize.state !== 'Deferred');
  if (isBusy || planned.some((each) => restarts(each, pods))) {
    return { reason: 'PodBudget', message: 'Another pod is being changed.' };
  }
  const { disruptionRefused } = facts;
  return disruptionRefused === undefined
    ? undefined
    : { reason: 'PDB', message: disruptionRefused };
}
