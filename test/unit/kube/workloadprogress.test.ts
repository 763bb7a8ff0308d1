import assert from 'node:assert/strict';
import type { WorkloadKind } from '../../../src/controller/ports.ts';
import type { Json } from '../../../src/kube/json.ts';
import { projectWorkload } from '../../../src/kube/workloads.ts';

interface Case {
  readonly spec?: Json;
  readonly status?: Json | undefined;
  readonly want: readonly ('RollingOut' | 'Ready')[];
}

function progressOf(kind: WorkloadKind, { spec, status }: Case): readonly string[] {
  const metadata = { namespace: 'shop', name: 'cart', uid: 'u-1', generation: 4 };
  const { isRollingOut, isReady } =
    projectWorkload(kind, { metadata, spec, status }) ?? assert.fail();
  return [...(isRollingOut ? ['RollingOut'] : []), ...(isReady ? ['Ready'] : [])];
}

const DEPLOYED: Json = {
  observedGeneration: 4,
  replicas: 3,
  updatedReplicas: 3,
  readyReplicas: 3,
  availableReplicas: 3,
  conditions: [{ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' }],
};
const three = { replicas: 3 };

const ORDERED: Json = {
  observedGeneration: 4,
  replicas: 3,
  readyReplicas: 3,
  currentReplicas: 3,
  updatedReplicas: 3,
  currentRevision: 'db-6f7',
  updateRevision: 'db-6f7',
};
const updating: Json = { ...ORDERED, updateRevision: 'db-7c8', currentReplicas: 2 };
const rolling = (partition: number): Json => ({
  ...three,
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } },
});
const onDelete: Json = { ...three, updateStrategy: { type: 'OnDelete' } };

const DAEMON: Json = {
  observedGeneration: 4,
  currentNumberScheduled: 5,
  desiredNumberScheduled: 5,
  updatedNumberScheduled: 5,
  numberReady: 5,
};

const cases: Readonly<Record<WorkloadKind, Readonly<Record<string, Case>>>> = {
  Deployment: {
    'is done and ready': { spec: three, status: DEPLOYED, want: ['Ready'] },
    'was just made': { spec: three, status: undefined, want: ['RollingOut'] },
    'has a template that its controller has not seen': {
      spec: three,
      status: { ...DEPLOYED, observedGeneration: 3 },
      want: ['RollingOut', 'Ready'],
    },
    'has pods to replace': {
      spec: three,
      status: { ...DEPLOYED, updatedReplicas: 1 },
      want: ['RollingOut', 'Ready'],
    },
    'has old pods to end': {
      spec: three,
      status: { ...DEPLOYED, replicas: 4 },
      want: ['RollingOut', 'Ready'],
    },
    'is done, and a pod is not ready': {
      spec: three,
      status: { ...DEPLOYED, readyReplicas: 2 },
      want: [],
    },
    'is paused with nothing to replace': {
      spec: { ...three, paused: true },
      status: DEPLOYED,
      want: ['Ready'],
    },
    'is paused halfway': {
      spec: { ...three, paused: true },
      status: { ...DEPLOYED, updatedReplicas: 1 },
      want: ['RollingOut', 'Ready'],
    },
    'wants no pods': {
      spec: { replicas: 0 },
      status: { observedGeneration: 4 },
      want: ['Ready'],
    },
  },
  StatefulSet: {
    'is done and ready': { spec: three, status: ORDERED, want: ['Ready'] },
    'was just made': { spec: three, status: undefined, want: ['RollingOut'] },
    'replaces pods': {
      spec: three,
      status: { ...updating, updatedReplicas: 1, readyReplicas: 2 },
      want: ['RollingOut'],
    },
    'has replaced its last pod, which is not ready': {
      spec: rolling(0),
      status: { ...updating, readyReplicas: 2 },
      want: ['RollingOut'],
    },
    'is done down to its partition': {
      spec: rolling(2),
      status: { ...updating, updatedReplicas: 1 },
      want: ['Ready'],
    },
    'is not yet done down to its partition': {
      spec: rolling(1),
      status: { ...updating, updatedReplicas: 1 },
      want: ['RollingOut', 'Ready'],
    },
    'is scaled up, by the same template': {
      spec: { replicas: 5 },
      status: ORDERED,
      want: [],
    },
    'waits for somebody to delete its pods': {
      spec: onDelete,
      status: { ...updating, updatedReplicas: 0 },
      want: ['Ready'],
    },
  },
  DaemonSet: {
    'is done and ready': { spec: {}, status: DAEMON, want: ['Ready'] },
    'replaces pods': {
      spec: { updateStrategy: { type: 'RollingUpdate' } },
      status: { ...DAEMON, updatedNumberScheduled: 4, numberReady: 4 },
      want: ['RollingOut'],
    },
    'has a template that its controller has not seen': {
      spec: {},
      status: { ...DAEMON, observedGeneration: 3 },
      want: ['RollingOut', 'Ready'],
    },
    'waits for somebody to delete its pods': {
      spec: onDelete,
      status: { ...DAEMON, updatedNumberScheduled: 0 },
      want: ['Ready'],
    },
  },
  Rollout: {
    'is healthy': {
      spec: three,
      status: { phase: 'Healthy', observedGeneration: '4', readyReplicas: 3 },
      want: ['Ready'],
    },
    'goes on': {
      spec: three,
      status: { phase: 'Progressing', observedGeneration: '4', readyReplicas: 2 },
      want: ['RollingOut'],
    },
    'waits at a step': {
      spec: three,
      status: { phase: 'Paused', observedGeneration: '4', readyReplicas: 3 },
      want: ['RollingOut', 'Ready'],
    },
    'was taken back': {
      spec: three,
      status: { phase: 'Degraded', observedGeneration: '4', readyReplicas: 3 },
      want: ['Ready'],
    },
    'has a template that its controller has not seen': {
      spec: three,
      status: { phase: 'Healthy', observedGeneration: '3', readyReplicas: 3 },
      want: ['RollingOut', 'Ready'],
    },
    'says by a hash what was seen': {
      spec: three,
      status: { phase: 'Healthy', observedGeneration: 'f5b9d8c6', readyReplicas: 3 },
      want: ['Ready'],
    },
    'has no status': { spec: three, status: undefined, want: [] },
  },
  Job: { 'runs to its end': { spec: { parallelism: 4 }, want: ['Ready'] } },
  CronJob: { 'wants no pods': { spec: {}, want: ['Ready'] } },
};

describe('the progress of a workload', () => {
  for (const [kind, states] of Object.entries(cases)) {
    for (const [what, state] of Object.entries(states)) {
      it(`is ${state.want.join(' and ') || 'neither'} when a ${kind} ${what}`, () => {
        assert.deepEqual(progressOf(kind as WorkloadKind, state), state.want);
      });
    }
  }

  it('is refused where a count is none', () => {
    const status = { ...DEPLOYED, updatedReplicas: 'three' };
    assert.throws(() => progressOf('Deployment', { spec: three, status, want: [] }), {
      message: 'updatedReplicas is not a number',
    });
  });
});
