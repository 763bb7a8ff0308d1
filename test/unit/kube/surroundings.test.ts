import assert from 'node:assert/strict';
import type { Json } from '../../../src/kube/json.ts';
import {
  projectAutoscaler,
  projectLimitRange,
  projectNamespace,
  projectNode,
  projectResourceQuota,
  projectVerticalAutoscaler,
} from '../../../src/kube/surroundings.ts';

const metadata = { namespace: 'shop', name: 'bounds' };

describe('the projection of a LimitRange', () => {
  it('keeps limits of containers and pods, and no others', () => {
    const limits = [
      {
        type: 'Container',
        min: { cpu: '10m' },
        max: { cpu: '2', memory: '1Gi' },
        default: { memory: '512Mi' },
        defaultRequest: {},
        maxLimitRequestRatio: { cpu: '4', memory: '1500m' },
      },
      { type: 'Pod', max: { memory: '4Gi' } },
      { type: 'PersistentVolumeClaim', max: { storage: '1Ti' } },
    ];
    assert.deepEqual(projectLimitRange({ metadata, spec: { limits } }), {
      ...metadata,
      items: [
        {
          type: 'Container',
          min: { cpu: 0.01 },
          max: { cpu: 2, memory: 2 ** 30 },
          default: { memory: 2 ** 29 },
          defaultRequest: {},
          maxLimitRequestRatio: { cpu: 4, memory: 1.5 },
        },
        {
          type: 'Pod',
          min: {},
          max: { memory: 2 ** 32 },
          default: {},
          defaultRequest: {},
          maxLimitRequestRatio: {},
        },
      ],
    });
  });
});

describe('the projection of a ResourceQuota', () => {
  const unbounded = { requests: {}, limits: {} };

  it('keeps of which resources it counts limits', () => {
    const of = (hard: Json) => projectResourceQuota({ metadata, spec: { hard } });
    assert.deepEqual(of({ 'limits.memory': '1Gi', 'requests.cpu': '2', pods: '4' }), {
      ...metadata,
      limited: ['memory'],
      left: unbounded,
    });
    assert.deepEqual(of({ 'limits.cpu': '1', 'limits.memory': '1Gi' }).limited, ['cpu', 'memory']);
    assert.deepEqual(projectResourceQuota({ metadata }).limited, []);
  });

  const quota = (status: Json, spec: Json = {}) =>
    projectResourceQuota({ metadata, spec: { hard: status['hard'], ...spec }, status });

  const cases: Readonly<Record<string, { hard: Json; used: Json; want: object }>> = {
    'of requests and limits': {
      hard: {
        'requests.cpu': '2',
        'requests.memory': '1Gi',
        'limits.cpu': '4',
        'limits.memory': '2Gi',
        pods: '10',
      },
      used: {
        'requests.cpu': '1500m',
        'requests.memory': '256Mi',
        'limits.cpu': '3',
        'limits.memory': '512Mi',
        pods: '3',
      },
      want: {
        requests: { cpu: 0.5, memory: 768 * 2 ** 20 },
        limits: { cpu: 1, memory: 1536 * 2 ** 20 },
      },
    },
    'under the short names of requests': {
      hard: { cpu: '1', memory: '1Gi' },
      used: { cpu: '250m', memory: '0' },
      want: { requests: { cpu: 0.75, memory: 2 ** 30 }, limits: {} },
    },
    'under both names, of which the tighter binds': {
      hard: { cpu: '1', 'requests.cpu': '2', memory: '2Gi', 'requests.memory': '1Gi' },
      used: { cpu: '500m', 'requests.cpu': '500m', memory: '0', 'requests.memory': '0' },
      want: { requests: { cpu: 0.5, memory: 2 ** 30 }, limits: {} },
    },
    'of one resource only': {
      hard: { 'limits.memory': '1Gi', 'requests.storage': '1Ti' },
      used: { 'limits.memory': '1Gi', 'requests.storage': '0' },
      want: { requests: {}, limits: { memory: 0 } },
    },
    'where more is used than a quota that was lowered allows': {
      hard: { 'requests.cpu': '1' },
      used: { 'requests.cpu': '3' },
      want: { requests: { cpu: 0 }, limits: {} },
    },
    'to the last millicore': {
      hard: { 'requests.cpu': '300m' },
      used: { 'requests.cpu': '100m' },
      want: { requests: { cpu: 0.2 }, limits: {} },
    },
  };
  for (const [what, { hard, used, want }] of Object.entries(cases)) {
    it(`says what is left ${what}`, () => assert.deepEqual(quota({ hard, used }).left, want));
  }

  it('leaves nothing to say where it has scopes', () => {
    const status = { hard: { 'requests.cpu': '2' }, used: { 'requests.cpu': '1' } };
    const matchExpressions = [
      { scopeName: 'PriorityClass', operator: 'In', values: ['high-priority'] },
    ];
    assert.deepEqual(quota(status, { scopes: ['BestEffort'] }).left, unbounded);
    assert.deepEqual(quota(status, { scopeSelector: { matchExpressions } }).left, unbounded);
  });
});

