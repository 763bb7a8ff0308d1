import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ReadingTimes } from '../../../src/controller/readingtimes.ts';
import { HOUR_SECONDS, NOW } from '../../support/builders.ts';

const MINUTE = 60;

describe('the times of readings', () => {
  it('lie 3 to 13 minutes after a full hour where they come by the hour', () => {
    const at = (random: number, minutes: number): number =>
      (new ReadingTimes(HOUR_SECONDS, () => random).next(NOW + minutes * MINUTE) - NOW) / MINUTE;
    assert.equal(at(0, 0), 3);
    assert.equal(at(1, 0), 13);
    assert.equal(at(0.5, 30), 68);
    assert.equal(at(0.5, 59), 68);
    assert.equal(at(0.5, 61), 68);
  });

  it('are not those at which was read just now, also where a timer came early', () => {
    const times = new ReadingTimes(HOUR_SECONDS, () => 0.5);
    const [due, next] = [NOW + 8 * MINUTE, NOW + 68 * MINUTE];
    for (const at of [due - 59, due - 1, due - 0.001, due, due + 0.001]) {
      assert.equal(times.next(at), next);
    }
    assert.equal(times.next(due - 61), due);
  });

  it('come once in the time between two of them, by the clock', () => {
    const times = fc.record({
      hours: fc.integer({ min: 1, max: 24 }),
      random: fc.double({ min: 0, max: 1, noNaN: true }),
      after: fc.integer({ min: 0, max: 7 * 24 * HOUR_SECONDS }),
    });
    fc.assert(
      fc.property(times, ({ hours, random, after }) => {
        const interval = hours * HOUR_SECONDS;
        const readings = new ReadingTimes(interval, () => random);
        const first = readings.next(NOW + after);
        assert.ok(first > NOW + after && first <= NOW + after + interval + MINUTE);
        assert.ok(Math.abs(readings.next(first) - first - interval) < 0.001);
        const past = first % interval;
        assert.ok(past >= 3 * MINUTE - 0.001 && past <= 13 * MINUTE + 0.001);
      }),
    );
  });

  it('are the same for all workloads, whenever those were first read', () => {
    const times = fc.record({
      interval: fc.integer({ min: 1, max: 200 * MINUTE }),
      random: fc.double({ min: 0, max: 1, noNaN: true }),
      firsts: fc.array(fc.integer({ min: 0, max: 3 * 24 * HOUR_SECONDS }), {
        minLength: 2,
        maxLength: 5,
      }),
    });
    fc.assert(
      fc.property(times, ({ interval, random, firsts }) => {
        const readings = new ReadingTimes(interval, () => random);
        const end = NOW + 3 * 24 * HOUR_SECONDS + 2 * interval;
        const lasts = firsts.map((first) => {
          let at = NOW + first;
          while (at < end) {
            const next = readings.next(at);
            assert.ok(next > at && next <= at + 1.5 * interval + 1e-3);
            at = next;
          }
          return Math.round(at * 1000);
        });
        assert.equal(new Set(lasts).size, 1);
      }),
      { numRuns: 20 },
    );
  });
});
