import assert from 'node:assert/strict';
import type { Json } from '../../../src/kube/json.ts';
import { projectPod } from '../../../src/kube/pods.ts';

const metadata = {
  namespace: 'shop',
  name: 'cart-5d9-x7',
  uid: 'p-1',
  generation: 3,
  creationTimestamp: '1970-01-01T00:01:00Z',
};
const asked = { requests: { cpu: '700m', memory: '64Mi' }, limits: { memory: '64Mi' } };
const spec = { containers: [{ name: 'app', resources: asked }] };

const running = { running: { startedAt: '1970-01-01T00:01:10Z' } };

function conditions(...list: readonly Json[]): ReturnType<typeof projectPod> {
  return projectPod({ metadata, spec, status: { phase: 'Running', conditions: list } });
}

const pending = (reason: string, message = ''): Json => ({
  type: 'PodResizePending',
  status: 'True',
  reason,
  message,
  lastProbeTime: '1970-01-01T00:03:20Z',
  lastTransitionTime: '1970-01-01T00:02:00Z',
  observedGeneration: 3,
});
const inProgress = (change: Json = {}): Json => ({
  type: 'PodResizeInProgress',
  status: 'True',
  lastTransitionTime: '1970-01-01T00:01:40Z',
  observedGeneration: 2,
  ...change,
});
const cannot = { reason: 'Error', message: 'cannot decrease memory limits' };

describe('the resize of a pod', () => {
  it('is none when no condition tells of one', () => {
    assert.deepEqual(conditions({ type: 'Ready', status: 'True' }).resize, { state: 'None' });
    assert.deepEqual(projectPod({ metadata, spec }).resize, { state: 'None' });
  });

  it('is deferred, with what the kubelet says of it', () => {
    const message =
      "Node didn't have enough resource: cpu, requested: 700, used: 1000, capacity: 1500";
    assert.deepEqual(conditions(pending('Deferred', message)).resize, {
      state: 'Deferred',
      message,
      sinceSeconds: 120,
    });
  });

  it('is infeasible', () => {
    assert.equal(conditions(pending('Infeasible')).resize.state, 'Infeasible');
  });

  it('waits for a reason that is not known', () => {
    assert.equal(conditions(pending('Postponed')).resize.state, 'Deferred');
  });

  it('is in progress', () => {
    assert.deepEqual(conditions(inProgress()).resize, {
      state: 'InProgress',
      message: '',
      sinceSeconds: 100,
    });
  });

  it('is over when its condition is false', () => {
    assert.equal(conditions(inProgress({ status: 'False' })).resize.state, 'None');
  });

  it('is the later wish where one is pending and one in progress', () => {
    assert.equal(conditions(inProgress(), pending('Deferred')).resize.state, 'Deferred');
  });

  it('is an error before all else', () => {
    assert.deepEqual(conditions(pending('Deferred'), inProgress(cannot)).resize, {
      state: 'Error',
      message: 'cannot decrease memory limits',
      sinceSeconds: 100,
    });
  });

  it('is as old as the pod where no time is told', () => {
    const { resize } = conditions(inProgress({ lastTransitionTime: null }));
    assert.equal(resize.state === 'InProgress' && resize.sinceSeconds, 60);
  });

  it('is taken in when the kubelet has seen the generation', () => {
    const { generation, observedGeneration } = projectPod({
      metadata,
      spec,
      status: { observedGeneration: 2 },
    });
    assert.deepEqual([generation, observedGeneration], [3, 2]);
    assert.equal(projectPod({ metadata, spec, status: {} }).observedGeneration, 3);
  });
});

