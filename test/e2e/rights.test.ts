// The operator where something of its installation is missing, and where it may see one namespace only.
//   test/cluster/run.sh mocha test/e2e/rights.test.ts
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_VERSION, GROUP, PLURALS } from '../../src/api/group.ts';
import { apply, createNamespace, deleteNamespace, kubectl, until } from '../support/cluster.ts';
import { install, operatorToken } from '../support/installation.ts';
import { kubeconfigFor, type RunningOperator } from '../support/operator.ts';
import { recommendationsIn, targetsOf } from '../support/own-objects.ts';
import { rightsize } from '../support/rightsize.ts';
import {
  openScene,
  policy,
  sceneObjects,
  type Scene,
  type SceneWorkload,
} from '../support/scene.ts';

const web: SceneWorkload = {
  kind: 'Deployment',
  name: 'web',
  containers: [
    {
      name: 'web',
      uses: { cpu: [0.1, 0.4], memoryMi: 300 },
      requests: { cpu: 2, memory: 2 ** 30 },
    },
  ],
};

async function readiness({ url }: RunningOperator): Promise<{ status: number; body: string }> {
  const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
  return { status: response.status, body: await response.text() };
}

async function isReady(operator: RunningOperator): Promise<void> {
  assert.deepEqual(await readiness(operator), { status: 200, body: 'ok\n' });
}

async function hasTarget({ connection, namespace }: Scene): Promise<void> {
  const found = await recommendationsIn(connection, namespace);
  assert.deepEqual([...found.keys()], ['deployment-web']);
  assert.equal(targetsOf(found).length, 1);
}

