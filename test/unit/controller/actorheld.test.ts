import assert from 'node:assert/strict';
import { ALONE } from '../../../src/recommend/fleet.ts';
import { aHistory, days, GI, HOUR_SECONDS, MI } from '../../support/builders.ts';
import { ActingWorld, cartPod, KEY, requests } from './actingworld.ts';
import { aPolicy, aWorkload, anAutoscaler, aPodContainer, UNREACHABLE } from './memorycluster.ts';

const OBSERVE_SECONDS = 600;

describe('acting within what is allowed', () => {
  let world: ActingWorld;

  beforeEach(() => {
    world = new ActingWorld();
  });

  describe('that is not to be changed', () => {
    const untouched = async (state: string | undefined) => {
      await world.reconcile();
      assert.deepEqual(world.acting.asked, []);
      assert.equal(world.state, state);
      const { writes } = world.cluster;
      await world.reconcile();
      assert.equal(world.cluster.writes, writes);
    };

    it('holds while it is suspended', async () => {
      world.cluster.add(aPolicy('own', { mode: 'InPlace', suspend: true }));
      await untouched('Held:Suspended');
    });

    it('holds where a VerticalPodAutoscaler sizes it', async () => {
      const target = { kind: 'Deployment', name: 'cart' };
      world.cluster.verticalScalers = [{ namespace: 'shop', name: 'v', target, updates: true }];
      await untouched('Held:VPAOwns');
    });

    it('holds where another one resized a pod', async () => {
      world.change('cart-2', { otherResizer: 'kubectl' });
      await untouched('Held:OtherManager');
      assert.match(world.condition('Held')?.message ?? '', /kubectl/);
    });

    it('changes nothing where a pod or its template states resources as a whole', async () => {
      world.change('cart-2', { hasPodResources: true });
      await untouched('Held:PodLevelResources');
      world.change('cart-2', { hasPodResources: false });
      world.cluster.add(aWorkload('cart', { hasPodResources: true }));
      await untouched('Held:PodLevelResources');
      assert.equal(world.status?.admission, undefined);
    });

    it('waits for a window, and looks again when it opens', async () => {
      const windows = [{ schedule: '0 2 * * *', duration: '1h' }];
      world.cluster.add(aPolicy('own', { mode: 'InPlace', changes: { windows } }));
      await untouched('Held:OutsideWindow');
      const { againSeconds = 0 } = await world.reconcile();
      world.now += againSeconds;
      world.seen();
      await world.reconcile();
      assert.equal(requests(world)[0]?.cpu, 0.75);
    });

    it('waits while it is rolled out or not ready', async () => {
      world.cluster.add(aWorkload('cart', { isRollingOut: true }));
      await untouched('Held:RollingOut');
      world.cluster.add(aWorkload('cart', { isReady: false }));
      await untouched('Held:NotReady');
    });

    it('lowers nothing while Prometheus cannot be read', async () => {
      await world.reconcile();
      world.restart();
      world.now += OBSERVE_SECONDS;
      world.acting.asked.length = 0;
      world.isRead = false;
      world.failure = UNREACHABLE;
      await untouched('Held:EvidenceStale');
      assert.equal(world.history[0]?.outcome, 'Fine');
    });

    it('leaves the CPU to an autoscaler and lowers memory', async () => {
      world.cluster.scalers = [anAutoscaler('cart', ['cpu'])];
      await world.reconcile();
      assert.deepEqual(requests(world)[0], { cpu: 1, memory: 768 * MI });
    });
  });

  describe('with a pod that is killed for memory', () => {
    const limits = () => world.pods().map(({ containers: [main] }) => main?.limits.memory);

    beforeEach(async () => {
      // Of a container whose policy asks for limits, all that there is is known.
      world.usage = aHistory(days(14, { peak: 500 * MI }));
      world.setPods(cartPod('cart-1', {}, GI), cartPod('cart-2', {}, GI));
      world.acting.forbidden.add('Resize');
      await world.reconcile();
      world.acting.forbidden.clear();
      world.now += 10;
      world.kill('cart-2');
      world.told();
    });
    const rescued = () => (limits()[1] ?? 0) > GI;

    it('raises it at once', async () => {
      await world.reconcile();
      assert.ok(rescued(), `${limits()[1]}`);
      assert.deepEqual(
        world.history.map(({ lane }) => lane),
        ['Rescue', 'Savings'],
      );
      // CPU is another matter; of memory nothing is taken from anyone.
      assert.ok(requests(world).every((each) => (each?.memory ?? 0) >= GI));
      const again = limits()[1];
      await world.reconcile();
      assert.equal(limits()[1], again);
    });

    it('raises it before usage was read after a restart', async () => {
      world.restart();
      world.isRead = false;
      await world.reconcile();
      assert.ok(rescued());
      assert.equal(world.history.at(-1)?.lane, 'Rescue');
    });

    it('raises it while Prometheus cannot be read', async () => {
      world.isRead = false;
      world.failure = UNREACHABLE;
      await world.reconcile();
      assert.ok(rescued());
    });

    it('raises it while the fleet is not known', async () => {
      world.fleet = { ...ALONE, isComplete: false };
      await world.reconcile();
      assert.ok(rescued());
    });

    it('does not raise it where it is suspended', async () => {
      world.cluster.add(aPolicy('own', { mode: 'InPlace', suspend: true }));
      await world.reconcile();
      assert.ok(!rescued());
    });

    it('raises it outside windows', async () => {
      const windows = [{ schedule: '0 2 * * *', duration: '1h' }];
      world.cluster.add(aPolicy('own', { mode: 'InPlace', changes: { windows } }));
      await world.reconcile();
      assert.ok(rescued());
    });

    it('is looked at as urgent', () => {
      assert.deepEqual([...world.actor.urgent()], [KEY]);
    });
  });

  it('is urgent once CPU use is above all that was ever seen, and raises the request', async () => {
    world.cluster.add(aPolicy('own', { mode: 'InPlace', changes: { decrease: { allowed: [] } } }));
    await world.reconcile();
    assert.deepEqual([...world.actor.urgent()], []);
    world.now += 30;
    world.live = { memoryBytes: 100 * MI, cpuCores: 1.4 };
    assert.deepEqual([...world.actor.urgent()], [KEY]);
    await world.reconcile();
    const rescues = world.history.filter(({ lane }) => lane === 'Rescue');
    assert.ok(rescues.length > 0);
    assert.ok(requests(world).every((each) => (each?.cpu ?? 0) > 1));
    const made = world.acting.made.filter(({ outcome }) => outcome === 'Made');
    assert.deepEqual(
      made.map(({ lane, signalSeconds }) => [lane, signalSeconds]),
      [
        ['Rescue', 0],
        ['Rescue', 0],
      ],
    );
  });

  it('shares the budget of the cluster between workloads that are prepared at the same time', async () => {
    world.acting.rules = { ...world.acting.rules, maxPodsPerHour: 2 };
    world.restart();
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) {
      world.cluster.add(aWorkload(name));
      world.cluster.podsOf.set(`shop/Deployment/${name}`, [cartPod(`${name}-1`)]);
    }
    await Promise.all(names.map((name) => world.reconcile(`shop/Deployment/${name}`)));
    const resized = world.acting.asked.filter(({ call }) => call === 'resize');
    assert.equal(resized.length, 2);
    world.now += HOUR_SECONDS;
    world.seen();
    for (const name of names) await world.reconcile(`shop/Deployment/${name}`);
    assert.equal(world.acting.asked.filter(({ call }) => call === 'resize').length, 4);
  });

  it('gives back what it held of the budget when it could not be written down', async () => {
    world.acting.rules = { ...world.acting.rules, maxPodsPerHour: 1 };
    world.restart();
    world.cluster.onWrite = () => assert.fail('refused');
    await assert.rejects(world.reconcile());
    world.cluster.onWrite = () => undefined;
    await world.reconcile();
    assert.equal(requests(world)[0]?.cpu, 0.75);
  });

  it('stops savings when too many went bad in the cluster', async () => {
    world.acting.rules = {
      maxPodsPerHour: 100,
      breaker: { maxBadShare: 0, leastJudged: 1, windowSeconds: 2 * HOUR_SECONDS },
    };
    world.restart();
    await world.reconcile();
    world.now += 60;
    world.kill('cart-1');
    world.now += 5;
    await world.reconcile();
    assert.equal(world.history[0]?.outcome, 'TakenBack');
    world.cluster.add(aWorkload('web'));
    const web = 'shop/Deployment/web';
    world.cluster.podsOf.set(web, [cartPod('web-1')]);
    await world.reconcile(web);
    assert.deepEqual(requests(world, web)[0], { cpu: 1, memory: GI });
    assert.equal(world.cluster.statusOf('deployment-web')?.summary?.status, 'Held:BreakerOpen');
    world.restart();
    await world.reconcile(web);
    assert.deepEqual(requests(world, web)[0], { cpu: 1, memory: GI });
  });

  it('changes only the containers whose own mode says so', async () => {
    const sizes = { requests: { cpu: 1, memory: GI }, limits: {} };
    const containers = ['main', 'side'].map((name) => aPodContainer(name, sizes));
    const spec = { mode: 'InPlace', containers: [{ name: 'side', mode: 'Recommend' }] };
    world.cluster.add(
      aPolicy('own', spec),
      aWorkload('cart', {
        containers: containers.map(({ name, kind }) => ({ name, kind, restartsOn: [], ...sizes })),
      }),
    );
    world.setPods(cartPod('cart-1', { containers }));
    await world.reconcile();
    const [pod] = world.pods();
    assert.deepEqual(
      pod?.containers.map(({ requests: { cpu } }) => cpu),
      [0.75, 1],
    );
  });

  it('is asked again about its pods only where they are changed, or made with other sizes', async () => {
    const asked = async (mode: string) => {
      world.cluster.add(aPolicy('own', { mode }));
      await world.reconcile();
      await world.reconcile();
      return [world.actor.acts(KEY), world.actor.namespaces()];
    };
    assert.deepEqual(await asked('InPlace'), [true, ['shop']]);
    assert.deepEqual(await asked('Admission'), [true, []]);
    assert.deepEqual(await asked('Recommend'), [false, []]);
  });

  it('changes nothing in the namespace of the cluster itself', async () => {
    world.cluster.add(
      aWorkload('dns', { ref: { namespace: 'kube-system', kind: 'Deployment', name: 'dns' } }),
      aPolicy('sys', { mode: 'InPlace' }, { namespace: 'kube-system' }),
    );
    const key = 'kube-system/Deployment/dns';
    world.cluster.podsOf.set(key, [cartPod('dns-1', { namespace: 'kube-system' })]);
    await world.reconcile(key);
    assert.deepEqual(world.acting.asked, []);
    const { status } = world.cluster.recommendations.get('kube-system/deployment-dns') ?? {};
    assert.equal(status?.summary?.status, 'Held:NamespaceProtected');
  });

  it('keeps the time of conditions that hold on', async () => {
    world.acting.forbidden.add('Resize');
    await world.reconcile();
    const before = world.condition('Held')?.lastTransitionTime;
    world.now += HOUR_SECONDS;
    world.acting.forbidden.clear();
    const windows = [{ schedule: '0 3 * * *', duration: '1h' }];
    world.cluster.add(aPolicy('own', { mode: 'InPlace', changes: { windows } }));
    await world.reconcile();
    assert.equal(world.condition('Held')?.reason, 'OutsideWindow');
    assert.equal(world.condition('Held')?.lastTransitionTime, before);
  });
});
