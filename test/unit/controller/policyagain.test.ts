import assert from 'node:assert/strict';
import { ActingWorld, cartPod, KEY, requests } from './actingworld.ts';

describe('a policy that is deleted and made again', () => {
  it('leaves what was taken back, and how long savings wait for it', async () => {
    const world = new ActingWorld();
    world.setPods(cartPod('cart-1'));
    await world.reconcile();
    world.now += 100;
    world.kill('cart-1');
    await world.reconcile();
    const lanes = () => world.history.map(({ lane, outcome }) => `${lane} ${outcome}`);
    assert.equal(lanes()[0], 'Savings TakenBack');
    const before = requests(world);

    const [[key, policy] = assert.fail()] = world.cluster.policies;
    world.cluster.policies.delete(key);
    assert.equal((await world.reconcile()).written, 'Deleted');
    world.actor.forget(KEY);
    assert.equal(world.status, undefined);

    world.cluster.policies.set(key, policy);
    world.now += 700;
    world.seen();
    await world.reconcile();
    await world.reconcile();
    assert.equal(lanes()[0], 'Savings TakenBack');
    assert.match(world.condition('Degraded')?.message ?? '', /Nothing is lowered before/);
    assert.ok((requests(world)[0]?.cpu ?? 0) >= (before[0]?.cpu ?? 0));
  });
});
