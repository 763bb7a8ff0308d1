import assert from 'node:assert/strict';
import { reconcileWorkload, type Reconciled } from '../../../src/controller/reconcile.ts';
import type { ContainerSpec, Pod, UsageFailure, Workload } from '../../../src/controller/ports.ts';
import { workloadKey } from '../../../src/controller/ports.ts';
import { recommendationName } from '../../../src/controller/reconcile.ts';
import { ALONE } from '../../../src/recommend/fleet.ts';
import type { Sizes, UsageHistory } from '../../../src/recommend/usage.ts';
import { aHistory, days, GI, HOUR_SECONDS, MI, NOW } from '../../support/builders.ts';
import { MemoryActing } from './memoryacting.ts';
import {
  aClusterPolicy,
  aPod,
  aPodContainer,
  aPolicy,
  aQuota,
  aWorkload,
  anAutoscaler,
  MemoryCluster,
  UNREACHABLE,
} from './memorycluster.ts';

const signal = new AbortController().signal;
/** 100m and 100Mi against requests of 1 core and 1Gi: 113Mi with the margin for 1 %. */
const fortnight = aHistory(days(14)) ?? assert.fail();
const SIZES: Sizes = { requests: { cpu: 0.11, memory: 113 * MI }, limits: { memory: 113 * MI } };

