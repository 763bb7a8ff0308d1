// Resizes and evictions of real pods, and what the API server and the kubelet make of them.
//   test/cluster/run.sh mocha test/cluster/podchanger.test.ts
import assert from 'node:assert/strict';
import { createPodChanger } from '../../src/kube/podchanger.ts';
import type { PatchedContainer } from '../../src/resize/podplan.ts';
import {
  SMALL,
  awaitActual,
  idlePod,
  mebibytes,
  podAt,
  seen,
  wanted,
} from '../support/changed-pods.ts';
import {
  apply,
  createNamespace,
  deleteNamespace,
  directConnection,
  kubectl,
  until,
} from '../support/cluster.ts';
import { connectionAs } from '../support/serviceaccount.ts';

const OTHER_UID = '11111111-2222-4333-8444-555555555555';
const GPU = { 'example.com/gpu': '1' };
const DISK = { 'ephemeral-storage': '64Mi' };

describe('a pod that runs', function () {
  this.timeout(90_000);
  const connection = directConnection();
  const changer = createPodChanger(connection);
  const { signal } = new AbortController();
  const real = { isDryRun: false, signal };
  const dry = { isDryRun: true, signal };
  let namespace = '';

  before(async () => {
    namespace = await createNamespace('podchanger');
    await until(20_000, () => kubectl('-n', namespace, 'get', 'serviceaccount', 'default'));
  });
  after(async () => {
    await advertise(null);
    await deleteNamespace(namespace);
    await connection.close();
  });

  /** Makes each node offer so many of an extended resource. */
  async function advertise(count: string | null): Promise<void> {
    const status = { capacity: { 'example.com/gpu': count } };
    const nodes = await kubectl('get', 'nodes', '-o', 'name');
    const change = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    for (const node of nodes.split('\n')) await kubectl('patch', node, ...change);
  }

  async function running(name: string, setup: object = {}) {
    await apply(idlePod({ namespace, name, ...setup }));
    await kubectl('-n', namespace, 'wait', '--for=condition=Ready', `pod/${name}`, '--timeout=30s');
    return seen(await podAt(namespace, name));
  }

  const now = async (name: string) => seen(await podAt(namespace, name));
  const resourcesNow = async (name: string) =>
    (await podAt(namespace, name)).spec.containers.map(({ resources }) => resources);
  /** Of the pod as it is at this moment: the kubelet may be writing its status. */
  const resize = (name: string, container: PatchedContainer, options = real) =>
    until(10_000, async () => {
      const answer = await changer.resize(await now(name), [container], options);
      assert.notEqual(answer.kind, 'Stale');
      return answer;
    });

  it('is resized in place with its sidecar, and nothing restarts', async () => {
    const pod = await running('both', { sidecar: SMALL });
    const sidecar = { name: 'proxy', kind: 'Sidecar', requests: { cpu: 0.03 } } as const;
    const main = {
      requests: { cpu: 0.05, memory: mebibytes(24) },
      limits: { cpu: 0.15, memory: mebibytes(48) },
    };
    const both = [wanted(main), wanted(sidecar)];
    assert.deepEqual(await changer.resize(pod, both, real), { kind: 'Accepted' });
    await awaitActual(pod, {
      main: { requests: { cpu: '50m', memory: '24Mi' }, limits: { cpu: '150m', memory: '48Mi' } },
      proxy: { ...SMALL, requests: { ...SMALL.requests, cpu: '30m' } },
    });
  });

  it('keeps the resources and amounts that are not stated', async () => {
    await advertise('2');
    const limits = { ...SMALL.limits, ...DISK, ...GPU };
    const resources = { requests: { ...SMALL.requests, ...DISK, ...GPU }, limits };
    const pod = await running('extended', { resources });
    const change = wanted({ requests: { cpu: 0.04 } });
    assert.deepEqual(await changer.resize(pod, [change], real), { kind: 'Accepted' });
    const requests = { ...resources.requests, cpu: '40m' };
    assert.deepEqual(await resourcesNow('extended'), [{ requests, limits }]);
    await until(15_000, async () => {
      const [status] = (await podAt(namespace, 'extended')).status.containerStatuses ?? [];
      assert.equal(status?.resources?.requests?.['cpu'], '40m');
      assert.equal(status.restartCount, 0);
    });
  });

  it('is Stale when it changed since it was looked at, and stays as it is', async () => {
    const pod = await running('stale');
    await kubectl('-n', namespace, 'label', 'pod', 'stale', 'changed=yes');
    const change = [wanted({ requests: { cpu: 0.04 } })];
    assert.deepEqual(await changer.resize(pod, change, real), { kind: 'Stale' });
    assert.deepEqual(await changer.resize(pod, change, dry), { kind: 'Stale' });
    assert.deepEqual(await resourcesNow('stale'), [SMALL]);
  });

  it('is Gone when another pod has its name, or none', async () => {
    const pod = await running('replaced');
    const change = [wanted({ requests: { cpu: 0.04 } })];
    const sameVersion = { ...pod, uid: OTHER_UID };
    assert.deepEqual(await changer.resize(sameVersion, change, real), { kind: 'Gone' });
    await kubectl('-n', namespace, 'delete', 'pod', 'replaced', '--now');
    assert.deepEqual(await changer.resize(pod, change, real), { kind: 'Gone' });
    await running('replaced');
    assert.deepEqual(await changer.resize(pod, change, real), { kind: 'Gone' });
    assert.deepEqual(await resourcesNow('replaced'), [SMALL]);
  });

  const refused = {
    'Infeasible when it asks for more than its node has': {
      change: { requests: { cpu: 7 }, limits: { cpu: 7 } },
      wantKind: 'Infeasible',
      wantMessage: /^node didn't have enough allocatable resources: cpu, requested: 7000, alloc/,
    },
    'Infeasible when its QoS class would change': {
      change: { requests: { cpu: 0.1, memory: mebibytes(64) } },
      wantKind: 'Infeasible',
      wantMessage: /^spec: Invalid value: "Burstable": Pod QOS Class may not change/,
    },
    'Infeasible when a request would be above its limit': {
      change: { requests: { cpu: 0.2 } },
      wantKind: 'Infeasible',
      wantMessage: /must be less than or equal to cpu limit of 100m$/,
    },
    'Refused when it passes the ResourceQuota, which is named': {
      change: { requests: { memory: mebibytes(60) } },
      limit: {
        kind: 'ResourceQuota',
        spec: { hard: { 'requests.memory': '50Mi' } },
      },
      wantKind: 'Refused',
      wantMessage: /^exceeded quota: bound, requested: requests.memory=44Mi, used/,
    },
    'Refused when it passes the maximum of a LimitRange': {
      change: { limits: { cpu: 0.5 } },
      limit: {
        kind: 'LimitRange',
        spec: { limits: [{ type: 'Container', max: { cpu: '300m' } }] },
      },
      wantKind: 'Refused',
      wantMessage: /^maximum cpu usage per Container is 300m, but limit is 500m/,
    },
    'Refused when it passes the ratio of a LimitRange': {
      change: { limits: { memory: mebibytes(128) } },
      limit: {
        kind: 'LimitRange',
        spec: { limits: [{ type: 'Container', maxLimitRequestRatio: { memory: '4' } }] },
      },
      wantKind: 'Refused',
      wantMessage: /^memory max limit to request ratio per Container is 4, but provided ratio is 8/,
    },
  };
  Object.entries(refused).forEach(([title, { wantKind, wantMessage, ...each }], index) => {
    it(`is ${title}`, async () => {
      const name = `refused-${index}`;
      await running(name);
      const bounds = 'limit' in each ? [each.limit] : [];
      for (const { kind, spec } of bounds) {
        await apply({ apiVersion: 'v1', kind, metadata: { name: 'bound', namespace }, spec });
      }
      try {
        // The server takes a moment to take in a new bound; a dry run does no harm before.
        const tried = await until(15_000, async () => {
          const answer = await resize(name, wanted(each.change), dry);
          assert.equal(answer.kind, wantKind);
          return answer;
        });
        assert.match('message' in tried ? tried.message : '', wantMessage);
        assert.deepEqual(await resize(name, wanted(each.change)), tried);
        assert.deepEqual(await resourcesNow(name), [SMALL]);
      } finally {
        for (const { kind } of bounds) await kubectl('-n', namespace, 'delete', kind, 'bound');
        await kubectl('-n', namespace, 'delete', 'pod', name, '--now', '--wait=false');
      }
    });
  });

  it('is neither resized nor evicted without the right to', async () => {
    const pod = await running('private');
    const poor = await connectionAs(namespace, 'poor', []);
    try {
      const powerless = createPodChanger(poor);
      const change = [wanted({ requests: { cpu: 0.04 } })];
      const resized = await powerless.resize(pod, change, real);
      const evicted = await powerless.evict(pod, real);
      assert.equal(resized.kind, 'Forbidden');
      assert.equal(evicted.kind, 'Forbidden');
      const message = 'message' in resized ? resized.message : '';
      assert.match(
        message,
        /^User "system:serviceaccount:.*" cannot patch resource "pods\/resize"/,
      );
      assert.deepEqual(await resourcesNow('private'), [SMALL]);
    } finally {
      await poor.close();
    }
  });

  it('is left as it is by dry runs', async () => {
    const pod = await running('dry');
    const before = await podAt(namespace, 'dry');
    const change = wanted({ requests: { cpu: 0.04 } });
    assert.deepEqual(await resize('dry', change, dry), { kind: 'Accepted' });
    assert.deepEqual(await changer.evict(pod, dry), { kind: 'Accepted' });
    assert.deepEqual(await podAt(namespace, 'dry'), before);
  });

  describe('is evicted', () => {
    const budget = (app: string, name: string) => ({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name, namespace },
      spec: { minAvailable: 1, selector: { matchLabels: { app } } },
    });

    it('where nothing stands against it, and once only', async () => {
      const pod = await running('leaving');
      assert.deepEqual(await changer.evict(pod, real), { kind: 'Accepted' });
      const again = await changer.evict(pod, real);
      assert.ok(['Accepted', 'Gone'].includes(again.kind), again.kind);
      const gone = ['wait', '--for=delete', 'pod/leaving', '--timeout=20s'];
      await kubectl('-n', namespace, ...gone);
      assert.deepEqual(await changer.evict(pod, real), { kind: 'Gone' });
      const next = await running('leaving');
      assert.deepEqual(await changer.evict(pod, real), { kind: 'Gone' });
      const { metadata } = await podAt(namespace, 'leaving');
      assert.equal(metadata.uid, next.uid);
      assert.equal(metadata.deletionTimestamp, undefined);
    });

    it('not while its budget has no room, nor while it has two budgets', async () => {
      const pod = await running('guarded');
      await apply(budget('guarded', 'one'));
      const message = 'The disruption budget one needs 1 healthy pods and has 1 currently';
      for (const options of [dry, real]) {
        await until(10_000, async () =>
          assert.deepEqual(await changer.evict(pod, options), {
            kind: 'Blocked',
            message,
            retryAfterSeconds: undefined,
          }),
        );
      }
      await apply(budget('guarded', 'two'));
      await until(10_000, async () =>
        assert.deepEqual(await changer.evict(pod, real), {
          kind: 'Refused',
          message:
            'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
        }),
      );
      assert.equal((await podAt(namespace, 'guarded')).metadata.deletionTimestamp, undefined);
    });

    it('not from a namespace that is going away anyway', async () => {
      const leaving = `${namespace}-leaving`;
      await kubectl('create', 'namespace', leaving);
      await until(20_000, () => kubectl('-n', leaving, 'get', 'serviceaccount', 'default'));
      await apply(idlePod({ namespace: leaving, name: 'last' }));
      const address = seen(await podAt(leaving, 'last'));
      const finalizer = { metadata: { finalizers: ['rightsize.dev/test'] } };
      const patch = ['patch', 'pod', 'last', '--type=merge', '-p'];
      await kubectl('-n', leaving, ...patch, JSON.stringify(finalizer));
      await deleteNamespace(leaving);
      try {
        const answer = await changer.evict(address, real);
        assert.equal(answer.kind, 'Refused');
        assert.match('message' in answer ? answer.message : '', /because it is being terminated$/);
      } finally {
        await kubectl('-n', leaving, ...patch, '{"metadata":{"finalizers":null}}');
      }
    });
  });
});
