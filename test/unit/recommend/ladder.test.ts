import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Cadence, CadenceSettings } from '../../../src/recommend/cadence.ts';
import { Following } from '../../../src/recommend/following.ts';
import { RUNGS } from '../../../src/recommend/ladder.ts';
import { Steady } from '../../../src/recommend/steady.ts';
import { Tracking } from '../../../src/recommend/tracking.ts';

const START = 1_600_000_000 - (1_600_000_000 % 86_400);
const CONFIDENCE = 0.95;

const CADENCES: Readonly<Record<string, (settings: CadenceSettings) => Cadence>> = {
  Steady: (settings) => new Steady(settings),
  Tracking: (settings) => new Tracking(settings),
  Following: (settings) => new Following(settings),
};

/** Six samples an hour. */
type Hour = readonly number[];

const MISSING: Hour = [NaN, NaN, NaN, NaN, NaN, NaN];

/** A level with a rhythm of a day, some bursts, or nothing at all, for some hours. */
const stretch = fc
  .record({
    hours: fc.integer({ min: 6, max: 120 }),
    level: fc.double({ min: 0.1, max: 20, noNaN: true }),
    rhythm: fc.constantFrom(1, 3, 8),
    burst: fc.double({ min: 1, max: 15, noNaN: true }),
    everyHours: fc.integer({ min: 2, max: 40 }),
    burstSamples: fc.integer({ min: 1, max: 6 }),
    isMissing: fc.integer({ min: 0, max: 9 }).map((each) => each === 0),
  })
  .map(({ hours, level, rhythm, burst, everyHours, burstSamples, isMissing }) =>
    Array.from({ length: hours }, (_, i): Hour => {
      if (isMissing) return MISSING;
      const base = level * (i % 24 < 8 ? rhythm : 1);
      const isBurst = i % everyHours === everyHours - 1;
      return MISSING.map((__, j) => base * (isBurst && j < burstSamples ? burst : 1 + 0.01 * j));
    }),
  );
const histories = fc
  .array(stretch, { minLength: 3, maxLength: 8 })
  .map((stretches) => stretches.flat());

/** Decides and observes by the hour; a promise that begins with the hour `from`. */
function replay(cadence: Cadence, hours: readonly Hour[], from: number): number[] {
  let request: number | undefined;
  return hours.map((cpu, i) => {
    const startSeconds = START + i * 3600;
    if (i >= from) request = cadence.decide(startSeconds, request)?.amount ?? request;
    cadence.observe({ startSeconds, cpu: Float64Array.from(cpu), request });
    return request ?? 0;
  });
}

for (const [name, create] of Object.entries(CADENCES)) {
  describe(`the levels of ${name}`, function () {
    this.timeout(60_000);

    it('never ask for less at a stricter one, at any hour', () => {
      fc.assert(
        fc.property(histories, fc.constantFrom(0, 48), (hours, from) => {
          const all = RUNGS.map((risk) =>
            replay(create({ risk, confidence: CONFIDENCE }), hours, from),
          );
          for (const [i, stricter] of all.slice(1).entries()) {
            for (const [hour, amount] of stricter.entries()) {
              const looser = all[i]?.[hour] ?? 0;
              assert.ok(looser <= amount, `${looser} over ${amount} in hour ${hour}`);
            }
          }
        }),
        { numRuns: 40 },
      );
    });

    it('are what each of them decides when it is asked for', () => {
      fc.assert(
        fc.property(histories, (hours) => {
          const asked = create({ risk: 0.05, confidence: CONFIDENCE });
          replay(asked, hours, 0);
          for (const { risk, amount } of asked.levels()) {
            const alone = create({ risk, confidence: CONFIDENCE });
            replay(alone, hours, 0);
            assert.equal(alone.levels()[0]?.amount, amount);
          }
        }),
        { numRuns: 10 },
      );
    });

    it('begin with the risk that is asked for, whether it is a level or not', () => {
      const risksOf = (risk: number) => {
        const cadence = create({ risk, confidence: CONFIDENCE });
        assert.deepEqual(cadence.levels(), []);
        replay(
          cadence,
          Array.from({ length: 30 }, (): Hour => [1, 2]),
          0,
        );
        return cadence.levels().map((level) => level.risk);
      };
      assert.deepEqual(risksOf(0.02), [0.02, 0.01, 0.005, 0.002]);
      assert.deepEqual(risksOf(0.03), [0.03, 0.02, 0.01, 0.005, 0.002]);
      assert.deepEqual(risksOf(0.001), [0.001]);
    });

    it('hold a request that is not their own while samples are missing', () => {
      const hours = [
        ...Array.from({ length: 48 }, (): Hour => [1, 1.1]),
        MISSING,
        MISSING,
        MISSING,
      ];
      const cadence = create({ risk: 0.05, confidence: CONFIDENCE });
      replay(cadence, hours, 0);
      const now = START + (hours.length + 24) * 3600;
      assert.equal(cadence.decide(now, 7)?.amount, 7);
    });
  });
}

describe('a spent budget', () => {
  it('asks for no more than a stricter one that is not spent', () => {
    // Quiet weeks, then bursts that the stricter request is above and the looser one is not.
    const hours = Array.from({ length: 30 * 24 }, (_, i): Hour => {
      const isBurst = i % 24 === 5;
      return MISSING.map((__, j) => (isBurst && j < 3 ? 5 : 1 + 0.01 * j));
    });
    const steady = new Steady({ risk: 0.05, confidence: CONFIDENCE });
    let hoursBound = 0;
    let request: number | undefined;
    for (const [i, cpu] of hours.entries()) {
      const startSeconds = START + i * 3600;
      request = steady.decide(startSeconds, request)?.amount ?? request;
      steady.observe({ startSeconds, cpu: Float64Array.from(cpu), request });
      const amounts = steady.levels().map(({ amount }) => amount);
      assert.deepEqual(
        amounts,
        amounts.toSorted((a, b) => a - b),
      );
      if (amounts[0] === amounts[1]) hoursBound += 1;
    }
    assert.ok(hoursBound > 0);
  });
});
