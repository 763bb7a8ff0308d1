import assert from 'node:assert/strict';
import fc from 'fast-check';
import { replay } from '../../../src/recommend/replay.ts';
import type { Resource, UsageDay } from '../../../src/recommend/usage.ts';
import {
  day,
  days,
  HOUR_SECONDS,
  MI,
  NOW,
  settings,
  type SettingsChange,
} from '../../support/builders.ts';

function replayed(resource: Resource, of: readonly UsageDay[], change: SettingsChange = {}) {
  return replay(resource, of, settings(change), { nowSeconds: NOW });
}

const samples = (low: number, high: number) => [
  ...Array.from({ length: 100 - high }, () => low),
  ...Array.from({ length: high }, () => 10 * low),
];

describe('the replay of CPU', () => {
  it('counts the samples over the request that the days before ask for', () => {
    // p95 × 1.12 × 1.2 of 100m is 134m on each day: 4 and 10 of 100 samples of 1 core are over it, 14 of 200.
    const of = [day(3), day(2, { cpu: samples(0.1, 4) }), day(1, { cpu: samples(0.1, 10) })];
    assert.deepEqual(replayed('cpu', of), { days: 2, daysHit: 2, share: 14 / 200 });
  });

  it('counts a day with more samples for more', () => {
    const once = [day(3), day(2, { cpu: samples(0.1, 50) }), day(1)];
    // 50 of 100 samples on one day and none of one on the other.
    assert.deepEqual(replayed('cpu', once), { days: 2, daysHit: 1, share: 50 / 101 });
  });

  it('leaves out a day without samples', () => {
    const of = [day(3), day(2, { cpu: [] }), day(1)];
    assert.deepEqual(replayed('cpu', of), { days: 1, daysHit: 0, share: 0 });
  });

  it('sizes a day with the factor for the history that was there then', () => {
    // 100m × 1.12 = 112m, × 1.2 = 134m, × 1.05 = 118m: 125m is over only where the days before are 3 or more.
    const after = (count: number) =>
      replayed('cpu', [...days(count + 1).slice(0, -1), day(1, { cpu: [0.125] })])?.daysHit;
    assert.equal(after(2), 0);
    assert.equal(after(3), 1);
  });
});

describe('the replay of memory', () => {
  it('counts the days with a peak over the limit that the days before ask for', () => {
    // 100Mi × 1.1 × 1.2 = 132Mi: 140Mi is over; then 140Mi × 1.1 × 1.2 = 184.8Mi.
    const peaks = [100, 100, 140, 180, 185].map((peak, index) =>
      day(5 - index, { peak: peak * MI }),
    );
    // Day 3 is over 132, day 4 is under 184.8 with 3 days before it at 1.05 (161.7) over, day 5 under 180 × 1.155.
    assert.deepEqual(replayed('memory', peaks), { days: 4, daysHit: 2, share: 0.5 });
  });

  it('leaves out days without a peak', () => {
    const of = [day(3), day(2, { peak: undefined }), day(1, { peak: 999 * MI })];
    assert.deepEqual(replayed('memory', of), { days: 1, daysHit: 1, share: 1 });
  });
});

describe('a replay', () => {
  it('judges no day before the minimum of history is there', () => {
    const of = days(5);
    assert.equal(replayed('cpu', of, { minimumSeconds: 2 * 86_400 })?.days, 3);
    assert.equal(replayed('cpu', of, { minimumSeconds: 5 * 86_400 }), undefined);
    const halves = days(5, { cpuCoverage: 0.5, memoryCoverage: 0.5 });
    assert.equal(replayed('cpu', halves, { minimumSeconds: 2 * 86_400 })?.days, 1);
    assert.equal(replayed('memory', halves, { minimumSeconds: 86_400 })?.days, 3);
  });

  it('does not judge a day that is not over', () => {
    const of = [...days(2), day(0, { cpu: [9], peak: 999 * MI })];
    for (const resource of ['cpu', 'memory'] as const) {
      const at = (seconds: number) => replay(resource, of, settings(), { nowSeconds: seconds });
      assert.equal(at(NOW + 23 * HOUR_SECONDS)?.days, 1);
      assert.equal(at(NOW + 24 * HOUR_SECONDS)?.days, 2);
      assert.equal(at(NOW + 24 * HOUR_SECONDS)?.daysHit, 1);
    }
  });

  it('is nothing without history', () => {
    assert.equal(replayed('cpu', []), undefined);
    assert.equal(replayed('memory', days(1)), undefined);
  });

  it('judges earlier days without any knowledge of later ones', () => {
    const usage = fc.record({
      cpu: fc.array(fc.double({ min: 0.001, max: 8, noNaN: true }), { minLength: 1, maxLength: 4 }),
      peak: fc.integer({ min: MI, max: 4096 * MI }),
    });
    const history = fc.array(usage, { minLength: 3, maxLength: 14 });
    fc.assert(
      fc.property(history, fc.nat(), usage, (given, at, other) => {
        const of = days(given.length, (ago) => ({ ...given[ago - 1] }));
        const cut = 2 + (at % (of.length - 2));
        const until = day(of.length - cut).startSeconds;
        const changed = of.map((each, index) =>
          index < cut ? each : day(of.length - index, { ...other, oomKills: 3 }),
        );
        for (const resource of ['cpu', 'memory'] as const) {
          // What is judged of the first days alone, and as the first part of two different histories.
          const first = (all: readonly UsageDay[]) =>
            replay(resource, all, settings(), { nowSeconds: until });
          assert.deepEqual(first(changed), first(of));
          assert.deepEqual(first(of), first(of.slice(0, cut)));
        }
      }),
    );
  });
});
