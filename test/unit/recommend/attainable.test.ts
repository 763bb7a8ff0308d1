import assert from 'node:assert/strict';
import fc from 'fast-check';
import { shareInterval, strictestSupported } from '../../../src/recommend/attainable.ts';
import type { Realised } from '../../../src/recommend/realised.ts';

function realised(of: Partial<Realised>): Realised {
  return {
    days: 14,
    share: 0,
    daysHit: 0,
    dayDeviation: 0,
    worstDay: 0,
    worstDaySeconds: 0,
    workOver: 0,
    ...of,
  };
}

function hit(risk: number, daysHit: number, days = 14) {
  return { risk, realised: realised({ days, daysHit, share: daysHit / days }) };
}

function over(risk: number, share: number, dayDeviation: number, days = 14) {
  return { risk, realised: realised({ days, share, dayDeviation, daysHit: days }) };
}

describe('a memory promise', () => {
  it('is attainable with a hit that chance gives as well', () => {
    // One of 14 days at 1 %: a chance of 13 %.
    assert.deepEqual(strictestSupported('memory', hit(0.01, 1), []), {
      risk: 0.01,
      isAttainable: true,
    });
  });

  it('is refuted by hits beyond chance, and the strictest of the looser ones that are not is supported', () => {
    // Three of 14 days at 1 %: 0.03 %; at 5 %: 3 %. Two at 10 %: 42 %.
    const levels = [hit(0.1, 2), hit(0.05, 3), hit(0.02, 3), hit(0.01, 3), hit(0.005, 0)];
    assert.deepEqual(strictestSupported('memory', hit(0.01, 3), levels), {
      risk: 0.1,
      isAttainable: false,
    });
  });

  it('is refuted with nothing that is supported, where every looser one is refuted too', () => {
    const levels = [hit(0.1, 8), hit(0.05, 8), { risk: 0.2, realised: undefined }];
    assert.deepEqual(strictestSupported('memory', hit(0.01, 9), levels), {
      risk: undefined,
      isAttainable: false,
    });
  });
});

describe('a CPU promise', () => {
  it('is attainable where the days differ too much to tell', () => {
    // One day of 14 at 42 %, the others without any.
    const one = over(0.02, 0.03, 0.108);
    assert.equal(strictestSupported('cpu', one, [])?.isAttainable, true);
  });

  it('is refuted where day after day is over it', () => {
    // 4 % ± 1.2 % of t(13) = 1.77 times 0.025 / √13.
    const supported = strictestSupported('cpu', over(0.02, 0.04, 0.025), [
      over(0.1, 0.09, 0.02),
      over(0.05, 0.04, 0.025),
    ]);
    assert.deepEqual(supported, { risk: 0.05, isAttainable: false });
  });

  it('is never refuted by a share within it', () => {
    const within = fc.record({
      risk: fc.double({ min: 0.001, max: 0.2, noNaN: true }),
      way: fc.double({ min: 0, max: 1, noNaN: true }),
      deviation: fc.double({ min: 0, max: 0.5, noNaN: true }),
    });
    fc.assert(
      fc.property(within, ({ risk, way, deviation }) => {
        const found = strictestSupported('cpu', over(risk, risk * way, deviation), []);
        assert.deepEqual(found, { risk, isAttainable: true });
      }),
    );
  });
});

describe('what is supported', () => {
  it('is not known with less than a week', () => {
    for (const resource of ['cpu', 'memory'] as const) {
      assert.equal(strictestSupported(resource, over(0.01, 1, 0, 6), []), undefined);
      const without = { risk: 0.01, realised: undefined };
      assert.equal(strictestSupported(resource, without, [hit(0.1, 0)]), undefined);
    }
    assert.equal(strictestSupported('cpu', over(0.01, 1, 0, 7), [])?.isAttainable, false);
  });

  it('is never stricter than the promise, and looser only where the promise is refuted', () => {
    const risk = fc.constantFrom(0.1, 0.05, 0.02, 0.01, 0.005);
    const level = fc
      .record({ risk, daysHit: fc.nat(14) })
      .map(({ risk: of, daysHit }) => hit(of, daysHit));
    fc.assert(
      fc.property(level, fc.array(level), (promised, levels) => {
        const found = strictestSupported('memory', promised, levels);
        assert.ok(found !== undefined);
        if (found.isAttainable) assert.equal(found.risk, promised.risk);
        else assert.ok(found.risk === undefined || found.risk > promised.risk);
      }),
    );
  });
});

describe('the interval of a share of time', () => {
  it('is that of Student’s t over the days', () => {
    // t(13) at 97.5 % is 2.160.
    const { low, high } = shareInterval(realised({ share: 0.04, dayDeviation: 0.01 }), 0.95) ?? {};
    assert.ok(Math.abs((high ?? 0) - (0.04 + (2.16 * 0.01) / Math.sqrt(13))) < 1e-4);
    assert.ok(Math.abs((low ?? 0) + (high ?? 0) - 0.08) < 1e-12);
  });

  it('stays between 0 and 1', () => {
    assert.equal(shareInterval(realised({ share: 0.01, dayDeviation: 0.1 }), 0.95)?.low, 0);
    assert.equal(shareInterval(realised({ share: 0.99, dayDeviation: 0.1 }), 0.95)?.high, 1);
  });

  it('is not known with less than a week', () => {
    assert.equal(shareInterval(realised({ days: 6 }), 0.95), undefined);
  });
});

describe("the bound by Student's t", () => {
  // Tables of the distribution: the quantiles 95 % and 97.5 % at 6, 13 and 27 degrees of freedom.
  const tabled: readonly (readonly [days: number, level: number, t: number])[] = [
    [7, 0.9, 1.943],
    [7, 0.95, 2.447],
    [14, 0.9, 1.771],
    [14, 0.95, 2.16],
    [28, 0.9, 1.703],
    [28, 0.95, 2.052],
  ];
  for (const [days, level, t] of tabled) {
    it(`is the tabled one for ${days} days at ${level * 100} %`, () => {
      const realised = {
        days,
        share: 0.5,
        daysHit: days,
        dayDeviation: 0.1,
        worstDay: 1,
        worstDaySeconds: 0,
        workOver: 0,
      };
      const { high = NaN } = shareInterval(realised, level) ?? {};
      assert.ok(Math.abs(high - 0.5 - (t * 0.1) / Math.sqrt(days - 1)) < 0.0004);
    });
  }
});
