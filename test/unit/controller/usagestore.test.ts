import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { workloadKey, type WorkloadRef } from '../../../src/controller/ports.ts';
import { UsageKeeper } from '../../../src/controller/usage.ts';
import type { KeptUsage, UsageStore } from '../../../src/controller/usagestore.ts';
import { DAY_SECONDS, type UsageHistory } from '../../../src/recommend/usage.ts';
import { aHistory, aKnownPod, day, days, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aWorkload, MemoryUsage, UNREACHABLE } from './memorycluster.ts';

const WINDOW = 14 * DAY_SECONDS;
const cart = aWorkload('cart').ref;
const web = aWorkload('web').ref;

/** Of an hour, after the minutes in which usage is read. */
const AFTER_READINGS = 20 * 60;

describe('the keeper of usage with a store', () => {
  let now = NOW;
  let source: MemoryUsage;
  let read: string[];
  let store: MemoryStore;
  let second: UsageKeeper | undefined;
  const restarted = (): UsageKeeper => {
    second = new UsageKeeper({
      source,
      store,
      clock: { nowSeconds: () => now },
      intervalSeconds: HOUR_SECONDS,
      podsOf: () => [aKnownPod('cart-1')],
      siblingsOf: () => [],
      onRead: (keys) => read.push(...keys),
      onWarning: () => undefined,
      random: () => 0.5,
    });
    return second;
  };
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    now = NOW;
    source = new MemoryUsage();
    read = [];
    store = new MemoryStore();
  });
  afterEach(async () => {
    await second?.stop();
    mock.timers.reset();
  });

  /** Lets time pass, as the timers and the clock see it. */
  async function pass(seconds: number): Promise<void> {
    now += seconds;
    mock.timers.tick(seconds * 1000);
    for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  const usageIs = (main: UsageHistory) => source.usage.set(workloadKey(cart), { main });

  it('reads after a restart only what is new since it was saved', async () => {
    usageIs(aHistory(days(2)) ?? assert.fail());
    restarted().want(cart, WINDOW);
    await pass(1);
    await second?.stop();
    assert.equal(store.saved.length, 1);
    now += 2 * HOUR_SECONDS;
    usageIs(aHistory([day(0, { cpu: [2] })]) ?? assert.fail());
    const keeper = restarted();
    assert.equal(keeper.want(cart, WINDOW).isRead, false);
    await pass(1);
    assert.equal(source.queries.length, 2);
    assert.equal(source.queries[1]?.fromSeconds, NOW - HOUR_SECONDS);
    const known = keeper.want(cart, WINDOW);
    assert.equal(known.isRead, true);
    assert.equal(known.containers.get('main')?.days.length, 3);
    assert.equal(keeper.counts.unread, 0);
  });

  it('knows nothing as read while what is new cannot be read', async () => {
    restarted().want(cart, WINDOW);
    await pass(1);
    await second?.stop();
    source.failure = UNREACHABLE;
    const keeper = restarted();
    keeper.want(cart, WINDOW);
    await pass(1);
    assert.equal(keeper.want(cart, WINDOW).isRead, false);
    assert.deepEqual(keeper.want(cart, WINDOW).failure, UNREACHABLE);
  });

  it('reads the window where what was kept ends before it, or is of a shorter one', async () => {
    restarted().want(cart, WINDOW);
    second?.want(web, WINDOW / 2);
    await pass(1);
    await second?.stop();
    const windows = async (of: readonly (readonly [WorkloadRef, number])[]) => {
      const before = source.queries.length;
      const keeper = restarted();
      for (const [ref, window] of of) keeper.want(ref, window);
      await pass(1);
      return source.queries.slice(before).map((query) => query.toSeconds - query.fromSeconds);
    };
    assert.deepEqual(await windows([[web, WINDOW]]), [WINDOW]);
    now += WINDOW;
    assert.deepEqual(await windows([[cart, WINDOW]]), [WINDOW]);
  });

  it('saves while it runs, and not when nothing was read since', async () => {
    restarted().want(cart, WINDOW);
    await pass(1);
    await pass(HOUR_SECONDS);
    const { saves } = store;
    assert.ok(saves > 0);
    await second?.stop();
    assert.equal(store.saves, saves);
  });

  it('saves right after the first reading, so that a kill does not cost it', async () => {
    restarted().want(cart, WINDOW);
    await pass(1);
    assert.equal(store.saves, 1);
    assert.equal(store.saved[0]?.readToSeconds, NOW + 1);
    assert.equal(Math.round(store.saved[0].windowSeconds), WINDOW);
  });

  it('saves each part of a large first reading that takes long', async () => {
    now += AFTER_READINGS;
    const keeper = restarted();
    for (let i = 0; i < 2400; i++) keeper.want({ ...cart, name: `w${i}` }, WINDOW);
    const saved: number[] = [];
    source.onRead = () => {
      saved.push(store.saved.length);
      now += 601;
    };
    await pass(1);
    assert.deepEqual(saved, [0, 1000, 2000]);
    assert.equal(store.saved.length, 2400);
  });

  it('saves ten minutes after it saved last, with no reading by then', async () => {
    now += AFTER_READINGS;
    restarted().want(cart, WINDOW);
    await pass(1);
    second?.want(web, WINDOW);
    await pass(1);
    assert.equal(store.saves, 1);
    await pass(598);
    assert.equal(store.saves, 1);
    await pass(1);
    assert.equal(store.saves, 2);
    assert.equal(store.saved.length, 2);
    assert.equal(source.queries.length, 2);
  });

  it('saves ten minutes after it began from what was kept', async () => {
    restarted().want(cart, WINDOW);
    await pass(1);
    await second?.stop();
    assert.equal(store.saves, 1);
    restarted().want(cart, WINDOW);
    await pass(1);
    assert.equal(store.saves, 1);
    await pass(600);
    assert.equal(store.saves, 2);
  });

  it('keeps what is in doubt for what it is: a restart reads it once more', async () => {
    restarted().want(cart, WINDOW);
    await pass(1);
    source.warnings = [{ reason: 'PartialAnswer', message: 'store 2 is away' }];
    second?.want(web, WINDOW);
    for (let i = 0; i < 3; i++) await pass(HOUR_SECONDS);
    await second?.stop();
    source.warnings = [];
    source.queries.length = 0;
    const keeper = restarted();
    keeper.want(cart, WINDOW);
    keeper.want(web, WINDOW);
    await pass(1);
    const [ofCart, ofWeb] = source.queries.map(({ fromSeconds, toSeconds }) =>
      Math.round((toSeconds - fromSeconds) / HOUR_SECONDS),
    );
    // Cart was in doubt from the hour before the first of three.
    assert.ok(ofCart !== undefined && ofCart >= 4 && ofCart <= 6, `${ofCart} h`);
    assert.equal(ofWeb, 14 * 24);
  });

  it('keeps no workload that is gone', async () => {
    restarted().want(cart, WINDOW);
    second?.want(web, WINDOW);
    await pass(1);
    second?.forget(workloadKey(cart));
    await second?.stop();
    assert.deepEqual(
      store.saved.map(({ ref }) => ref.name),
      ['web'],
    );
  });

  it('keeps for an hour what nobody has wanted after the start', async () => {
    restarted().want(cart, WINDOW);
    second?.want(web, WINDOW);
    await pass(1);
    await second?.stop();
    restarted().want(web, WINDOW);
    await pass(1);
    await second?.stop();
    assert.equal(store.saved.length, 2);
    restarted().want(web, WINDOW);
    await pass(1);
    await pass(HOUR_SECONDS);
    await pass(HOUR_SECONDS);
    await second?.stop();
    assert.deepEqual(
      store.saved.map(({ ref }) => ref.name),
      ['web'],
    );
  });
});

/** Keeps what is saved in memory. */
class MemoryStore implements UsageStore {
  saved: readonly KeptUsage[] = [];
  saves = 0;

  load(): Promise<readonly KeptUsage[]> {
    return Promise.resolve(this.saved);
  }

  save(usage: Iterable<KeptUsage>): Promise<void> {
    this.saved = Array.from(usage, (kept) => ({
      ...kept,
      containers: new Map([...kept.containers].map(([name, packed]) => [name, packed.slice()])),
    }));
    this.saves += 1;
    return Promise.resolve();
  }
}