describe('what the cgroup of a container has', () => {
  const actualOf = (containerStatus: Json) =>
    projectPod({
      metadata,
      spec,
      status: { phase: 'Running', containerStatuses: [{ name: 'app', ...containerStatus }] },
    }).containers[0]?.actual;

  it('is told by its status and not by what was allocated', () => {
    const status = {
      state: running,
      allocatedResources: { cpu: '700m', memory: '64Mi' },
      resources: {
        requests: { cpu: '200m', memory: '128Mi', 'ephemeral-storage': '1Gi' },
        limits: { memory: '128Mi' },
      },
    };
    assert.deepEqual(actualOf(status), {
      requests: { cpu: 0.2, memory: 128 * 2 ** 20 },
      limits: { memory: 128 * 2 ** 20 },
    });
  });

  it('is nothing where nothing is set', () => {
    assert.deepEqual(actualOf({ state: running, resources: {} }), { requests: {}, limits: {} });
  });

  const unknown: Readonly<Record<string, Json>> = {
    'it waits': { state: { waiting: { reason: 'CrashLoopBackOff' } }, resources: asked },
    'it has ended': { state: { terminated: { exitCode: 0 } }, resources: asked },
    'nobody says what it has': { state: running },
    'there is no state': { resources: asked },
  };
  for (const [when, status] of Object.entries(unknown)) {
    it(`is not known while ${when}`, () => assert.equal(actualOf(status), undefined));
  }

  it('is told of a sidecar too, with what would restart it', () => {
    const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }];
    const sidecar = { name: 'proxy', restartPolicy: 'Always', resources: asked, resizePolicy };
    const [proxy] = projectPod({
      metadata,
      spec: { ...spec, initContainers: [sidecar] },
      status: { initContainerStatuses: [{ name: 'proxy', state: running, resources: asked }] },
    }).containers;
    assert.equal(proxy?.actual?.requests.cpu, 0.7);
    assert.deepEqual(proxy.restartsOn, ['memory']);
  });
});

describe('the field manager that last resized a pod', () => {
  const sizes = { 'f:resources': { 'f:requests': { 'f:cpu': {} } } };
  const fieldsV1 = { 'f:spec': { 'f:containers': { 'k:{"name":"app"}': sizes } } };
  const entry = (manager: string, second: number, change: Json = {}): Json => ({
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    time: `1970-01-01T00:00:${String(second).padStart(2, '0')}Z`,
    fieldsType: 'FieldsV1',
    fieldsV1,
    subresource: 'resize',
    ...change,
  });
  const maker = entry('kube-controller-manager', 5, { subresource: undefined });
  const kubelet = entry('kubelet', 50, {
    subresource: 'status',
    fieldsV1: { 'f:status': { 'f:phase': {} } },
  });
  const otherFields = (of: string): Json => ({
    fieldsV1: { 'f:spec': { [of]: { 'k:{"name":"app"}': { 'f:resizePolicy': {} } } } },
  });

  const cases: Readonly<Record<string, { entries: readonly Json[]; want: string | undefined }>> = {
    'is nobody for a pod as it was made': { entries: [maker, kubelet], want: undefined },
    'is nobody when only we did': { entries: [maker, entry('rightsize', 20)], want: undefined },
    'is another who did it alone': { entries: [maker, entry('vpa', 20)], want: 'vpa' },
    'is another who did it after us': {
      entries: [entry('rightsize', 20), entry('vpa', 30)],
      want: 'vpa',
    },
    'is nobody when we did it after the other': {
      entries: [entry('vpa', 20), entry('rightsize', 30)],
      want: undefined,
    },
    'is nobody when we did it in the same second': {
      entries: [entry('vpa', 20), entry('rightsize', 20)],
      want: undefined,
    },
    'is the last of several others': {
      entries: [entry('kubectl', 40), entry('vpa', 30)],
      want: 'kubectl',
    },
    'is another who applied it': {
      entries: [entry('kubectl', 20, { operation: 'Apply' })],
      want: 'kubectl',
    },
    'is another who resized a sidecar': {
      entries: [
        entry('vpa', 20, {
          fieldsV1: { 'f:spec': { 'f:initContainers': { 'k:{"name":"proxy"}': sizes } } },
        }),
      ],
      want: 'vpa',
    },
    'is nobody of whom no size is left': {
      entries: [entry('vpa', 20, otherFields('f:containers')), entry('vpa', 21, { fieldsV1: {} })],
      want: undefined,
    },
  };
  for (const [what, { entries, want }] of Object.entries(cases)) {
    it(what, () => {
      const pod = projectPod({ metadata: { ...metadata, managedFields: entries }, spec });
      assert.equal(pod.otherResizer, want);
    });
  }
});
