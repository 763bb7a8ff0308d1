import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ReadingTimes } from '../../../src/controller/readingtimes.ts';
import { HOUR_SECONDS, NOW } from '../../support/builders.ts';

const MINUTE = 60;

describe('the times of readings', () => {
  it('lie 3 to 13 minutes after a full hour where they come by the hour', () => {
    const at = (random: number, minutes: number): number =>
      (new ReadingTimes(HOUR_SECONDS, () => random).next(NOW + minutes * MINUTE, 1) - NOW) / MINUTE;
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
      assert.equal(times.next(at, 1), next);
    }
    assert.equal(times.next(due - 61, 1), due);
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
        const first = readings.next(NOW + after, 1);
        assert.ok(first > NOW + after && first <= NOW + after + interval + MINUTE);
        assert.ok(Math.abs(readings.next(first, 1) - first - interval) < 0.001);
        const past = first % interval;
        assert.ok(past >= 3 * MINUTE - 0.001 && past <= 13 * MINUTE + 0.001);
      }),
    );
  });

  it('are spread where they do not come by whole hours', () => {
    const times = new ReadingTimes(30 * MINUTE, () => 0.5);
    assert.equal(times.next(NOW + 5, 0.8), NOW + 5 + 24 * MINUTE);
  });
});
