import assert from 'node:assert/strict';
import { HistoryFold } from '../../../src/recommend/history.ts';
import { DAY_SECONDS, type UsageHistory } from '../../../src/recommend/usage.ts';
import { HOUR_SECONDS, MI, NOW } from '../../support/builders.ts';
import { ActingWorld, cartPod, KEY } from './actingworld.ts';

/** Of 1400Mi a quarter more are 1750Mi, and 1744Mi are the most readable below that. */
const LIMIT = 1400;
const MOST = '1744Mi';
const SINCE = NOW - 5 * DAY_SECONDS;

/** 200Mi for nine days, then 10Mi more each hour. */
function growing(): UsageHistory {
  const fold = new HistoryFold(300);
  for (let at = NOW - 14 * DAY_SECONDS; at < NOW; at += HOUR_SECONDS) {
    const hours = Math.max(0, (at - SINCE) / HOUR_SECONDS);
    fold.addMemory('cart-1', at, (200 + 10 * hours) * MI);
  }
  return fold.history() ?? assert.fail();
}

describe('new pods of a container that seems to leak', () => {
  let world: ActingWorld;
  const limit = () => world.status?.admission?.[0]?.limits?.memory;

  function begin(mode: string): void {
    world = new ActingWorld({ mode });
    world.usage = growing();
    world.live = { memoryBytes: 1350 * MI, cpuCores: 0.1 };
    world.setPods(cartPod('cart-1', { createdSeconds: SINCE - 1000 }, LIMIT * MI));
  }

  for (const mode of ['Admission', 'InPlace']) {
    it(`get a quarter more than pods had, look by look, and say so: in mode ${mode}`, async () => {
      begin(mode);
      for (let look = 0; look < 4; look++) {
        await world.reconcile();
        assert.equal(limit(), MOST);
        assert.equal(world.condition('LeakSuspected')?.status, 'True');
        world.now += 400;
      }
    });
  }

  it('get no more than that once the pods are newer than the suspicion', async () => {
    begin('Admission');
    await world.reconcile();
    for (let redeploy = 0; redeploy < 3; redeploy++) {
      const mebibytes = Number.parseInt(limit() ?? '');
      world.setPods(cartPod(`cart-${redeploy}`, { createdSeconds: world.now }, mebibytes * MI));
      world.now += 400;
      await world.reconcile();
      assert.equal(limit(), MOST);
    }
  });

  it('get no more than that while usage cannot be read', async () => {
    begin('Admission');
    await world.reconcile();
    world.cluster.podsOf.set(KEY, []);
    world.isRead = false;
    world.failure = { reason: 'PrometheusUnreachable', message: 'nobody answers' };
    await world.reconcile();
    assert.equal(limit(), MOST);
  });

  it('get what is recommended once it stops', async () => {
    begin('Admission');
    await world.reconcile();
    world.seen({ peak: 1500 * MI });
    await world.reconcile();
    assert.equal(world.condition('LeakSuspected'), undefined);
    assert.equal(limit(), '1696Mi');
  });
});
