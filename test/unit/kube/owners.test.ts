import assert from 'node:assert/strict';
import type { Owned, Owner } from '../../../src/kube/metadata.ts';
import { workloadOf, type OwnerLookup } from '../../../src/kube/owners.ts';

const namespace = 'shop';
const owned = (name: string, owner?: Owner): Owned => ({ namespace, name, owner });

const replicaSets = [
  owned('web-5d9', { kind: 'Deployment', name: 'web' }),
  owned('web-api-5d9', { kind: 'Deployment', name: 'web-api' }),
  owned('canary-7f', { kind: 'Rollout', name: 'canary' }),
  owned('bare-1'),
  owned('foreign-1', { kind: 'Deployment.example.com', name: 'foreign' }),
];
const jobs = [owned('report-2912', { kind: 'CronJob', name: 'report' }), owned('import')];
const lookup: OwnerLookup = {
  replicaSet: (_, name) => replicaSets.find((one) => one.name === name),
  job: (_, name) => jobs.find((one) => one.name === name),
};

describe('the workload of a pod', () => {
  const cases: Readonly<Record<string, { owner: Owner | undefined; want: string | undefined }>> = {
    'is the Deployment of its ReplicaSet': {
      owner: { kind: 'ReplicaSet', name: 'web-5d9' },
      want: 'Deployment web',
    },
    'is not a Deployment whose name begins the same': {
      owner: { kind: 'ReplicaSet', name: 'web-api-5d9' },
      want: 'Deployment web-api',
    },
    'is the Argo Rollout of its ReplicaSet': {
      owner: { kind: 'ReplicaSet', name: 'canary-7f' },
      want: 'Rollout canary',
    },
    'is the CronJob of its Job': {
      owner: { kind: 'Job', name: 'report-2912' },
      want: 'CronJob report',
    },
    'is its Job when nobody owns that': {
      owner: { kind: 'Job', name: 'import' },
      want: 'Job import',
    },
    'is its StatefulSet': { owner: { kind: 'StatefulSet', name: 'db' }, want: 'StatefulSet db' },
    'is its DaemonSet': { owner: { kind: 'DaemonSet', name: 'agent' }, want: 'DaemonSet agent' },
    'is unknown for a bare pod': { owner: undefined, want: undefined },
    'is unknown for a bare ReplicaSet': {
      owner: { kind: 'ReplicaSet', name: 'bare-1' },
      want: undefined,
    },
    'is unknown while its ReplicaSet is': {
      owner: { kind: 'ReplicaSet', name: 'web-new' },
      want: undefined,
    },
    'is unknown while its Job is': { owner: { kind: 'Job', name: 'new' }, want: undefined },
    'is unknown when its owner is of another kind': {
      owner: { kind: 'Node.v1', name: 'node-1' },
      want: undefined,
    },
    'is unknown when the owner above is of another API group': {
      owner: { kind: 'ReplicaSet', name: 'foreign-1' },
      want: undefined,
    },
  };
  for (const [what, { owner, want }] of Object.entries(cases)) {
    it(what, () => {
      const found = workloadOf({ namespace, owner }, lookup);
      assert.equal(found === undefined ? undefined : `${found.kind} ${found.name}`, want);
      assert.equal(found?.namespace ?? namespace, namespace);
    });
  }
});
