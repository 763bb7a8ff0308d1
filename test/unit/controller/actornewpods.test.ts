import assert from 'node:assert/strict';
import type { Pod } from '../../../src/controller/ports.ts';
import { sizesOfText } from '../../../src/controller/history.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { GI } from '../../support/builders.ts';
import { ActingWorld, cartPod, KEY, requests } from './actingworld.ts';
import { aPodContainer, aPolicy, aWorkload } from './memorycluster.ts';

const OBSERVE_SECONDS = 600;
const TEMPLATE = { cpu: '1', memory: '1Gi' };

describe('new pods that do not come up', () => {
  let world: ActingWorld;

  /** The Deployment cart, whose new pods are sized, under a mode. */
  async function sized(mode: string): Promise<void> {
    world = new ActingWorld();
    world.cluster.add(aPolicy('own', { mode }));
    world.setPods();
    await world.reconcile();
    await world.reconcile();
    world.told();
  }

  /** What a new pod of it gets. */
  function given() {
    const [admitted = assert.fail('new pods are not sized')] = world.status?.admission ?? [];
    const { requests: asked = {}, limits = {} } = admitted;
    return { requests: asked, limits };
  }

  /** Made just now as the API server does, and it ends again and again. */
  function made(name: string, change: Partial<Pod> = {}): Pod {
    const sizes = sizesOfText(given());
    const main = aPodContainer('main', { ...sizes, restarts: 2, restartedSeconds: world.now });
    const times = { createdSeconds: world.now - 30, readinessSeconds: world.now - 30 };
    return cartPod(name, { containers: [main], isReady: false, ...times, ...change });
  }

  describe('in mode Admission', () => {
    beforeEach(async () => {
      await sized('Admission');
      world.setPods(made('cart-1'));
      await world.reconcile();
    });

    it('are told of, with what to do, and are left alone', () => {
      assert.deepEqual(
        world.history.map(({ lane, method, outcome }) => [lane, method, outcome]),
        [
          ['Savings', 'Admission', 'TakenBack'],
          ['Return', 'Admission', 'Watching'],
        ],
      );
      assert.deepEqual(world.acting.asked, []);
      assert.deepEqual(world.acting.events, ['ChangeDidHarm']);
      const { reason, message = '' } = world.condition('Degraded') ?? {};
      assert.equal(reason, 'TakenBack');
      assert.match(message, /Failed starts in 1 of 1 new pods\. .*delete those/);
      assert.equal(world.state, 'Held:Backoff');
    });

    it('are followed by pods that get what the template says, also after a restart', async () => {
      world.restart();
      await world.reconcile();
      assert.deepEqual(given(), { requests: TEMPLATE, limits: {} });
    });

    it('are not taken back a second time, and settle', async () => {
      await world.reconcile();
      world.told();
      for (let look = 0; look < 3; look++) {
        assert.equal((await world.reconcile()).written, 'Unchanged');
        world.restart();
      }
      assert.deepEqual(world.told(), []);
    });

    it('are tried again when the pause is over', async () => {
      const { againSeconds = Infinity } = await world.reconcile();
      assert.ok(againSeconds <= DAY_SECONDS);
      world.setPods();
      world.now += DAY_SECONDS + 1;
      world.seen();
      await world.reconcile();
      assert.notDeepEqual(given().requests, TEMPLATE);
      assert.equal(world.condition('Degraded'), undefined);
    });
  });

  it('come up no worse for a while in which nobody looked', async () => {
    await sized('Admission');
    world.setPods(made('cart-1'));
    world.now += 2 * OBSERVE_SECONDS;
    world.restart();
    await world.reconcile();
    assert.ok(world.history.some(({ outcome }) => outcome === 'TakenBack'));
  });

  it('are withdrawn where the template says nothing of their memory', async () => {
    await sized('Admission');
    const main = { name: 'main', kind: 'Container', restartsOn: [] } as const;
    const containers = [{ ...main, requests: { cpu: 1 }, limits: {} }];
    world.cluster.add(aWorkload('cart', { containers }));
    world.setPods(made('cart-1'));
    await world.reconcile();
    await world.reconcile();
    assert.deepEqual(given(), { requests: { cpu: '1' }, limits: {} });
  });

  it('are put back in place where the mode changes pods', async () => {
    await sized('InPlace');
    world.setPods(made('cart-1'));
    world.cluster.add(aWorkload('cart', { replicas: 1, isReady: false }));
    await world.reconcile();
    assert.deepEqual(world.pods(KEY)[0]?.containers[0]?.requests, { cpu: 1, memory: GI });
    assert.equal(world.condition('Degraded')?.reason, 'TakenBack');
    await world.reconcile();
    assert.deepEqual(given().requests, TEMPLATE);
    world.change('cart-1', { isReady: true, readinessSeconds: world.now });
    world.now += OBSERVE_SECONDS + 1;
    await world.reconcile();
    assert.deepEqual(
      world.history.map(({ outcome }) => outcome),
      ['TakenBack', 'Fine'],
    );
  });

  it('leave alone a container of the pod whose mode is Admission', async () => {
    await sized('InPlace');
    world.cluster.add(
      aPolicy('own', { mode: 'InPlace', containers: [{ name: 'main', mode: 'Admission' }] }),
    );
    await world.reconcile();
    world.setPods(made('cart-1'));
    const before = requests(world);
    await world.reconcile();
    await world.reconcile();
    assert.deepEqual(requests(world), before);
    assert.ok(world.history.some(({ outcome }) => outcome === 'TakenBack'));
  });

  it('are fine when they are well for as long as changes are watched', async () => {
    await sized('Admission');
    const main = aPodContainer('main', sizesOfText(given()));
    const pod = made('cart-1', { isReady: true, containers: [main] });
    world.setPods(pod);
    const { againSeconds } = await world.reconcile();
    assert.equal(againSeconds, OBSERVE_SECONDS);
    assert.deepEqual(world.actor.acts(KEY), true);
    assert.equal(world.acting.made.at(-1)?.outcome, 'Made');
    world.now += OBSERVE_SECONDS;
    await world.reconcile();
    const words = world.history.map(({ method, outcome }) => `${method} ${outcome}`);
    assert.deepEqual(words, ['Admission Fine']);
    world.told();
    world.setPods(pod, made('cart-2', { isReady: true, containers: [main] }));
    assert.equal((await world.reconcile()).written, 'Unchanged');
  });
});
