import assert from 'node:assert/strict';
import type { Json } from '../../../src/kube/json.ts';
import {
  projectAutoscaler,
  projectLimitRange,
  projectNamespace,
  projectNode,
  projectResourceQuota,
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
  it('keeps of which resources it counts limits', () => {
    const of = (hard: Json) => projectResourceQuota({ metadata, spec: { hard } });
    assert.deepEqual(of({ 'limits.memory': '1Gi', 'requests.cpu': '2', pods: '4' }), {
      ...metadata,
      limited: ['memory'],
    });
    assert.deepEqual(of({ 'limits.cpu': '1', 'limits.memory': '1Gi' }).limited, ['cpu', 'memory']);
    assert.deepEqual(projectResourceQuota({ metadata }).limited, []);
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
      });
    });
  }
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
      });
    });
  }
});
