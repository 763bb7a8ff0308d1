import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isInWindow, nextOpening, windowProblems } from '../../../src/controller/windows.ts';

interface Window {
  readonly schedule: string;
  readonly duration: string;
  readonly timeZone: string;
}

function aWindow(schedule: string, changed: Partial<Window> = {}): Window {
  return { schedule, duration: '2h', timeZone: 'UTC', ...changed };
}

function at(time: string): number {
  return Date.parse(time) / 1000;
}

const WEEKDAYS = aWindow('0 2 * * 1-5');
const LONDON = aWindow('30 1 * * *', { duration: '1h', timeZone: 'Europe/London' });

describe('windows of changes', () => {
  it('are open at any time where there are none', () => {
    assert.equal(isInWindow(undefined, at('2026-11-23T12:00:00Z')), true);
    assert.equal(isInWindow([], at('2026-11-23T12:00:00Z')), true);
    assert.equal(nextOpening(undefined, 0), undefined);
  });

  it('are open from the opening on, until the duration is over', () => {
    const isOpen = (time: string) => isInWindow([WEEKDAYS], at(time));
    assert.equal(isOpen('2026-11-23T01:59:59Z'), false);
    assert.equal(isOpen('2026-11-23T02:00:00Z'), true);
    assert.equal(isOpen('2026-11-23T03:59:59Z'), true);
    assert.equal(isOpen('2026-11-23T04:00:00Z'), false);
    assert.equal(isOpen('2026-11-22T02:30:00Z'), false, 'a Sunday');
  });

  it('are open while any of them is', () => {
    const windows = [WEEKDAYS, aWindow('0 12 * * *')];
    assert.equal(isInWindow(windows, at('2026-11-22T12:30:00Z')), true);
    assert.equal(nextOpening(windows, at('2026-11-22T12:30:00Z')), at('2026-11-23T02:00:00Z'));
  });

  it('do not close where one lasts longer than its period', () => {
    const always = aWindow('0 0 * * *', { duration: '2d' });
    for (let hour = 0; hour < 72; hour++) {
      assert.equal(isInWindow([always], at('2026-11-23T00:30:00Z') + hour * 3600), true);
    }
  });

  it('last over the end of a week', () => {
    const weekend = aWindow('0 22 * * 5', { duration: '52h' });
    assert.equal(isInWindow([weekend], at('2026-11-23T01:59:00Z')), true);
    assert.equal(isInWindow([weekend], at('2026-11-23T02:01:00Z')), false);
  });

  it('follow the clocks of their time zone', () => {
    assert.equal(isInWindow([LONDON], at('2026-06-01T00:45:00Z')), true);
    assert.equal(isInWindow([LONDON], at('2026-06-01T01:45:00Z')), false);
    assert.equal(isInWindow([LONDON], at('2026-12-01T00:45:00Z')), false);
    assert.equal(isInWindow([LONDON], at('2026-12-01T01:45:00Z')), true);
  });

  it('open once, and as long, on the days on which clocks change', () => {
    const opened = (day: string) =>
      Array.from({ length: 24 * 12 }, (_, step) => at(`${day}T00:00:00Z`) + step * 300)
        .filter((seconds) => isInWindow([LONDON], seconds))
        .map((seconds) => new Date(seconds * 1000).toISOString().slice(11, 16));
    const [spring, autumn] = [opened('2026-03-29'), opened('2026-10-25')];
    // Half past one does not exist on that morning, and is there twice on the other.
    assert.deepEqual([spring[0], spring.at(-1), spring.length], ['01:00', '01:55', 12]);
    assert.deepEqual([autumn[0], autumn.at(-1), autumn.length], ['00:30', '01:25', 12]);
  });

  it('next open after the time, not at it', () => {
    assert.equal(nextOpening([WEEKDAYS], at('2026-11-23T02:00:00Z')), at('2026-11-24T02:00:00Z'));
    assert.equal(nextOpening([WEEKDAYS], at('2026-11-27T12:00:00Z')), at('2026-11-30T02:00:00Z'));
  });

  const REFUSED: Readonly<Record<string, readonly [Window, RegExp]>> = {
    'a step from a number': [aWindow('5/15 * * * *'), /\[0\]\.schedule: "5\/15 .* write five/],
    'a minute that is none': [aWindow('99 * * * *'), /\[0\]\.schedule: "99 .* write five/],
    'an unknown day of week': [aWindow('0 2 * * funday'), /\[0\]\.schedule: .* write five/],
    'a range that runs back': [aWindow('0 6-2 * * *'), /\[0\]\.schedule: .* write five/],
    'a day that never comes': [aWindow('0 0 31 2 *'), /\[0\]\.schedule: .* never comes; write/],
    'an unknown time zone': [
      aWindow('0 2 * * *', { timeZone: 'Mars/Base' }),
      /\[0\]\.timeZone: "Mars\/Base" is not known; write an IANA/,
    ],
    'a time zone that is empty': [
      aWindow('0 2 * * *', { timeZone: '' }),
      /\[0\]\.timeZone: "" is not known; write an IANA/,
    ],
  };

  for (const [what, [window, problem]] of Object.entries(REFUSED)) {
    it(`are closed by ${what}, and say so`, () => {
      assert.equal(isInWindow([window], at('2026-11-23T02:00:00Z')), false);
      assert.equal(nextOpening([window], at('2026-11-23T02:00:00Z')), undefined);
      const [text, more] = windowProblems([window]);
      assert.match(text ?? '', problem);
      assert.equal(more, undefined);
      assert.equal(isInWindow([window, WEEKDAYS], at('2026-11-23T02:00:00Z')), true);
    });
  }

  it('have no problem in what opens now and then', () => {
    const days = ['0 0 29 2 *', '*/15 0-6/2 1,15 * MON-FRI', '0 0 * * 7'].map((each) =>
      aWindow(each),
    );
    assert.deepEqual(windowProblems(days), []);
    assert.deepEqual(windowProblems(undefined), []);
  });

  it('name the window that has the problem', () => {
    const [text] = windowProblems([WEEKDAYS, aWindow('99 * * * *')]);
    assert.match(text ?? '', /^changes\.windows\[1\]\.schedule/);
  });

  it('are open when the next opening has come, whatever the schedule', () => {
    const field = (most: number) => fc.integer({ min: 0, max: most }).map(String);
    const schedule = fc
      .tuple(field(59), fc.oneof(field(23), fc.constant('*/6')), fc.constantFrom('*', '1-5', '0'))
      .map(([minute, hour, day]) => `${minute} ${hour} * * ${day}`);
    const timeZone = fc.constantFrom('UTC', 'Europe/London', 'America/New_York', 'Asia/Kolkata');
    const now = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') });
    fc.assert(
      fc.property(schedule, timeZone, now, (text, zone, nowSeconds) => {
        const windows = [aWindow(text, { duration: '5m', timeZone: zone })];
        const next = nextOpening(windows, nowSeconds);
        assert.ok(next !== undefined && next > nowSeconds);
        assert.equal(isInWindow(windows, next), true);
        assert.equal(isInWindow(windows, next + 300), false);
        // Nothing opens between now and then: only what is open already is.
        assert.equal(isInWindow(windows, next - 1), nextOpening(windows, next - 301) !== next);
      }),
      { numRuns: 500 },
    );
  });
});
