import assert from 'node:assert/strict';
import { ALONE, fleetMargins } from '../../../src/recommend/fleet.ts';
import type { DayExcess } from '../../../src/recommend/sizing.ts';

/** So many containers with ten days each from day 100 on, of which one in fifty was over by 3 spreads. */
function fleetOf(containers: number): readonly DayExcess[] {
  return Array.from({ length: containers * 10 }, (_, i) => ({
    day: 100 + (i % 10),
    excess: i % 50 === 0 ? 3 : -1,
  }));
}

describe('the margin of a fleet', () => {
  it('is the prior while its days are few', () => {
    assert.deepEqual(fleetMargins(fleetOf(9))(0.05, 200), ALONE.marginOf(0.05, 200));
    assert.equal(fleetMargins([])(0.05, 200).basis, 'Prior');
  });

  it('is fitted from what its days say, and says so', () => {
    // Of 300 days 6 are over by 3: at 5 % nothing is put on, at 1 % all of it.
    const marginOf = fleetMargins(fleetOf(30));
    assert.deepEqual(marginOf(0.05, 200), { excess: 0, basis: 'Fleet' });
    assert.deepEqual(marginOf(0.01, 200), { excess: 3, basis: 'Fleet' });
  });

  it('sees nothing of the day it is for, nor of later ones', () => {
    const quiet = fleetOf(30).map(({ day }) => ({ day, excess: -1 }));
    const marginOf = fleetMargins([...quiet, ...quiet.map(() => ({ day: 105, excess: 9 }))]);
    assert.deepEqual(marginOf(0.01, 105), { excess: 0, basis: 'Fleet' });
    assert.deepEqual(marginOf(0.01, 106), { excess: 9, basis: 'Fleet' });
  });

  it('does not mind the order of the days', () => {
    const marginOf = fleetMargins(fleetOf(30).toReversed());
    assert.deepEqual(marginOf(0.01, 200), fleetMargins(fleetOf(30))(0.01, 200));
  });
});
