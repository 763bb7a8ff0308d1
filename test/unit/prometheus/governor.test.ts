import assert from 'node:assert/strict';
import { setImmediate as settle } from 'node:timers/promises';
import fc from 'fast-check';
import { PrometheusError } from '../../../src/prometheus/prometheuserror.ts';
import { Bucket } from '../../../src/prometheus/bucket.ts';
import { Governor, type Budgets, type Meter } from '../../../src/prometheus/governor.ts';

const FREE: Budgets = {
  concurrency: 4,
  bytesPerSecond: Infinity,
  samplesPerSecond: Infinity,
  share: Infinity,
  slowSeconds: 15,
};

const busy = (afterSeconds?: number): PrometheusError =>
  new PrometheusError('PrometheusOverloaded', 'busy', { retry: { afterSeconds } });

/** A governor on a clock that the test moves, and calls that end when it says so. */
class World {
  seconds = 0;
  readonly governor: Governor;
  readonly running: { readonly name: string; end(error?: Error): void; readonly meter: Meter }[] =
    [];
  readonly failures: unknown[] = [];

  constructor(budgets: Partial<Budgets> = {}) {
    this.governor = new Governor({ ...FREE, ...budgets }, () => this.seconds);
  }

  async ask(name: string, isUrgent = false, signal = new AbortController().signal): Promise<void> {
    void this.governor
      .run(
        async (meter) => {
          const { promise, resolve, reject } = Promise.withResolvers<undefined>();
          const end = (error?: Error): void => (error ? reject(error) : resolve(undefined));
          this.running.push({ name, end, meter });
          await promise;
        },
        { signal, isUrgent },
      )
      .catch((error: unknown) => this.failures.push(error));
    await settle();
  }

  get names(): readonly string[] {
    return this.running.map(({ name }) => name);
  }

  /** Ends the oldest call after so many seconds. */
  async end(seconds = 0, error?: Error): Promise<void> {
    this.seconds += seconds;
    this.running.shift()?.end(error);
    await settle();
    await settle();
  }

  /** A call of that length without another beside it. */
  async once(seconds = 0, error?: Error): Promise<void> {
    await this.ask('once');
    assert.deepEqual(this.names, ['once']);
    await this.end(seconds, error);
  }
}

