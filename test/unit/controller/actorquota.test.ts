import assert from 'node:assert/strict';
import { GI, MI } from '../../support/builders.ts';
import { ActingWorld, cartPod, KEY } from './actingworld.ts';
import { aPod, aPodContainer, aQuota, aWorkload } from './memorycluster.ts';

const WEB = 'shop/Deployment/web';

describe('workloads that share a quota', () => {
  let world: ActingWorld;
  const quota = (memory: number) => {
    const left = { requests: { cpu: 1 }, limits: { memory } };
    world.cluster.quotas = [aQuota({ left })];
  };
  const cpuOfWeb = () => world.pods(WEB)[0]?.containers[0]?.requests.cpu;
  const stateOfWeb = () => world.cluster.statusOf('deployment-web')?.summary?.status;

  beforeEach(async () => {
    world = new ActingWorld();
    const sizes = { requests: { cpu: 0.05, memory: GI }, limits: {} };
    const [main] = aWorkload('web').containers;
    const containers = main === undefined ? [] : [{ ...main, ...sizes }];
    world.cluster.add(aWorkload('web', { replicas: 1, containers }));
    world.cluster.podsOf.set(WEB, [aPod('web-1', { containers: [aPodContainer('main', sizes)] })]);
    world.setPods(cartPod('cart-1', {}, 200 * MI), cartPod('cart-2', {}, 200 * MI));
    world.kill('cart-1');
    quota(0);
    await world.reconcile();
  });

  it('hold raises while one of them is in need and has no room', async () => {
    assert.equal(world.state, 'Held:QuotaExceeded');
    const { againSeconds } = await world.reconcile(WEB);
    assert.equal(stateOfWeb(), 'Held:QuotaExceeded');
    assert.equal(cpuOfWeb(), 0.05);
    assert.ok((againSeconds ?? Infinity) <= 60);
  });

  it('raise again when the one in need has what it needs', async () => {
    quota(2 * GI);
    await world.reconcile();
    assert.equal(world.history[0]?.lane, 'Rescue');
    await world.reconcile(WEB);
    assert.ok((cpuOfWeb() ?? 0) > 0.1);
  });

  it('raise again when the one in need is gone', async () => {
    world.actor.forget(KEY);
    await world.reconcile(WEB);
    assert.ok((cpuOfWeb() ?? 0) > 0.1);
  });
});
