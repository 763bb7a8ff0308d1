import assert from 'node:assert/strict';
import type { WorkloadKind } from '../../../src/controller/ports.ts';
import type { Json } from '../../../src/kube/json.ts';
import { projectJob, projectWorkload } from '../../../src/kube/workloads.ts';

const GIBIBYTE = 2 ** 30;

const metadata = {
  namespace: 'shop',
  name: 'cart',
  uid: 'u-1',
  creationTimestamp: '2026-11-23T00:00:00Z',
};
const container = { name: 'app', resources: { requests: { cpu: '250m', memory: '1Gi' } } };
const template = { spec: { containers: [container] } };
const projectedContainer = {
  name: 'app',
  kind: 'Container',
  requests: { cpu: 0.25, memory: GIBIBYTE },
  limits: {},
  restartsOn: [],
};

function podSpec(spec: Json): Json {
  return { metadata, spec: { template: { spec } } };
}

describe('the projection of a workload', () => {
  const kinds: Readonly<
    Record<string, { kind: WorkloadKind; raw: Json; wantReplicas: number; wantApi: string }>
  > = {
    'a Deployment': {
      kind: 'Deployment',
      raw: { metadata, spec: { replicas: 3, template } },
      wantReplicas: 3,
      wantApi: 'apps/v1',
    },
    'a Deployment scaled to nothing': {
      kind: 'Deployment',
      raw: { metadata, spec: { replicas: 0, template } },
      wantReplicas: 0,
      wantApi: 'apps/v1',
    },
    'a StatefulSet that does not say how many': {
      kind: 'StatefulSet',
      raw: { metadata, spec: { template } },
      wantReplicas: 1,
      wantApi: 'apps/v1',
    },
    'a DaemonSet': {
      kind: 'DaemonSet',
      raw: { metadata, spec: { template }, status: { desiredNumberScheduled: 7 } },
      wantReplicas: 7,
      wantApi: 'apps/v1',
    },
    'a DaemonSet that was just made': {
      kind: 'DaemonSet',
      raw: { metadata, spec: { template } },
      wantReplicas: 0,
      wantApi: 'apps/v1',
    },
    'a CronJob': {
      kind: 'CronJob',
      raw: { metadata, spec: { jobTemplate: { spec: { parallelism: 4, template } } } },
      wantReplicas: 0,
      wantApi: 'batch/v1',
    },
    'a running Job': {
      kind: 'Job',
      raw: { metadata, spec: { parallelism: 4, template } },
      wantReplicas: 4,
      wantApi: 'batch/v1',
    },
    'a suspended Job': {
      kind: 'Job',
      raw: { metadata, spec: { parallelism: 4, suspend: true, template } },
      wantReplicas: 0,
      wantApi: 'batch/v1',
    },
    'a finished Job': {
      kind: 'Job',
      raw: {
        metadata,
        spec: { template },
        status: { conditions: [{ type: 'Complete', status: 'True' }] },
      },
      wantReplicas: 0,
      wantApi: 'batch/v1',
    },
    'an Argo Rollout': {
      kind: 'Rollout',
      raw: { metadata, spec: { replicas: 2, template } },
      wantReplicas: 2,
      wantApi: 'argoproj.io/v1alpha1',
    },
  };
  for (const [what, { kind, raw, wantReplicas, wantApi }] of Object.entries(kinds)) {
    it(`reads ${what}`, () => {
      const { isRollingOut, isReady, ...read } = projectWorkload(kind, raw) ?? assert.fail();
      assert.equal(typeof isRollingOut, 'boolean');
      assert.equal(typeof isReady, 'boolean');
      assert.deepEqual(read, {
        ref: { namespace: 'shop', kind, name: 'cart' },
        apiVersion: wantApi,
        uid: 'u-1',
        // 2026-11-23 is 20,780 days after 1970-01-01.
        createdSeconds: 20_780 * 86_400,
        labels: {},
        annotations: {},
        replicas: wantReplicas,
        hasPodResources: false,
        containers: [projectedContainer],
      });
    });
  }

  it('keeps native sidecars as their own kind and leaves other init containers out', () => {
    const raw = podSpec({
      containers: [container],
      initContainers: [
        { name: 'migrate' },
        { name: 'proxy', restartPolicy: 'Always', resources: { limits: { cpu: 1 } } },
      ],
    });
    assert.deepEqual(projectWorkload('Deployment', raw)?.containers, [
      { name: 'proxy', kind: 'Sidecar', requests: {}, limits: { cpu: 1 }, restartsOn: [] },
      projectedContainer,
    ]);
  });

  it('has no containers for a Rollout that refers to a Deployment', () => {
    const raw = { metadata, spec: { workloadRef: { kind: 'Deployment', name: 'cart' } } };
    assert.deepEqual(projectWorkload('Rollout', raw)?.containers, []);
  });

  it('says which resources restart the container when they change', () => {
    const resizePolicy = [
      { resourceName: 'cpu', restartPolicy: 'NotRequired' },
      { resourceName: 'memory', restartPolicy: 'RestartContainer' },
    ];
    const raw = podSpec({ containers: [{ ...container, resizePolicy }] });
    assert.deepEqual(projectWorkload('Deployment', raw)?.containers[0]?.restartsOn, ['memory']);
  });

  it('leaves out resources that are not sized', () => {
    const limits = { 'nvidia.com/gpu': 1, memory: '128974848' };
    const raw = podSpec({ containers: [{ name: 'app', resources: { limits } }] });
    const [read] = projectWorkload('Deployment', raw)?.containers ?? [];
    assert.deepEqual(read?.limits, { memory: 128_974_848 });
    assert.deepEqual(read.requests, {});
  });

  it('keeps labels and annotations but not the copy that kubectl keeps of the object', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'rightsize.dev/suspend-until': '2027-01-01',
    };
    const raw = {
      metadata: { ...metadata, labels: { app: 'cart' }, annotations },
      spec: { template },
    };
    const workload = projectWorkload('Deployment', raw);
    assert.deepEqual(workload?.labels, { app: 'cart' });
    assert.deepEqual(workload.annotations, { 'rightsize.dev/suspend-until': '2027-01-01' });
  });

  it('is nothing once the workload is being deleted', () => {
    const raw = {
      metadata: { ...metadata, deletionTimestamp: '2026-11-23T01:00:00Z' },
      spec: { template },
    };
    assert.equal(projectWorkload('Deployment', raw), undefined);
  });

  const malformed: Readonly<Record<string, { raw: Json; wantMessage: RegExp }>> = {
    'no name': { raw: { metadata: { namespace: 'shop' } }, wantMessage: /^name is not set$/ },
    'containers that are no list': {
      raw: podSpec({ containers: 'app' }),
      wantMessage: /^containers is not a list$/,
    },
    'replicas that are no number': {
      raw: { metadata, spec: { replicas: 'three' } },
      wantMessage: /^replicas is not a number$/,
    },
    'a request that is no quantity': {
      raw: podSpec({ containers: [{ name: 'app', resources: { requests: { cpu: 'much' } } }] }),
      wantMessage: /"much" is not a quantity/,
    },
    'a request that is a list': {
      raw: podSpec({ containers: [{ name: 'app', resources: { requests: { cpu: [] } } }] }),
      wantMessage: /^cpu is not a quantity$/,
    },
    'a label that is no text': {
      raw: { metadata: { ...metadata, labels: { app: 1 } } },
      wantMessage: /^labels.app is not a text$/,
    },
    'a time that is none': {
      raw: { metadata: { ...metadata, creationTimestamp: 'yesterday' } },
      wantMessage: /^creationTimestamp is not a timestamp$/,
    },
  };
  for (const [what, { raw, wantMessage }] of Object.entries(malformed)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => projectWorkload('Deployment', raw), { message: wantMessage });
    });
  }
});

describe('the projection of a Job', () => {
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'report', controller: true };

  it('is a workload of its own when nobody owns it', () => {
    const facts = projectJob({ metadata, spec: { template } });
    assert.equal(facts.owner, undefined);
    assert.deepEqual(facts.workload?.ref, { namespace: 'shop', kind: 'Job', name: 'cart' });
  });

  it('is no workload when a CronJob owns it', () => {
    const raw = { metadata: { ...metadata, ownerReferences: [owner] }, spec: { template } };
    const facts = projectJob(raw);
    assert.deepEqual(facts.owner, { kind: 'CronJob', name: 'report' });
    assert.equal(facts.workload, undefined);
  });
});
