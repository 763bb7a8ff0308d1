// What watches show of pods that are resized, of quotas and of vertical autoscalers.
//   test/cluster/run.sh mocha test/cluster/podview.test.ts
import assert from 'node:assert/strict';
import type { ClusterChange, Pod, PodContainer } from '../../src/controller/ports.ts';
import { KubeCluster } from '../../src/kube/cluster.ts';
import type { Resources } from '../support/admission.ts';
import { MI } from '../support/builders.ts';
import {
  apply,
  createNamespace,
  deleteNamespace,
  directConnection,
  kubectl,
  until,
} from '../support/cluster.ts';

const MODEST: Resources = {
  requests: { cpu: '100m', memory: '32Mi' },
  limits: { cpu: '200m', memory: '64Mi' },
};
const SIZES_OF_MODEST = {
  requests: { cpu: 0.1, memory: 32 * MI },
  limits: { cpu: 0.2, memory: 64 * MI },
};
const VERTICAL = 'verticalpodautoscalers.autoscaling.k8s.io';

/** As much of the kind as an API server needs to serve it. */
const verticalAutoscalerKind: object = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: VERTICAL, annotations: { 'api-approved.kubernetes.io': 'unapproved, test' } },
  spec: {
    group: 'autoscaling.k8s.io',
    scope: 'Namespaced',
    names: { plural: 'verticalpodautoscalers', kind: 'VerticalPodAutoscaler' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
};

/** One pod that idles, replaced only after it is gone. */
function idle(namespace: string, name: string, resources: Resources): object {
  const labels = { app: name };
  const container = {
    name: 'main',
    image: 'localhost/busybox:1',
    imagePullPolicy: 'Never',
    // It ends where it is told to.
    command: ['sh', '-c', 'trap "exit 1" TERM; while :; do sleep 0.2; done'],
    resources,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 0, containers: [container] },
      },
    },
  };
}

