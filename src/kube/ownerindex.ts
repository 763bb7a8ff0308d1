import type { Pod, WorkloadRef } from '../controller/ports.ts';
import type { Owned } from './metadata.ts';
import type { Change } from './store.ts';

interface HasOwner {
  readonly namespace: string;
  readonly name: string;
  readonly owner: { readonly kind: string; readonly name: string } | undefined;
}

/** Objects by the owner that controls them, kept up from changes. */
class ByOwner<T extends HasOwner> {
  readonly #items = new Map<string, Map<string, T>>();

  apply(change: Change<T>): void {
    if (change.kind !== 'Added') this.#remove(change.before);
    if (change.kind !== 'Deleted') this.#add(change.item);
  }

  of(namespace: string, kind: string, name: string): readonly T[] {
    return [...(this.#items.get(`${namespace}/${kind}/${name}`)?.values() ?? [])];
  }

  #add(item: T): void {
    const key = ownerKey(item);
    const group = this.#items.get(key) ?? new Map<string, T>();
    group.set(item.name, item);
    this.#items.set(key, group);
  }

  #remove(item: T): void {
    const key = ownerKey(item);
    const group = this.#items.get(key);
    group?.delete(item.name);
    if (group?.size === 0) this.#items.delete(key);
  }
}

function ownerKey({ namespace, owner }: HasOwner): string {
  return `${namespace}/${owner?.kind ?? ''}/${owner?.name ?? ''}`;
}

/** Finds the pods of a workload by their chain of owners, without a walk over all pods. */
export class OwnerIndex {
  readonly #pods = new ByOwner<Pod>();
  readonly #replicaSets = new ByOwner<Owned>();
  readonly #jobs = new ByOwner<Owned>();

  podChanged(change: Change<Pod>): void {
    this.#pods.apply(change);
  }

  replicaSetChanged(change: Change<Owned>): void {
    this.#replicaSets.apply(change);
  }

  jobChanged(change: Change<Owned>): void {
    this.#jobs.apply(change);
  }

  podsOf({ namespace, kind, name }: WorkloadRef): readonly Pod[] {
    switch (kind) {
      case 'Deployment':
      case 'Rollout':
        return this.#replicaSets
          .of(namespace, kind, name)
          .flatMap((owned) => this.#pods.of(namespace, 'ReplicaSet', owned.name));
      case 'CronJob':
        return this.#jobs
          .of(namespace, kind, name)
          .flatMap((owned) => this.#pods.of(namespace, 'Job', owned.name));
      case 'StatefulSet':
      case 'DaemonSet':
      case 'Job':
        return this.#pods.of(namespace, kind, name);
    }
  }
}
