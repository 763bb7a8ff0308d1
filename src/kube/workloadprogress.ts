import type { Workload } from '../controller/ports.ts';
import { numberAt, objectAt, textAt, type Json } from './json.ts';

/** How far its controller has come with a workload. Each throws on a malformed field. */
export type Progress = Pick<Workload, 'isRollingOut' | 'isReady'>;

/** A kind whose pods run to their end: a new template is for new pods only. */
export function noProgress(): Progress {
  return { isRollingOut: false, isReady: true };
}

/** Of a Deployment, as `kubectl rollout status` has it; a paused one is told by the pods that it did not replace. */
export function deploymentProgress(raw: Json, replicas: number): Progress {
  const status = objectAt(raw, 'status');
  const updated = countAt(status, 'updatedReplicas');
  return {
    isRollingOut: !isObserved(raw) || updated < replicas || countAt(status, 'replicas') > updated,
    isReady: countAt(status, 'readyReplicas') >= replicas,
  };
}

/** Of a StatefulSet. Pods below the partition keep their revision, so the revisions differ for as long as there is one. */
export function statefulSetProgress(raw: Json, replicas: number): Progress {
  const status = objectAt(raw, 'status');
  const strategy = objectAt(raw, 'spec', 'updateStrategy');
  const partition = countAt(objectAt(strategy, 'rollingUpdate'), 'partition');
  const isBehind =
    textAt(status, 'currentRevision') !== textAt(status, 'updateRevision') &&
    (partition === 0 || countAt(status, 'updatedReplicas') < replicas - partition);
  return {
    isRollingOut: !isOnDelete(strategy) && (!isObserved(raw) || isBehind),
    isReady: countAt(status, 'readyReplicas') >= replicas,
  };
}

export function daemonSetProgress(raw: Json, replicas: number): Progress {
  const status = objectAt(raw, 'status');
  const isBehind = countAt(status, 'updatedNumberScheduled') < replicas;
  return {
    isRollingOut:
      !isOnDelete(objectAt(raw, 'spec', 'updateStrategy')) && (!isObserved(raw) || isBehind),
    isReady: countAt(status, 'numberReady') >= replicas,
  };
}

/** Of Argo's Rollout, which tells its phase; where no controller has written a status, nothing is under way. */
export function rolloutProgress(raw: Json, replicas: number): Progress {
  const status = objectAt(raw, 'status');
  const phase = textAt(status, 'phase');
  // A text, and in old versions a hash: then it says nothing.
  const observed = Number.parseInt(textAt(status, 'observedGeneration') ?? '', 10);
  return {
    isRollingOut: phase === 'Progressing' || phase === 'Paused' || observed < generationOf(raw),
    isReady: countAt(status, 'readyReplicas') >= replicas,
  };
}

/** Pods get a new template when somebody deletes them: no controller is at it. */
function isOnDelete(strategy: Json): boolean {
  return textAt(strategy, 'type') === 'OnDelete';
}

/** Whether the status is about the spec as it is now. */
function isObserved(raw: Json): boolean {
  return countAt(objectAt(raw, 'status'), 'observedGeneration') >= generationOf(raw);
}

function generationOf(raw: Json): number {
  return countAt(objectAt(raw, 'metadata'), 'generation');
}

/** Counts of zero are left out by the API server. */
function countAt(value: Json, field: string): number {
  return numberAt(value, field) ?? 0;
}
