import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { workloadKey } from '../../../src/controller/ports.ts';
import { UsageKeeper } from '../../../src/controller/usage.ts';
import { UsageEntry, entrySlabs } from '../../../src/controller/usageplan.ts';
import { HistoryFold } from '../../../src/recommend/history.ts';
import type { PackedUsage } from '../../../src/recommend/packed.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { aKnownPod, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aWorkload, MemoryUsage } from './memorycluster.ts';

const WINDOW = 14 * DAY_SECONDS;
/** In the middle of a day. */
const READ = NOW + 10 * HOUR_SECONDS;
const A_WEEK_ON = READ + 8 * DAY_SECONDS;

/** One core without a gap, in hours after `NOW`. */
function packed(fromHour: number, toHour: number): PackedUsage {
  const fold = new HistoryFold(300);
  for (let at = fromHour * HOUR_SECONDS; at < toHour * HOUR_SECONDS; at += 300) {
    fold.addCpu('cart-1', NOW + at, 1);
    fold.addMemory('cart-1', NOW + at, 1);
  }
  return fold.packed() ?? assert.fail('nothing was folded');
}

function entryOf(...containers: readonly PackedUsage[]): UsageEntry {
  const entry = new UsageEntry(aWorkload('cart').ref, WINDOW, NOW, entrySlabs());
  entry.merge(new Map(containers.map((each, i) => [`container-${i}`, each])), READ);
  entry.keepWhole(READ, 0);
  return entry;
}

describe('the begin of a window that was not answered', () => {
  const windowStart = A_WEEK_ON - WINDOW;

  it('is asked for again once a week, up to the end of the first day that is known', () => {
    const entry = entryOf(packed(8, 10 + 8 * 24));
    // Half a day on gaps are looked for, and those of all of the window half a week on.
    assert.equal(entry.dueGaps(READ + DAY_SECONDS), undefined);
    assert.deepEqual(entry.dueGaps(A_WEEK_ON), {
      fromSeconds: windowStart,
      toSeconds: NOW + DAY_SECONDS,
    });
    assert.equal(entry.dueGaps(A_WEEK_ON + DAY_SECONDS), undefined);
    assert.ok(
      entry.dueGaps(A_WEEK_ON + 7 * DAY_SECONDS) === undefined,
      'it is no longer within the window',
    );
  });

  it('is known where it comes back', () => {
    const entry = entryOf(packed(8, 10 + 8 * 24));
    entry.merge(new Map([['container-0', packed(-8 * 24, 8)]]), A_WEEK_ON);
    assert.equal(entry.dueGaps(A_WEEK_ON), undefined);
    const { packed: all } = entry.containers.get('container-0') ?? assert.fail();
    assert.ok(all.length > 100);
  });

  it('is that of the container that is known longest', () => {
    const entry = entryOf(packed(-6 * 24, 10 + 8 * 24), packed(3 * 24, 10 + 8 * 24));
    assert.equal(entry.dueGaps(A_WEEK_ON), undefined);
  });

  it('is not asked for where nothing is known at all', () => {
    assert.equal(entryOf().dueGaps(A_WEEK_ON), undefined);
  });

  it('is read as what goes on from nothing: who counted before is not known', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    const { ref } = aWorkload('cart');
    let now = READ;
    const source = new MemoryUsage();
    const fold = new HistoryFold(300);
    for (let at = 0; at < 10 * HOUR_SECONDS; at += 300) {
      fold.addCpu('cart-1', NOW + at, 1);
      fold.addMemory('cart-1', NOW + at, 1);
    }
    source.usage.set(workloadKey(ref), { main: fold.history() ?? assert.fail() });
    const keeper = new UsageKeeper({
      source,
      clock: { nowSeconds: () => now },
      intervalSeconds: HOUR_SECONDS,
      podsOf: () => [aKnownPod('cart-1')],
      siblingsOf: () => [ref],
      onRead: () => undefined,
      onWarning: () => undefined,
      random: () => 0.5,
    });
    try {
      keeper.want(ref, WINDOW);
      for (let hour = 0; hour < 9 * 24; hour++) {
        now += HOUR_SECONDS;
        mock.timers.tick(HOUR_SECONDS * 1000);
        for (let turn = 0; turn < 12; turn++) await setImmediate();
      }
      const begins = source.queries.filter(
        ({ fromSeconds }, i) => i > 0 && fromSeconds < NOW - HOUR_SECONDS,
      );
      assert.equal(begins.length, 1);
      assert.deepEqual(
        source.queries.map((query) => query.isContinued),
        source.queries.map((query, i) => i > 0 && query !== begins[0]),
      );
    } finally {
      await keeper.stop();
      mock.timers.reset();
    }
  });
});