describe('the operator without a right', function () {
  this.timeout(60_000);
  let scene: Scene;
  let operator: RunningOperator;
  let role: { rules: readonly { readonly resources: readonly string[] }[] };

  before(async () => {
    scene = await openScene({ prefix: 'e2e-rights', workloads: [web] });
    const name = `${scene.system}-read`;
    role = JSON.parse(await kubectl('get', 'clusterrole', name, '-o', 'json')) as typeof role;
    const rules = role.rules.filter(
      ({ resources }) => !resources.includes('horizontalpodautoscalers'),
    );
    assert.equal(rules.length, role.rules.length - 1);
    await kubectl('patch', 'clusterrole', name, '--type=merge', '-p', JSON.stringify({ rules }));
    operator = await scene.operator();
    await apply(policy(scene.namespace, 'default'));
  });

  after(async () => {
    await scene.close();
  });

  it('is not ready and names what it may not read', async () => {
    await until(10_000, async () => {
      const { status, body } = await readiness(operator);
      assert.equal(status, 503);
      assert.match(body, /^may not read horizontalpodautoscalers\.autoscaling: .*forbidden.*\n$/i);
    });
    assert.match(
      await operator.log(),
      /"level":"warn".*"resource":"horizontalpodautoscalers\.autoscaling".*"state":"Forbidden"/,
    );
  });

  it('writes no Recommendation that might ignore an autoscaler, and says that it waits', async () => {
    await until(20_000, async () => {
      assert.match(
        await operator.log(),
        /"problems":\["may not read horizontalpodautoscalers.*waiting for the cluster to be read/,
      );
    });
    assert.equal((await recommendationsIn(scene.connection, scene.namespace)).size, 0);
  });

  it('goes on by itself when it is given the right', async () => {
    const patch = JSON.stringify({ rules: role.rules });
    const name = `${scene.system}-read`;
    await kubectl('patch', 'clusterrole', name, '--type=merge', '-p', patch);
    await until(40_000, () => isReady(operator));
    await until(10_000, () => hasTarget(scene));
  });
});

describe('the operator for one namespace', function () {
  this.timeout(60_000);
  let scene: Scene;
  let other: string;

  before(async () => {
    scene = await openScene({ prefix: 'e2e-one', workloads: [web], overlay: 'namespace' });
    other = await createNamespace('e2e-other');
    await apply(...sceneObjects(other, [web]), policy(other, 'default'));
  });

  after(async () => {
    await deleteNamespace(other);
    await scene.close();
  });

  it('needs the rights of that namespace only, and touches no other', async () => {
    const operator = await scene.operator({ flags: [`--namespace=${scene.namespace}`] });
    await apply(policy(scene.namespace, 'default'));
    await until(20_000, () => hasTarget(scene));
    await isReady(operator);
    assert.equal((await recommendationsIn(scene.connection, other)).size, 0);
    const status = await kubectl(
      ...['-n', other, 'get', 'rightsizepolicy', 'default', '-o', 'jsonpath={.status}'],
    );
    assert.equal(status, '');
    assert.doesNotMatch(await operator.log(), /"level":"(warn|error)"|forbidden/i);
  });

  it('suffices for a report of that namespace, which says what it goes without', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rightsize-rights-'));
    try {
      const kubeconfig = await kubeconfigFor(folder, await operatorToken(scene.system));
      const args = ['recommend', `--kubeconfig=${kubeconfig}`];
      const prometheus = `--prometheus-url=${scene.prometheus().url}`;
      const whole = await rightsize([...args, prometheus]);
      assert.equal(whole.code, 2);
      assert.match(whole.stderr, /^rightsize: the cluster cannot be read: may not read /);
      const own = await rightsize([...args, prometheus, '-n', scene.namespace]);
      assert.equal(own.code, 0, own.stderr);
      assert.match(own.stdout, /\n\S+ +deployment-web /);
      assert.match(own.stderr, /may not be read: the report goes without them\n1 workload: /);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the operator where its kinds are not installed', function () {
  this.timeout(90_000);
  const definitions = Object.values(PLURALS).map((plural) => `crd/${plural}.${GROUP}`);
  let scene: Scene | undefined;

  before(async function () {
    // On a cluster that is not the tests' own this would delete every policy there.
    if (process.env['RIGHTSIZE_CLUSTER_DIR'] === undefined) this.skip();
    scene = await openScene({ prefix: 'e2e-kinds', workloads: [web] });
    await kubectl('delete', ...definitions, '--wait=true');
  });

  after(async () => {
    await scene?.close();
  });

  it('names them, and goes on by itself once they are', async () => {
    assert.ok(scene);
    const operator = await scene.operator();
    await until(10_000, async () => {
      const { status, body } = await readiness(operator);
      assert.equal(status, 503);
      assert.deepEqual(
        body.trim().split('\n').sort(),
        Object.values(PLURALS)
          .map((plural) => `the cluster does not serve ${plural}.${GROUP}; ${REMEDY}`)
          .sort(),
      );
    });
    await until(15_000, async () => assert.match(await operator.log(), /does not serve/));
    await install({ overlay: 'cluster', namespace: scene.system });
    await apply(policy(scene.namespace, 'default'));
    const { connection, namespace } = scene;
    await until(30_000, () => isReady(operator));
    await until(20_000, async () => {
      assert.equal(targetsOf(await recommendationsIn(connection, namespace)).length, 1);
    });
    assert.equal(operator.child.exitCode, null);
  });

  it('writes nothing while a kind is away, and follows another policy only once it is back', async () => {
    assert.ok(scene);
    const { connection, namespace } = scene;
    const metadata = { name: namespace };
    // It would govern as soon as the policy of the namespace is gone.
    await apply({ apiVersion: API_VERSION, kind: 'ClusterRightsizePolicy', metadata, spec: {} });
    const stored = async () =>
      (await recommendationsIn(connection, namespace)).get('deployment-web');
    const before = await stored();
    assert.equal(before?.status?.policy?.name, 'default');
    const operator = await scene.operator();
    await until(30_000, () => isReady(operator));
    await kubectl('delete', `crd/${PLURALS.RightsizePolicy}.${GROUP}`, '--wait=true');
    await until(30_000, async () => assert.equal((await readiness(operator)).status, 503));
    const end = performance.now() + 8_000;
    await until(20_000, async () => {
      const now = await stored();
      assert.equal(now?.metadata.resourceVersion, before.metadata.resourceVersion);
      assert.ok(performance.now() > end);
    });
    await install({ overlay: 'cluster', namespace: scene.system });
    await until(40_000, async () => {
      assert.equal((await stored())?.status?.policy?.name, namespace);
    });
    await kubectl('delete', 'clusterrightsizepolicy', namespace);
  });

  const REMEDY = 'install it with kubectl apply -k crds';
});
