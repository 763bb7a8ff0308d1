import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { UsageKeeper } from '../../../src/controller/usage.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { aKnownPod, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aWorkload, MemoryUsage } from './memorycluster.ts';

const WINDOW = 14 * DAY_SECONDS;
const cart = aWorkload('cart').ref;

describe('the keeper of usage when the clock is set', () => {
  let now = NOW;
  let looks = 0;
  let source: MemoryUsage;
  let keeper: UsageKeeper;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    now = NOW;
    source = new MemoryUsage();
    keeper = new UsageKeeper({
      source,
      clock: {
        nowSeconds() {
          looks += 1;
          return now;
        },
      },
      intervalSeconds: HOUR_SECONDS,
      podsOf: () => [aKnownPod('cart-1')],
      siblingsOf: () => [cart],
      onRead: () => undefined,
      onWarning: () => undefined,
      random: () => 0.5,
    });
  });
  afterEach(async () => {
    await keeper.stop();
    mock.timers.reset();
  });

  /** Timers go by a clock of their own. */
  async function pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 60) {
      now += Math.min(60, left);
      mock.timers.tick(Math.min(60, left) * 1000);
      for (let turn = 0; turn < 12; turn++) await setImmediate();
    }
  }

  const windows = (): readonly (readonly number[])[] =>
    source.queries.map(({ fromSeconds, toSeconds }) => [fromSeconds - NOW, toSeconds - NOW]);

  it('reads all anew within minutes after it was days ahead, and goes on from there', async () => {
    keeper.want(cart, WINDOW);
    await pass(60);
    now -= 30 * DAY_SECONDS;
    await pass(11 * 60);
    const [, again] = source.queries;
    assert.equal(again?.isContinued, false);
    assert.ok(again.toSeconds < NOW - 29 * DAY_SECONDS);
    assert.equal(again.toSeconds - again.fromSeconds, WINDOW);
    looks = 0;
    await pass(2 * HOUR_SECONDS);
    assert.equal(source.queries.length, 4, JSON.stringify(windows()));
    assert.ok(looks < 200, `${looks} looks at the clock`);
  });

  it('reads on from now after it was some minutes ahead', async () => {
    keeper.want(cart, WINDOW);
    await pass(60);
    now -= 1800;
    await pass(11 * 60);
    const [, next] = source.queries;
    assert.equal(next?.isContinued, true);
    assert.ok(
      next.fromSeconds < next.toSeconds && next.toSeconds - next.fromSeconds < 4 * HOUR_SECONDS,
    );
  });

  for (const minutes of [2, 55, 61, 90, 120, 180, 600]) {
    it(`reads within minutes after it was ${minutes} minutes ahead`, async () => {
      keeper.want(cart, WINDOW);
      await pass(60);
      now -= minutes * 60;
      await pass(11 * 60);
      assert.equal(source.queries.length, 2);
    });
  }

  it('catches up at once after it was behind', async () => {
    keeper.want(cart, WINDOW);
    await pass(60);
    now += 30 * DAY_SECONDS;
    await pass(11 * 60);
    assert.equal(source.queries.length, 2);
    assert.ok((source.queries[1]?.toSeconds ?? 0) > NOW + 30 * DAY_SECONDS);
  });
});
