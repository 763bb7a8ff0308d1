import type { Permission, Permissions } from '../controller/changeports.ts';
import type { Clock, Workload } from '../controller/ports.ts';
import type { KubeConnection } from './connection.ts';
import { objectAt } from './json.ts';
import { WORKLOAD_RESOURCES } from './paths.ts';

const YES_SECONDS = 300;
/** A right that was missing is likely to have just been granted. */
const NO_SECONDS = 60;
const MOST_KEPT = 5000;

export interface Attributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
}

interface Kept {
  readonly allowed: boolean;
  readonly untilSeconds: number;
}

/**
 * Asks the API server what the operator may do in a namespace. A yes holds for 5 minutes, a no for one; rejects with
 * a KubeError when it cannot be asked.
 */
export function createPermissions(connection: KubeConnection, clock: Clock): Permissions {
  const kept = new Map<string, Kept>();
  return {
    may: async (permission, workload, signal) => {
      const { namespace } = workload.ref;
      const attributes = attributesOf(permission, workload);
      const key = `${namespace}/${permission}/${attributes.resource}`;
      const known = kept.get(key);
      if (known !== undefined && clock.nowSeconds() < known.untilSeconds) return known.allowed;
      const allowed = await reviewAccess(connection, { namespace, ...attributes }, signal);
      const untilSeconds = clock.nowSeconds() + (allowed ? YES_SECONDS : NO_SECONDS);
      kept.delete(key);
      kept.set(key, { allowed, untilSeconds });
      const [oldest] = kept.keys();
      if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
      return allowed;
    },
  };
}

function attributesOf(permission: Permission, { ref, apiVersion }: Workload): Attributes {
  const pods = { group: '', resource: 'pods' };
  switch (permission) {
    case 'Resize':
      return { ...pods, verb: 'patch', subresource: 'resize' };
    case 'Evict':
      return { ...pods, verb: 'create', subresource: 'eviction' };
    case 'PatchWorkload': {
      const [group = ''] = apiVersion.split('/');
      return { group, verb: 'patch', resource: WORKLOAD_RESOURCES[ref.kind].plural };
    }
  }
}

/** Whether the user of the connection may do it; without a namespace: in all of them. */
export async function reviewAccess(
  connection: KubeConnection,
  resourceAttributes: Attributes & { readonly namespace?: string },
  signal: AbortSignal,
): Promise<boolean> {
  const apiVersion = 'authorization.k8s.io/v1';
  const answer = await connection.request({
    method: 'POST',
    path: `/apis/${apiVersion}/selfsubjectaccessreviews`,
    body: { apiVersion, kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
    signal,
  });
  return objectAt(answer, 'status')['allowed'] === true;
}
