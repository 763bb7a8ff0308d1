import assert from 'node:assert/strict';
import { ANYWHERE } from '../../../src/controller/placement.ts';
import type { Pod, PodContainer, Workload } from '../../../src/controller/ports.ts';
import { arrivalOf, podRevert } from '../../../src/controller/revert.ts';
import { actorOf, newPodsNote, workloadRevert } from '../../../src/controller/revertplan.ts';
import type { Sizes } from '../../../src/recommend/usage.ts';
import type { ResizeStatus } from '../../../src/resize/pod.ts';
import { MI, NOW } from '../../support/builders.ts';
import { aPolicy, aWorkload, MemoryCluster } from './memorycluster.ts';

/** CPU in cores and memory in MiB. */
type Given = readonly [cpu?: number | undefined, memoryMi?: number];

function sizes(requests: Given, limits: Given): Sizes {
  const of = ([cpu, memoryMi]: Given) => ({
    ...(cpu !== undefined && { cpu }),
    ...(memoryMi !== undefined && { memory: memoryMi * MI }),
  });
  return { requests: of(requests), limits: of(limits) };
}

const TEMPLATE = sizes([1, 512], [undefined, 1024]);
const SIZED = sizes([0.2, 128], [undefined, 256]);

function aContainer(has: Sizes, change: Partial<PodContainer> = {}): PodContainer {
  return {
    name: 'main',
    kind: 'Container',
    ...has,
    restarts: 0,
    actual: has,
    restartsOn: [],
    restartedSeconds: undefined,
    oomKilledSeconds: undefined,
    ...change,
  };
}

function aPod(containers: readonly PodContainer[], change: Partial<Pod> = {}): Pod {
  return {
    namespace: 'shop',
    name: 'web-0',
    uid: 'uid-web-0',
    node: 'node-a',
    owner: undefined,
    resourceVersion: '7',
    createdSeconds: NOW - 500,
    startedSeconds: undefined,
    running: true,
    isTerminating: false,
    hasEnded: false,
    hasFailed: false,
    isReady: true,
    readinessSeconds: NOW - 400,
    generation: 2,
    observedGeneration: 2,
    resize: { state: 'None' },
    otherResizer: undefined,
    qosClass: 'Burstable',
    hasPodResources: false,
    placement: ANYWHERE,
    containers,
    initContainers: [],
    ...change,
  };
}

const template = (of: Sizes = TEMPLATE) => [{ name: 'main', sizes: of }];

describe('the way of a pod back to its template', () => {
  it('is one patch of the containers that differ', () => {
    const proxy = aContainer(TEMPLATE, { name: 'proxy', kind: 'Sidecar' });
    const pod = aPod([proxy, aContainer(SIZED)]);
    const way = podRevert(pod, [...template(), { name: 'proxy', sizes: TEMPLATE }]);
    assert.deepEqual(way, {
      pod,
      containers: [{ name: 'main', kind: 'Container', from: SIZED, to: TEMPLATE }],
      needsNewPod: [],
    });
  });

  it('is nothing for a pod that has what its template says', () => {
    assert.equal(podRevert(aPod([aContainer(TEMPLATE)]), template()), undefined);
  });

  it('leaves a container that is not in the template', () => {
    assert.equal(podRevert(aPod([aContainer(SIZED, { name: 'mesh' })]), template()), undefined);
  });

  it('is still to be gone where the template was asked for and does not run yet', () => {
    const way = podRevert(aPod([aContainer(TEMPLATE, { actual: SIZED })]), template());
    assert.deepEqual(way?.containers[0], {
      name: 'main',
      kind: 'Container',
      from: SIZED,
      to: TEMPLATE,
    });
  });

  const newPod: Readonly<
    Record<string, { pod: Pod; to: Sizes; patched: Sizes | undefined; why: readonly string[] }>
  > = {
    'a limit that the template has not': {
      pod: aPod([aContainer(sizes([0.2, 128], [0.5, 256]))]),
      to: TEMPLATE,
      // It makes room for the request.
      patched: sizes([1, 512], [1, 1024]),
      why: ['main: the template has no cpu limit, which cannot be taken away in place'],
    },
    'sizes where the template has none': {
      pod: aPod([aContainer(SIZED)]),
      to: sizes([], []),
      patched: undefined,
      why: [
        'main: the template has no cpu request, which cannot be taken away in place',
        'main: the template has no memory request and no memory limit, which cannot be taken away in place',
      ],
    },
    'another QoS class': {
      pod: aPod([aContainer(SIZED)]),
      to: sizes([1, 512], [1, 512]),
      patched: undefined,
      why: ['the pod would be Guaranteed, and one that is Burstable stays it'],
    },
    'a resource whose change restarts the container': {
      pod: aPod([aContainer(SIZED, { restartsOn: ['memory'] })]),
      to: TEMPLATE,
      patched: sizes([1, 128], [undefined, 256]),
      why: ['main: its resizePolicy restarts the container when memory changes'],
    },
  };

  for (const [title, { pod, to, patched, why }] of Object.entries(newPod)) {
    it(`needs a new pod for ${title}`, () => {
      const way = podRevert(pod, template(to));
      assert.deepEqual(way?.needsNewPod, why);
      assert.deepEqual(way.containers[0]?.to, patched);
    });
  }

  it('counts containers that ended in the QoS class', () => {
    const initContainers = [{ name: 'setup', ...sizes([0.1], []) }];
    const pod = aPod([aContainer(sizes([0.2, 128], [0.2, 128]))], { initContainers });
    const way = podRevert(pod, template(sizes([1, 512], [1, 512])));
    assert.deepEqual(way?.needsNewPod, []);
    assert.equal(way.containers.length, 1);
  });
});

