import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { compose } from '../../../src/controller/compose.ts';
import { governanceOf } from '../../../src/controller/gather.ts';
import { workloadKey } from '../../../src/controller/ports.ts';
import { UsageKeeper } from '../../../src/controller/usage.ts';
import { packWalk, unpackWalk } from '../../../src/controller/usagewalks.ts';
import { shortened } from '../../../src/recommend/shortnumbers.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { aHistory, aKnownPod, days, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aPolicy, aWorkload, MemoryCluster, MemoryUsage } from './memorycluster.ts';

describe('a look at a workload', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('goes on from where one before it on the same day stood', async () => {
    let nowSeconds = NOW;
    const workload = aWorkload('cart');
    const source = new MemoryUsage();
    source.usage.set(workloadKey(workload.ref), { main: aHistory(days(14)) ?? assert.fail() });
    const keeper = new UsageKeeper({
      source,
      clock: { nowSeconds: () => nowSeconds },
      intervalSeconds: HOUR_SECONDS,
      podsOf: () => [aKnownPod('cart-1')],
      siblingsOf: () => [workload.ref],
      onRead: () => undefined,
      onWarning: () => undefined,
      random: () => 0.5,
    });
    const view = new MemoryCluster().add(aPolicy('own'), workload);
    const governance = governanceOf(view, workload) ?? assert.fail('no policy');
    const kept: string[] = [];
    const look = () => {
      const usage = keeper.want(workload.ref, 14 * DAY_SECONDS);
      const { walks = assert.fail('walks are not kept') } = usage;
      const watched = {
        walkOf: (name: string) => walks.walkOf(name),
        keepWalk(name: string, walked: Float64Array) {
          kept.push(name);
          // Else its weights were not made short.
          assert.ok(packWalk(walked).length < walked.byteLength / 2);
          walks.keepWalk(name, walked);
        },
      };
      const input = { view, nowSeconds, governance, stored: undefined };
      return compose(workload, { ...input, usage: { ...usage, walks: watched } }).status;
    };

    look();
    nowSeconds += 1;
    mock.timers.tick(1000);
    for (let turn = 0; turn < 12; turn++) await setImmediate();
    assert.deepEqual(kept, []);
    const first = look();
    assert.deepEqual(kept, ['main']);
    assert.deepEqual(look(), first);
    assert.deepEqual(kept, ['main']);
    // The next day has begun.
    nowSeconds += DAY_SECONDS;
    look();
    assert.deepEqual(kept, ['main', 'main']);
    await keeper.stop();
  });
});

describe('where a walk stood', () => {
  const anyNumber = fc.oneof(
    fc.double(),
    fc.nat(),
    fc.maxSafeInteger(),
    fc.double().map(shortened),
    fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1, 127, 128, 2 ** 49 - 1, 2 ** 49, 2 ** 53),
  );

  it('is the same again after it was packed', () => {
    fc.assert(
      fc.property(fc.array(anyNumber, { maxLength: 100 }), (numbers) => {
        const walked = Float64Array.from(numbers);
        assert.deepEqual(unpackWalk(packWalk(walked)), walked);
      }),
    );
  });

  it('takes a byte and two bits for a small count', () => {
    assert.equal(packWalk(new Float64Array(80).fill(127)).length, 1 + 20 + 80);
  });

  it('takes three bytes and two bits for a weight', () => {
    for (const weight of [1 / 3, 7.7, 123_456.7, 2 ** 30 / 7]) {
      const walked = new Float64Array(80).fill(shortened(weight));
      assert.equal(packWalk(walked).length, 1 + 20 + 240, String(weight));
    }
  });
});
