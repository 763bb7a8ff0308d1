import assert from 'node:assert/strict';
import type { Cadence } from '../../../src/recommend/cadence.ts';
import { Following } from '../../../src/recommend/following.ts';
import { Steady } from '../../../src/recommend/steady.ts';
import { Tracking } from '../../../src/recommend/tracking.ts';

const START = 1_600_000_000 - (1_600_000_000 % 86_400);
const SETTINGS = { risk: 0.02, confidence: 0.95 };

type Use = (hour: number) => number;

const flat: Use = () => 1;
const daily: Use = (hour) => (hour % 24 < 8 ? 10 : 1);

function samplesOf(level: number): Float64Array {
  return Float64Array.from({ length: 12 }, (_, i) => level * (1 + 0.01 * (i % 5)));
}

/** The requests by the hour; calls `each` after every decision. */
function replay(cadence: Cadence, use: Use, days: number, each?: (hour: number) => void): number[] {
  let request: number | undefined;
  return Array.from({ length: days * 24 }, (_, hour) => {
    const startSeconds = START + hour * 3600;
    request = cadence.decide(startSeconds, request)?.amount ?? request;
    each?.(hour);
    cadence.observe({ startSeconds, cpu: samplesOf(use(hour)), request });
    return request ?? NaN;
  });
}

function observed(use: Use, hours: number): Following {
  const following = new Following(SETTINGS);
  for (let hour = 0; hour < hours; hour++) {
    const startSeconds = START + hour * 3600;
    following.observe({ startSeconds, cpu: samplesOf(use(hour)), request: undefined });
  }
  return following;
}

describe('the cadence Following', () => {
  it('follows Tracking where that asks for less', () => {
    const following = new Following(SETTINGS);
    const got = replay(following, daily, 21);
    assert.equal(following.followed(), 'Tracking');
    assert.deepEqual(got.slice(-72), replay(new Tracking(SETTINGS), daily, 21).slice(-72));
  });

  it('follows Steady where nothing is saved', () => {
    const following = new Following(SETTINGS);
    const got = replay(following, flat, 21);
    assert.equal(following.followed(), 'Steady');
    assert.deepEqual(got.slice(7 * 24), replay(new Steady(SETTINGS), flat, 21).slice(7 * 24));
  });

  it('changes over at the first decision of a UTC day only', () => {
    const following = new Following(SETTINGS);
    const changedAt: number[] = [];
    let before = following.followed();
    // From a rhythm to none, and back.
    const use: Use = (hour) => (hour < 20 * 24 || hour > 60 * 24 ? daily(hour) : 10);
    replay(following, use, 90, (hour) => {
      if (following.followed() !== before) changedAt.push(hour % 24);
      before = following.followed();
    });
    assert.ok(changedAt.length >= 3);
    assert.ok(changedAt.every((hour) => hour === 0));
  });

  it('compares both from the first sample on, before anything is promised', () => {
    const young = observed(daily, 12);
    young.decide(START + 12 * 3600, undefined);
    assert.equal(young.followed(), 'Steady');
    const grown = observed(daily, 14 * 24);
    grown.decide(START + 14 * 24 * 3600, undefined);
    assert.equal(grown.followed(), 'Tracking');
  });

  it('does not change over, nor lower, while samples are missing', () => {
    const following = observed(daily, 14 * 24);
    const first = following.decide(START + 14 * 24 * 3600, undefined);
    for (let hour = 14 * 24; hour < 20 * 24; hour++) {
      const startSeconds = START + hour * 3600;
      const amount = following.decide(startSeconds, first?.amount)?.amount ?? 0;
      assert.ok(amount >= (first?.amount ?? NaN) || hour < 14 * 24 + 3);
      const cpu = new Float64Array(12).fill(NaN);
      following.observe({ startSeconds, cpu, request: first?.amount });
      assert.equal(following.followed(), 'Tracking');
    }
  });

  it('charges a request that it did not decide', () => {
    const following = observed(flat, 14 * 24);
    let decision = following.decide(START + 14 * 24 * 3600, undefined);
    assert.equal(decision?.isSpent, false);
    for (let hour = 14 * 24; hour < 16 * 24; hour++) {
      const startSeconds = START + hour * 3600;
      following.observe({ startSeconds, cpu: samplesOf(1), request: 0.5 });
      decision = following.decide(startSeconds + 3600, 0.5);
    }
    assert.ok((decision?.amount ?? 0) > 1.04);
  });

  it('keeps at most 60 kB', () => {
    assert.ok(observed(daily, 500).bytes < 60_000);
  });
});

describe('the cadence Tracking', () => {
  it('lowers at most eight times a day', () => {
    const use: Use = (hour) => (hour % 2 === 0 ? 8 : 1) * (1 + (hour % 7));
    const got = replay(new Tracking(SETTINGS), use, 21);
    const lowered = new Map<number, number>();
    for (let hour = 1; hour < got.length; hour++) {
      if (!((got[hour] ?? NaN) < (got[hour - 1] ?? NaN))) continue;
      const block = Math.floor(hour / 3);
      lowered.set(block, (lowered.get(block) ?? 0) + 1);
    }
    assert.ok(lowered.size > 0);
    assert.ok([...lowered.values()].every((count) => count === 1));
  });
});