describe('a pod that was asked to go back', () => {
  const asked = [{ name: 'main', to: TEMPLATE }];
  const late = aContainer(TEMPLATE, { actual: SIZED });
  const stuck = (resize: ResizeStatus) => arrivalOf(aPod([late], { resize }), asked);

  it('is there once its containers run with what was asked', () => {
    assert.deepEqual(arrivalOf(aPod([aContainer(TEMPLATE)]), asked), { kind: 'There' });
  });

  it('is there where the container does not run and its next start has what was asked', () => {
    const pod = aPod([aContainer(TEMPLATE, { actual: undefined })]);
    assert.deepEqual(arrivalOf(pod, asked), { kind: 'There' });
  });

  it('is gone when it ends, and then asks for nothing more', () => {
    assert.deepEqual(arrivalOf(undefined, asked), { kind: 'Gone' });
    assert.deepEqual(arrivalOf(aPod([late], { isTerminating: true }), asked), { kind: 'Gone' });
    assert.deepEqual(arrivalOf(aPod([late], { hasEnded: true }), asked), { kind: 'Gone' });
  });

  it('is not judged by what the kubelet said of an earlier size', () => {
    const resize = { state: 'Infeasible', message: 'no room', sinceSeconds: NOW } as const;
    for (const pod of [
      aPod([aContainer(SIZED)], { resize }),
      aPod([late], { resize, observedGeneration: 1 }),
    ]) {
      assert.deepEqual(arrivalOf(pod, asked), {
        kind: 'Underway',
        message: 'the kubelet has not looked at it yet',
        isFinal: false,
      });
    }
  });

  it('says what the node says, and waits unless it can never be had', () => {
    for (const state of ['Deferred', 'Error', 'Infeasible'] as const) {
      assert.deepEqual(stuck({ state, message: 'no room', sinceSeconds: NOW }), {
        kind: 'Underway',
        message: `${state}: no room`,
        isFinal: state === 'Infeasible',
      });
    }
  });
});

const NO_TRACES = { resizedPods: new Set<string>(), ownTemplates: new Set<string>() };

function recommended(cluster: MemoryCluster, isActive = false): MemoryCluster {
  cluster.recommendations.set('shop/deployment-web', {
    namespace: 'shop',
    name: 'deployment-web',
    uid: 'uid-rec',
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    ownerUid: 'uid-web',
    isActive,
    status: undefined,
  });
  return cluster;
}

function withPods(...pods: readonly Pod[]): MemoryCluster {
  const cluster = new MemoryCluster();
  cluster.podsOf.set('shop/Deployment/web', pods);
  return cluster;
}

