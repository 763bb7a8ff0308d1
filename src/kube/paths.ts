import type { WorkloadKind } from '../controller/ports.ts';

/** Where objects of a kind live: `{ apiVersion: 'apps/v1', plural: 'deployments' }`. */
export interface ApiResource {
  readonly apiVersion: string;
  readonly plural: string;
}

/** One object; without a namespace for a cluster-scoped kind. */
export interface ObjectAddress extends ApiResource {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export const WORKLOAD_RESOURCES: Readonly<Record<WorkloadKind, ApiResource>> = {
  Deployment: { apiVersion: 'apps/v1', plural: 'deployments' },
  StatefulSet: { apiVersion: 'apps/v1', plural: 'statefulsets' },
  DaemonSet: { apiVersion: 'apps/v1', plural: 'daemonsets' },
  CronJob: { apiVersion: 'batch/v1', plural: 'cronjobs' },
  Job: { apiVersion: 'batch/v1', plural: 'jobs' },
  Rollout: { apiVersion: 'argoproj.io/v1alpha1', plural: 'rollouts' },
};

/** `/api/v1`, or `/apis/apps/v1`. */
function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** The collection, of one namespace or of all: `/apis/apps/v1/namespaces/shop/deployments`. */
export function collectionPath({ apiVersion, plural }: ApiResource, namespace?: string): string {
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${groupPath(apiVersion)}${within}/${plural}`;
}

export function objectPath(at: ObjectAddress, subresource?: string): string {
  const path = `${collectionPath(at, at.namespace)}/${encodeURIComponent(at.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
