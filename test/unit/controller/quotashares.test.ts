import assert from 'node:assert/strict';
import type { WorkloadRef } from '../../../src/controller/ports.ts';
import { addedIn, QuotaShares } from '../../../src/controller/quotashares.ts';
import { sumOf } from '../../../src/resize/room.ts';
import { NOW, sized } from '../resize/builders.ts';

const CART: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'cart' };
const WEB = { ...CART, name: 'web' };
const ELSEWHERE = { ...WEB, namespace: 'bank' };
const NOTHING = { requests: {}, limits: {} };
const LEFT = sized(1, 1000);

describe('the room of a namespace', () => {
  let shares: QuotaShares;
  const roomOf = (ref: WorkloadRef, seconds: number, isInNeed = false) =>
    shares.roomFor(ref, LEFT, { isInNeed, nowSeconds: NOW + seconds });
  const claim = (added = NOTHING, isUnmet = false) =>
    shares.claim(CART, { added: sumOf([added]), isUnmet }, { reported: LEFT, nowSeconds: NOW });

  beforeEach(() => {
    shares = new QuotaShares();
  });

  it('is what its quotas leave', () => {
    assert.deepEqual(roomOf(WEB, 0), LEFT);
  });

  it('is less what was just taken, until the quotas know or 30 s are over', () => {
    claim(sized(0.25, 400));
    assert.deepEqual(roomOf(WEB, 29), sized(0.75, 600));
    assert.deepEqual(roomOf(WEB, 30), LEFT);
    claim({ requests: { cpu: 0.25 }, limits: { cpu: 0 } });
    assert.equal(roomOf(WEB, 1).requests.cpu, 0.5);
    const known = sized(0.75, 600);
    assert.deepEqual(shares.roomFor(WEB, known, { isInNeed: false, nowSeconds: NOW + 1 }), known);
  });

  it('is nothing for others while one in need has too little, and all for others in need', () => {
    claim(NOTHING, true);
    assert.deepEqual(roomOf(WEB, 119), sized(0, 0));
    assert.deepEqual(roomOf(WEB, 119, true), LEFT);
    assert.deepEqual(roomOf(CART, 119), LEFT);
    assert.deepEqual(roomOf(ELSEWHERE, 119), LEFT);
    assert.deepEqual(roomOf(WEB, 120), LEFT);
  });

  it('is for all again when the need is met, or its workload is gone', () => {
    claim(NOTHING, true);
    claim();
    assert.deepEqual(roomOf(WEB, 1), LEFT);
    claim(NOTHING, true);
    shares.forget('shop/Deployment/cart');
    assert.deepEqual(roomOf(WEB, 1), LEFT);
  });

  it('has no bound that no quota sets', () => {
    claim(NOTHING, true);
    const room = shares.roomFor(WEB, NOTHING, { isInNeed: false, nowSeconds: NOW });
    assert.deepEqual(room, NOTHING);
  });

  it('is taken by what goes up, of each replica', () => {
    const change = { name: 'main', from: sized(0.5, 100), to: sized(0.25, 150) };
    assert.deepEqual(addedIn([change], 3).requests, sized(0, 150).requests);
  });
});
