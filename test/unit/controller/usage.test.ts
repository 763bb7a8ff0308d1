import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { workloadKey, type UsageWarning } from '../../../src/controller/ports.ts';
import { UsageKeeper } from '../../../src/controller/usage.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { aHistory, day, days, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aWorkload, MemoryUsage, UNREACHABLE } from './memorycluster.ts';

const WINDOW = 14 * DAY_SECONDS;
const cart = aWorkload('cart').ref;
const web = aWorkload('web').ref;

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('the keeper of usage', () => {
  let now = NOW;
  let source: MemoryUsage;
  let keeper: UsageKeeper;
  let read: string[];
  let warnings: UsageWarning[];

  /** Lets time pass, as the timers and the clock see it. */
  async function pass(seconds: number): Promise<void> {
    now += seconds;
    mock.timers.tick(seconds * 1000);
    await settle();
  }

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    now = NOW;
    source = new MemoryUsage();
    read = [];
    warnings = [];
    keeper = new UsageKeeper({
      source,
      clock: { nowSeconds: () => now },
      intervalSeconds: HOUR_SECONDS,
      podsOf: ({ name }) => [`${name}-1`],
      siblingsOf: () => [cart, web],
      onRead: (keys) => read.push(...keys),
      onWarning: (warning) => warnings.push(warning),
      // In the middle: a jitter of 1.
      random: () => 0.5,
    });
  });
  afterEach(async () => {
    await keeper.stop();
    mock.timers.reset();
  });

  it('knows nothing at first, and reads the whole window', async () => {
    source.usage.set(workloadKey(cart), { main: aHistory(days(14)) ?? assert.fail() });
    const first = keeper.want(cart, WINDOW);
    assert.equal(first.isRead, false);
    assert.equal(first.failure, undefined);
    await pass(1);
    const [query] = source.queries;
    assert.equal(query?.toSeconds, NOW + 1);
    assert.equal(query.fromSeconds, NOW + 1 - WINDOW);
    assert.deepEqual(query.targets, [{ workload: cart, pods: ['cart-1'] }]);
    assert.deepEqual(query.siblings, [cart, web]);
    assert.deepEqual(read, [workloadKey(cart)]);
    const known = keeper.want(cart, WINDOW);
    assert.equal(known.isRead, true);
    assert.equal(known.containers.get('main')?.days.length, 14);
  });

  it('reads workloads that are wanted within a second in one query', async () => {
    keeper.want(cart, WINDOW);
    await pass(0.5);
    keeper.want(web, WINDOW);
    await pass(0.5);
    assert.equal(source.queries.length, 1);
    assert.equal(source.queries[0]?.targets.length, 2);
  });

  it('asks once for workloads that are due at the same time, also later', async () => {
    keeper.want(cart, WINDOW);
    keeper.want(web, WINDOW);
    await pass(1);
    assert.equal(source.queries.length, 1);
    assert.equal(source.queries[0]?.targets.length, 2);
    await pass(HOUR_SECONDS);
    assert.equal(source.queries.length, 2);
    assert.equal(source.queries[1]?.targets.length, 2);
  });

  it('reads later only the days that may have new samples, midnight itself among them', async () => {
    keeper.want(cart, WINDOW);
    await pass(1);
    // Read at midnight: samples of the day before may come late.
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[1]?.fromSeconds, NOW - DAY_SECONDS - 1);
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[2]?.fromSeconds, NOW - 1);
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[3]?.fromSeconds, NOW - 1);
  });

  it('reads a window that was widened while a shorter one was read', async () => {
    let open: (value?: unknown) => void = () => undefined;
    source.gate = new Promise((resolve) => (open = resolve));
    keeper.want(cart, 7 * DAY_SECONDS);
    await pass(1);
    keeper.want(cart, WINDOW);
    open();
    await pass(1);
    await pass(2);
    const windows = source.queries.map(({ fromSeconds, toSeconds }) => toSeconds - fromSeconds);
    assert.deepEqual(
      windows.map((seconds) => Math.round(seconds / DAY_SECONDS)),
      [7, 14],
    );
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
    assert.equal(keeper.want(cart, WINDOW).isRead, true);
    assert.equal(keeper.want(cart, WINDOW).containers.get('main')?.days.length, 14);
  });

  it('does not trust an answer of another clock', async () => {
    source.warnings = [{ reason: 'ClockSkew', message: 'ahead by 10 min' }];
    keeper.want(cart, WINDOW);
    await pass(1);
    assert.equal(keeper.want(cart, WINDOW).failure?.reason, 'PrometheusClockSkew');
    assert.equal(keeper.want(cart, WINDOW).isRead, false);
  });

  it('reads the whole window again once a day, for gaps that were filled since', async () => {
    keeper.want(cart, WINDOW);
    await pass(1);
    for (let hour = 0; hour < 26; hour++) await pass(HOUR_SECONDS);
    const whole = source.queries.filter(
      ({ fromSeconds, toSeconds }) => toSeconds - fromSeconds === WINDOW,
    );
    assert.equal(whole.length, 2);
  });

  it('does not read before its time', async () => {
    keeper.want(cart, WINDOW);
    await pass(1);
    await pass(HOUR_SECONDS - 1);
    keeper.want(cart, WINDOW);
    assert.equal(source.queries.length, 1);
    await pass(1);
    assert.equal(source.queries.length, 2);
  });

  it('puts what it reads into what it knows, and lets old days go', async () => {
    const key = workloadKey(cart);
    source.usage.set(key, { main: aHistory(days(14)) ?? assert.fail() });
    keeper.want(cart, WINDOW);
    await pass(1);
    source.usage.set(key, { main: aHistory([day(-1, { cpu: [2] })]) ?? assert.fail() });
    await pass(2 * DAY_SECONDS);
    const main = keeper.want(cart, WINDOW).containers.get('main');
    assert.equal(main?.days.length, 13);
    assert.equal(main.days[0]?.startSeconds, NOW - 12 * DAY_SECONDS);
    assert.equal(main.days.at(-1)?.startSeconds, NOW + DAY_SECONDS);
  });

  it('keeps what it knows when a reading fails, says why, and tries again after a pause that doubles', async () => {
    source.usage.set(workloadKey(cart), { main: aHistory(days(14)) ?? assert.fail() });
    keeper.want(cart, WINDOW);
    await pass(1);
    source.failure = UNREACHABLE;
    await pass(HOUR_SECONDS);
    const known = keeper.want(cart, WINDOW);
    assert.deepEqual(known.failure, UNREACHABLE);
    assert.equal(known.isRead, true);
    assert.equal(known.containers.get('main')?.days.length, 14);
    assert.deepEqual(keeper.counts, { wanted: 1, failing: 1, unread: 0 });
    for (const seconds of [15, 30, 60, 120, 240, 300, 300]) {
      const before = source.queries.length;
      await pass(seconds - 1);
      assert.equal(source.queries.length, before, `read before ${seconds} s`);
      await pass(1);
      assert.equal(source.queries.length, before + 1);
    }
    source.failure = undefined;
    await pass(300);
    assert.equal(keeper.want(cart, WINDOW).failure, undefined);
    source.failure = UNREACHABLE;
    await pass(HOUR_SECONDS);
    const before = source.queries.length;
    await pass(15);
    assert.equal(source.queries.length, before + 1);
  });

  it('was never read when the first reading failed', async () => {
    source.failure = UNREACHABLE;
    keeper.want(cart, WINDOW);
    await pass(1);
    const known = keeper.want(cart, WINDOW);
    assert.equal(known.isRead, false);
    assert.deepEqual(known.failure, UNREACHABLE);
    assert.deepEqual(keeper.counts, { wanted: 1, failing: 1, unread: 1 });
  });

  it('takes a source that throws for one that failed', async () => {
    source.gate = Promise.reject(new Error('bug'));
    keeper.want(cart, WINDOW);
    await pass(1);
    assert.equal(keeper.want(cart, WINDOW).failure?.message, 'bug');
    source.gate = Promise.resolve();
    await pass(15);
    assert.equal(keeper.want(cart, WINDOW).isRead, true);
  });

  it('reads the whole window again when a longer one is wanted, and not when a shorter one is', async () => {
    keeper.want(cart, WINDOW);
    await pass(1);
    keeper.want(cart, WINDOW / 2);
    await pass(2);
    assert.equal(source.queries.length, 1);
    assert.equal(keeper.want(cart, 2 * WINDOW).isRead, false);
    await pass(1);
    assert.equal(source.queries[1]?.fromSeconds, now - 2 * WINDOW);
  });

  it('does not read what is forgotten', async () => {
    keeper.want(cart, WINDOW);
    keeper.want(web, WINDOW);
    await pass(1);
    keeper.forget(workloadKey(cart));
    await pass(HOUR_SECONDS);
    assert.deepEqual(
      source.queries[1]?.targets.map(({ workload }) => workload.name),
      ['web'],
    );
  });

  it('hands on warnings', async () => {
    source.warnings = [{ reason: 'ClockSkew', message: 'clocks differ' }];
    keeper.want(cart, WINDOW);
    await pass(1);
    assert.deepEqual(warnings, source.warnings);
  });

  it('ends a reading that is under way when it stops, and reads no more', async () => {
    source.gate = new Promise(() => undefined);
    keeper.want(cart, WINDOW);
    await pass(1);
    await keeper.stop();
    assert.deepEqual(read, []);
    await pass(2 * HOUR_SECONDS);
    assert.equal(source.queries.length, 1);
    source.gate = Promise.resolve();
    keeper.want(web, WINDOW);
    await pass(1);
    assert.equal(source.queries.length, 2);
  });
});