describe('the view of pods', function () {
  this.timeout(90_000);
  const connection = directConnection();
  const changes: ClusterChange[] = [];
  const errors: string[] = [];
  let namespace = '';
  let cluster: KubeCluster;

  async function look(): Promise<KubeCluster> {
    const view = new KubeCluster({
      connection,
      namespace,
      clusterScoped: 'LeftOut',
      ownKinds: 'IfServed',
      onChange: (change) => changes.push(change),
      onError: (resource, error) => errors.push(`${resource}: ${error.message}`),
      onState: () => undefined,
    });
    view.start();
    await view.waitForSync(AbortSignal.timeout(20_000));
    return view;
  }

  before(async () => {
    namespace = await createNamespace('podview');
    cluster = await look();
  });

  after(async () => {
    await cluster.stop();
    await deleteNamespace(namespace);
    await connection.close();
  });

  const workloadOf = (name: string) =>
    cluster.workloads.get(`${namespace}/Deployment/${name}`) ?? assert.fail(`no ${name}`);
  const podOf = (name: string): Pod => {
    const [pod = assert.fail(`no pod of ${name}`), ...more] = cluster
      .pods({ namespace, kind: 'Deployment', name })
      .filter(({ isTerminating }) => !isTerminating);
    assert.equal(more.length, 0);
    return pod;
  };
  const mainOf = (pod: Pod): PodContainer => pod.containers[0] ?? assert.fail('no container');
  const seen = (name: string, check: (pod: Pod) => void): Promise<void> =>
    until(30_000, () => check(podOf(name)));
  const told = (name: string) =>
    changes.filter(
      (change) => change.kind === 'Pods' && change.key === `${namespace}/Deployment/${name}`,
    ).length;

  async function running(name: string, resources: Resources): Promise<Pod> {
    await apply(idle(namespace, name, resources));
    await seen(name, (pod) => {
      assert.equal(pod.isReady, true);
      assert.notEqual(mainOf(pod).actual, undefined);
    });
    return podOf(name);
  }

  async function resize(pod: Pod, resources: Resources, manager = 'rightsize'): Promise<void> {
    const patch = JSON.stringify({ spec: { containers: [{ name: 'main', resources }] } });
    await kubectl(
      ...['-n', namespace, 'patch', 'pod', pod.name, '--subresource=resize'],
      ...[`--field-manager=${manager}`, '-p', patch],
    );
  }

  it('is whole where the cluster serves no vertical autoscalers', () => {
    assert.deepEqual(cluster.problems(), []);
    assert.equal(cluster.isWhole(), true);
    assert.deepEqual(cluster.verticalAutoscalers(namespace), []);
  });

  it('shows a resize as it is asked for, carried out and taken note of', async () => {
    const before = await running('follows', MODEST);
    assert.deepEqual(mainOf(before).actual, SIZES_OF_MODEST);
    assert.equal(before.otherResizer, undefined);
    assert.deepEqual(before.resize, { state: 'None' });
    assert.equal(before.observedGeneration, before.generation);
    const toldBefore = told('follows');
    const lower = { requests: { cpu: '50m', memory: '16Mi' }, limits: { cpu: '100m' } };
    await resize(before, lower);
    const want = {
      requests: { cpu: 0.05, memory: 16 * MI },
      limits: { cpu: 0.1, memory: 64 * MI },
    };
    await seen('follows', (pod) => {
      const { requests, limits, actual, restarts } = mainOf(pod);
      assert.deepEqual({ requests, limits }, want);
      assert.deepEqual(actual, want);
      assert.equal(restarts, 0);
      assert.equal(pod.generation, before.generation + 1);
      assert.equal(pod.observedGeneration, pod.generation);
      assert.deepEqual(pod.resize, { state: 'None' });
    });
    const after = podOf('follows');
    assert.equal(after.uid, before.uid);
    assert.equal(after.otherResizer, undefined);
    assert.ok(told('follows') > toldBefore);
  });

  it('names who else resized a pod, until we do it again', async () => {
    const pod = await running('contested', MODEST);
    await resize(pod, { requests: { cpu: '60m' } }, 'other-tool');
    await seen('contested', ({ otherResizer }) => assert.equal(otherResizer, 'other-tool'));
    await resize(pod, { requests: { cpu: '70m' } });
    await seen('contested', ({ otherResizer }) => assert.equal(otherResizer, undefined));
  });

  it('names pods whose containers restarted, also when they are gone', async () => {
    const later = () => Date.now() / 1000 + 7200;
    const calm = await running('calm', MODEST);
    const pod = await running('restarts', MODEST);
    assert.deepEqual(cluster.restartedPods(namespace, later()), []);
    await kubectl('-n', namespace, 'exec', pod.name, '--', 'kill', '1');
    await seen('restarts', (now) => assert.equal(mainOf(now).restarts, 1));
    assert.deepEqual(cluster.restartedPods(namespace, later()), [pod.name]);
    await kubectl('-n', namespace, 'delete', 'deployment', 'restarts', 'calm');
    await until(20_000, () => {
      const names = ['restarts', 'calm'].flatMap((name) =>
        cluster.pods({ namespace, kind: 'Deployment', name }),
      );
      assert.deepEqual(names, []);
    });
    assert.deepEqual(cluster.restartedPods(namespace, later()), [pod.name]);
    // Before it was watched, others may have come and gone.
    assert.equal(cluster.restartedPods(namespace, calm.createdSeconds), undefined);
  });

  it('keeps the newest resourceVersion and tells nobody of that alone', async () => {
    const pod = await running('annotated', MODEST);
    const toldBefore = told('annotated');
    await kubectl('-n', namespace, 'annotate', 'pod', pod.name, 'note=new');
    await seen('annotated', ({ resourceVersion }) =>
      assert.notEqual(resourceVersion, pod.resourceVersion),
    );
    assert.equal(told('annotated'), toldBefore);
  });

  it('shows a resize that waits for room, and why, and that it is over when there is room', async () => {
    const room: Resources = { requests: { cpu: '900m' }, limits: { cpu: '900m' } };
    await running('neighbour', room);
    const pod = await running('waits', MODEST);
    await resize(pod, { requests: { cpu: '1' }, limits: { cpu: '1' } });
    await seen('waits', ({ resize: { state } }) => assert.equal(state, 'Deferred'));
    const waiting = podOf('waits');
    assert.ok(waiting.resize.state !== 'None');
    assert.match(waiting.resize.message, /enough resource: cpu, requested: 1000/);
    const ageSeconds = Date.now() / 1000 - waiting.resize.sinceSeconds;
    assert.ok(ageSeconds > -2 && ageSeconds < 60, `since ${ageSeconds} s`);
    assert.equal(mainOf(waiting).requests.cpu, 1);
    assert.equal(mainOf(waiting).actual?.requests.cpu, 0.1);
    const toldBefore = told('waits');
    await kubectl('-n', namespace, 'scale', 'deployment', 'neighbour', '--replicas=0');
    await seen('waits', (now) => {
      assert.deepEqual(now.resize, { state: 'None' });
      assert.equal(mainOf(now).actual?.requests.cpu, 1);
    });
    assert.ok(told('waits') > toldBefore);
    await kubectl('-n', namespace, 'delete', 'deployment', 'waits');
  });

  it('follows a Deployment that is rolled out and then ready', async () => {
    const first = await running('rolls', MODEST);
    await until(20_000, () => {
      const { isRollingOut, isReady } = workloadOf('rolls');
      assert.deepEqual({ isRollingOut, isReady }, { isRollingOut: false, isReady: true });
    });
    const hold = { spec: { paused: true } };
    const merge = ['-n', namespace, 'patch', 'deployment', 'rolls', '--type=merge', '-p'];
    await kubectl(...merge, JSON.stringify(hold));
    await kubectl('-n', namespace, 'set', 'env', 'deployment/rolls', 'A=B');
    await until(20_000, () => assert.equal(workloadOf('rolls').isRollingOut, true));
    assert.equal(podOf('rolls').uid, first.uid);
    await kubectl(...merge, JSON.stringify({ spec: { paused: false } }));
    await until(30_000, () => {
      const { isRollingOut, isReady } = workloadOf('rolls');
      assert.deepEqual({ isRollingOut, isReady }, { isRollingOut: false, isReady: true });
      const pod = podOf('rolls');
      assert.notEqual(pod.uid, first.uid);
      assert.equal(pod.isReady, true);
    });
    const settled = changes.length;
    await kubectl('-n', namespace, 'annotate', 'deployment', 'rolls', 'note=new');
    await until(10_000, () => assert.equal(workloadOf('rolls').annotations['note'], 'new'));
    // Its status may still have come about: but no event is of pods, and none for each of its writes.
    const since = changes.slice(settled);
    const ofWorkload = { kind: 'Workload', key: `${namespace}/Deployment/rolls` };
    for (const change of since) assert.deepEqual(change, ofWorkload);
    assert.ok(since.length === 1 || since.length === 2, `${since.length} events`);
  });

  it('follows what is left of a quota when a pod is resized', async () => {
    const pod = await running('counted', MODEST);
    const names = await kubectl('-n', namespace, 'get', 'deployments', '-o', 'name');
    for (const name of names.split('\n').filter((each) => !each.endsWith('/counted'))) {
      await kubectl('-n', namespace, 'delete', name, '--cascade=foreground');
    }
    const hard = { 'requests.cpu': '500m', cpu: '450m', 'limits.memory': '256Mi' };
    const metadata = { name: 'all', namespace };
    await apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard } });
    const left = () => cluster.resourceQuotas(namespace)[0]?.left;
    await until(20_000, () =>
      assert.deepEqual(left(), { requests: { cpu: 0.35 }, limits: { memory: 192 * MI } }),
    );
    const noted = changes.length;
    await resize(pod, { requests: { cpu: '200m' }, limits: { memory: '128Mi' } });
    await until(20_000, () =>
      assert.deepEqual(left(), { requests: { cpu: 0.25 }, limits: { memory: 128 * MI } }),
    );
    assert.deepEqual(
      changes.slice(noted).filter(({ kind }) => kind === 'Namespace'),
      [],
    );
  });

  describe('where vertical autoscalers are served', () => {
    before(async () => {
      await apply(verticalAutoscalerKind);
      await kubectl('wait', '--for=condition=Established', '--timeout=20s', 'crd', VERTICAL);
      await cluster.stop();
      cluster = await look();
    });
    after(() => kubectl('delete', 'crd', VERTICAL));

    it('shows which of them change pods', async () => {
      const vertical = (name: string, updatePolicy: object | undefined): object => ({
        apiVersion: 'autoscaling.k8s.io/v1',
        kind: 'VerticalPodAutoscaler',
        metadata: { name, namespace },
        spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, updatePolicy },
      });
      await apply(vertical('acts', undefined), vertical('tells', { updateMode: 'Off' }));
      const view = (name: string, updates: boolean) => ({
        namespace,
        name,
        target: { kind: 'Deployment', name },
        updates,
      });
      await until(10_000, () =>
        assert.deepEqual(
          cluster.verticalAutoscalers(namespace).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
          [view('acts', true), view('tells', false)],
        ),
      );
      assert.deepEqual(cluster.verticalAutoscalers('default'), []);
    });
  });

  it('was read without a failure', () => assert.deepEqual(errors, []));
});
