import assert from 'node:assert/strict';
import type { Pod } from '../../../src/controller/ports.ts';
import type { Sizes } from '../../../src/recommend/usage.ts';
import { aHistory, days, GI, MI } from '../../support/builders.ts';
import { ActingWorld, cartPod, KEY } from './actingworld.ts';
import { aQuota, aWorkload } from './memorycluster.ts';

/** Mebibytes of requests that are recommended, of which a pod as its template says has 1024. */
const SIZED = 1696;
const GROWTH = SIZED - 1024;
const MEMORY = `${SIZED}Mi`;

describe('new pods under a quota', () => {
  let world: ActingWorld;

  beforeEach(() => {
    world = new ActingWorld({ mode: 'Admission' });
    // 1500Mi at the peak; CPU is to be lowered from 1 core to 110m.
    world.usage = aHistory(days(14, { peak: 1500 * MI }));
  });

  /** Mebibytes of requests that the quota has left, and what new pods then get. */
  async function given(mebibytes: number, left: Partial<Sizes> = {}) {
    const requests = { memory: mebibytes * MI };
    world.cluster.quotas = [aQuota({ left: { requests, limits: {}, ...left } })];
    const { againSeconds } = await world.reconcile();
    const { requests: sized } = world.status?.admission?.[0] ?? {};
    return { state: world.state, memory: sized?.memory, cpu: sized?.cpu, againSeconds };
  }

  it('get what is recommended where what is added fits in the place of a pod', async () => {
    assert.deepEqual((await given(GROWTH)).memory, MEMORY);
    assert.equal(world.state, 'NextPod');
  });

  it('get what the template says of a resource that would not fit, and what is lowered all the same', async () => {
    const { state, memory, cpu, againSeconds } = await given(GROWTH - 1);
    assert.deepEqual([state, memory, cpu], ['Held:QuotaExceeded', undefined, '110m']);
    assert.deepEqual(world.status?.admission, [{ name: 'main', requests: { cpu: '110m' } }]);
    assert.match(world.condition('Held')?.message ?? '', /1696 Mi, and the quota has 1695 Mi/);
    assert.equal(world.status.reason, 'QuotaExceeded');
    assert.equal(againSeconds, 60);
    assert.equal((await given(GROWTH)).memory, MEMORY);
    assert.equal(world.condition('Held'), undefined);
  });

  it('get nothing where nothing else is sized, and the label goes', async () => {
    world.cluster.podsOf.set(KEY, []);
    await given(SIZED);
    const active = () => [...world.cluster.recommendations.values()].map((each) => each.isActive);
    assert.deepEqual(active(), [true]);
    await given(0, { requests: { cpu: 0, memory: 0 } });
    assert.deepEqual(active(), [true], 'CPU is lowered');
    world.usage = aHistory(days(14, { cpu: [5], peak: 1500 * MI }));
    await given(0, { requests: { cpu: 0, memory: 0 } });
    assert.deepEqual([active(), world.status?.admission], [[false], undefined]);
  });

  it('come as their template says where they are waited for and fit only so', async () => {
    world.cluster.add(aWorkload('cart', { replicas: 3 }));
    assert.equal((await given(SIZED - 1)).memory, undefined);
    assert.equal((await given(SIZED)).memory, MEMORY);
    world.cluster.add(aWorkload('cart', { replicas: 4 }));
    assert.equal((await given(2 * SIZED - 1)).memory, undefined);
    assert.equal((await given(2 * SIZED)).memory, MEMORY);
  });

  it('come as their template says in a rollout that has no room for more', async () => {
    world.cluster.add(aWorkload('cart', { isRollingOut: true }));
    assert.equal((await given(SIZED - 1)).memory, undefined);
    assert.equal((await given(SIZED)).memory, MEMORY);
  });

  it('may take what a pod on its way out gives back', async () => {
    const going: Partial<Pod> = { isTerminating: true, running: false };
    world.setPods(cartPod('cart-1'), cartPod('cart-2', going));
    assert.equal((await given(GROWTH)).memory, MEMORY);
    assert.equal((await given(GROWTH - 1)).memory, undefined);
  });

  it('count a limit that is new, where the quota counts limits', async () => {
    const limits = (mebibytes: number) => ({ requests: {}, limits: { memory: mebibytes * MI } });
    // The pods that go have no limit to give back.
    assert.equal((await given(0, limits(SIZED - 1))).memory, undefined);
    assert.equal((await given(0, limits(SIZED))).memory, MEMORY);
  });

  it('get what is lowered however little is left', async () => {
    world.usage = aHistory(days(14));
    assert.equal((await given(0, { limits: {} })).memory, '113Mi');
    assert.equal(world.state, 'NextPod');
  });

  it('are held beside pods that run and are resized', async () => {
    const inPlace = new ActingWorld({ mode: 'InPlace' });
    inPlace.usage = aHistory(days(14, { peak: 1500 * MI }));
    inPlace.cluster.quotas = [aQuota({ left: { requests: { memory: 100 * MI }, limits: {} } })];
    for (let look = 0; look < 3; look++) {
      await inPlace.reconcile();
      inPlace.now += 30;
    }
    assert.deepEqual(inPlace.status?.admission, [{ name: 'main', requests: { cpu: '110m' } }]);
    const condition = inPlace.condition('Held');
    assert.equal(condition?.reason, 'QuotaExceeded');
    assert.match(condition.message, /^New pods get the template's memory: /);
    assert.equal(inPlace.pods()[0]?.containers[0]?.requests.memory, GI);
  });
});
