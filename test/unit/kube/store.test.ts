import assert from 'node:assert/strict';
import { Backoff } from '../../../src/kube/backoff.ts';
import { Store } from '../../../src/kube/store.ts';

describe('the store', () => {
  it('tells what each write changed', () => {
    const store = new Store<{ size: number }>();
    assert.deepEqual(store.put('a', { size: 1 }), { kind: 'Added', key: 'a', item: { size: 1 } });
    assert.equal(store.put('a', { size: 1 }), undefined);
    assert.deepEqual(store.put('a', { size: 2 }), {
      kind: 'Updated',
      key: 'a',
      item: { size: 2 },
      before: { size: 1 },
    });
    assert.deepEqual(store.put('a', undefined), { kind: 'Deleted', key: 'a', before: { size: 2 } });
    assert.equal(store.put('a', undefined), undefined);
  });

  it('becomes equal to a list and tells the difference', () => {
    const store = new Store<number>();
    for (const [key, item] of Object.entries({ kept: 1, changed: 1, gone: 1 }))
      store.put(key, item);
    const list = new Map(Object.entries({ kept: 1, changed: 2, added: 3 }));
    assert.deepEqual(
      store.replace(list).map(({ kind, key }) => `${kind} ${key}`),
      ['Deleted gone', 'Updated changed', 'Added added'],
    );
    assert.deepEqual(new Map(store.view), list);
  });
});

describe('the backoff', () => {
  const limits = { firstMs: 500, longestMs: 30_000 };

  it('doubles up to its longest wait and begins anew after a success', () => {
    const backoff = new Backoff(limits, () => 1);
    const waits = Array.from({ length: 8 }, () => backoff.nextMs());
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    backoff.reset();
    assert.equal(backoff.nextMs(), 500);
  });

  it('shortens waits by up to half', () => {
    assert.equal(new Backoff(limits, () => 0).nextMs(), 250);
  });

  it('waits at least as long as the server asks', () => {
    assert.equal(new Backoff(limits, () => 1).nextMs(60), 60_000);
  });
});