describe('what is put back of a workload', () => {
  const web = aWorkload('web');
  const plan = (view: MemoryCluster, traces = NO_TRACES, isNamed = false) =>
    workloadRevert(web, { view, traces, isNamed, template: template() });
  const names = (view: MemoryCluster, traces = NO_TRACES, isNamed = false) =>
    plan(view, traces, isNamed)?.pods.map(({ pod }) => pod.name);
  const other = aPod([aContainer(SIZED)], { name: 'web-1', uid: 'uid-web-1' });
  const both = () => withPods(other, aPod([aContainer(SIZED)]));

  it('is all pods that differ where there is a Recommendation', () => {
    assert.deepEqual(names(recommended(both())), ['web-0', 'web-1']);
  });

  it('is the pods that we resized where there is none', () => {
    assert.deepEqual(names(both(), { ...NO_TRACES, resizedPods: new Set(['uid-web-1']) }), [
      'web-1',
    ]);
  });

  it('is nothing where nothing is ours, unless the workload was named', () => {
    assert.equal(plan(both()), undefined);
    assert.deepEqual(names(both(), NO_TRACES, true), ['web-0', 'web-1']);
  });

  it('is no pod that ends', () => {
    const ending = aPod([aContainer(SIZED)], { isTerminating: true });
    assert.equal(plan(recommended(withPods(ending))), undefined);
  });

  it('leaves alone what somebody else has resized since, and says so', () => {
    const foreign = aPod([aContainer(SIZED)], { otherResizer: 'vpa-updater' });
    const { pods, leftAlone } = plan(recommended(withPods(foreign))) ?? assert.fail('no plan');
    assert.deepEqual(pods, []);
    assert.deepEqual(leftAlone, ['pod web-0 is left alone: vpa-updater has resized it since']);
  });

  it('is the template alone where we state sizes in it, since its pods are replaced then', () => {
    const traces = { ...NO_TRACES, ownTemplates: new Set(['shop/Deployment/web']) };
    const { pods, givesBackTemplate } = plan(recommended(both()), traces) ?? assert.fail('no plan');
    assert.ok(givesBackTemplate);
    assert.deepEqual(pods, []);
  });
});

describe('what would size a workload again', () => {
  const suspended: Partial<Workload> = { annotations: { 'rightsize.dev/suspend': 'true' } };
  const actor = (spec: object, change: Partial<Workload> = {}) =>
    actorOf(new MemoryCluster().add(aPolicy('own', spec)), aWorkload('web', change), NOW);

  for (const mode of ['InPlace', 'Recreate', 'Rollout']) {
    it(`is a policy with mode ${mode}, at once`, () => {
      const text = `RightsizePolicy own (mode ${mode})`;
      assert.deepEqual(actor({ mode }), { text, acts: 'AtOnce' });
    });
  }

  it('is a policy with mode Admission for new pods only', () => {
    assert.equal(actor({ mode: 'Admission' })?.acts, 'NewPods');
  });

  it('is a policy that acts on one container', () => {
    const containers = [{ name: 'main', mode: 'InPlace' }];
    assert.equal(actor({ mode: 'Recommend', containers })?.acts, 'AtOnce');
  });

  it('is nothing where the policy only recommends, or is suspended in any way', () => {
    assert.equal(actor({ mode: 'Recommend' }), undefined);
    assert.equal(actor({ mode: 'InPlace', suspend: true }), undefined);
    assert.equal(actor({ mode: 'InPlace' }, suspended), undefined);
    assert.equal(actorOf(new MemoryCluster(), aWorkload('web'), NOW), undefined);
  });

  it('is seen in the Recommendation by who may not read cluster policies', () => {
    const cluster = recommended(new MemoryCluster());
    const stored = cluster.recommendations.get('shop/deployment-web') ?? assert.fail('none');
    const policy = { kind: 'ClusterRightsizePolicy', name: 'all', uid: 'u', generation: 1 };
    const status = { mode: 'InPlace' as const, policy };
    cluster.recommendations.set('shop/deployment-web', { ...stored, status });
    const text = 'ClusterRightsizePolicy all (mode InPlace)';
    assert.deepEqual(actorOf(cluster, aWorkload('web'), NOW), { text, acts: 'AtOnce' });
    assert.equal(actorOf(cluster, aWorkload('web', suspended), NOW), undefined);
    cluster.namespaces.set('shop', { name: 'shop', labels: {}, annotations: {} });
    assert.equal(actorOf(cluster, aWorkload('web'), NOW), undefined);
  });

  it('is said of new pods also where a Recommendation was left active', () => {
    const note = newPodsNote(recommended(new MemoryCluster(), true), aWorkload('web'), undefined);
    assert.match(
      note ?? '',
      /kubectl -n shop label recommendation deployment-web rightsize.dev\/admission-$/,
    );
    assert.equal(
      newPodsNote(recommended(new MemoryCluster()), aWorkload('web'), undefined),
      undefined,
    );
  });
});
