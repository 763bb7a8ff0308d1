import assert from 'node:assert/strict';
import {
  recommendationName,
  reconcileWorkload,
  type Reconciled,
} from '../../../src/controller/reconcile.ts';
import type { ContainerSpec, UsageFailure } from '../../../src/controller/ports.ts';
import type { KnownFleet } from '../../../src/controller/fleets.ts';
import { ALONE } from '../../../src/recommend/fleet.ts';
import { DAY_SECONDS, type UsageHistory } from '../../../src/recommend/usage.ts';
import { aHistory, day, days, GI, HOUR_SECONDS, MI, NOW } from '../../support/builders.ts';
import { MemoryActing } from './memoryacting.ts';
import {
  aClusterPolicy,
  aPolicy,
  aWorkload,
  aNode,
  anAutoscaler,
  MemoryCluster,
  UNREACHABLE,
} from './memorycluster.ts';

const KEY = 'shop/Deployment/cart';
const NAME = 'deployment-cart';
const signal = new AbortController().signal;

/** A fortnight of 100m and 100Mi, against requests of 1 core and 1Gi. */
const fortnight = aHistory(days(14));

describe('reconciling a workload', () => {
  let cluster: MemoryCluster;
  let usage: UsageHistory | undefined;
  let failure: UsageFailure | undefined;
  let isRead: boolean;
  let now: number;
  let fleet: KnownFleet;

  const reconcile = (key = KEY): Promise<Reconciled> =>
    reconcileWorkload(
      key,
      {
        view: cluster,
        writer: cluster,
        clock: { nowSeconds: () => now },
        actor: new MemoryActing().actor(cluster, () => now),
        usageOf: () => ({
          containers: new Map(isRead && usage ? [['main', usage]] : []),
          failure,
          isRead,
        }),
        fleetOf: () => fleet,
      },
      signal,
    );
  const condition = (type: string) =>
    cluster.statusOf(NAME)?.conditions?.find((each) => each.type === type);
  const target = () => cluster.statusOf(NAME)?.containers?.[0]?.target?.requests;

  beforeEach(() => {
    cluster = new MemoryCluster().add(aWorkload('cart'), aPolicy('own'));
    usage = fortnight;
    failure = undefined;
    isRead = true;
    now = NOW;
    fleet = { ...ALONE, isComplete: true };
  });

  it('takes the margin of the fleet once all of it was looked at, and not the prior after a restart', async () => {
    const fitted = { ...ALONE, marginOf: () => ({ excess: 3, basis: 'Fleet' as const }) };
    fleet = { ...fitted, isComplete: true };
    await reconcile();
    // e^(3 × 0.1) = 1.35, in steps of 4Mi.
    assert.equal(target()?.memory, '136Mi');
    const before = cluster.statusOf(NAME);
    fleet = { ...ALONE, isComplete: false };
    assert.equal((await reconcile()).written, 'Unchanged');
    assert.deepEqual(cluster.statusOf(NAME), before);
    fleet = { ...ALONE, isComplete: true };
    assert.equal((await reconcile()).written, 'Updated');
    assert.equal(target()?.memory, '113Mi');
  });

  it('creates its recommendation', async () => {
    const { written, outcome } = await reconcile();
    assert.equal(written, 'Created');
    assert.equal(outcome?.policyKey, 'RightsizePolicy/shop/own');
    assert.equal(outcome.state, 'Recommended');
    const stored = cluster.recommendations.get(`shop/${NAME}`);
    assert.equal(stored?.ownerUid, 'uid-cart');
    assert.deepEqual(stored.targetRef, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'cart',
    });
    assert.deepEqual(stored.status?.policy, {
      kind: 'RightsizePolicy',
      name: 'own',
      uid: 'uid-own',
      generation: 1,
    });
    assert.equal(target()?.memory, '113Mi');
    assert.equal(condition('Ready')?.status, 'True');
  });

  it('writes nothing the second time', async () => {
    await reconcile();
    const { writes } = cluster;
    assert.equal((await reconcile()).written, 'Unchanged');
    assert.equal(cluster.writes, writes);
  });

  it('writes nothing after an hour in which nothing happened that matters', async () => {
    const until = (hours: number) =>
      aHistory(
        [...days(14), day(0, { cpu: [0.1, 0.1005], cpuCoverage: hours / 24, peak: 101 * MI })],
        {
          lastSampleSeconds: NOW + hours * HOUR_SECONDS,
        },
      );
    now = NOW + 5 * HOUR_SECONDS;
    usage = until(5);
    await reconcile();
    const { writes } = cluster;
    now += HOUR_SECONDS;
    usage = until(6);
    assert.equal((await reconcile()).written, 'Unchanged');
    assert.equal(cluster.writes, writes);
  });

  it('writes when the target changes', async () => {
    await reconcile();
    usage = aHistory(days(14, { peak: 500 * MI }));
    assert.equal((await reconcile()).written, 'Updated');
    assert.equal(target()?.memory, '576Mi'); // 500 × 1.1275 = 563.7 in steps of 16
  });

  it('settles after one write whatever it wrote', async () => {
    cluster.add(
      aWorkload('cart', {
        containers: [
          { ...aWorkload('cart').containers[0], limits: { memory: GI } } as ContainerSpec,
        ],
      }),
    );
    for (const each of [
      aHistory(days(3)),
      fortnight,
      aHistory(days(14, { oomKills: 1 })),
      undefined,
    ]) {
      usage = each;
      await reconcile();
      const settled = cluster.statusOf(NAME);
      await reconcile();
      assert.deepEqual(cluster.statusOf(NAME), settled);
    }
  });

  it('gives up the recommendation when no policy selects the workload any more', async () => {
    await reconcile();
    cluster.policies.clear();
    const { written, outcome } = await reconcile();
    assert.equal(written, 'Deleted');
    assert.equal(outcome, undefined);
    assert.equal(cluster.recommendations.size, 0);
  });

  it('gives up nothing while a policy cannot be read', async () => {
    await reconcile();
    cluster.policies.clear();
    cluster.unreadablePolicies.set('RightsizePolicy/shop/other', 'too new');
    assert.equal((await reconcile()).written, 'Unchanged');
    assert.equal(cluster.recommendations.size, 1);
  });

  it('goes with its policy though one of another namespace cannot be read', async () => {
    await reconcile();
    cluster.policies.clear();
    cluster.unreadablePolicies.set('RightsizePolicy/elsewhere/other', 'too new');
    assert.equal((await reconcile()).written, 'Deleted');
  });

  it('does not follow another policy while its own cannot be read', async () => {
    await reconcile();
    const before = cluster.statusOf(NAME);
    cluster.policies.clear();
    cluster.add(aClusterPolicy('all', { riskTolerance: { profile: 'Economy' } }));
    cluster.unreadablePolicies.set('RightsizePolicy/shop/own', 'too new');
    assert.equal((await reconcile()).written, 'Unchanged');
    assert.deepEqual(cluster.statusOf(NAME), before);
    cluster.unreadablePolicies.clear();
    assert.equal((await reconcile()).written, 'Updated');
    assert.equal(cluster.statusOf(NAME)?.policy?.name, 'all');
  });

  it('follows the policy that goes first', async () => {
    cluster.add(aClusterPolicy('all', { priority: 9 }), aPolicy('urgent', { priority: 9 }));
    await reconcile();
    assert.equal(cluster.statusOf(NAME)?.policy?.name, 'urgent');
  });

  it('does nothing for a workload that is gone', async () => {
    assert.deepEqual(await reconcile('shop/Deployment/gone'), {
      written: 'Unchanged',
      outcome: undefined,
    });
  });

  it('writes nothing before usage was read, so that a restart does not show', async () => {
    await reconcile();
    const before = cluster.statusOf(NAME);
    isRead = false;
    assert.equal((await reconcile()).written, 'Waiting');
    assert.deepEqual(cluster.statusOf(NAME), before);
    isRead = true;
    assert.equal((await reconcile()).written, 'Unchanged');
  });

  it('keeps all that it said when Prometheus cannot be read after a restart, and says so', async () => {
    await reconcile();
    const before = cluster.statusOf(NAME);
    isRead = false;
    failure = UNREACHABLE;
    now += HOUR_SECONDS;
    assert.equal((await reconcile()).written, 'Updated');
    const { conditions = [], ...content } = cluster.statusOf(NAME) ?? {};
    const { conditions: old = [], ...oldContent } = before ?? {};
    assert.deepEqual(content, oldContent);
    assert.equal(condition('Degraded')?.reason, 'PrometheusUnreachable');
    assert.deepEqual(
      conditions.filter(({ type }) => type !== 'Degraded'),
      old,
    );
    assert.equal((await reconcile()).written, 'Unchanged');
    isRead = true;
    failure = undefined;
    await reconcile();
    assert.equal(condition('Degraded'), undefined);
  });

  it('goes on from what was read when Prometheus fails later', async () => {
    await reconcile();
    const before = target();
    failure = UNREACHABLE;
    await reconcile();
    assert.deepEqual(target(), before);
    assert.equal(condition('Degraded')?.status, 'True');
    now += 3 * HOUR_SECONDS;
    await reconcile();
    assert.deepEqual(target(), before);
    assert.equal(condition('Held')?.reason, 'HistoryStale');
  });

  it('moves the time of a condition only when its status flips', async () => {
    usage = undefined;
    await reconcile();
    const learning = condition('Ready');
    assert.equal(learning?.reason, 'Learning');
    now += HOUR_SECONDS;
    usage = aHistory(days(1, { cpuCoverage: 0.5, memoryCoverage: 0.5 }));
    await reconcile();
    assert.equal(condition('Ready')?.lastTransitionTime, learning.lastTransitionTime);
    now += HOUR_SECONDS;
    usage = fortnight;
    await reconcile();
    assert.equal(condition('Ready')?.status, 'True');
    assert.equal(condition('Ready')?.lastTransitionTime, '2027-01-15T02:00:00Z');
    assert.equal(learning.lastTransitionTime, '2027-01-15T00:00:00Z');
  });

  it('does not lower when history is lost, at the next look and the one after it', async () => {
    usage = aHistory(days(14, { peak: 600 * MI }));
    await reconcile();
    const before = target()?.memory;
    usage = aHistory(days(2));
    for (let look = 0; look < 3; look++) {
      await reconcile();
      assert.equal(target()?.memory, before);
      assert.equal(condition('Held')?.reason, 'HistoryShrank');
    }
    // Nothing at all, and then two days of what came since.
    usage = undefined;
    await reconcile();
    usage = aHistory(days(2));
    await reconcile();
    assert.equal(target()?.memory, before);
  });

  it('lowers again when the new days outweigh the lost ones', async () => {
    usage = aHistory(days(14, { peak: 600 * MI }));
    await reconcile();
    for (let passed = 1; passed <= 7; passed++) {
      now = NOW + passed * DAY_SECONDS;
      const since = Array.from({ length: passed }, (_, index) => day(-index));
      usage = aHistory(since);
      await reconcile();
      assert.equal(target()?.memory === '113Mi', passed === 7, `after ${passed} days`);
    }
  });

  it('judges what it recommended by the use that comes after, though it writes nothing for that', async () => {
    const kept = () => cluster.statusOf(NAME)?.containers?.[0]?.kept;
    const later = (hours: number, cpu: readonly number[]) => {
      now = NOW + hours * HOUR_SECONDS;
      const today = day(0, { cpu, cpuCoverage: hours / 24, memoryCoverage: hours / 24 });
      usage = aHistory([...days(14), today], { lastSampleSeconds: now - 300 });
    };
    later(4, [0.1]);
    await reconcile();
    assert.equal(kept()?.to, '2027-01-15T04:00:00Z');
    const { writes } = cluster;
    later(6, [0.1]);
    await reconcile();
    assert.equal(cluster.writes, writes);
    // A burst over the 100m and something that were recommended; the next target follows it.
    later(12, [0.1, 0.4]);
    await reconcile();
    assert.ok(cluster.writes > writes);
    assert.equal(kept()?.to, '2027-01-15T12:00:00Z');
    const { cpu, memory } = kept() ?? assert.fail();
    assert.ok(Math.abs(cpu.over / cpu.samples - 0.5) < 0.001, `${cpu.over} of ${cpu.samples}`);
    assert.deepEqual(memory, { days: 0, daysHit: 0, today: 'Under' });
  });

  it('begins to count anew when another risk is promised', async () => {
    await reconcile();
    now = NOW + DAY_SECONDS;
    usage = aHistory([...days(14), day(0)]);
    await reconcile();
    const kept = () => cluster.statusOf(NAME)?.containers?.[0]?.kept;
    assert.deepEqual([kept()?.since, kept()?.memory.days], ['2027-01-15T00:00:00Z', 1]);
    cluster.add(aPolicy('own', { riskTolerance: { profile: 'Critical' } }, { generation: 2 }));
    await reconcile();
    assert.deepEqual([kept()?.since, kept()?.memory.days], ['2027-01-16T00:00:00Z', 0]);
  });

  it('takes over the recommendation when the workload was made anew', async () => {
    await reconcile();
    cluster.add(aWorkload('cart', { uid: 'uid-new' }));
    await reconcile();
    assert.equal(cluster.recommendations.get(`shop/${NAME}`)?.ownerUid, 'uid-new');
  });

  it('sees what surrounds the workload', async () => {
    cluster.ranges = [
      {
        namespace: 'shop',
        name: 'bounds',
        items: [
          {
            type: 'Container',
            min: { memory: GI / 4 },
            max: {},
            default: {},
            defaultRequest: {},
            maxLimitRequestRatio: {},
          },
        ],
      },
    ];
    cluster.scalers = [anAutoscaler('cart', ['cpu'])];
    await reconcile();
    assert.deepEqual(target(), { cpu: '1', memory: '256Mi' });
    assert.equal(condition('Held')?.reason, 'HPAOwnsCPU');
  });

  it('takes another autoscaler, another namespace and a small cordoned node for nothing', async () => {
    cluster.scalers = [anAutoscaler('other', ['cpu'])];
    cluster.machines = [
      aNode('a', { cpu: 4, memory: GI }),
      aNode('b', { cpu: 0.01, memory: MI }),
      aNode('c', { cpu: 64, memory: 64 * GI }, { schedulable: false }),
    ];
    await reconcile();
    assert.equal(condition('Held'), undefined);
    assert.equal(cluster.statusOf(NAME)?.containers?.[0]?.clamps, undefined);
    usage = aHistory(days(14, { cpu: [32] }));
    await reconcile();
    assert.equal(target()?.cpu, '4');
  });
});

describe('the name of a recommendation', () => {
  it('is the kind and the name of the workload', () => {
    assert.equal(recommendationName({ kind: 'StatefulSet', name: 'db' }), 'statefulset-db');
  });

  it('is cut where it would be too long, and differs where the names do', () => {
    const name = (end: string) =>
      recommendationName({ kind: 'Deployment', name: 'a'.repeat(252) + end });
    assert.ok(name('b').length <= 253);
    assert.notEqual(name('b'), name('c'));
    assert.equal(name('b'), name('b'));
  });
});
