import type { Pod, WorkloadRef } from '../controller/ports.ts';
import type { Owned } from './metadata.ts';

/** What is known of the objects between pods and workloads; undefined for one that is not known. */
export interface OwnerLookup {
  readonly replicaSet: (namespace: string, name: string) => Owned | undefined;
  readonly job: (namespace: string, name: string) => Owned | undefined;
}

/**
 * The workload that a pod belongs to, by its owners and never by the look of its name. Undefined for a bare pod, for
 * one whose owner is of a kind that is not sized, and for one whose ReplicaSet or Job is not known (yet).
 */
export function workloadOf(
  { namespace, owner }: Pick<Pod, 'namespace' | 'owner'>,
  lookup: OwnerLookup,
): WorkloadRef | undefined {
  if (owner === undefined) return undefined;
  switch (owner.kind) {
    case 'ReplicaSet':
      return ownerOfReplicaSet(lookup.replicaSet(namespace, owner.name));
    case 'Job':
      return jobOrItsOwner(lookup.job(namespace, owner.name));
    case 'StatefulSet':
    case 'DaemonSet':
      return { namespace, kind: owner.kind, name: owner.name };
    default:
      return undefined;
  }
}

function ownerOfReplicaSet(replicaSet: Owned | undefined): WorkloadRef | undefined {
  const owner = replicaSet?.owner;
  if (replicaSet === undefined || owner === undefined) return undefined;
  if (owner.kind !== 'Deployment' && owner.kind !== 'Rollout') return undefined;
  return { namespace: replicaSet.namespace, kind: owner.kind, name: owner.name };
}

function jobOrItsOwner(job: Owned | undefined): WorkloadRef | undefined {
  if (job === undefined) return undefined;
  const { namespace, name, owner } = job;
  if (owner?.kind !== 'CronJob') return { namespace, kind: 'Job', name };
  return { namespace, kind: 'CronJob', name: owner.name };
}
