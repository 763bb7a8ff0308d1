import type { Pod, PodContainer } from '../controller/ports.ts';
import {
  endingContainers,
  hasPodResources,
  restartsOn,
  runningContainers,
  sizesOf,
} from './containers.ts';
import { listAt, numberAt, objectAt, requiredText, secondsAt, textAt, type Json } from './json.ts';
import { controllerOf, identityOf } from './metadata.ts';
import { placementOf } from './placement.ts';
import { createdSecondsOf, otherResizerOf, resizeOf } from './podresize.ts';

/** The pod as it is specified now, with what its containers went through. Throws on a malformed field. */
export function projectPod(raw: Json): Pod {
  const spec = objectAt(raw, 'spec');
  const status = objectAt(raw, 'status');
  const generation = numberAt(objectAt(raw, 'metadata'), 'generation') ?? 0;
  return {
    ...identityOf(raw),
    node: textAt(spec, 'nodeName'),
    owner: controllerOf(raw),
    resourceVersion: textAt(objectAt(raw, 'metadata'), 'resourceVersion') ?? '',
    createdSeconds: createdSecondsOf(raw),
    startedSeconds: secondsAt(status, 'startTime'),
    ...phaseOf(raw),
    ...readinessOf(raw),
    generation,
    observedGeneration: numberAt(status, 'observedGeneration') ?? generation,
    resize: resizeOf(raw),
    otherResizer: otherResizerOf(raw),
    qosClass: textAt(status, 'qosClass') ?? '',
    hasPodResources: hasPodResources(spec),
    placement: placementOf(spec),
    containers: containersOf(spec, statusesByName(status)),
    initContainers: endingContainers(spec),
  };
}

/** A pod that is being deleted no longer counts as running. */
function phaseOf(raw: Json): Pick<Pod, 'running' | 'isTerminating' | 'hasEnded' | 'hasFailed'> {
  const status = objectAt(raw, 'status');
  const phase = textAt(status, 'phase');
  const isTerminating = textAt(objectAt(raw, 'metadata'), 'deletionTimestamp') !== undefined;
  return {
    running: !isTerminating && phase === 'Running',
    isTerminating,
    hasEnded: phase === 'Succeeded' || phase === 'Failed',
    // What the kubelet or the node's end did has a reason; a container that failed has its own.
    hasFailed: phase === 'Failed' && textAt(status, 'reason') === undefined,
  };
}

function readinessOf(raw: Json): Pick<Pod, 'isReady' | 'readinessSeconds'> {
  const conditions = listAt(objectAt(raw, 'status'), 'conditions');
  const ready = conditions.find(({ type }) => type === 'Ready') ?? {};
  return {
    isReady: ready['status'] === 'True',
    readinessSeconds: secondsAt(ready, 'lastTransitionTime') ?? createdSecondsOf(raw),
  };
}

function statusesByName(status: Json): ReadonlyMap<string, Json> {
  const all = [...listAt(status, 'initContainerStatuses'), ...listAt(status, 'containerStatuses')];
  return new Map(all.map((one) => [requiredText(one, 'name'), one]));
}

function containersOf(spec: Json, statuses: ReadonlyMap<string, Json>): Pod['containers'] {
  return runningContainers(spec).map(({ kind, raw }) => {
    const name = requiredText(raw, 'name');
    const status = statuses.get(name) ?? {};
    return {
      name,
      kind,
      ...sizesOf(raw),
      restartsOn: restartsOn(raw),
      actual: actualOf(status),
      ...experienceOf(status),
    };
  });
}

/** Not `allocatedResources`, which has what the kubelet has agreed to also where the cgroup could not be changed. */
function actualOf(status: Json): PodContainer['actual'] {
  const running = objectAt(status, 'state')['running'] ?? undefined;
  const told = status['resources'] ?? undefined;
  return running === undefined || told === undefined ? undefined : sizesOf(status);
}

function experienceOf(
  status: Json,
): Pick<PodContainer, 'restarts' | 'restartedSeconds' | 'oomKilledSeconds'> {
  const ends = [
    objectAt(status, 'state', 'terminated'),
    objectAt(status, 'lastState', 'terminated'),
  ];
  const kills = ends
    .filter((end) => end['reason'] === 'OOMKilled')
    .map((end) => secondsAt(end, 'finishedAt') ?? 0);
  return {
    restarts: numberAt(status, 'restartCount') ?? 0,
    restartedSeconds: latest(ends.flatMap((end) => secondsAt(end, 'finishedAt') ?? [])),
    oomKilledSeconds: latest(kills),
  };
}

function latest(seconds: readonly number[]): number | undefined {
  return seconds.length === 0 ? undefined : Math.max(...seconds);
}
