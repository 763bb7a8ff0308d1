import { GROUP } from '../api/group.ts';
import type { Finding } from '../controller/finding.ts';
import type { KubeConnection } from './connection.ts';
import { KubeError } from './errors.ts';
import { reviewAccess, type Attributes } from './permissions.ts';

interface Tier {
  readonly check: string;
  /** `FAIL`: nothing works without it; `OK`: it is a tier that one need not have. */
  readonly missing: 'OK' | 'WARN' | 'FAIL';
  readonly needs: string;
  readonly component: string;
  readonly rights: readonly Attributes[];
}

const SEE = ['list', 'watch'];

function rights(
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
): readonly Attributes[] {
  return resources.flatMap((text) => {
    const [resource = '', subresource] = text.split('/');
    const at = subresource === undefined ? { group, resource } : { group, resource, subresource };
    return verbs.map((verb) => ({ ...at, verb }));
  });
}

const TIERS: readonly Tier[] = [
  {
    check: 'read tier',
    missing: 'FAIL',
    needs: 'recommendations',
    component: 'deploy/base',
    rights: [
      ...rights('', ['pods', 'limitranges', 'resourcequotas'], SEE),
      ...rights('apps', ['deployments', 'statefulsets', 'daemonsets', 'replicasets'], SEE),
      ...rights('batch', ['jobs', 'cronjobs'], SEE),
      ...rights('autoscaling', ['horizontalpodautoscalers'], SEE),
      ...rights(GROUP, ['rightsizepolicies'], SEE),
      ...rights(GROUP, ['recommendations'], [...SEE, 'create', 'patch', 'delete']),
      ...rights(GROUP, ['rightsizepolicies/status', 'recommendations/status'], ['patch']),
      ...rights('events.k8s.io', ['events'], ['create', 'patch']),
    ],
  },
  {
    check: 'resize tier',
    missing: 'OK',
    needs: 'modes InPlace and Recreate',
    component: 'deploy/components/cluster-resize or namespace-resize',
    rights: rights('', ['pods/resize'], ['patch']),
  },
  {
    check: 'workloads tier',
    missing: 'OK',
    needs: 'modes Recreate and Rollout',
    component: 'deploy/components/cluster-workloads or namespace-workloads',
    rights: [
      ...rights('', ['pods/eviction'], ['create']),
      ...rights('apps', ['deployments', 'statefulsets', 'daemonsets'], ['patch']),
      ...rights('batch', ['cronjobs'], ['patch']),
    ],
  },
];

const CLUSTER_TIER: Tier = {
  check: 'cluster reads',
  missing: 'FAIL',
  needs: 'an operator of the whole cluster',
  component: 'deploy/base, or name one with --namespace',
  rights: [
    ...rights('', ['namespaces', 'nodes'], SEE),
    ...rights(GROUP, ['clusterrightsizepolicies'], SEE),
    ...rights(GROUP, ['clusterrightsizepolicies/status'], ['patch']),
  ],
};

const LEASE_TIER: Tier = {
  check: 'leases',
  missing: 'FAIL',
  needs: 'the leader, and shards,',
  component:
    'deploy/base, whose RoleBinding rightsize-leader grants it in the namespace of the operator',
  rights: rights('coordination.k8s.io', ['leases'], ['get', 'list', 'create', 'update']),
};

interface RightsCheckup {
  readonly connection: KubeConnection;
  readonly namespace: string | undefined;
  /** Of the operator's Leases; they are not looked at where it is not known. */
  readonly leaseNamespace: string | undefined;
  readonly signal: AbortSignal;
}

/** What the user of this connection may, tier by tier, in the namespace or in all. */
export async function checkRights(checkup: RightsCheckup): Promise<readonly Finding[]> {
  const { namespace, leaseNamespace } = checkup;
  const findings: Finding[] = [];
  for (const tier of TIERS) findings.push(await checkTier(checkup, tier));
  if (namespace === undefined) findings.push(await checkTier(checkup, CLUSTER_TIER));
  if (leaseNamespace !== undefined) {
    findings.push(await checkTier({ ...checkup, namespace: leaseNamespace }, LEASE_TIER));
  }
  return findings;
}

async function checkTier(
  { connection, namespace, signal }: RightsCheckup,
  { check, missing, needs, component, rights: wanted }: Tier,
): Promise<Finding> {
  const base = { area: 'Kubernetes', check } as const;
  try {
    const within = namespace === undefined ? {} : { namespace };
    const answers = await Promise.all(
      wanted.map((right) => reviewAccess(connection, { ...within, ...right }, signal)),
    );
    const refused = wanted.filter((_, index) => !answers[index]);
    if (refused.length === 0) return { ...base, result: 'OK', found: `granted, for ${needs}` };
    const found = `this user may not ${namesOf(refused)}; ${needs} need it`;
    const todo = `apply ${component}`;
    // A tier that is there in part is a mistake, whichever it is.
    const result = missing === 'OK' && refused.length < wanted.length ? 'WARN' : missing;
    return { ...base, result, found, todo };
  } catch (error) {
    if (!(error instanceof KubeError) || error.kind === 'Aborted') throw error;
    return { ...base, result: 'WARN', found: error.message };
  }
}

function namesOf(refused: readonly Attributes[]): string {
  const named = refused.map(({ verb, resource, subresource }) =>
    subresource === undefined ? `${verb} ${resource}` : `${verb} ${resource}/${subresource}`,
  );
  const more = named.length > 3 ? ` and ${named.length - 3} more` : '';
  return `${named.slice(0, 3).join(', ')}${more}`;
}
