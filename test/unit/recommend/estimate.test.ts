import assert from 'node:assert/strict';
import fc from 'fast-check';
import { estimate, youthFactor } from '../../../src/recommend/estimate.ts';
import { plannedRisk, PRIORS, priorPosition } from '../../../src/recommend/prior.ts';
import { RELATIVE_ERROR } from '../../../src/recommend/sketch.ts';
import { type Resource, type UsageDay } from '../../../src/recommend/usage.ts';
import { day, days, estimated, MI, NOW, settings } from '../../support/builders.ts';

/** 1m to 1000m, once each: p95 is 950m. */
const RAMP = Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000);
const FORTNIGHT = days(14, { cpu: RAMP });

function assertNear(got: number, want: number, tolerance = RELATIVE_ERROR): void {
  assert.ok(Math.abs(got - want) <= want * (tolerance + 1e-9), `${got}, not ${want}`);
}

function cpu(risk: number, confidence = 0.9, of: readonly UsageDay[] = FORTNIGHT): number {
  return estimated('cpu', of, { confidence, cpu: { risk } }).amount;
}

function memory(risk: number, of: readonly UsageDay[]): number {
  return estimated('memory', of, { memory: { risk } }).amount;
}

describe('the estimate of CPU', () => {
  const cases: Readonly<Record<string, { risk: number; want: number }>> = {
    'p90 × 1.15 at a risk of 10 %': { risk: 0.1, want: 0.9 * 1.15 },
    'p95 × 1.12 at a risk of 5 %': { risk: 0.05, want: 0.95 * 1.12 },
    'p98 × 1.18 at a risk of 2 %': { risk: 0.02, want: 0.98 * 1.18 },
    // p99.5 × 1.1 = 1.0945 would cost less than the looser p98 × 1.18 = 1.1564.
    'at least what 2 % asks for at a risk of 1 %': { risk: 0.01, want: 0.98 * 1.18 },
  };
  for (const [what, { risk, want }] of Object.entries(cases)) {
    it(`is ${what} and a confidence of 90 %`, () => assertNear(cpu(risk), want));
  }

  it('is p99.5 × 1.1 at a risk of 1 % where use has a tail', () => {
    // 985 of 1000 samples at 100m, 10 at 400m, 5 at 900m: p98 is 100m, p99.5 is 400m.
    const tail = RAMP.map((_, i) => (i < 985 ? 0.1 : i < 995 ? 0.4 : 0.9));
    assertNear(cpu(0.01, 0.9, days(14, { cpu: tail })), 0.4 * 1.1);
  });

  it('lies between two levels at the geometric mean of their amounts', () => {
    // Halfway from 5 % to 2 % on a logarithmic scale: √(0.05 × 0.02).
    const want = Math.sqrt(0.95 * 1.12 * (0.98 * 1.18));
    assertNear(cpu(Math.sqrt(0.05 * 0.02)), want);
  });

  it('plans for seven twelfths of the risk at a confidence of 95 %', () => {
    // 0.7 / 1.2, so that 6 % is planned as 3.5 %.
    assertNear(plannedRisk(0.06, 0.95), 0.035, 1e-9);
    assertNear(cpu(0.06, 0.95), cpu(0.035, 0.9), 1e-6);
    assert.equal(plannedRisk(0.05, 0.9), 0.05);
    // Halfway from 0.95 (0.7) to 0.98 (0.6) lies 0.65; beyond the outer points the outer point.
    assertNear(plannedRisk(0.1, 0.965), 0.1 * (0.65 / 1.2), 1e-9);
    assertNear(plannedRisk(0.1, 0.99), 0.1 * (0.5 / 1.2), 1e-9);
    assertNear(plannedRisk(0.1, 0.2), 0.1 * (2 / 1.2), 1e-9);
  });

  it('lets a sample count half after each half-life', () => {
    // Yesterday 100m, three days before that 1 core: 1 core weighs half, a third of all, so that p50 is 100m and p90 1.
    const of = [day(4, { cpu: [1] }), day(1, { cpu: [0.1] })];
    assertNear(estimated('cpu', of, { cpu: { risk: 0.5 } }).stricter.use, 0.1);
    // Two older days of 100m weigh a quarter and a half, less than the one that yesterday's core weighs.
    const rising = [day(7, { cpu: [0.1] }), day(4, { cpu: [0.1] }), day(1, { cpu: [1] })];
    assertNear(estimated('cpu', rising, { cpu: { risk: 0.5 } }).stricter.use, 1);
    // Without decay they are two of three.
    const flat = { halfLifeSeconds: 1e12, cpu: { risk: 0.5 } };
    assertNear(estimated('cpu', rising, flat).stricter.use, 0.1);
  });

  it('lets a sample count an eighth after three half-lives, and not less', () => {
    // 1 core weighs 1/8 each of nine samples, 1.125 in sum: more than half beside one sample of 100m of today.
    const old = (count: number) => day(10, { cpu: Array.from({ length: count }, () => 1) });
    const median = (count: number) =>
      estimated('cpu', [old(count), day(1)], { cpu: { risk: 0.5 } }).stricter.use;
    assertNear(median(9), 1);
    assertNear(median(7), 0.1);
  });

  it('weighs by the samples that a day has, so that a gap says nothing', () => {
    const gap = days(14, (ago) => ({ cpu: ago > 3 && ago < 9 ? [] : RAMP }));
    assertNear(cpu(0.05, 0.9, gap), 0.95 * 1.12);
  });

  it('does not look before the window, nor after its end', () => {
    const of = [day(15, { cpu: [64] }), ...FORTNIGHT, day(0, { cpu: [64] })];
    assert.equal(cpu(0.05, 0.9, of), cpu(0.05));
    const edge = [day(14.5, { cpu: [64] })];
    assertNear(estimated('cpu', edge).stricter.use, 64);
  });

  it('is zero where all samples are idle', () => {
    assert.equal(cpu(0.05, 0.9, days(14, { cpu: [0] })), 0);
  });
});

