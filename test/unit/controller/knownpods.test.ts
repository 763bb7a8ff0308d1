import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { ranIn, YoungPods, type KnownPod } from '../../../src/controller/knownpods.ts';
import { workloadKey } from '../../../src/controller/ports.ts';
import { UsageKeeper } from '../../../src/controller/usage.ts';
import { HistoryFold } from '../../../src/recommend/history.ts';
import { HOUR_SECONDS } from '../../../src/recommend/hours.ts';
import { DAY_SECONDS, type UsageHistory } from '../../../src/recommend/usage.ts';
import { aKnownPod, NOW } from '../../support/builders.ts';
import { aWorkload, MemoryUsage } from './memorycluster.ts';

const HOUR = NOW / HOUR_SECONDS;

describe('pods that usage is read of', () => {
  it('ran in an hour when they were created before its end and run still', () => {
    const pods = [
      aKnownPod('old'),
      aKnownPod('within', { createdSeconds: NOW + HOUR_SECONDS - 1 }),
      aKnownPod('after', { createdSeconds: NOW + HOUR_SECONDS }),
      aKnownPod('waited for a node', { startedSeconds: NOW + HOUR_SECONDS }),
      aKnownPod('evicted', { running: false }),
    ];
    assert.equal(ranIn(pods, HOUR), 2);
    assert.equal(ranIn(pods, HOUR + 1), 4);
    assert.equal(ranIn([], HOUR), 0);
  });

  it('are young when they were created since shortly before a window', () => {
    const young = new YoungPods(NOW);
    const since = NOW - 2 * HOUR_SECONDS - 300;
    young.see('shop', [
      aKnownPod('old'),
      aKnownPod('a moment older', { createdSeconds: since - 1 }),
      aKnownPod('young', { createdSeconds: since }),
      aKnownPod('waited for a node', { startedSeconds: since + 60 }),
    ]);
    young.see('shop', [aKnownPod('new', { createdSeconds: NOW + 60 })]);
    young.see('other', [aKnownPod('old')]);
    assert.deepEqual(
      young.byNamespace,
      new Map([
        [
          'shop',
          new Map([
            ['young', since],
            ['waited for a node', since + 60],
            ['new', NOW + 60],
          ]),
        ],
      ]),
    );
  });
});

describe('the keeper of usage, by what its pods are', () => {
  const cart = aWorkload('cart').ref;
  let now = NOW + 600;
  let source: MemoryUsage;

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Where the second reading begins, an hour after the first. */
  async function secondBegin(pods: readonly KnownPod[], hasUsage: boolean): Promise<number> {
    mock.timers.enable({ apis: ['setTimeout'] });
    now = NOW + 600;
    source = new MemoryUsage();
    if (hasUsage) source.usage.set(workloadKey(cart), { main: twoHours() });
    const keeper = new UsageKeeper({
      source,
      clock: { nowSeconds: () => now },
      intervalSeconds: HOUR_SECONDS,
      podsOf: () => pods,
      siblingsOf: () => [cart],
      onRead: () => undefined,
      onWarning: () => undefined,
      random: () => 0.5,
    });
    keeper.want(cart, 14 * DAY_SECONDS);
    for (const seconds of [1, HOUR_SECONDS]) {
      now += seconds;
      mock.timers.tick(seconds * 1000);
      await settle();
    }
    await keeper.stop();
    mock.timers.reset();
    const begin = source.queries[1]?.fromSeconds ?? assert.fail('nothing was read again');
    return (begin - NOW) / HOUR_SECONDS;
  }

  /** Of one pod, up to when it is first read. */
  function twoHours(): UsageHistory {
    const fold = new HistoryFold(300);
    for (let at = -2 * HOUR_SECONDS; at < 600; at += 300) {
      fold.addCpu('cart-1', NOW + at, 1);
      fold.addMemory('cart-1', NOW + at, 1);
    }
    return fold.history() ?? assert.fail('nothing was folded');
  }

  it('reads no hour again for a pod that did not run in it', async () => {
    const one = aKnownPod('cart-1');
    assert.equal(await secondBegin([one], true), 0);
    assert.equal(await secondBegin([one, aKnownPod('cart-2')], true), -1);
    assert.equal(await secondBegin([one, aKnownPod('cart-2', { running: false })], true), 0);
    assert.equal(await secondBegin([one, aKnownPod('cart-2', { createdSeconds: NOW })], true), 0);
  });

  it('reads no hour again for a workload that has no pods and no usage', async () => {
    assert.equal(await secondBegin([], false), 0);
    assert.equal(await secondBegin([aKnownPod('cart-1')], false), -1);
  });

  it('tells how old its pods are', async () => {
    await secondBegin(
      [aKnownPod('cart-1'), aKnownPod('cart-2', { createdSeconds: NOW + 60 })],
      false,
    );
    assert.deepEqual(
      source.queries.map(({ youngPods }) => [...(youngPods?.get('shop') ?? [])]),
      [[['cart-2', NOW + 60]], [['cart-2', NOW + 60]]],
    );
  });
});
