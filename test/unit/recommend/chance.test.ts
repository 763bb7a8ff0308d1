import assert from 'node:assert/strict';
import fc from 'fast-check';
import { binomialDistribution } from 'simple-statistics';
import {
  chanceOfAtLeast,
  chanceOfAtMost,
  clopperPearson,
  upperRate,
} from '../../../src/recommend/chance.ts';

function near(actual: number, wanted: number, tolerance = 1e-9): void {
  assert.ok(Math.abs(actual - wanted) <= tolerance, `${actual} is not ${wanted}`);
}

const rate = fc.double({ min: 0.001, max: 0.999, noNaN: true });
const counts = fc
  .integer({ min: 1, max: 200 })
  .chain((trials) => fc.record({ trials: fc.constant(trials), hits: fc.nat(trials) }));

describe('the chance of so many hits', () => {
  it('is the sum of the binomial distribution', () => {
    fc.assert(
      fc.property(counts, rate, ({ trials, hits }, p) => {
        // The library leaves out the last ten-thousandth, so single chances are compared.
        const chance = binomialDistribution(trials, p)?.[hits];
        if (chance === undefined) return;
        const fewer = hits === 0 ? 0 : chanceOfAtMost(hits - 1, trials, p);
        const more = hits === trials ? 0 : chanceOfAtLeast(hits + 1, trials, p);
        near(chanceOfAtMost(hits, trials, p) - fewer, chance);
        near(chanceOfAtLeast(hits, trials, p) - more, chance);
      }),
    );
  });

  it('counts the hits themselves on both sides', () => {
    near(chanceOfAtMost(1, 2, 0.5), 0.75);
    near(chanceOfAtLeast(1, 2, 0.5), 0.75);
  });

  it('leaves nothing between at most so many and one more', () => {
    fc.assert(
      fc.property(counts, rate, ({ trials, hits }, p) => {
        const more = hits === trials ? 0 : chanceOfAtLeast(hits + 1, trials, p);
        near(chanceOfAtMost(hits, trials, p) + more, 1);
      }),
    );
  });

  it('rises with the rate for at least, and falls for at most', () => {
    fc.assert(
      fc.property(counts, rate, rate, ({ trials, hits }, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        assert.ok(
          chanceOfAtLeast(hits, trials, low) <= chanceOfAtLeast(hits, trials, high) + 1e-12,
        );
        assert.ok(chanceOfAtMost(hits, trials, low) >= chanceOfAtMost(hits, trials, high) - 1e-12);
      }),
    );
  });

  it('keeps the digits of what is very unlikely', () => {
    near(chanceOfAtLeast(1, 10, 1e-15) / 1e-14, 1);
    near(chanceOfAtLeast(60, 60, 0.02) / 0.02 ** 60, 1);
  });

  it('is certain or impossible at a rate of 0 and of 1', () => {
    assert.deepEqual(
      [chanceOfAtLeast(0, 5, 0), chanceOfAtLeast(1, 5, 0), chanceOfAtMost(0, 5, 0)],
      [1, 0, 1],
    );
    assert.deepEqual(
      [chanceOfAtLeast(5, 5, 1), chanceOfAtMost(4, 5, 1), chanceOfAtMost(5, 5, 1)],
      [1, 0, 1],
    );
    assert.deepEqual([chanceOfAtLeast(0, 0, 0.3), chanceOfAtMost(0, 0, 0.3)], [1, 1]);
  });

  it('stands for a hundred thousand trials', () => {
    // The median of a binomial distribution with a whole mean is the mean.
    const before = chanceOfAtMost(4999, 100_000, 0.05);
    assert.ok(before < 0.5 && chanceOfAtMost(5000, 100_000, 0.05) > 0.5);
    near(before + chanceOfAtLeast(5000, 100_000, 0.05), 1);
  });
});

describe('the interval of Clopper and Pearson', () => {
  it('has the bounds that a closed form gives for no hit and for nothing but hits', () => {
    const none = clopperPearson(0, 13, 0.95);
    assert.equal(none.low, 0);
    near(none.high, 1 - 0.025 ** (1 / 13));
    const all = clopperPearson(13, 13, 0.95);
    near(all.low, 0.025 ** (1 / 13));
    assert.equal(all.high, 1);
  });

  it('has the published bounds', () => {
    // 10 of 20 at 95 %: 27.2 % to 72.8 %.
    const { low, high } = clopperPearson(10, 20, 0.95);
    near(low, 0.272, 5e-4);
    near(high, 0.728, 5e-4);
  });

  it('leaves everything open without a trial', () => {
    assert.deepEqual(clopperPearson(0, 0, 0.95), { low: 0, high: 1 });
  });

  it('covers the true rate at least as often as it says', () => {
    for (const trials of [1, 7, 13, 60]) {
      const bounds = Array.from({ length: trials + 1 }, (_, hits) =>
        clopperPearson(hits, trials, 0.95),
      );
      for (let p = 0.005; p < 1; p += 0.015) {
        const cells = binomialDistribution(trials, p) ?? [];
        const covered = bounds.reduce(
          (sum, { low, high }, hits) => sum + (low <= p && p <= high ? (cells[hits] ?? 0) : 0),
          0,
        );
        assert.ok(covered >= 0.95, `${covered} of ${trials} at ${p}`);
      }
    }
  });

  it('holds the rate that was found, rises with the hits and widens with the level', () => {
    fc.assert(
      fc.property(counts, ({ trials, hits }) => {
        const { low, high } = clopperPearson(hits, trials, 0.95);
        assert.ok(low <= hits / trials && hits / trials <= high);
        const wider = clopperPearson(hits, trials, 0.99);
        assert.ok(wider.low <= low && high <= wider.high);
        if (hits === trials) return;
        const more = clopperPearson(hits + 1, trials, 0.95);
        assert.ok(low < more.low && (high < more.high || more.high === 1));
      }),
      { numRuns: 30 },
    );
  });
});

describe('the highest rate that hits do not refute', () => {
  it('is about 2.3 in n for none in n at 90 %', () => {
    near(upperRate(0, 13, 0.9), 1 - 0.1 ** (1 / 13));
    near(upperRate(0, 100_000, 0.9) * 100_000, Math.log(10), 1e-4);
  });

  it('is as unlikely to give so few hits as the confidence says', () => {
    fc.assert(
      fc.property(counts, ({ trials, hits }) => {
        const highest = upperRate(hits, trials, 0.9);
        if (hits === trials) assert.equal(highest, 1);
        else near(chanceOfAtMost(hits, trials, highest), 0.1);
      }),
    );
  });

  it('is 1 without a trial', () => {
    assert.equal(upperRate(0, 0, 0.9), 1);
  });
});

describe('nonsense', () => {
  const nonsense: Readonly<Record<string, () => unknown>> = {
    'more hits than trials': () => chanceOfAtLeast(2, 1, 0.1),
    'hits below none': () => chanceOfAtMost(-1, 1, 0.1),
    'half a hit': () => clopperPearson(0.5, 1, 0.95),
    'half a trial': () => upperRate(0, 1.5, 0.9),
    'a rate above 1': () => chanceOfAtLeast(1, 2, 1.1),
    'a rate that is no number': () => chanceOfAtMost(1, 2, NaN),
    'a level of 1': () => clopperPearson(0, 1, 1),
    'a confidence of 0': () => upperRate(0, 1, 0),
  };
  for (const [what, of] of Object.entries(nonsense)) {
    it(`is refused: ${what}`, () => assert.throws(of, RangeError));
  }
});
