import assert from 'node:assert/strict';
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
    const raw = {
      metadata: { ...metadata, ownerReferences: [replicaSet] },
      spec: {
        ...spec,
        initContainers: [{ name: 'setup' }, { name: 'proxy', restartPolicy: 'Always' }],
      },
      status: {
        phase: 'Running',
        qosClass: 'Burstable',
        initContainerStatuses: [{ name: 'proxy', restartCount: 1 }],
        containerStatuses: [{ name: 'app', restartCount: 3, state: { running: {} } }],
      },
    };
    assert.deepEqual(projectPod(raw), {
      ...metadata,
      owner: { kind: 'ReplicaSet', name: 'cart-5d9' },
      running: true,
      qosClass: 'Burstable',
      containers: [
        {
          name: 'proxy',
          kind: 'Sidecar',
          requests: {},
          limits: {},
          restarts: 1,
          oomKilledSeconds: undefined,
        },
        {
          name: 'app',
          kind: 'Container',
          requests: {},
          limits: { memory: 67_108_864 },
          restarts: 3,
          oomKilledSeconds: undefined,
        },
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
});
