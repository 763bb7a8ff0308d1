import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Controller } from '../../../src/controller/controller.ts';
import { workloadKey } from '../../../src/controller/ports.ts';
import { aHistory, dayOfHours, days, GI, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { cartPod } from './actingworld.ts';
import { MemoryActing } from './memoryacting.ts';
import { aPolicy, aWorkload, MemoryCluster, MemoryUsage } from './memorycluster.ts';

const NAMES = ['cart', 'web', 'api'] as const;

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('the controller', () => {
  let now: number;
  let cluster: MemoryCluster;
  let source: MemoryUsage;
  let isLeader: boolean;
  let errors: unknown[];
  let events: string[];
  let controller: Controller;
  let acting: MemoryActing;

  /** Second by second, so that what one timer begins ends before the next. */
  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      now += 1;
      mock.timers.tick(1000);
      await settle();
    }
  }

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    now = NOW;
    isLeader = true;
    errors = [];
    events = [];
    source = new MemoryUsage();
    acting = new MemoryActing();
    cluster = new MemoryCluster().add(aPolicy('own'), ...NAMES.map((name) => aWorkload(name)));
    for (const name of NAMES) {
      source.usage.set(workloadKey(aWorkload(name).ref), {
        main: aHistory(days(14)) ?? assert.fail(),
      });
    }
    const quiet = () => undefined;
    controller = new Controller({
      view: cluster,
      writer: cluster,
      source,
      events: { record: ({ regarding, reason }) => events.push(`${regarding.name} ${reason}`) },
      log: { debug: quiet, info: quiet, warn: quiet, error: (fields) => errors.push(fields) },
      clock: { nowSeconds: () => now },
      random: () => 0.5,
      isLeader: () => isLeader,
      refreshSeconds: HOUR_SECONDS,
      acting: acting.options,
      onReconciled: quiet,
    });
  });
  afterEach(async () => {
    await controller.rest();
    mock.timers.reset();
  });

  it('writes a recommendation for each workload, and then the status of the policy', async () => {
    controller.lead();
    await pass(6);
    assert.equal(cluster.recommendations.size, 3);
    const { status } = cluster.policies.get('RightsizePolicy/shop/own') ?? {};
    assert.deepEqual([status?.workloads, status?.owned, status?.recommended], [3, 3, 3]);
    assert.equal(status?.conditions?.[0]?.reason, 'Recommending');
    assert.deepEqual(errors, []);
    assert.ok(events.includes('cart Recommended'));
  });

  it('goes on with others when one workload cannot be written', async () => {
    cluster.onWrite = (name) => {
      if (name === 'deployment-web') throw new Error('refused');
    };
    controller.lead();
    await pass(6);
    assert.deepEqual([...cluster.recommendations.keys()].sort(), [
      'shop/deployment-api',
      'shop/deployment-cart',
    ]);
    assert.ok(errors.length > 0);
    cluster.onWrite = () => undefined;
    await pass(60);
    assert.equal(cluster.recommendations.size, 3);
  });

  it('writes nothing as long as nothing changes', async () => {
    controller.lead();
    await pass(6);
    const { writes } = cluster;
    for (const name of NAMES) {
      controller.changed({ kind: 'Workload', key: workloadKey(aWorkload(name).ref) });
      controller.changed({ kind: 'Recommendation', key: workloadKey(aWorkload(name).ref) });
    }
    controller.changed({ kind: 'Policy', key: 'RightsizePolicy/shop/own' });
    controller.changed({ kind: 'Namespace', name: 'shop' });
    await pass(10);
    assert.equal(cluster.writes, writes);
  });

  it('takes recommendations away when their policy is gone', async () => {
    controller.lead();
    await pass(6);
    cluster.policies.clear();
    controller.changed({ kind: 'Policy', key: 'RightsizePolicy/shop/own' });
    await pass(3);
    assert.equal(cluster.recommendations.size, 0);
    assert.equal(controller.snapshot.usage.wanted, 0);
  });

  it('writes nothing before it leads, nor after it rests', async () => {
    controller.changed({ kind: 'Namespace', name: 'shop' });
    await pass(5);
    assert.equal(cluster.writes, 0);
    controller.lead();
    await controller.rest();
    controller.changed({ kind: 'Namespace', name: 'shop' });
    await pass(5);
    assert.equal(cluster.writes, 0);
  });

  it('writes nothing once it does not lead any more, though it was not told to rest', async () => {
    isLeader = false;
    controller.lead();
    await pass(5);
    assert.equal(cluster.writes, 0);
    assert.ok(errors.length > 0);
  });

  describe('of a policy whose containers outgrow each size', () => {
    const use = (name: string, cores: number) =>
      source.usage.set(workloadKey(aWorkload(name).ref), {
        main: aHistory(days(14, { cpu: [cores] })) ?? assert.fail(),
      });
    /** For a week each hour is by more above the one before it than any margin, so that each is over its size. */
    const outgrow = (name: string) => {
      const growing = Array.from({ length: 14 }, (_, day) =>
        dayOfHours(
          14 - day,
          Array.from({ length: 24 }, (_, hour) => [
            2e-9 * 1.25 ** Math.max(0, (day - 7) * 24 + hour),
          ]),
        ),
      );
      const main = aHistory(growing) ?? assert.fail();
      source.usage.set(workloadKey(aWorkload(name).ref), { main });
    };
    let before: ReturnType<typeof cart>;
    const ledAgain = async () => {
      await controller.rest();
      controller.lead();
      await pass(6);
    };
    const cart = () => {
      const { reason, containers: [main] = [] } = cluster.statusOf('deployment-cart') ?? {};
      return { reason, cpu: main?.target?.requests?.cpu };
    };

    beforeEach(async () => {
      for (const name of NAMES) outgrow(name);
      controller.lead();
      await pass(6);
      before = cart();
    });

    it('says that the promise is not kept', () => {
      const { status } = cluster.policies.get('RightsizePolicy/shop/own') ?? {};
      const risk = status?.conditions?.find(({ type }) => type === 'RiskKept');
      assert.deepEqual([risk?.status, risk?.reason], ['False', 'CPUNotKept']);
      assert.ok(events.includes('own CPUNotKept'));
      const { calibrations } = controller.snapshot;
      assert.equal(calibrations.get('RightsizePolicy/shop/own')?.cpu.verdict, 'NotKept');
    });

    it('lowers nothing, also when it leads anew', async () => {
      use('cart', 0.02);
      await ledAgain();
      assert.deepEqual(cart(), { reason: 'RiskNotKept', cpu: before.cpu });
    });

    it('lowers again once the promise is kept', async () => {
      for (const name of NAMES) use(name, 0.02);
      await ledAgain();
      assert.ok(events.includes('own RiskKeptAgain'));
      assert.deepEqual(cart(), { reason: undefined, cpu: '22m' });
      assert.deepEqual(errors, []);
    });
  });

  const calm = () => ({
    atSeconds: now,
    memoryBytes: 100 * 2 ** 20,
    cpuCores: 0.01,
    throttledShare: 0,
    cpuSinceSeconds: now - 30,
    throttledSinceSeconds: now - 30,
    oomKilledSeconds: undefined,
  });

  it('looks again at pods that have changed, where they are changed, and nowhere else', async () => {
    cluster.add(aPolicy('own', { mode: 'InPlace' }));
    const key = workloadKey(aWorkload('cart').ref);
    controller.lead();
    await pass(6);
    assert.deepEqual(acting.asked, []);
    cluster.podsOf.set(key, [cartPod('cart-1', {}, GI)]);
    // Nothing is lowered before it was looked at, which is asked for at once.
    acting.live = new Map([['shop/cart-1', new Map([['main', calm()]])]]);
    controller.changed({ kind: 'Pods', key });
    await pass(20);
    assert.ok(acting.asked.some(({ call, pod }) => call === 'resize' && pod === 'cart-1'));
    acting.asked.length = 0;
    cluster.add(aPolicy('own', { mode: 'Recommend' }));
    controller.changed({ kind: 'Policy', key: 'RightsizePolicy/shop/own' });
    await pass(6);
    const { writes } = cluster;
    cluster.podsOf.set(key, [cartPod('cart-2')]);
    controller.changed({ kind: 'Pods', key });
    await pass(2);
    assert.equal(cluster.writes, writes);
    assert.deepEqual(acting.asked, []);
    assert.deepEqual(errors, []);
  });

  it('reads usage again when it leads again, and says nothing new', async () => {
    controller.lead();
    await pass(6);
    await controller.rest();
    const { writes } = cluster;
    const queries = source.queries.length;
    controller.lead();
    await pass(6);
    assert.equal(cluster.writes, writes);
    assert.ok(source.queries.length > queries);
  });
});
