import assert from 'node:assert/strict';
import { WriteFence } from '../../../src/kube/fence.ts';

const shop = '/apis/rightsize.dev/v1alpha1/namespaces/shop/recommendations/deployment-cart/status';
const cluster = '/apis/rightsize.dev/v1alpha1/clusterrightsizepolicies/default/status';

describe('the write fence', () => {
  it('lets nothing through that another may be writing', () => {
    const fence = new WriteFence((namespace) => namespace === 'web');
    assert.throws(() => fence.enter({ method: 'PATCH', path: shop }), {
      kind: 'Aborted',
      message: `PATCH ${shop}: another instance may be writing here by now`,
    });
    assert.throws(() => fence.enter({ method: 'PATCH', path: cluster }), { kind: 'Aborted' });
    fence.enter({ method: 'PATCH', path: shop.replace('shop', 'web') })();
  });

  it('stops a call that was let in, and waited until another took over', () => {
    let isOurs = true;
    const fence = new WriteFence(() => isOurs);
    const leave = fence.enter({ method: 'PATCH', path: shop });
    fence.check({ method: 'PATCH', path: shop });
    isOurs = false;
    assert.throws(() => fence.check({ method: 'PATCH', path: shop }), { kind: 'Aborted' });
    leave();
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
      fence.enter(call)();
      fence.check(call);
    }
  });

  it('knows where writes are on their way until each has come back', () => {
    const fence = new WriteFence(() => true);
    const inShop = () => fence.isWriting((namespace) => namespace === 'shop');
    const leaves = [1, 2].map(() => fence.enter({ method: 'DELETE', path: shop }));
    fence.enter({ method: 'PATCH', path: cluster });
    assert.equal(inShop(), true);
    leaves[0]?.();
    assert.equal(inShop(), true);
    leaves[1]?.();
    assert.equal(inShop(), false);
    assert.equal(
      fence.isWriting((namespace) => namespace === undefined),
      true,
    );
  });
});
