import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { workloadKey } from '../../../src/controller/ports.ts';
import { UsageKeeper } from '../../../src/controller/usage.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { aHistory, days, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aWorkload, MemoryUsage } from './memorycluster.ts';

const WINDOW = 14 * DAY_SECONDS;
const cart = aWorkload('cart').ref;

describe('the keeper of usage in doubt', () => {
  let now = NOW;
  let source: MemoryUsage;
  let keeper: UsageKeeper;

  /** Lets time pass, as the timers and the clock see it. */
  async function pass(seconds: number): Promise<void> {
    now += seconds;
    mock.timers.tick(seconds * 1000);
    for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    now = NOW;
    source = new MemoryUsage();
    keeper = new UsageKeeper({
      source,
      clock: { nowSeconds: () => now },
      intervalSeconds: HOUR_SECONDS,
      podsOf: () => [],
      siblingsOf: () => [],
      onRead: () => undefined,
      onWarning: () => undefined,
      random: () => 0.5,
    });
  });
  afterEach(async () => {
    await keeper.stop();
    mock.timers.reset();
  });

  it('takes a partial answer for what it is, and not for all', async () => {
    source.usage.set(workloadKey(cart), { main: aHistory(days(2)) ?? assert.fail() });
    source.warnings = [{ reason: 'PartialAnswer', message: 'store 2 is away' }];
    keeper.want(cart, WINDOW);
    await pass(1);
    const known = keeper.want(cart, WINDOW);
    assert.equal(known.isRead, false);
    assert.equal(known.failure?.reason, 'PrometheusPartialAnswer');
    assert.equal(known.containers.get('main')?.days.length, 2);
    source.warnings = [];
    source.usage.set(workloadKey(cart), { main: aHistory(days(14)) ?? assert.fail() });
    await pass(20);
    assert.equal(keeper.want(cart, WINDOW).isRead, false, 'the rest is in doubt still');
    await pass(1);
    assert.equal(keeper.want(cart, WINDOW).isRead, true);
    assert.equal(keeper.want(cart, WINDOW).failure, undefined);
    assert.equal(keeper.want(cart, WINDOW).containers.get('main')?.days.length, 14);
    assert.equal(source.queries.at(-1)?.fromSeconds, now - WINDOW);
  });

  const isOfAll = ({ fromSeconds, toSeconds }: (typeof source.queries)[number]): boolean =>
    toSeconds - fromSeconds > WINDOW - HOUR_SECONDS;
  const passHours = async (hours: number): Promise<void> => {
    for (let step = 0; step < hours * 60; step++) await pass(60);
  };

  for (const reason of ['PartialAnswer', 'ClockSkew'] as const) {
    it(`asks a server that goes on with ${reason} for what is new only`, async () => {
      source.warnings = [{ reason, message: 'not all is well' }];
      keeper.want(cart, WINDOW);
      await passHours(24);
      assert.equal(source.queries.filter(isOfAll).length, 1);
      assert.ok(source.queries.length < 24 + 12, `${source.queries.length} readings`);
      const longest = Math.max(
        ...source.queries.slice(1).map(({ fromSeconds, toSeconds }) => toSeconds - fromSeconds),
      );
      assert.ok(longest <= 3 * HOUR_SECONDS);
      assert.equal(keeper.want(cart, WINDOW).isRead, false);
      assert.ok(keeper.want(cart, WINDOW).failure !== undefined);
    });
  }

  it('reads all of what is in doubt less and less often where only that stays partial', async () => {
    source.onRead = () => {
      const last = source.queries.at(-1);
      const isPartial = last !== undefined && isOfAll(last);
      source.warnings = isPartial ? [{ reason: 'PartialAnswer', message: 'old blocks' }] : [];
    };
    keeper.want(cart, WINDOW);
    await passHours(48);
    const all = source.queries.filter(isOfAll).map(({ toSeconds }) => toSeconds - NOW);
    // At once, after it looked over, then after 1, 2, 4, 8 and 16 hours, as the next look came.
    assert.ok(all.length >= 6 && all.length <= 7, all.join());
    assert.equal(keeper.want(cart, WINDOW).failure?.reason, 'PrometheusPartialAnswer');
    assert.equal(keeper.want(cart, WINDOW).isRead, false);
    source.onRead = () => undefined;
    source.warnings = [];
    await passHours(25);
    assert.equal(keeper.want(cart, WINDOW).isRead, true);
    assert.equal(keeper.want(cart, WINDOW).failure, undefined);
  });

  it('reads the hours of a partial answer once more when it is over, however long it took', async () => {
    keeper.want(cart, WINDOW);
    await pass(1);
    source.warnings = [{ reason: 'PartialAnswer', message: 'store 2 is away' }];
    await passHours(5);
    assert.equal(keeper.want(cart, WINDOW).isRead, true);
    assert.equal(keeper.want(cart, WINDOW).failure?.reason, 'PrometheusPartialAnswer');
    source.warnings = [];
    await passHours(1);
    await pass(1);
    assert.equal(keeper.want(cart, WINDOW).failure, undefined);
    const spans = source.queries.map(({ fromSeconds, toSeconds }) => toSeconds - fromSeconds);
    const [longest = 0] = spans.slice(1).sort((a, b) => b - a);
    assert.ok(longest >= 5 * HOUR_SECONDS && longest <= 8 * HOUR_SECONDS, `${longest} s`);
  });

  it('tries a first reading that the server cannot answer at last once in each interval', async () => {
    source.failure = { reason: 'PrometheusTimeout', message: 'late' };
    keeper.want(cart, WINDOW);
    await passHours(12);
    assert.ok(source.queries.length < 12 + 9, `${source.queries.length} readings`);
  });

  it('does not trust an answer of another clock', async () => {
    source.warnings = [{ reason: 'ClockSkew', message: 'ahead by 10 min' }];
    keeper.want(cart, WINDOW);
    await pass(1);
    assert.equal(keeper.want(cart, WINDOW).failure?.reason, 'PrometheusClockSkew');
    assert.equal(keeper.want(cart, WINDOW).isRead, false);
  });
});
