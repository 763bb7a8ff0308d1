// Which workload's recommendation a new pod gets, and that it is nobody else's.
//   test/cluster/run.sh mocha test/cluster/admission-owners.test.ts
import assert from 'node:assert/strict';
import {
  admitted,
  installAdmission,
  recommend,
  scalable,
  settled,
  storedSizes,
  uninstallAdmission,
  type PodSetup,
  type Resources,
} from '../support/admission.ts';
import { apply, createNamespace, deleteNamespace, directConnection } from '../support/cluster.ts';

const TEMPLATE: Resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } };

describe('admission tells workloads apart', function () {
  this.timeout(90_000);
  const connection = directConnection();
  let namespace = '';

  /** The CPU request of each recommendation says whose it is. */
  const CPU: readonly (readonly [kind: string, name: string, cpu: string])[] = [
    ['Deployment', 'web', '101m'],
    ['Deployment', 'web-api', '102m'],
    ['Deployment', 'web-5', '103m'],
    ['StatefulSet', 'web', '104m'],
    ['CronJob', 'web', '105m'],
    ['CronJob', 'web-123', '106m'],
    ['Job', 'web-20261231', '107m'],
    ['Rollout', 'web', '108m'],
  ];
  const HASH = 'pod-template-hash';
  const ROLLOUT_HASH = 'rollouts-pod-template-hash';
  const OWNERS: Readonly<Record<string, string>> = {
    ReplicaSet: 'apps/v1',
    StatefulSet: 'apps/v1',
    DaemonSet: 'apps/v1',
    Job: 'batch/v1',
  };

  before(async () => {
    await installAdmission();
    namespace = await createNamespace('admission-owners');
    for (const [kind, name, cpu] of CPU) {
      await recommend(connection, namespace, { kind, name }, { main: { requests: { cpu } } });
    }
    await settled(connection, namespace);
  });

  after(async () => {
    await uninstallAdmission();
    await deleteNamespace(namespace);
    await connection.close();
  });

  const admit = (setup: PodSetup) => admitted(connection, namespace, setup);

  it('when Deployments begin with the same name', async () => {
    for (const app of ['web', 'web-api', 'web-5']) {
      const at = { namespace, name: app, replicas: 2 };
      await apply(scalable('Deployment', at, { main: TEMPLATE }));
    }
    const cpus = async (app: string) =>
      (await storedSizes(namespace, app, 2)).map(({ main }) => main?.requests?.['cpu']);
    assert.deepEqual(await cpus('web'), ['101m', '101m']);
    assert.deepEqual(await cpus('web-api'), ['102m', '102m']);
    assert.deepEqual(await cpus('web-5'), ['103m', '103m']);
  });

  const CASES: readonly (readonly [
    owner: string,
    name: string,
    labels: Readonly<Record<string, string>>,
    cpu: string,
  ])[] = [
    ['ReplicaSet', 'web-6c8d9', { [HASH]: '6c8d9' }, '101m'],
    ['ReplicaSet', 'web-5-6c8d9', { [HASH]: '6c8d9' }, '103m'],
    ['ReplicaSet', 'web-6c8d9', { [ROLLOUT_HASH]: '6c8d9' }, '108m'],
    ['ReplicaSet', 'web-6c8d9', { [HASH]: '7d9e0' }, '1'],
    ['ReplicaSet', 'web-6c8d9', {}, '1'],
    ['ReplicaSet', 'web', { [HASH]: '' }, '1'],
    ['StatefulSet', 'web', {}, '104m'],
    ['StatefulSet', 'web-0', {}, '1'],
    ['DaemonSet', 'web', {}, '1'],
    ['Job', 'web-29403000', {}, '105m'],
    ['Job', 'web-123-29403000', {}, '106m'],
    ['Job', 'web-4-29403000', {}, '1'],
    ['Job', 'web-20261231', {}, '107m'],
    ['Job', 'web-20261230', {}, '1'],
    ['Job', 'web-manual', {}, '1'],
    ['Job', 'web-294030001', {}, '1'],
    ['Job', 'web', {}, '1'],
  ];
  for (const [kind, name, labels, cpu] of CASES) {
    const hash = Object.entries(labels).map((label) => label.join(' '));
    it(`when a pod comes from ${[kind, name, ...hash].join(' ')}`, async () => {
      const owner = { kind, apiVersion: OWNERS[kind] ?? '', name };
      const { main } = await admit({ owner, labels, containers: { main: TEMPLATE } });
      assert.equal(main?.requests?.['cpu'], cpu);
    });
  }

  it('when a kind of another group has the same name', async () => {
    const owner = { kind: 'StatefulSet', apiVersion: 'apps.kruise.io/v1beta1', name: 'web' };
    const { main } = await admit({ owner, containers: { main: TEMPLATE } });
    assert.deepEqual(main, TEMPLATE);
  });

  it('and pods of nobody, which stay as they are', async () => {
    const labels = { [HASH]: '6c8d9' };
    const { main } = await admit({ labels, containers: { main: TEMPLATE } });
    assert.deepEqual(main, TEMPLATE);
  });
});
