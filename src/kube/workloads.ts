import type { Workload, WorkloadKind } from '../controller/ports.ts';
import { containerSpecs, hasPodResources } from './containers.ts';
import { listAt, numberAt, objectAt, secondsAt, textsAt, type Json } from './json.ts';
import { controllerOf, identityOf, type Owned } from './metadata.ts';
import { WORKLOAD_RESOURCES } from './paths.ts';
import {
  daemonSetProgress,
  deploymentProgress,
  noProgress,
  rolloutProgress,
  statefulSetProgress,
  type Progress,
} from './workloadprogress.ts';

/** Where the kinds differ: which pod template, how many pods are wanted now, and how far they are. */
interface Shape {
  readonly podSpec: (raw: Json) => Json;
  readonly replicas: (raw: Json) => number;
  readonly progress: (raw: Json, replicas: number) => Progress;
}

const TEMPLATE = ['template', 'spec'] as const;

const SCALED: Omit<Shape, 'progress'> = {
  podSpec: (raw) => objectAt(raw, 'spec', ...TEMPLATE),
  // One is what the API server fills in; it sets the field, Argo's controller does not.
  replicas: (raw) => numberAt(objectAt(raw, 'spec'), 'replicas') ?? 1,
};

const SHAPES: Readonly<Record<WorkloadKind, Shape>> = {
  Deployment: { ...SCALED, progress: deploymentProgress },
  StatefulSet: { ...SCALED, progress: statefulSetProgress },
  // A Rollout with workloadRef takes another object's template and so has no containers of its own.
  Rollout: { ...SCALED, progress: rolloutProgress },
  DaemonSet: {
    ...SCALED,
    replicas: (raw) => numberAt(objectAt(raw, 'status'), 'desiredNumberScheduled') ?? 0,
    progress: daemonSetProgress,
  },
  CronJob: {
    podSpec: (raw) => objectAt(raw, 'spec', 'jobTemplate', 'spec', ...TEMPLATE),
    replicas: () => 0,
    progress: noProgress,
  },
  Job: { ...SCALED, replicas: jobReplicas, progress: noProgress },
};

function jobReplicas(raw: Json): number {
  const spec = objectAt(raw, 'spec');
  if (spec['suspend'] === true || isFinished(raw)) return 0;
  return numberAt(spec, 'parallelism') ?? 1;
}

function isFinished(job: Json): boolean {
  return listAt(objectAt(job, 'status'), 'conditions').some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}

/**
 * The workload with the sizes of its pod template; undefined once it is being deleted, as nothing is to be sized then.
 * Throws when a field is not what the API says.
 */
export function projectWorkload(kind: WorkloadKind, raw: Json): Workload | undefined {
  const { namespace, name, uid } = identityOf(raw);
  const metadata = objectAt(raw, 'metadata');
  if (secondsAt(metadata, 'deletionTimestamp') !== undefined) return undefined;
  const { podSpec, replicas, progress } = SHAPES[kind];
  const wanted = replicas(raw);
  return {
    ref: { namespace, kind, name },
    apiVersion: WORKLOAD_RESOURCES[kind].apiVersion,
    uid,
    createdSeconds: secondsAt(metadata, 'creationTimestamp') ?? 0,
    labels: textsAt(metadata, 'labels'),
    annotations: annotationsOf(metadata),
    replicas: wanted,
    ...progress(raw, wanted),
    hasPodResources: hasPodResources(podSpec(raw)),
    containers: containerSpecs(podSpec(raw)),
  };
}

/** kubectl's copy of the whole object is of no use here and would be most of what is kept. */
function annotationsOf(metadata: Json): Readonly<Record<string, string>> {
  const kept = Object.entries(textsAt(metadata, 'annotations')).filter(
    ([name]) => name !== 'kubectl.kubernetes.io/last-applied-configuration',
  );
  return Object.fromEntries(kept);
}

/** A Job is needed twice: on the way from a pod to its CronJob, and as a workload when nobody owns it. */
export interface JobFacts extends Owned {
  /** Undefined when a CronJob owns the Job, as then that is the workload, and when it is being deleted. */
  readonly workload: Workload | undefined;
}

export function projectJob(raw: Json): JobFacts {
  const { namespace, name } = identityOf(raw);
  const owner = controllerOf(raw);
  const workload = owner?.kind === 'CronJob' ? undefined : projectWorkload('Job', raw);
  return { namespace, name, owner, workload };
}
