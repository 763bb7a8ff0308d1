// What each tier of deploy/ lets the operator do, as the operator finds out itself.
//   test/cluster/run.sh mocha test/cluster/permissions.test.ts
import assert from 'node:assert/strict';
import type { Permission } from '../../src/controller/changeports.ts';
import type { WorkloadKind } from '../../src/controller/ports.ts';
import { createPermissions } from '../../src/kube/permissions.ts';
import { install, uninstall, type Installation } from '../support/installation.ts';
import { createNamespace, deleteNamespace } from '../support/cluster.ts';
import { connectionAs, connectionOf } from '../support/serviceaccount.ts';
import { workloadOf } from '../support/templated.ts';

const PERMISSIONS: readonly Permission[] = ['Resize', 'Evict', 'PatchWorkload'];
const CHANGED: readonly WorkloadKind[] = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'CronJob',
  'Rollout',
];

describe('the operator knows what it may', function () {
  this.timeout(60_000);
  const { signal } = new AbortController();
  let operator = '';
  let watched = '';

  before(async () => {
    watched = await createNamespace('permitted');
  });
  afterEach(() => uninstall(operator));
  after(() => deleteNamespace(watched));

  /** Which of the permissions it has for a Deployment in the namespace. */
  async function found(namespace: string): Promise<readonly Permission[]> {
    const connection = await connectionOf(operator, 'rightsize');
    try {
      const permissions = createPermissions(connection, { nowSeconds: () => 0 });
      const workload = workloadOf({ namespace, kind: 'Deployment', name: 'cart' });
      const answers = await Promise.all(
        PERMISSIONS.map((permission) => permissions.may(permission, workload, signal)),
      );
      return PERMISSIONS.filter((_, index) => answers[index]);
    } finally {
      await connection.close();
    }
  }

  const tiers: readonly {
    readonly title: string;
    readonly components: NonNullable<Installation['components']>;
    readonly want: readonly Permission[];
    readonly wantElsewhere: readonly Permission[];
  }[] = [
    { title: 'the read tier', components: [], want: [], wantElsewhere: [] },
    {
      title: 'the resize tier of one namespace',
      components: ['namespace-resize'],
      want: ['Resize'],
      wantElsewhere: [],
    },
    {
      title: 'all tiers of the cluster',
      components: ['cluster-resize', 'cluster-workloads'],
      want: PERMISSIONS,
      wantElsewhere: PERMISSIONS,
    },
  ];
  tiers.forEach(({ title, components, want, wantElsewhere }, index) => {
    it(`with ${title}`, async () => {
      operator = `permissions-${index}-${process.pid}`;
      await install({ overlay: 'cluster', namespace: operator, watched, components });
      assert.deepEqual(await found(watched), want);
      assert.deepEqual(await found('default'), wantElsewhere);
    });
  });

  it('of each kind of workload by itself', async () => {
    const rules = [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] }];
    const connection = await connectionAs(watched, 'deployer', rules);
    try {
      const permissions = createPermissions(connection, { nowSeconds: () => 0 });
      const answers = await Promise.all(
        CHANGED.map((kind) =>
          permissions.may(
            'PatchWorkload',
            workloadOf({ namespace: watched, kind, name: 'cart' }),
            signal,
          ),
        ),
      );
      assert.deepEqual(answers, [true, false, false, false, false]);
    } finally {
      await connection.close();
    }
  });
});
