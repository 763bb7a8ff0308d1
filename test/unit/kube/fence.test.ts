import assert from 'node:assert/strict';
import { WriteFence } from '../../../src/kube/fence.ts';

const shop = '/apis/rightsize.dev/v1alpha1/namespaces/shop/recommendations/deployment-cart/status';
const cluster = '/apis/rightsize.dev/v1alpha1/clusterrightsizepolicies/default/status';

describe('the write fence', () => {
  it('lets nothing through that another may be writing', () => {
    const fence = new WriteFence((namespace) => namespace === 'web');
    assert.throws(() => fence.enter({ method: 'PATCH', path: shop }, 1000), {
      kind: 'Aborted',
      message: `PATCH ${shop}: another instance may be writing here by now`,
    });
    assert.throws(() => fence.enter({ method: 'PATCH', path: cluster }, 1000), { kind: 'Aborted' });
    fence.enter({ method: 'PATCH', path: shop.replace('shop', 'web') }, 1000).ended(true);
  });

  it('stops a call that was let in, and waited until another took over', () => {
    let isOurs = true;
    const fence = new WriteFence(() => isOurs);
    const { ended } = fence.enter({ method: 'PATCH', path: shop }, 1000);
    fence.check({ method: 'PATCH', path: shop });
    isOurs = false;
    assert.throws(() => fence.check({ method: 'PATCH', path: shop }), { kind: 'Aborted' });
    ended(true);
  });

  it('stops neither reading nor what changes nothing', () => {
    const fence = new WriteFence(() => false);
    const calls = [
      { method: 'GET', path: shop },
      { method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' },
      { method: 'POST', path: '/apis/events.k8s.io/v1/namespaces/shop/events' },
      {
        method: 'PUT',
        path: '/apis/coordination.k8s.io/v1/namespaces/system/leases/rightsize',
        lane: 'Lease',
      },
    ] as const;
    for (const call of calls) {
      fence.enter(call, 1000).ended(true);
      fence.check(call);
    }
  });

  it('knows where writes are on their way until each has come back', () => {
    const fence = new WriteFence(() => true);
    const inShop = () => fence.isWriting((namespace) => namespace === 'shop');
    const writes = [1, 2].map(() => fence.enter({ method: 'DELETE', path: shop }, 1000));
    fence.enter({ method: 'PATCH', path: cluster }, 1000);
    assert.equal(inShop(), true);
    writes[0]?.ended(true);
    assert.equal(inShop(), true);
    writes[1]?.ended(false);
    assert.equal(inShop(), false);
    assert.equal(
      fence.isWriting((namespace) => namespace === undefined),
      true,
    );
  });

  it('counts a write that was sent until its deadline, where nobody knows what became of it', async () => {
    const fence = new WriteFence(() => true);
    const inShop = () => fence.isWriting((namespace) => namespace === 'shop');
    await fence.quiet();
    const started = performance.now();
    const write = fence.enter({ method: 'PATCH', path: shop }, 200);
    write.sent();
    write.ended(false);
    assert.equal(inShop(), true);
    const quiet = fence.quiet();
    const known = fence.enter({ method: 'PATCH', path: cluster }, 60_000);
    known.sent();
    known.ended(true);
    await quiet;
    assert.equal(inShop(), false);
    assert.ok(performance.now() - started >= 198);
  });
});