describe('the estimate of memory', () => {
  const of = days(14, (ago) => ({ peak: ago === 14 ? 400 * MI : 100 * MI }));

  it('is the highest peak of the window with the margin of the risk', () => {
    assertNear(memory(0.05, of), 400 * MI * 1.05, 1e-9);
    assertNear(memory(0.01, of), 400 * MI * 1.1, 1e-9);
    assertNear(memory(0.003, of), 400 * MI * 1.2, 1e-9);
  });

  it('lies between the margins of two levels', () => {
    // 0.2 % on the way from 0.3 % to 0.05 %: ln(1.5) / ln(6) = 0.2263, so 1.2 × (1.3 / 1.2)^0.2263 = 1.2219.
    assertNear(memory(0.002, of), 400 * MI * 1.2219, 1e-4);
  });

  it('stays at the strictest level beyond it', () => {
    assert.equal(memory(0.0001, of), memory(0.0005, of));
  });

  it('does not depend on the confidence, which is about single containers', () => {
    const at = (confidence: number) => estimated('memory', of, { confidence }).amount;
    assert.equal(at(0.99), at(0.5));
  });

  it('lets the highest peak fall out with its day', () => {
    assertNear(memory(0.01, of.slice(1)), 100 * MI * 1.1, 1e-9);
  });

  it('takes a peak of zero for a peak, and a missing one for nothing', () => {
    assert.equal(memory(0.01, days(3, { peak: 0 })), 0);
    assert.equal(estimate('memory', days(3, { peak: undefined }), settings(), NOW), undefined);
  });
});

describe('short history', () => {
  const cases: readonly (readonly [number, number])[] = [
    [0.04, 1.2],
    [2.99, 1.2],
    [3, 1.05],
    [6.99, 1.05],
    [7, 1],
    [14, 1],
  ];
  for (const [covered, want] of cases) {
    it(`of ${covered} days asks for ${want} times as much`, () => {
      assert.equal(youthFactor(covered), want);
    });
  }

  it('counts covered days, not days that passed', () => {
    // Ten days, of which each has six hours: 2.5 days of use.
    const of = days(10, { cpu: RAMP, cpuCoverage: 0.25 });
    assertNear(cpu(0.05, 0.9, of), 0.95 * 1.12 * 1.2);
    assert.equal(estimated('cpu', of).coveredDays, 2.5);
  });

  it('is counted for each resource by its own samples', () => {
    const of = days(10, { peak: 100 * MI, memoryCoverage: 0.5 });
    assertNear(memory(0.01, of), 100 * MI * 1.1 * 1.05, 1e-9);
    assert.equal(estimated('cpu', of).youthFactor, 1);
  });

  it('without any sample gives no estimate', () => {
    assert.equal(estimate('cpu', [], settings(), NOW), undefined);
    assert.equal(estimate('cpu', days(3, { cpu: [] }), settings(), NOW), undefined);
  });
});

