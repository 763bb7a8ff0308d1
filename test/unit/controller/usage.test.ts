import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { workloadKey, type UsageWarning } from '../../../src/controller/ports.ts';
import { UsageKeeper } from '../../../src/controller/usage.ts';
import { dayStart, HistoryFold } from '../../../src/recommend/history.ts';
import { cpuOfHour, hourOf } from '../../../src/recommend/hours.ts';
import { DAY_SECONDS, type UsageHistory } from '../../../src/recommend/usage.ts';
import { aHistory, aKnownPod, day, days, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { samplesOfHour } from '../../support/hourcpu.ts';
import { aWorkload, MemoryUsage, UNREACHABLE } from './memorycluster.ts';

const WINDOW = 14 * DAY_SECONDS;
const cart = aWorkload('cart').ref;
const web = aWorkload('web').ref;

async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('the keeper of usage', () => {
  let now = NOW;
  let source: MemoryUsage;
  let keeper: UsageKeeper;
  let read: string[];
  let warnings: UsageWarning[];
  /** That exist of each workload. */
  let pods: number;

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
    pods = 1;
    keeper = new UsageKeeper({
      source,
      clock: { nowSeconds: () => now },
      intervalSeconds: HOUR_SECONDS,
      podsOf: ({ name }) => Array.from({ length: pods }, (_, i) => aKnownPod(`${name}-${i + 1}`)),
      siblingsOf: () => [cart, web],
      worthOf: (namespace) => ({ n0: 2, n1: 1, n2: 3 })[namespace] ?? 0,
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

  it('reads later what is new, from the hour in which the last reading ended', async () => {
    keeper.want(cart, WINDOW);
    await pass(1);
    await pass(HOUR_SECONDS);
    // Read a second after midnight: the last samples of the hour before may come late.
    assert.equal(source.queries[1]?.fromSeconds, NOW - HOUR_SECONDS);
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[2]?.fromSeconds, NOW);
    assert.equal(source.queries[2].toSeconds, now);
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[3]?.fromSeconds, NOW + HOUR_SECONDS);
  });

  it('reads again from the hour of the last good reading when readings failed', async () => {
    keeper.want(cart, WINDOW);
    await pass(1);
    source.failure = UNREACHABLE;
    for (let hour = 0; hour < 5; hour++) await pass(HOUR_SECONDS);
    source.failure = undefined;
    await pass(300);
    assert.equal(source.queries.at(-1)?.fromSeconds, NOW - HOUR_SECONDS);
  });

  /** Hours of samples in cores, from so many hours before NOW on; an empty one is a gap. */
  const hours = (hoursAgo: number, cores: readonly number[], stepSeconds = 300): UsageHistory => {
    const fold = new HistoryFold(stepSeconds);
    for (const [hour, amount] of cores.entries()) {
      const begin = NOW + (hour - hoursAgo) * HOUR_SECONDS;
      for (let at = 0; at < HOUR_SECONDS && amount > 0; at += stepSeconds) {
        fold.addCpu('pod', begin + at, amount);
        fold.addMemory('pod', begin + at, amount * 2 ** 20);
      }
    }
    return fold.history() ?? assert.fail('an hour has samples');
  };
  /** What is known of each hour, from so many hours before NOW on, to the tenth of a core. */
  const known = (hoursAgo: number, count: number): readonly (number | undefined)[] => {
    const main = keeper.want(cart, WINDOW).containers.get('main');
    return Array.from({ length: count }, (_, i) => {
      const at = NOW + (i - hoursAgo) * HOUR_SECONDS;
      const found = main?.days.find(({ startSeconds }) => startSeconds === dayStart(at));
      const cpu = found && samplesOfHour(cpuOfHour(found.hours, hourOf(at))).at(-1);
      return cpu && Math.round(cpu * 10) / 10;
    });
  };
  const usageIs = (main: UsageHistory) => source.usage.set(workloadKey(cart), { main });

  it('reads further back where samples of the last two hours were missing', async () => {
    now = NOW + HOUR_SECONDS / 2;
    usageIs(hours(3, [1, 1]));
    keeper.want(cart, WINDOW);
    await pass(1);
    usageIs(hours(2, [2, 2, 2, 2]));
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[1]?.fromSeconds, NOW - 2 * HOUR_SECONDS);
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[2]?.fromSeconds, NOW + HOUR_SECONDS);
    assert.deepEqual(known(3, 5), [1, 2, 2, 2, 2]);
  });

  it('takes samples that come an hour late, and those that come out of order', async () => {
    usageIs(hours(3, [1, 1, 1]));
    keeper.want(cart, WINDOW);
    await pass(1);
    usageIs(hours(1, [4, 2]));
    await pass(HOUR_SECONDS);
    assert.deepEqual(known(3, 4), [1, 1, 4, 2]);
  });

  it('reads an hour again where fewer pods were seen in it than there are', async () => {
    now = NOW + 600;
    usageIs(hours(3, [1, 1, 1, 1, 1, 1]));
    keeper.want(cart, WINDOW);
    await pass(1);
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[1]?.fromSeconds, NOW, 'the only pod has all samples');
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[2]?.fromSeconds, NOW + HOUR_SECONDS);
    pods = 2;
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[3]?.fromSeconds, NOW + HOUR_SECONDS);
  });

  it('reads an hour again where one of its pods lacks samples', async () => {
    const fold = new HistoryFold(300);
    for (let at = 0; at < HOUR_SECONDS; at += 300) {
      fold.addCpu('one', NOW - HOUR_SECONDS + at, 1);
      fold.addMemory('one', NOW - HOUR_SECONDS + at, 1);
      if (at < HOUR_SECONDS / 2) fold.addCpu('other', NOW - HOUR_SECONDS + at, 1);
    }
    usageIs(fold.history() ?? assert.fail());
    now = NOW + 600;
    keeper.want(cart, WINDOW);
    await pass(1);
    await pass(HOUR_SECONDS);
    assert.equal(source.queries[1]?.fromSeconds, NOW - HOUR_SECONDS);
  });

  it('reads a namespace at once, from where one of its workloads needs it', async () => {
    now = NOW + 600;
    usageIs(hours(3, [1, 1, 1]));
    for (const ref of [cart, web]) keeper.want(ref, WINDOW);
    await pass(1);
    await pass(HOUR_SECONDS);
    const [, query] = source.queries;
    assert.equal(query?.targets.length, 2);
    assert.equal(query.fromSeconds, NOW - HOUR_SECONDS, 'nothing was seen of web');
    assert.equal(source.queries.length, 2);
  });

  it('says of every reading but the first that it goes on from what was read', async () => {
    keeper.want(cart, WINDOW);
    await pass(1);
    await pass(HOUR_SECONDS);
    assert.deepEqual(
      source.queries.map(({ isContinued }) => isContinued),
      [false, true],
    );
  });

  it('reads the days of a gap again, which is filled when its samples have come back', async () => {
    usageIs(
      hours(30, [
        ...Array.from({ length: 10 }, () => 1),
        0,
        0,
        ...Array.from({ length: 18 }, () => 1),
      ]),
    );
    keeper.want(cart, WINDOW);
    await pass(1);
    source.usage.clear();
    source.onRead = () => {
      const isOfThePast = (source.queries.at(-1)?.toSeconds ?? now) <= NOW;
      if (isOfThePast) usageIs(hours(20, [3, 3]));
    };
    for (let hour = 0; hour < 26; hour++) await pass(HOUR_SECONDS);
    const again = source.queries.filter(
      ({ fromSeconds, toSeconds }, i) => i > 0 && toSeconds - fromSeconds > 4 * HOUR_SECONDS,
    );
    assert.deepEqual(
      again.map(({ fromSeconds, toSeconds }) => [fromSeconds - NOW, toSeconds - NOW]),
      [[-DAY_SECONDS, 0]],
    );
    const isAgain = new Set(again);
    assert.ok(source.queries.every((query) => query.endsNow === !isAgain.has(query)));
    assert.deepEqual(known(21, 4), [1, 3, 3, 1]);
  });

  it('reads nothing again of a workload without a gap', async () => {
    // From before the window on, since what is missing at its begin is asked for once a week.
    usageIs(
      hours(
        15 * 24,
        Array.from({ length: 15 * 24 }, () => 1),
      ),
    );
    keeper.want(cart, WINDOW);
    await pass(1);
    for (let hour = 0; hour < 8 * 24; hour++) await pass(HOUR_SECONDS);
    const longest = Math.max(
      ...source.queries.slice(1).map(({ fromSeconds, toSeconds }) => toSeconds - fromSeconds),
    );
    assert.ok(longest <= 4 * HOUR_SECONDS, `${longest} s were read`);
  });

  it('stands a step that becomes finer, and one that becomes coarser', async () => {
    usageIs(hours(3, [1, 1, 1]));
    keeper.want(cart, WINDOW);
    await pass(1);
    usageIs(hours(1, [2, 2], 60));
    await pass(HOUR_SECONDS);
    assert.deepEqual(known(3, 4), [1, 1, 2, 2]);
    // Five minutes smooth what the minutes of the same hour show.
    usageIs(hours(0, [1, 1], 300));
    await pass(HOUR_SECONDS);
    assert.deepEqual(known(3, 5), [1, 1, 2, 2, 1]);
    const main = keeper.want(cart, WINDOW).containers.get('main');
    assert.equal(main?.days.at(-1)?.cpuCoverage, 2 / 24);
  });

  it('reads a large cluster part by part, the namespaces first on which most depends', async () => {
    const fleet = Array.from({ length: 2400 }, (_, i) => ({
      ...cart,
      namespace: `n${i % 3}`,
      name: `w${i}`,
    }));
    for (const ref of fleet) keeper.want(ref, WINDOW);
    await pass(1);
    assert.deepEqual(
      source.queries.map(({ targets }) => targets.length),
      [1000, 1000, 400],
    );
    const order = source.queries.flatMap(({ targets }) =>
      targets.map(({ workload }) => workload.namespace),
    );
    const want = ['n2', 'n0', 'n1'].flatMap((name) => Array.from({ length: 800 }, () => name));
    assert.deepEqual(order, want);
  });

  it('reads what is new before the rest of a first reading', async () => {
    keeper.want(cart, WINDOW);
    await pass(1);
    for (let i = 0; i < 1200; i++) keeper.want({ ...cart, name: `w${i}` }, WINDOW);
    source.onRead = () => (now += source.queries.length === 2 ? HOUR_SECONDS : 0);
    await pass(1);
    const asked = source.queries.slice(1).map(({ targets }) => targets.length);
    // An hour has passed: what was read is due again, and goes before what was never read.
    assert.deepEqual(asked, [1000, 1001, 200]);
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

  it('does not read before its time', async () => {
    keeper.want(cart, WINDOW);
    // First at once, then between the third minute of an hour and the thirteenth: in the middle here.
    const times = [1, 480, 480 + HOUR_SECONDS, 480 + 2 * HOUR_SECONDS];
    for (const [index, time] of times.entries()) {
      // What is due within a second is read with what is due.
      await pass(Math.max(0, NOW + time - 2 - now));
      keeper.want(cart, WINDOW);
      assert.equal(source.queries.length, index);
      await pass(NOW + time - now);
      assert.equal(source.queries.length, index + 1);
    }
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
