import assert from 'node:assert/strict';
import { ANYWHERE } from '../../../src/controller/placement.ts';
import type { Json } from '../../../src/kube/json.ts';
import { projectPod } from '../../../src/kube/pods.ts';

const metadata = { namespace: 'shop', name: 'cart-5d9-x7', uid: 'p-1' };
const replicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'cart-5d9',
  controller: true,
};
const spec = { containers: [{ name: 'app', resources: { limits: { memory: '64Mi' } } }] };

describe('the projection of a pod', () => {
  it('reads sizes from the spec and experience from the status', () => {
    const initResources = { requests: { cpu: 1, memory: '1Gi' }, limits: { cpu: 2 } };
    const raw = {
      metadata: {
        ...metadata,
        resourceVersion: '812',
        creationTimestamp: '1970-01-01T00:01:00Z',
        ownerReferences: [replicaSet],
      },
      spec: {
        ...spec,
        nodeName: 'node-a',
        initContainers: [
          { name: 'setup', resources: initResources },
          { name: 'proxy', restartPolicy: 'Always' },
        ],
      },
      status: {
        phase: 'Running',
        startTime: '1970-01-01T00:02:00Z',
        qosClass: 'Burstable',
        initContainerStatuses: [{ name: 'proxy', restartCount: 1 }],
        containerStatuses: [{ name: 'app', restartCount: 3, state: { running: {} } }],
      },
    };
    assert.deepEqual(projectPod(raw), {
      ...metadata,
      node: 'node-a',
      owner: { kind: 'ReplicaSet', name: 'cart-5d9' },
      resourceVersion: '812',
      createdSeconds: 60,
      startedSeconds: 120,
      running: true,
      isTerminating: false,
      hasEnded: false,
      hasFailed: false,
      isReady: false,
      readinessSeconds: 60,
      generation: 0,
      observedGeneration: 0,
      resize: { state: 'None' },
      otherResizer: undefined,
      qosClass: 'Burstable',
      hasPodResources: false,
      placement: ANYWHERE,
      containers: [
        {
          name: 'proxy',
          kind: 'Sidecar',
          requests: {},
          limits: {},
          restartsOn: [],
          actual: undefined,
          restarts: 1,
          restartedSeconds: undefined,
          oomKilledSeconds: undefined,
        },
        {
          name: 'app',
          kind: 'Container',
          requests: {},
          limits: { memory: 67_108_864 },
          restartsOn: [],
          actual: undefined,
          restarts: 3,
          restartedSeconds: undefined,
          oomKilledSeconds: undefined,
        },
      ],
      initContainers: [
        { name: 'setup', requests: { cpu: 1, memory: 2 ** 30 }, limits: { cpu: 2 } },
      ],
    });
  });

  const end = (reason: string, finishedAt: string) => ({ terminated: { reason, finishedAt } });
  const kills: Readonly<Record<string, { status: Json; wantSeconds: number | undefined }>> = {
    'in its last state': {
      status: { lastState: end('OOMKilled', '1970-01-01T00:01:40Z') },
      wantSeconds: 100,
    },
    'in its present state': {
      status: { state: end('OOMKilled', '1970-01-01T00:03:20Z') },
      wantSeconds: 200,
    },
    'in both, of which the later counts': {
      status: {
        state: end('OOMKilled', '1970-01-01T00:03:20Z'),
        lastState: end('OOMKilled', '1970-01-01T00:01:40Z'),
      },
      wantSeconds: 200,
    },
    'never: it ended by itself': {
      status: { lastState: end('Error', '1970-01-01T00:01:40Z') },
      wantSeconds: undefined,
    },
  };
  for (const [when, { status, wantSeconds }] of Object.entries(kills)) {
    it(`knows when a container was killed for memory: ${when}`, () => {
      const containerStatuses = [{ name: 'app', ...status }];
      const pod = projectPod({ metadata, spec, status: { containerStatuses } });
      assert.equal(pod.containers[0]?.oomKilledSeconds, wantSeconds);
    });
  }

  it('knows when a container last ended, however it did', () => {
    const restartedOf = (status: Json) =>
      projectPod({ metadata, spec, status: { containerStatuses: [{ name: 'app', ...status }] } })
        .containers[0]?.restartedSeconds;
    const lastState = end('Error', '1970-01-01T00:01:40Z');
    assert.equal(restartedOf({ state: { running: {} }, lastState }), 100);
    assert.equal(restartedOf({ state: end('Completed', '1970-01-01T00:03:20Z'), lastState }), 200);
    assert.equal(restartedOf({ state: { running: {} }, lastState: {} }), undefined);
  });

  it('is ready or not since its condition says so, else since it was made', () => {
    const made = { ...metadata, creationTimestamp: '1970-01-01T00:01:00Z' };
    const readiness = (...conditions: readonly Json[]) => {
      const { isReady, readinessSeconds } = projectPod({
        metadata: made,
        spec,
        status: { phase: 'Running', conditions },
      });
      return [isReady, readinessSeconds];
    };
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: '1970-01-01T00:01:40Z' };
    assert.deepEqual(readiness({ type: 'Initialized', status: 'True' }, ready), [true, 100]);
    assert.deepEqual(readiness({ ...ready, status: 'False' }), [false, 100]);
    assert.deepEqual(readiness(), [false, 60]);
  });

  it('tells a pod that terminates from one that has ended', () => {
    const deleted = { ...metadata, deletionTimestamp: '2026-11-23T00:00:00Z' };
    const stateOf = (of: object, phase: string) => {
      const { isTerminating, hasEnded } = projectPod({ metadata: of, spec, status: { phase } });
      return { isTerminating, hasEnded };
    };
    assert.deepEqual(stateOf(deleted, 'Running'), { isTerminating: true, hasEnded: false });
    assert.deepEqual(stateOf(metadata, 'Succeeded'), { isTerminating: false, hasEnded: true });
    assert.deepEqual(stateOf(metadata, 'Failed'), { isTerminating: false, hasEnded: true });
    assert.deepEqual(stateOf(metadata, 'Pending'), { isTerminating: false, hasEnded: false });
  });

  const malformed: Readonly<Record<string, { raw: Json; wantMessage: RegExp }>> = {
    'a generation that is no number': {
      raw: { metadata: { ...metadata, generation: 'three' }, spec },
      wantMessage: /^generation is not a number$/,
    },
    'conditions that are no list': {
      raw: { metadata, spec, status: { conditions: {} } },
      wantMessage: /^conditions is not a list$/,
    },
    'an actual size that is no quantity': {
      raw: {
        metadata,
        spec,
        status: {
          containerStatuses: [
            { name: 'app', state: { running: {} }, resources: { requests: { cpu: 'much' } } },
          ],
        },
      },
      wantMessage: /"much" is not a quantity/,
    },
    'managed fields that are no list': {
      raw: { metadata: { ...metadata, managedFields: 'all' }, spec },
      wantMessage: /^managedFields is not a list$/,
    },
  };
  for (const [what, { raw, wantMessage }] of Object.entries(malformed)) {
    it(`refuses ${what}`, () => assert.throws(() => projectPod(raw), { message: wantMessage }));
  }

  const notRunning: Readonly<Record<string, Json>> = {
    'is pending': { metadata, spec, status: { phase: 'Pending' } },
    'has ended': { metadata, spec, status: { phase: 'Succeeded' } },
    'is being deleted': {
      metadata: { ...metadata, deletionTimestamp: '2026-11-23T00:00:00Z' },
      spec,
      status: { phase: 'Running' },
    },
    'has no status yet': { metadata, spec },
  };
  for (const [what, raw] of Object.entries(notRunning)) {
    it(`is not running when it ${what}`, () => assert.equal(projectPod(raw).running, false));
  }

  it('has no owner when no reference is the controller', () => {
    const ownerReferences = [{ ...replicaSet, controller: false }];
    assert.equal(projectPod({ metadata: { ...metadata, ownerReferences }, spec }).owner, undefined);
  });

  it('tells an owner of another API group from the kind of the same name', () => {
    const kruise = { ...replicaSet, apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet' };
    const raw = { metadata: { ...metadata, ownerReferences: [kruise] }, spec };
    assert.equal(projectPod(raw).owner?.kind, 'StatefulSet.apps.kruise.io');
  });

  it('tells pods that state CPU or memory as a whole from those that do not', () => {
    const of = (resources: object) =>
      projectPod({ metadata, spec: { ...spec, resources } }).hasPodResources;
    assert.equal(of({ limits: { memory: '1Gi' } }), true);
    assert.equal(of({ requests: { cpu: '1' } }), true);
    assert.equal(of({ limits: { 'hugepages-2Mi': '4Mi' } }), false);
    assert.equal(of({}), false);
  });
});