describe('the projection of a node', () => {
  const status = { allocatable: { cpu: '3920m', memory: '7Gi', pods: '110' } };
  const cases: Readonly<Record<string, { spec: Json; wantSchedulable: boolean }>> = {
    'is schedulable': { spec: {}, wantSchedulable: true },
    'is not schedulable when it is cordoned': {
      spec: { unschedulable: true },
      wantSchedulable: false,
    },
  };
  for (const [what, { spec, wantSchedulable }] of Object.entries(cases)) {
    it(what, () => {
      assert.deepEqual(projectNode({ metadata: { name: 'node-1' }, spec, status }), {
        name: 'node-1',
        allocatable: { cpu: 3.92, memory: 7 * 2 ** 30 },
        schedulable: wantSchedulable,
        labels: {},
        taints: [],
      });
    });
  }
});

describe('the taints of a node', () => {
  it('are those that keep pods away', () => {
    const taints = [
      { key: 'dedicated', value: 'batch', effect: 'NoSchedule' },
      { key: 'node-role.kubernetes.io/control-plane', effect: 'NoExecute' },
      { key: 'spot', effect: 'PreferNoSchedule' },
    ];
    const metadata = { name: 'node-1', labels: { zone: 'a' } };
    const node = projectNode({ metadata, spec: { taints } });
    assert.deepEqual(node.labels, { zone: 'a' });
    assert.deepEqual(node.taints, [
      { key: 'dedicated', value: 'batch', effect: 'NoSchedule' },
      { key: 'node-role.kubernetes.io/control-plane', value: '', effect: 'NoExecute' },
    ]);
  });
});

describe('the projection of a namespace', () => {
  it('keeps labels and annotations', () => {
    const raw = { metadata: { name: 'shop', labels: { team: 'a' }, annotations: { note: 'b' } } };
    assert.deepEqual(projectNamespace(raw), {
      name: 'shop',
      labels: { team: 'a' },
      annotations: { note: 'b' },
    });
  });
});

describe('the projection of an autoscaler', () => {
  const resource = (name: string, type: string) => ({
    type: 'Resource',
    resource: { name, target: { type } },
  });
  const cases: Readonly<Record<string, { metrics: readonly Json[]; want: readonly string[] }>> = {
    'utilisation of cpu': { metrics: [resource('cpu', 'Utilization')], want: ['cpu'] },
    'an average value of memory': {
      metrics: [resource('memory', 'AverageValue')],
      want: ['memory'],
    },
    'cpu of one container, and memory': {
      metrics: [
        { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'app' } },
        resource('memory', 'Utilization'),
      ],
      want: ['cpu', 'memory'],
    },
    'the same resource twice': {
      metrics: [resource('cpu', 'Utilization'), resource('cpu', 'AverageValue')],
      want: ['cpu'],
    },
    'a queue only': {
      metrics: [{ type: 'External', external: { metric: { name: 'q' } } }],
      want: [],
    },
    nothing: { metrics: [], want: [] },
  };
  for (const [what, { metrics, want }] of Object.entries(cases)) {
    it(`names the resources that it scales on: ${what}`, () => {
      const spec = { scaleTargetRef: { kind: 'Deployment', name: 'cart' }, metrics };
      assert.deepEqual(projectAutoscaler({ metadata, spec }), {
        ...metadata,
        target: { kind: 'Deployment', name: 'cart' },
        resources: want,
        metrics: projectAutoscaler({ metadata, spec }).metrics,
      });
    });
  }

  it('says what it aims at, metric by metric', () => {
    const metrics = [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
      },
      {
        type: 'ContainerResource',
        containerResource: {
          name: 'cpu',
          container: 'app',
          target: { type: 'Utilization', averageUtilization: 150 },
        },
      },
      {
        type: 'Resource',
        resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '500Mi' } },
      },
      { type: 'Pods', pods: { metric: { name: 'requests' }, target: { type: 'AverageValue' } } },
      {
        type: 'Resource',
        resource: { name: 'ephemeral-storage', target: { averageUtilization: 50 } },
      },
    ];
    const spec = {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart' },
      metrics,
    };
    assert.deepEqual(projectAutoscaler({ metadata, spec }).metrics, [
      { resource: 'cpu', container: undefined, utilization: 0.8 },
      { resource: 'cpu', container: 'app', utilization: 1.5 },
      { resource: 'memory', container: undefined, utilization: undefined },
    ]);
  });
});

describe('the projection of a vertical autoscaler', () => {
  const targetRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' };
  const cases: Readonly<Record<string, { updatePolicy: Json | undefined; want: boolean }>> = {
    'changes pods unless it says otherwise': { updatePolicy: undefined, want: true },
    'changes pods without a mode': { updatePolicy: { minReplicas: 1 }, want: true },
    'changes pods at their creation': { updatePolicy: { updateMode: 'Initial' }, want: true },
    'changes pods in place': { updatePolicy: { updateMode: 'InPlaceOrRecreate' }, want: true },
    'changes nothing when it is Off': { updatePolicy: { updateMode: 'Off' }, want: false },
  };
  for (const [what, { updatePolicy, want }] of Object.entries(cases)) {
    it(what, () => {
      assert.deepEqual(projectVerticalAutoscaler({ metadata, spec: { targetRef, updatePolicy } }), {
        ...metadata,
        target: { kind: 'StatefulSet', name: 'db' },
        updates: want,
      });
    });
  }

  it('is refused without a target', () => {
    assert.throws(() => projectVerticalAutoscaler({ metadata, spec: {} }), /kind is not set/);
  });
});
