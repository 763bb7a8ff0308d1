import assert from 'node:assert/strict';
import type { Pod } from '../../../src/controller/ports.ts';
import { concernsPods, concernsWorkload } from '../../../src/kube/podchanges.ts';
import type { Change } from '../../../src/kube/store.ts';
import { aPod, aPodContainer } from '../controller/memorycluster.ts';

const before = aPod('cart-1');
const deferred = { state: 'Deferred', message: 'used: 1000', sinceSeconds: 5 } as const;

function updated(change: Partial<Pod>, from: Pod = before): Change<Pod> {
  return { kind: 'Updated', key: 'shop/cart-1', item: { ...from, ...change }, before: from };
}

describe('a change of a pod', () => {
  const lower = { requests: { cpu: 0.1 }, limits: {} };
  const main = (change: Parameters<typeof aPodContainer>[1]) => ({
    containers: [aPodContainer('main', change)],
  });
  const telling: Readonly<Record<string, Change<Pod>>> = {
    'is new': { kind: 'Added', key: 'shop/cart-1', item: before },
    'is gone': { kind: 'Deleted', key: 'shop/cart-1', before },
    'is asked to have another size': updated(
      main({ ...lower, actual: before.containers[0]?.actual }),
    ),
    'has another size': updated(main({ actual: lower })),
    'has another generation': updated({ generation: 2 }),
    'has a generation that was looked at': updated({ observedGeneration: 2 }),
    'waits for its resize': updated({ resize: deferred }),
    'is ready no more': updated({ isReady: false, readinessSeconds: 7 }),
    'was not ready for a moment': updated({ readinessSeconds: 7 }),
    'is terminating': updated({ isTerminating: true, running: false }),
    'has ended': updated({ hasEnded: true, running: false }),
    'has restarted': updated(main({ restarts: 1, restartedSeconds: 9 })),
    'was resized by another': updated({ otherResizer: 'vpa' }),
  };
  for (const [what, change] of Object.entries(telling)) {
    it(`is of interest where pods are changed: it ${what}`, () => {
      assert.equal(concernsPods(change), true);
    });
  }

  it('is of no interest when only its resourceVersion is another', () => {
    assert.equal(concernsPods(updated({ resourceVersion: '2' })), false);
  });

  it('is of no interest when a resize waits on for other figures', () => {
    const waiting = { ...before, resize: deferred };
    const change = updated({ resize: { ...deferred, message: 'used: 900' } }, waiting);
    assert.equal(concernsPods(change), false);
  });

  it('lets its workload be looked at when it begins to run or was killed for memory', () => {
    const killed = main({ restarts: 1, restartedSeconds: 9, oomKilledSeconds: 9 });
    assert.equal(concernsWorkload(updated({}, { ...before, running: false })), false);
    assert.equal(concernsWorkload(updated({ running: true }, { ...before, running: false })), true);
    assert.equal(concernsWorkload(updated(killed)), true);
    assert.equal(
      concernsWorkload(updated({ resourceVersion: '2' }, { ...before, ...killed })),
      false,
    );
    assert.equal(concernsWorkload(updated({ isReady: false })), false);
  });
});
