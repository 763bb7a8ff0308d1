import assert from 'node:assert/strict';
import fc from 'fast-check';
import { hourCpu } from '../../../src/recommend/hours.ts';
import { JudgedDays, Tally } from '../../../src/recommend/realised.ts';
import type { HourCpu } from '../../../src/recommend/usage.ts';

const DAY = 86_400;

function use(...cores: readonly number[]): HourCpu {
  return hourCpu(cores) ?? assert.fail('an hour has samples');
}

/** A tally by itself: of days that no other tally shares. */
function aTally() {
  const days = new JudgedDays();
  const tally = new Tally(days);
  return {
    tally,
    addCpu: (startSeconds: number, hour: HourCpu, size: number) => {
      days.addCpu(startSeconds, hour);
      tally.addCpu(hour, size);
    },
    addPeak: (startSeconds: number, peak: number, size: number) => {
      days.addPeak(startSeconds);
      tally.addPeak(peak, size);
    },
  };
}

function partOf(tally: Tally): unknown {
  const { days, daysHit, share, workOver } = tally.cpu() ?? assert.fail('nothing was judged');
  return { days, daysHit, share, workOver };
}

describe('a tally', () => {
  it('knows nothing before anything was judged', () => {
    const { tally } = aTally();
    assert.equal(tally.cpu(), undefined);
    assert.equal(tally.memory(), undefined);
  });

  it('counts samples over the size, and the use above it', () => {
    const { tally, addCpu } = aTally();
    addCpu(0, use(1, 2, 3), 2);
    addCpu(DAY, use(1, 1, 1), 2);
    const got = tally.cpu();
    assert.deepEqual(got, {
      days: 2,
      share: 1 / 6,
      daysHit: 1,
      // A third of the first day and nothing of the second, so a sixth from their mean.
      dayDeviation: 1 / 6,
      worstDay: 1 / 3,
      worstDaySeconds: 0,
      workOver: 1 / 9,
    });
  });

  it('counts an amount as often as it was sampled', () => {
    const { tally, addCpu } = aTally();
    addCpu(0, use(1, 3, 1, 3, 1), 2);
    assert.equal(tally.cpu()?.share, 2 / 5);
    assert.equal(tally.cpu()?.workOver, 2 / 9);
  });

  it('counts a sample of a coarser step for more', () => {
    const { tally, addCpu } = aTally();
    addCpu(0, use(1, 1, 1), 2);
    addCpu(0, { ...use(3), weight: 3 }, 2);
    assert.equal(tally.cpu()?.share, 1 / 2);
    assert.equal(tally.cpu()?.workOver, 3 / 12);
  });

  it('shares its days with others, and need not be told of hours that are under its size', () => {
    const days = new JudgedDays();
    const [tight, wide] = [new Tally(days), new Tally(days)];
    const told = (day: number, hour: HourCpu, tallies: readonly [Tally, number][]) => {
      days.addCpu(day * DAY, hour);
      for (const [tally, size] of tallies) tally.addCpu(hour, size);
    };
    told(0, use(1, 3), [[tight, 2]]);
    told(1, use(1, 1), []);
    told(2, use(5), [
      [tight, 2],
      [wide, 4],
    ]);
    assert.deepEqual(partOf(tight), { days: 3, daysHit: 2, share: 2 / 5, workOver: 4 / 11 });
    assert.deepEqual(partOf(wide), { days: 3, daysHit: 1, share: 1 / 5, workOver: 1 / 11 });
  });

  it('does not take what is just met for more', () => {
    const { tally, addCpu, addPeak } = aTally();
    addCpu(0, use(2), 2);
    addPeak(0, 2, 2);
    assert.equal(tally.cpu()?.share, 0);
    assert.equal(tally.memory()?.daysHit, 0);
  });

  it('counts a day of memory once, by the peak that was most over the size', () => {
    const { tally, addPeak } = aTally();
    for (const peak of [150, 120, 90]) addPeak(5 * DAY + peak, peak, 100);
    addPeak(6 * DAY, 90, 100);
    const got = tally.memory();
    assert.deepEqual([got?.days, got?.daysHit, got?.share], [2, 1, 0.5]);
    assert.deepEqual([got?.worstDay, got?.worstDaySeconds], [0.5, 5 * DAY]);
  });

  it('says the same whatever the order of the hours', () => {
    const hours = fc.array(
      fc.record({ hour: fc.nat(200), cores: fc.double({ min: 0, max: 4, noNaN: true }) }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(hours, (given) => {
        const of = (order: typeof given) => {
          const { tally, addCpu } = aTally();
          for (const { hour, cores } of order) addCpu(hour * 3600, use(cores), 1);
          return tally.cpu();
        };
        const [forward, backward] = [of(given), of(given.toReversed())];
        assert.equal(forward?.share, backward?.share);
        assert.equal(forward?.daysHit, backward?.daysHit);
        assert.equal(forward?.worstDay, backward?.worstDay);
      }),
    );
  });
});
