import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HistoryFold } from '../../../src/recommend/history.ts';
import type { PackedUsage } from '../../../src/recommend/packed.ts';
import { giveBack, unpackUsage } from '../../../src/recommend/unpacked.ts';
import type { UsageHistory } from '../../../src/recommend/usage.ts';
import { NOW } from '../../support/builders.ts';
import { random } from '../../support/history-generator.ts';
import { samplesOfHour } from '../../support/hourcpu.ts';

function usageOf(seed: number, pods = 1, days = 3): PackedUsage {
  const fold = new HistoryFold(60);
  for (let minute = 0; minute < days * 1440; minute++) {
    const isMissing = random(seed, Math.floor(minute / 60)) < 0.1;
    if (isMissing) continue;
    for (let pod = 0; pod < pods; pod++) {
      fold.addCpu(`pod-${pod}`, NOW + 60 * minute, 2 ** (12 * random(seed + pod, minute) - 6));
    }
  }
  return fold.packed() ?? assert.fail('nothing was packed');
}

/** All samples, hour by hour, of the days from the last to the first. */
function samplesOf({ days }: UsageHistory): readonly (readonly number[])[] {
  return days.toReversed().flatMap(({ hours }) => hours.cpu.map(samplesOfHour));
}

describe('a history of many days', () => {
  it('has each of its hours', () => {
    const { days } = unpackUsage(usageOf(7, 1, 40));
    assert.equal(days.length, 40);
    for (const [at, { hours }] of days.entries()) {
      const seen = hours.cpu.map((hour) => samplesOfHour(hour).length);
      const wanted = hours.cpu.map((_, hour) => (random(7, 24 * at + hour) < 0.1 ? 0 : 60));
      assert.deepEqual(seen, wanted);
    }
  });
});

describe('memory of what was unpacked', () => {
  it('leaves a history as it was, however often it is given back to others and looked at again', () => {
    const packed = Array.from({ length: 6 }, (_, seed) => usageOf(seed, 1 + (seed % 3)));
    const expected = packed.map((usage) => samplesOf(unpackUsage(usage)));
    const steps = fc.array(fc.record({ at: fc.nat(5), isGivenBack: fc.boolean() }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(steps, (order) => {
        const histories = packed.map(unpackUsage);
        for (const { at, isGivenBack } of order) {
          const history = histories[at] ?? assert.fail();
          assert.deepEqual(samplesOf(history), expected[at]);
          if (isGivenBack) giveBack(history);
        }
        for (const [at, history] of histories.entries()) {
          assert.deepEqual(samplesOf(history), expected[at]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is empty for who holds hours of it still, and not of another', () => {
    const history = unpackUsage(usageOf(1));
    const hourIn = ({ days }: UsageHistory) => days[0]?.hours.cpu[12] ?? assert.fail('no hour');
    const held = hourIn(history);
    assert.notEqual(samplesOfHour(held).length, 0);
    giveBack(history);
    assert.deepEqual([held.codes.length, held.counts.length], [0, 0]);
    assert.deepEqual(samplesOfHour(held), []);
    assert.notEqual(samplesOfHour(hourIn(unpackUsage(usageOf(2)))).length, 0);
    assert.deepEqual(samplesOfHour(held), []);
  });
});
