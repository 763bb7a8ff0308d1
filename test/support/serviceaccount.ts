import { KubeConfig } from '@kubernetes/client-node';
import { KubeConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { apply, kubectl } from './cluster.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** A connection as a new ServiceAccount that has these rights in its namespace, and no others. */
export async function connectionAs(
  namespace: string,
  name: string,
  rules: readonly Rule[],
): Promise<KubeConnection> {
  const metadata = { name, namespace };
  const rbac = 'rbac.authorization.k8s.io';
  await apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: rbac, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  );
  return connectionOf(namespace, name);
}

/** A connection as a ServiceAccount that is there. */
export async function connectionOf(namespace: string, name: string): Promise<KubeConnection> {
  const token = await kubectl('-n', namespace, 'create', 'token', name, '--duration=1h');
  const cluster = loadKubeConfig().getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig of the test cluster has no cluster');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, { name, token });
  return new KubeConnection(() => config, { rateLimit: { perSecond: 500, burst: 500 } });
}