describe('the governor of calls', () => {
  it('lets so many calls through at once, and the next when one ends', async () => {
    const world = new World({ concurrency: 2 });
    for (const name of ['a', 'b', 'c', 'd']) await world.ask(name);
    assert.deepEqual(world.names, ['a', 'b']);
    await world.end();
    assert.deepEqual(world.names, ['b', 'c']);
    assert.equal(world.governor.state.waiting, 1);
  });

  it('lets an urgent call through before others, one more than is allowed', async () => {
    const world = new World({ concurrency: 1 });
    for (const name of ['a', 'b']) await world.ask(name);
    await world.ask('now', true);
    await world.ask('then', true);
    assert.deepEqual(world.names, ['a', 'now']);
    await world.end();
    assert.deepEqual(world.names, ['now', 'then']);
  });

  it('halves the calls at once when the server is busy, and gives them back one by one', async () => {
    const world = new World();
    await world.once(1, busy());
    assert.equal(world.governor.state.limit, 2);
    assert.ok(world.governor.state.restSeconds > 0);
    for (let i = 0; i < 6; i++) {
      world.seconds += 60;
      await world.once(1);
    }
    assert.equal(world.governor.state.limit, 4);
    assert.equal(world.governor.state.restSeconds, 0);
  });

  it('takes failures of calls that ran together as one sign', async () => {
    const world = new World();
    for (const name of ['a', 'b', 'c', 'd']) await world.ask(name);
    for (let i = 0; i < 4; i++) await world.end(0.01, busy());
    assert.equal(world.governor.state.limit, 2);
    assert.ok(world.governor.state.restSeconds <= 0.5);
  });

  it('lets calls that wait fail as soon as a long rest begins, like those that come in it', async () => {
    const world = new World({ concurrency: 1 });
    for (const name of ['first', 'second', 'third']) await world.ask(name);
    await world.end(1, busy(3600));
    await world.ask('late');
    assert.equal(world.governor.state.waiting, 0);
    const [own, ...others] = world.failures.map(String);
    assert.match(own ?? '', /busy/);
    assert.equal(others.length, 3);
    for (const error of others)
      assert.match(error, /asked for rest, so nothing is asked for 3600 s$/);
  });

  it('lets calls wait out a short rest', async () => {
    const world = new World({ concurrency: 1 });
    await world.ask('first');
    await world.ask('second');
    await world.end(1, busy(30));
    assert.equal(world.governor.state.waiting, 1);
    assert.equal(world.failures.length, 1);
    world.seconds = 31;
    await world.ask('third');
    assert.deepEqual(world.names, ['second']);
  });

  it('keeps one call at once at the least, and rests for longer each time', async () => {
    const world = new World();
    const rests: number[] = [];
    for (let i = 0; i < 8; i++) {
      await world.once(1, busy());
      rests.push(world.governor.state.restSeconds);
      world.seconds += 60;
    }
    assert.equal(world.governor.state.limit, 1);
    const [first = 0] = rests;
    const last = rests.at(-1) ?? 0;
    assert.ok(first <= 0.5 && last >= 15 && last <= 30, `${first} s, then ${last} s`);
  });

  it('takes a question that took too long as a sign, though it is asked in halves', async () => {
    const world = new World();
    await world.once(60, new PrometheusError('PrometheusTimeout', 'late', { tooLarge: true }));
    assert.equal(world.governor.state.limit, 2);
    assert.ok(world.governor.state.restSeconds > 0);
  });

  it('takes a slow answer as a sign, and a stream that began soon as none', async () => {
    const world = new World();
    await world.ask('stream');
    world.running[0]?.meter.began();
    await world.end(300);
    assert.equal(world.governor.state.limit, 4);
    await world.once(16);
    assert.equal(world.governor.state.limit, 2);
  });

  for (const [what, error] of [
    [
      'a question that was too large',
      new PrometheusError('PrometheusOverloaded', 'x', { tooLarge: true }),
    ],
    ['a refusal', new PrometheusError('PrometheusRefused', 'no')],
    ['a mistake of our own', new TypeError('oops')],
  ] as const) {
    it(`takes ${what} as no sign`, async () => {
      const world = new World();
      await world.once(1, error);
      assert.equal(world.governor.state.limit, 4);
      assert.equal(world.governor.state.restSeconds, 0);
      assert.deepEqual(world.failures, [error]);
    });
  }

  it('asks nothing in a long rest that the server asked for, urgent or not', async () => {
    const world = new World();
    await world.once(1, busy(600));
    for (const isUrgent of [false, true]) {
      world.failures.length = 0;
      await world.ask('during', isUrgent);
      const [failure] = world.failures;
      assert.ok(failure instanceof PrometheusError);
      assert.equal(failure.reason, 'PrometheusOverloaded');
      assert.match(failure.message, /asked for rest, so nothing is asked for 600 s$/);
      assert.equal(failure.retry, undefined);
    }
    world.seconds += 601;
    await world.ask('after');
    assert.deepEqual(world.names, ['after']);
  });

  it('asks again after an hour, whatever the server asked for', async () => {
    const world = new World();
    await world.once(1, busy(1e9));
    assert.ok(world.governor.state.restSeconds <= 3600);
  });

  for (const [what, budgets, spend] of [
    ['bytes', { bytesPerSecond: 10 }, (meter: Meter) => meter.took(620, 0)],
    ['samples', { samplesPerSecond: 10 }, (meter: Meter) => meter.took(0, 620)],
  ] as const) {
    it(`waits until the debt of ${what} is paid off, but not with urgent calls`, async () => {
      const world = new World(budgets);
      await world.ask('large');
      const [large] = world.running;
      if (large !== undefined) spend(large.meter);
      await world.end();
      await world.ask('next');
      await world.ask('now', true);
      assert.deepEqual(world.names, ['now']);
      world.seconds += 2;
      await world.end();
      assert.deepEqual(world.names, ['next']);
    });
  }

  it("waits until its share of the server's time is kept", async () => {
    const world = new World({ share: 0.5 });
    await world.ask('long');
    world.seconds = 70;
    await world.end();
    await world.ask('next');
    assert.deepEqual(world.names, []);
    assert.ok(world.governor.state.waiting === 1);
    world.seconds = 150;
    assert.equal(world.governor.state.heldSeconds, 80);
    await world.ask('another');
    assert.deepEqual(world.names, ['next', 'another']);
  });

  it('holds no long call against a share of one call all the time', async () => {
    const world = new World({ share: 1 });
    await world.ask('long');
    world.seconds = 3600;
    await world.end();
    await world.ask('next');
    assert.deepEqual(world.names, ['next']);
  });

  it('lets no call begin while those under way use up the share', async () => {
    const world = new World({ share: 1 });
    await world.ask('a');
    await world.ask('b');
    world.seconds = 61;
    await world.ask('late');
    assert.deepEqual(world.names, ['a', 'b']);
    await world.end();
    await world.end();
    world.seconds = 62;
    await world.ask('another');
    assert.deepEqual(world.names, ['late', 'another']);
  });

  it('wakes by itself when a rest is over', async () => {
    const governor = new Governor(FREE);
    const signal = AbortSignal.timeout(5000);
    const failing = governor.run(() => Promise.reject(busy()), { signal, isUrgent: false });
    await assert.rejects(failing, { reason: 'PrometheusOverloaded' });
    assert.equal(await governor.run(() => Promise.resolve(7), { signal, isUrgent: false }), 7);
  });

  it('lets a waiting call go on abort, and the next one through', async () => {
    const world = new World({ concurrency: 1 });
    const abort = new AbortController();
    await world.ask('a');
    await world.ask('gone', false, abort.signal);
    await world.ask('c');
    abort.abort(new Error('no longer wanted'));
    await settle();
    assert.deepEqual(world.failures, [new Error('no longer wanted')]);
    await world.end();
    assert.deepEqual(world.names, ['c']);
  });
});

describe('a budget', () => {
  it('is kept on average over any minute and more, whatever is taken', () => {
    const calls = fc.array(fc.record({ pause: fc.nat(200), cost: fc.nat(5000) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(calls, (taken) => {
        let now = 0;
        let spent = 0;
        const bucket = new Bucket(10, () => now);
        for (const { pause, cost } of taken) {
          now += pause;
          now += bucket.waitSeconds();
          assert.ok(bucket.waitSeconds() < 1e-6);
          // What was spent before this call is at most what was saved and earned.
          assert.ok(spent <= 600 + 10 * now + 1e-6);
          bucket.take(cost);
          spent += cost;
        }
      }),
    );
  });
});
