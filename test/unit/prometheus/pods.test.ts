import assert from 'node:assert/strict';
import type { UsageQuery, WorkloadRef } from '../../../src/controller/ports.ts';
import type { AnswerSeries } from '../../../src/prometheus/answer.ts';
import { assignPods, type SeenPods } from '../../../src/prometheus/pods.ts';

const web: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'web' };
const webApi: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'web-api' };
const report: WorkloadRef = { namespace: 'shop', kind: 'CronJob', name: 'report' };

function query(targets: readonly WorkloadRef[], live: readonly string[] = []): UsageQuery {
  return {
    targets: targets.map((workload, i) => ({ workload, pods: i === 0 ? live : [] })),
    siblings: [web, webApi, report],
    fromSeconds: 0,
    toSeconds: 1,
  };
}

function owner(owned: Record<string, string>, kind: string, name: string): AnswerSeries {
  return {
    labels: { namespace: 'shop', ...owned, owner_kind: kind, owner_name: name },
    samples: [],
  };
}

const nothing: SeenPods = {
  podOwners: [],
  replicaSetOwners: [],
  jobOwners: [],
  used: new Map(),
};

function podsOf(
  usage: UsageQuery,
  seen: Partial<SeenPods>,
): Readonly<Record<string, readonly string[]>> {
  const { workloads } = assignPods(usage, { ...nothing, ...seen });
  return Object.fromEntries(workloads.map(({ workload, pods }) => [workload.name, pods]));
}

describe('pods of workloads', () => {
  it('follow the owners up to the workload', () => {
    assert.deepEqual(
      podsOf(query([web, report]), {
        podOwners: [
          owner({ pod: 'a' }, 'ReplicaSet', 'web-1'),
          owner({ pod: 'b' }, 'ReplicaSet', 'web-2'),
          owner({ pod: 'c' }, 'Job', 'report-29123460'),
          owner({ pod: 'd' }, 'ReplicaSet', 'other-1'),
          owner({ pod: 'e' }, '', ''),
        ],
        replicaSetOwners: [
          owner({ replicaset: 'web-1' }, 'Deployment', 'web'),
          owner({ replicaset: 'web-2' }, 'Deployment', 'web'),
          owner({ replicaset: 'other-1' }, 'Deployment', 'other'),
        ],
        jobOwners: [owner({ job_name: 'report-29123460' }, 'CronJob', 'report')],
      }),
      { web: ['a', 'b'], report: ['c'] },
    );
  });

  it('are never told by name where the owner metrics say otherwise', () => {
    const pod = 'web-5d8f7c9b4-x7k2p';
    assert.deepEqual(
      podsOf(query([web]), {
        podOwners: [owner({ pod }, '', '')],
        used: new Map([['shop', [pod]]]),
      }),
      { web: [] },
    );
  });

  it('are told by name where the owner metrics never saw them', () => {
    const pods = ['web-5d8f7c9b4-x7k2p', 'web-api-5d8f7c9b4-x7k2p'];
    const { workloads, namespacesWithoutOwners } = assignPods(query([web, webApi]), {
      ...nothing,
      used: new Map([['shop', pods]]),
    });
    assert.deepEqual(
      workloads.map(({ pods: found }) => found),
      [[pods[0]], [pods[1]]],
    );
    assert.deepEqual(namespacesWithoutOwners, ['shop']);
  });

  it('are told by the name of the ReplicaSet where only its owner is missing', () => {
    assert.deepEqual(
      podsOf(query([web, webApi]), {
        podOwners: [
          owner({ pod: 'a' }, 'ReplicaSet', 'web-5d8f7c9b4'),
          owner({ pod: 'b' }, 'ReplicaSet', 'web-api-5d8f7c9b4'),
        ],
      }),
      { web: ['a'], 'web-api': ['b'] },
    );
  });

  it('that exist now are of the target that names them', () => {
    assert.deepEqual(podsOf(query([web], ['strange-name']), {}), { web: ['strange-name'] });
  });

  it('are nobody’s when two workloads owned one name in turn', () => {
    assert.deepEqual(
      podsOf(query([web, webApi]), {
        podOwners: [
          owner({ pod: 'a' }, 'ReplicaSet', 'web-1'),
          owner({ pod: 'a' }, 'ReplicaSet', 'web-api-1'),
        ],
        replicaSetOwners: [
          owner({ replicaset: 'web-1' }, 'Deployment', 'web'),
          owner({ replicaset: 'web-api-1' }, 'Deployment', 'web-api'),
        ],
      }),
      { web: [], 'web-api': [] },
    );
  });

  it('of another namespace with the same names stay apart', () => {
    const row = owner({ pod: 'a' }, 'ReplicaSet', 'web-1');
    const elsewhere = { ...row, labels: { ...row.labels, namespace: 'other' } };
    assert.deepEqual(
      podsOf(query([web]), {
        podOwners: [elsewhere],
        replicaSetOwners: [owner({ replicaset: 'web-1' }, 'Deployment', 'web')],
      }),
      { web: [] },
    );
  });
});