describe('the place of a risk among the levels of the prior', () => {
  it('is a level itself where the risk is its risk', () => {
    for (const resource of ['cpu', 'memory'] as const) {
      for (const level of PRIORS[resource]) {
        const { looser, stricter } = priorPosition(resource, level.risk);
        assert.deepEqual([looser, stricter], [level, level]);
      }
    }
  });

  it('is the outermost level beyond the outer ones', () => {
    assert.equal(priorPosition('cpu', 0.9).stricter.risk, 0.5);
    assert.equal(priorPosition('cpu', 0.0001).looser.risk, 0.001);
  });
});

describe('every estimate', () => {
  const history = fc.array(
    fc.record({
      cpu: fc.array(fc.double({ min: 0, max: 64, noNaN: true }), { maxLength: 20 }),
      peak: fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 2 ** 36 })),
      cpuCoverage: fc.double({ min: 0.01, max: 1, noNaN: true }),
    }),
    { minLength: 1, maxLength: 15 },
  );
  const ofDays = (given: readonly { cpu: number[]; peak: number | undefined }[]) =>
    days(given.length, (ago) => given[ago - 1] ?? {});
  const risk = fc.double({ min: 0.0001, max: 0.5, noNaN: true });
  const confidence = fc.double({ min: 0.5, max: 0.99, noNaN: true });
  const resource = fc.constantFrom<Resource>('cpu', 'memory');

  const amountOf = (
    which: Resource,
    of: readonly UsageDay[],
    { risk: at, confidence: sure }: { risk: number; confidence: number },
  ) =>
    estimate(
      which,
      of,
      settings({ confidence: sure, cpu: { risk: at }, memory: { risk: at } }),
      NOW,
    )?.amount;

  it('costs no less for less risk', () => {
    fc.assert(
      fc.property(
        fc.record({ history, resource, confidence, a: risk, b: risk }),
        ({ history: given, resource: which, confidence: sure, a, b }) => {
          const of = ofDays(given);
          const strict = amountOf(which, of, { risk: Math.min(a, b), confidence: sure });
          const loose = amountOf(which, of, { risk: Math.max(a, b), confidence: sure });
          if (strict === undefined || loose === undefined) return strict === loose;
          return strict >= loose * (1 - 1e-12);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('costs no less for more confidence', () => {
    fc.assert(
      fc.property(history, risk, confidence, confidence, (given, at, a, b) => {
        const of = ofDays(given);
        const more = amountOf('cpu', of, { risk: at, confidence: Math.max(a, b) }) ?? 0;
        const less = amountOf('cpu', of, { risk: at, confidence: Math.min(a, b) }) ?? 0;
        return more >= less * (1 - 1e-12);
      }),
    );
  });

  it('grows with use by the same factor', () => {
    const factor = fc.double({ min: 0.1, max: 10, noNaN: true });
    const busy = fc.array(fc.double({ min: 0.01, max: 64, noNaN: true }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(busy, factor, risk, (samples, k, at) => {
        const scaled = samples.map((cores) => cores * k);
        const one = amountOf('cpu', days(9, { cpu: samples }), { risk: at, confidence: 0.9 }) ?? 0;
        const other = amountOf('cpu', days(9, { cpu: scaled }), { risk: at, confidence: 0.9 }) ?? 0;
        // Each is off by at most the error of its sketch.
        assertNear(other, one * k, 2.1 * RELATIVE_ERROR);
      }),
    );
  });

  it('asks for no less where more days of use are as high', () => {
    const peaks = fc.array(fc.integer({ min: 1, max: 2 ** 36 }), { minLength: 8, maxLength: 13 });
    fc.assert(
      fc.property(peaks, fc.integer({ min: 1, max: 2 ** 36 }), risk, (given, more, at) => {
        const shorter = days(given.length, (ago) => ({ peak: given[ago - 1] }));
        const longer = [day(14, { peak: more }), ...shorter];
        return memory(at, longer) >= memory(at, shorter);
      }),
    );
  });

  it('is finite and not negative', () => {
    fc.assert(
      fc.property(history, resource, risk, (given, which, at) => {
        const amount = amountOf(which, ofDays(given), { risk: at, confidence: 0.9 });
        return amount === undefined || (Number.isFinite(amount) && amount >= 0);
      }),
    );
  });
});