describe('sizing new pods', () => {
  let cluster: MemoryCluster;
  let workload: Workload;
  let usage: UsageHistory | undefined;
  let failure: UsageFailure | undefined;
  let isRead: boolean;
  let isComplete: boolean;
  let now: number;
  /** How much later it is each time that somebody asks. */
  let tickSeconds: number;

  const name = () => recommendationName(workload.ref);
  const stored = () => cluster.recommendations.get(`shop/${name()}`);
  const status = () => stored()?.status;
  const state = () => status()?.summary?.status;
  const conditionNamed = (name: string) => status()?.conditions?.find(({ type }) => type === name);
  const held = () => conditionNamed('Held');
  const sizedNames = () => status()?.admission?.map((each) => each.name);

  /** At every write: what has the label has sizes to give. */
  async function reconcile(): Promise<Reconciled> {
    cluster.onWrite = () => {
      const { isActive = false } = stored() ?? {};
      if (isActive) assert.ok(status()?.admission !== undefined, 'active without sizes');
    };
    const histories = workload.containers.flatMap((each) =>
      usage ? [[each.name, usage] as const] : [],
    );
    return reconcileWorkload(
      workloadKey(workload.ref),
      {
        view: cluster,
        writer: cluster,
        clock: { nowSeconds: () => (now += tickSeconds) },
        actor: new MemoryActing().actor(cluster, () => now),
        usageOf: () => ({ containers: new Map(isRead ? histories : []), failure, isRead }),
        fleetOf: () => ({ ...ALONE, isComplete }),
      },
      signal,
    );
  }

  function govern(spec: object, change: Parameters<typeof aPolicy>[2] = {}): void {
    cluster.add(aPolicy('own', spec, change));
  }

  function use(change: Partial<Workload>, of = 'cart'): void {
    workload = aWorkload(of, change);
    cluster.workloads.clear();
    cluster.add(workload);
  }

  beforeEach(() => {
    cluster = new MemoryCluster();
    usage = fortnight;
    failure = undefined;
    isRead = true;
    isComplete = true;
    tickSeconds = 0;
    now = NOW;
    use({});
    govern({ mode: 'Admission' });
  });

  it('states the targets and sets the label, in three writes and then none', async () => {
    await reconcile();
    assert.deepEqual(status()?.admission, [{ name: 'main', ...status()?.containers?.[0]?.target }]);
    assert.equal(state(), 'NextPod');
    assert.equal(held(), undefined);
    assert.equal(status()?.reason, undefined);
    assert.equal(stored()?.isActive, true);
    assert.equal(cluster.writes, 3);
    assert.equal((await reconcile()).written, 'Unchanged');
    assert.equal(cluster.writes, 3);
  });

  it('waits for the next run of a CronJob', async () => {
    use({ ref: { namespace: 'shop', kind: 'CronJob', name: 'report' }, replicas: 0 });
    await reconcile();
    assert.equal(state(), 'NextRun');
    assert.equal(stored()?.isActive, true);
  });

  const podOf = (sizes: Sizes, running = true): Pod =>
    aPod('cart-1', { running, containers: [aPodContainer('main', sizes)] });

  it('is applied when every running pod has what new ones get', async () => {
    const key = workloadKey(workload.ref);
    await reconcile();
    const cpu = status()?.admission?.[0]?.requests?.cpu ?? '';
    const have: Sizes = {
      ...SIZES,
      requests: { cpu: Number.parseInt(cpu) / 1000, memory: 113 * MI },
    };
    const old = podOf({ requests: { cpu: 1, memory: GI }, limits: {} });
    for (const [pods, want] of [
      [[podOf(have)], 'Applied'],
      [[podOf(have), old], 'NextPod'],
      [[podOf(have), { ...old, running: false }], 'Applied'],
      [[podOf(have, false)], 'NextPod'],
      [[podOf({ ...have, limits: {} })], 'NextPod'],
      [[podOf({ ...have, limits: { ...have.limits, cpu: 1 } })], 'NextPod'],
    ] as const) {
      cluster.podsOf.set(key, pods);
      await reconcile();
      assert.equal(state(), want);
    }
  });

  it('says that it fits where the template has the sizes', async () => {
    await reconcile();
    const cpu = status()?.admission?.[0]?.requests?.cpu ?? '';
    const [main = assert.fail()] = workload.containers;
    const requests = { cpu: Number.parseInt(cpu) / 1000, memory: 113 * MI };
    use({ containers: [{ ...main, ...SIZES, requests }] });
    await reconcile();
    assert.equal(state(), 'Fits');
    assert.equal(stored()?.isActive, true);
  });

  describe('follows modes', () => {
    const two = ['main', 'proxy'].map((each): ContainerSpec => ({
      ...(aWorkload('cart').containers[0] ?? assert.fail()),
      name: each,
    }));
    beforeEach(() => {
      use({ containers: two });
    });

    for (const mode of ['InPlace', 'Recreate']) {
      it(`${mode}, as Admission does`, async () => {
        govern({ mode });
        await reconcile();
        assert.deepEqual(sizedNames(), ['main', 'proxy']);
        assert.equal(held(), undefined);
      });
    }

    it('and leaves new pods to the template in Rollout, which changes that', async () => {
      govern({ mode: 'Rollout' });
      await reconcile();
      assert.equal(sizedNames(), undefined);
      assert.equal(stored()?.isActive, false);
    });

    const CASES: Readonly<
      Record<string, { mode: string; override: string; want: readonly string[] | undefined }>
    > = {
      'and leaves out a container that is only looked at': {
        mode: 'Admission',
        override: 'Recommend',
        want: ['main'],
      },
      'and leaves out a container that is ignored': {
        mode: 'Admission',
        override: 'Ignore',
        want: ['main'],
      },
      'of one container alone': { mode: 'Recommend', override: 'Admission', want: ['proxy'] },
      'and sizes nothing where all are only looked at': {
        mode: 'Recommend',
        override: 'Recommend',
        want: undefined,
      },
    };
    for (const [title, { mode, override, want }] of Object.entries(CASES)) {
      it(title, async () => {
        govern({ mode, containers: [{ name: 'proxy', mode: override }] });
        await reconcile();
        assert.deepEqual(sizedNames(), want);
        assert.equal(stored()?.isActive, want !== undefined);
      });
    }

    it('within the guardrails of a cluster policy, also of a container', async () => {
      cluster.add(aClusterPolicy('all', { guardrails: { modes: ['Recommend'] } }));
      govern({ mode: 'Admission', containers: [{ name: 'proxy', mode: 'InPlace' }] });
      await reconcile();
      assert.equal(status()?.admission, undefined);
      assert.equal(state(), 'Recommended');
      assert.equal(stored()?.isActive, false);
    });
  });

  describe('rests on evidence', () => {
    it('and gives nothing while a workload is learning, not even a limit', async () => {
      usage = undefined;
      await reconcile();
      assert.equal(conditionNamed('Ready')?.reason, 'Learning');
      const limits = () => status()?.containers?.[0]?.target?.limits;
      assert.deepEqual(limits(), {});
      await reconcile();
      assert.deepEqual(limits(), {}, 'nor when it is looked at again');
      assert.equal(status()?.admission, undefined);
      usage = aHistory(days(1, { cpuCoverage: 0.5, memoryCoverage: 0.5, cpu: [0.01], peak: MI }));
      await reconcile();
      assert.equal(status()?.admission, undefined);
      assert.equal(stored()?.isActive, false);
      // Nor where so little asks for more than the template has.
      const hungry = { cpuCoverage: 0.1, memoryCoverage: 0.1, cpu: [9], peak: 9 * 1024 * MI };
      usage = aHistory(days(1, hungry));
      await reconcile();
      assert.equal(status()?.admission, undefined);
    });

    it('and keeps what it gave when history is lost', async () => {
      await reconcile();
      const before = status()?.admission;
      usage = undefined;
      await reconcile();
      assert.deepEqual(status()?.admission, before);
      assert.equal(stored()?.isActive, true);
    });

    it('and begins nothing while guardrails may be missing, nor ends what was begun', async () => {
      cluster.unreadablePolicies.set('ClusterRightsizePolicy//guard', 'too new');
      assert.equal((await reconcile()).written, 'Unchanged');
      assert.equal(stored(), undefined);
      cluster.unreadablePolicies.clear();
      await reconcile();
      cluster.unreadablePolicies.set('ClusterRightsizePolicy//guard', 'too new');
      await reconcile();
      assert.equal(stored()?.isActive, true);
    });

    it('and leaves a resource alone that an autoscaler scales on', async () => {
      cluster.scalers = [anAutoscaler('cart', ['cpu'])];
      await reconcile();
      assert.deepEqual(status()?.admission, [
        { name: 'main', requests: { memory: '113Mi' }, limits: { memory: '113Mi' } },
      ]);
    });
  });

  describe('ends', () => {
    beforeEach(async () => {
      await reconcile();
      assert.equal(stored()?.isActive, true);
    });

    const suspend = () => govern({ mode: 'Admission', suspend: true }, { generation: 2 });
    const assertSuspended = () => {
      assert.equal(stored()?.isActive, false);
      assert.equal(status()?.admission, undefined);
      assert.equal(state(), 'Held:Suspended');
      assert.equal(status()?.reason, 'Suspended');
      assert.equal(held()?.reason, 'Suspended');
    };

    it('when it is suspended, and begins again', async () => {
      suspend();
      const { outcome } = await reconcile();
      assertSuspended();
      assert.equal(outcome?.reason, 'Suspended');
      govern({ mode: 'Admission' }, { generation: 3 });
      await reconcile();
      assert.equal(stored()?.isActive, true);
      assert.equal(state(), 'NextPod');
      assert.equal(held(), undefined);
      assert.equal(status()?.reason, undefined);
    });

    it('before usage was read after a restart', async () => {
      suspend();
      isRead = false;
      assert.equal((await reconcile()).written, 'Waiting');
      assert.equal(stored()?.isActive, false);
    });

    it('while Prometheus cannot be read after a restart, and begins again when it can', async () => {
      suspend();
      isRead = false;
      failure = UNREACHABLE;
      await reconcile();
      assertSuspended();
      govern({ mode: 'Admission' }, { generation: 3 });
      await reconcile();
      // What stands there was sized by another text of the policy.
      assert.equal(stored()?.isActive, false);
      isRead = true;
      failure = undefined;
      await reconcile();
      assert.equal(stored()?.isActive, true);
      assert.equal(state(), 'NextPod');
      assert.equal(held(), undefined);
    });

    it('in the mode Recommend', async () => {
      govern({ mode: 'Recommend' }, { generation: 2 });
      await reconcile();
      assert.equal(stored()?.isActive, false);
      assert.equal(status()?.admission, undefined);
      assert.equal(state(), 'Recommended');
    });

    it('until the time of an annotation, and says when to look again', async () => {
      const annotations = { 'rightsize.dev/suspend-until': '2027-01-15T01:00:00Z' };
      use({ annotations });
      const { againSeconds } = await reconcile();
      assertSuspended();
      assert.equal(againSeconds, HOUR_SECONDS);
      now += HOUR_SECONDS;
      assert.equal((await reconcile()).againSeconds, undefined);
      assert.equal(state(), 'NextPod');
    });

    it('and looks again at once where that time comes while it looks', async () => {
      const until = now + HOUR_SECONDS;
      use({ annotations: { 'rightsize.dev/suspend-until': '2027-01-15T01:00:00Z' } });
      tickSeconds = 2;
      const waits: (number | undefined)[] = [];
      for (let before = 0; before < 8; before++) {
        now = until - before;
        waits.push((await reconcile()).againSeconds);
      }
      assert.ok(waits.includes(0), waits.join());
      assert.ok(
        waits.every((wait = 0) => wait >= 0),
        waits.join(),
      );
    });

    it('when the cluster cannot do it, and tells why', async () => {
      cluster.admission = { kind: 'Unavailable', message: 'New pods are not sized: too old.' };
      await reconcile();
      assert.equal(stored()?.isActive, false);
      assert.equal(state(), 'Held:AdmissionUnavailable');
      assert.equal(held()?.message, 'New pods are not sized: too old.');
      govern({ mode: 'Recommend' }, { generation: 2 });
      await reconcile();
      assert.equal(state(), 'Recommended');
    });

    it('and tells of other holds after that', async () => {
      cluster.scalers = [anAutoscaler('cart', ['cpu'])];
      suspend();
      await reconcile();
      assert.match(held()?.message ?? '', /^Suspended by .*\. main: CPU is held: /);
    });

    it('nothing when it was made anew, which takes the label along', async () => {
      use({ uid: 'uid-new' });
      await reconcile();
      assert.equal(stored()?.ownerUid, 'uid-new');
      assert.equal(stored()?.isActive, true);
    });
  });

  it('never begins for a Job that may be the run of a CronJob', async () => {
    use({ ref: { namespace: 'shop', kind: 'Job', name: 'web-29403000' } });
    await reconcile();
    assert.equal(state(), 'Held:NameAmbiguous');
    assert.equal(stored()?.isActive, false);
    use({ ref: { namespace: 'shop', kind: 'Job', name: 'web-20261231' } });
    await reconcile();
    assert.equal(stored()?.isActive, true);
  });

  it('ends where the template states resources of the pod as a whole', async () => {
    await reconcile();
    assert.equal(stored()?.isActive, true);
    use({ hasPodResources: true });
    await reconcile();
    assert.deepEqual([state(), stored()?.isActive], ['Held:PodLevelResources', false]);
  });

  it('keeps a limit where a quota counts it', async () => {
    const [main = assert.fail()] = workload.containers;
    use({ containers: [{ ...main, limits: { cpu: 2 } }] });
    cluster.quotas = [aQuota({ limited: ['cpu'] })];
    await reconcile();
    assert.deepEqual(status()?.admission?.[0]?.limits, { cpu: '2', memory: '113Mi' });
  });
});
