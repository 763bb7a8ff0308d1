// New pods are sized by the API server itself; no operator runs here.
//   test/cluster/run.sh mocha test/cluster/admission.test.ts
import assert from 'node:assert/strict';
import {
  NOWHERE,
  admitted,
  containersOf,
  installAdmission,
  podTemplate,
  recommend,
  scalable,
  settled,
  storedSizes,
  uninstallAdmission,
  withdraw,
  type PodSetup,
  type Resources,
  type SizesByContainer,
  type Target,
} from '../support/admission.ts';
import {
  apply,
  createNamespace,
  deleteNamespace,
  directConnection,
  kubectl,
  until,
} from '../support/cluster.ts';

const TEMPLATE: Resources = {
  requests: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' },
  limits: { cpu: '2', memory: '1Gi', 'ephemeral-storage': '2Gi' },
};
const TARGET: Resources = {
  requests: { cpu: '180m', memory: '420Mi' },
  limits: { memory: '420Mi' },
};
const SIZED: Resources = {
  requests: { cpu: '180m', memory: '420Mi', 'ephemeral-storage': '1Gi' },
  limits: { memory: '420Mi', 'ephemeral-storage': '2Gi' },
};

describe('admission without a webhook', function () {
  this.timeout(90_000);
  const connection = directConnection();
  let namespace = '';

  before(async () => {
    await installAdmission();
    namespace = await createNamespace('admission');
  });

  after(async () => {
    await uninstallAdmission();
    await deleteNamespace(namespace);
    await connection.close();
  });

  const admit = (setup: PodSetup) => admitted(connection, namespace, setup);
  const advise = (target: Target, sizes: SizesByContainer | undefined) =>
    recommend(connection, namespace, target, sizes);

  function workload(kind: string, name: string, spec: object): object {
    const apiVersion = kind === 'Job' || kind === 'CronJob' ? 'batch/v1' : 'apps/v1';
    return { apiVersion, kind, metadata: { name, namespace }, spec };
  }

  const scaleUp = (kind: string, name: string, replicas: number) =>
    kubectl('-n', namespace, 'scale', kind, name, `--replicas=${replicas}`);

  const patch = (what: readonly string[], change: object) =>
    kubectl('-n', namespace, 'patch', ...what, '--type=merge', '-p', JSON.stringify(change));

  describe('gives new pods the recommended sizes, though the template says otherwise', () => {
    for (const kind of ['Deployment', 'StatefulSet']) {
      it(`of a ${kind} that is scaled up`, async () => {
        const name = `scaled-${kind.toLowerCase()}`;
        await apply(scalable(kind, { namespace, name, replicas: 0 }, { main: TEMPLATE }));
        await advise({ kind, name }, { main: TARGET });
        await settled(connection, namespace);
        await scaleUp(kind, name, 1);
        assert.deepEqual(await storedSizes(namespace, name), [{ main: SIZED }]);
      });
    }

    it('of a DaemonSet', async () => {
      const name = 'agent';
      await advise({ kind: 'DaemonSet', name }, { main: TARGET });
      await settled(connection, namespace);
      const selector = { matchLabels: { app: name } };
      const pod = podTemplate(name, { main: TEMPLATE }, {});
      await apply(workload('DaemonSet', name, { selector, template: pod }));
      assert.deepEqual(await storedSizes(namespace, name), [{ main: SIZED }]);
    });

    it('of the next run of a CronJob', async () => {
      const name = 'report';
      const pod = podTemplate(name, { main: TEMPLATE }, { restartPolicy: 'Never', ...NOWHERE });
      const jobTemplate = { spec: { template: pod } };
      const spec = { schedule: '0 * * * *', suspend: true, jobTemplate };
      await apply(workload('CronJob', name, spec));
      await advise({ kind: 'CronJob', name }, { main: TARGET });
      await settled(connection, namespace);
      // A run that was missed is made up for at once; the next one is rarely due meanwhile.
      const lastScheduleTime = new Date(Date.now() - 90 * 60_000).toISOString();
      await patch(['cronjob', name, '--subresource=status'], { status: { lastScheduleTime } });
      await patch(['cronjob', name], { spec: { suspend: false } });
      const [first] = await until(30_000, async () => {
        const jobs = await kubectl('-n', namespace, 'get', 'jobs', '-o', 'name');
        const found = jobs.split('\n').filter((job) => job.includes(`/${name}-`));
        assert.notEqual(found.length, 0);
        return found;
      });
      await patch(['cronjob', name], { spec: { suspend: true } });
      assert.match(first ?? '', /report-\d{8}$/);
      const [sizes] = await storedSizes(namespace, name);
      assert.deepEqual(sizes, { main: SIZED });
    });

    it('of a Job', async () => {
      const name = 'import';
      const pod = podTemplate(name, { main: TEMPLATE }, { restartPolicy: 'Never', ...NOWHERE });
      await apply(workload('Job', name, { suspend: true, template: pod }));
      await advise({ kind: 'Job', name }, { main: TARGET });
      await settled(connection, namespace);
      await patch(['job', name], { spec: { suspend: false } });
      assert.deepEqual(await storedSizes(namespace, name), [{ main: SIZED }]);
    });

    it('of a Rollout, whose ReplicaSets have a hash of their own', async () => {
      await advise({ kind: 'Rollout', name: 'canary' }, { main: TARGET });
      await settled(connection, namespace);
      const owner = { kind: 'ReplicaSet', apiVersion: 'apps/v1', name: 'canary-f00' };
      const labels = { 'rollouts-pod-template-hash': 'f00' };
      assert.deepEqual(await admit({ owner, labels, containers: { main: TEMPLATE } }), {
        main: SIZED,
      });
    });
  });

  describe('changes only what is recommended', () => {
    const owner = { kind: 'DaemonSet', apiVersion: 'apps/v1', name: 'parts' };
    const gpu = { 'example.com/gpu': '1' };
    before(async () => {
      await advise(
        { kind: 'DaemonSet', name: 'parts' },
        {
          main: TARGET,
          proxy: { requests: { cpu: '20m' } },
          setup: TARGET,
          limited: { limits: { memory: '64Mi' } },
          nothing: {},
        },
      );
      await settled(connection, namespace);
    });

    it('in native sidecars, and not in other init containers', async () => {
      const [proxy, setup] = containersOf({ proxy: TEMPLATE, setup: TEMPLATE });
      const initContainers = [{ ...proxy, restartPolicy: 'Always' }, setup];
      const sizes = await admit({
        owner,
        containers: { main: TEMPLATE },
        spec: { initContainers },
      });
      assert.deepEqual(sizes, {
        main: SIZED,
        proxy: {
          requests: { ...TEMPLATE.requests, cpu: '20m' },
          limits: { memory: '1Gi', 'ephemeral-storage': '2Gi' },
        },
        setup: TEMPLATE,
      });
    });

    it('and leaves containers alone that are not named or have nothing recommended', async () => {
      const containers = { first: TEMPLATE, main: TEMPLATE, nothing: TEMPLATE };
      assert.deepEqual(await admit({ owner, containers }), { ...containers, main: SIZED });
    });

    it('and keeps extended resources', async () => {
      const main = { requests: { cpu: '1', ...gpu }, limits: { cpu: '1', ...gpu } };
      assert.deepEqual(await admit({ owner, containers: { main } }), {
        main: {
          requests: { ...TARGET.requests, ...gpu },
          limits: { memory: '420Mi', ...gpu },
        },
      });
    });

    it('and gives sizes to containers that had none', async () => {
      const containers = { main: {}, limited: {}, other: {} };
      assert.deepEqual(await admit({ owner, containers }), {
        main: TARGET,
        limited: { limits: { memory: '64Mi' }, requests: { memory: '64Mi' } },
        other: {},
      });
    });
  });

  it('gives the values of the template again once the recommendation is withdrawn', async () => {
    const target = { kind: 'Deployment', name: 'leaving' };
    const { kind, name } = target;
    await apply(scalable(kind, { namespace, name, replicas: 0 }, { main: TEMPLATE }));
    await advise(target, { main: TARGET });
    await settled(connection, namespace);
    await scaleUp('Deployment', target.name, 1);
    assert.deepEqual(await storedSizes(namespace, target.name), [{ main: SIZED }]);
    await withdraw(namespace, target);
    await settled(connection, namespace);
    await kubectl('-n', namespace, 'delete', 'pods', '-l', `app=${target.name}`, '--now');
    assert.deepEqual(await storedSizes(namespace, target.name), [{ main: TEMPLATE }]);
  });

  it('leaves the namespaces of the cluster itself alone', async () => {
    const target = { kind: 'StatefulSet', name: `cluster-${process.pid}` };
    const owner = { ...target, apiVersion: 'apps/v1' };
    const protectedNamespace = 'kube-system';
    await recommend(connection, protectedNamespace, target, { main: TARGET });
    try {
      await advise(target, { main: TARGET });
      await settled(connection, namespace);
      const containers = { main: TEMPLATE };
      assert.deepEqual(await admit({ owner, containers }), { main: SIZED });
      const there = await admitted(connection, protectedNamespace, { owner, containers });
      assert.deepEqual(there, { main: TEMPLATE });
    } finally {
      await withdraw(protectedNamespace, target);
      const name = `statefulset-${target.name}`;
      await kubectl('-n', protectedNamespace, 'delete', 'rsrec', name);
    }
  });
});
