import assert from 'node:assert/strict';
import { RateLimiter } from '../../../src/kube/rate.ts';

describe('the rate limit', () => {
  it('lets a burst through at once, and lets wait what follows', async () => {
    const limiter = new RateLimiter({ perSecond: 20, burst: 3 });
    const passed: number[] = [];
    const taken = [0, 1, 2, 3].map((call) => limiter.take(undefined).then(() => passed.push(call)));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(passed, [0, 1, 2]);
    await Promise.all(taken);
    assert.deepEqual(passed, [0, 1, 2, 3]);
  });

  it('lets who is in need go before those who wait already, and each of these in its turn', async () => {
    const limiter = new RateLimiter({ perSecond: 200, burst: 1 });
    const passed: string[] = [];
    const take = (name: string, isUrgent: boolean) =>
      limiter.take(undefined, isUrgent).then(() => passed.push(name));
    await Promise.all([
      take('first', false),
      take('list', false),
      take('status', false),
      take('rescue', true),
      take('another rescue', true),
    ]);
    assert.deepEqual(passed, ['first', 'rescue', 'another rescue', 'list', 'status']);
  });

  it('lets nobody wait for one that has left', async () => {
    const limiter = new RateLimiter({ perSecond: 200, burst: 1 });
    await limiter.take(undefined);
    const leaving = new AbortController();
    const left = assert.rejects(limiter.take(leaving.signal), /gone/);
    const next = limiter.take(undefined);
    leaving.abort(new Error('gone'));
    await Promise.all([left, next]);
  });

  it('turns away who was told to stop before', async () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 });
    await assert.rejects(limiter.take(AbortSignal.abort(new Error('gone'))), /gone/);
    await limiter.take(undefined);
  });
});
