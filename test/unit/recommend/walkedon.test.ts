import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ALONE } from '../../../src/recommend/fleet.ts';
import { HistoryFold } from '../../../src/recommend/history.ts';
import { mergePacked } from '../../../src/recommend/mergepacked.ts';
import type { PackedUsage } from '../../../src/recommend/packed.ts';
import type { ContainerRecommendation } from '../../../src/recommend/recommend.ts';
import { size } from '../../../src/recommend/size.ts';
import { unpackUsage } from '../../../src/recommend/unpacked.ts';
import { DAY_SECONDS, type UsageHistory } from '../../../src/recommend/usage.ts';
import {
  aContainer,
  HOUR_SECONDS,
  MI,
  NOW,
  recommendedFor,
  settings,
  type SettingsChange,
} from '../../support/builders.ts';
import { random } from '../../support/history-generator.ts';

const STEP_SECONDS = 300;

interface Shape {
  readonly seed: number;
  readonly days: number;
  /** Share of the hours without a sample. */
  readonly gaps: number;
  /** CPU is five times as high from so many hours before NOW on. */
  readonly shiftHours: number;
  /** Time between samples from NOW on. */
  readonly stepSeconds: number;
}

const SHAPE: fc.Arbitrary<Shape> = fc.record({
  seed: fc.nat(),
  days: fc.integer({ min: 1, max: 17 }),
  gaps: fc.constantFrom(0, 0, 0.02, 0.4),
  stepSeconds: fc.constantFrom(STEP_SECONDS, STEP_SECONDS, 60),
  shiftHours: fc.oneof(fc.constantFrom(1, 2), fc.integer({ min: -10, max: 200 })),
});

const SETTINGS: fc.Arbitrary<SettingsChange> = fc
  .record({
    risk: fc.constantFrom(0.1, 0.05, 0.03, 0.02, 0.002),
    max: fc.constantFrom(undefined, undefined, 0.15),
    windowDays: fc.constantFrom(14, 14, 7),
    minimumDays: fc.constantFrom(0, 1, 3),
    halfLifeDays: fc.constantFrom(3, 1),
  })
  .map(({ risk, max, windowDays, minimumDays, halfLifeDays }) => ({
    cpu: { risk, bounds: { min: undefined, max } },
    windowSeconds: windowDays * DAY_SECONDS,
    minimumSeconds: minimumDays * DAY_SECONDS,
    halfLifeSeconds: halfLifeDays * DAY_SECONDS,
  }));

function usageUntil(shape: Shape, toSeconds: number): PackedUsage {
  const begin = NOW - shape.days * DAY_SECONDS;
  const before = usageOf(shape, STEP_SECONDS, [begin, Math.min(NOW, toSeconds)]);
  const after = usageOf(shape, shape.stepSeconds, [NOW, toSeconds]);
  return mergePacked(before, after, -Infinity) ?? assert.fail('nothing was packed');
}

function usageOf(
  { seed, gaps, shiftHours }: Shape,
  stepSeconds: number,
  [begin, end]: readonly [number, number],
): PackedUsage | undefined {
  const fold = new HistoryFold(stepSeconds);
  for (let time = begin; time < end; time += stepSeconds) {
    const hour = Math.floor(time / HOUR_SECONDS);
    if (random(seed, hour) < gaps) continue;
    const noise = random(seed + 1, time / stepSeconds);
    const level = time >= NOW - shiftHours * HOUR_SECONDS ? 0.5 : 0.1;
    fold.addCpu('a', time, level * (noise > 0.98 ? 3 : 1 + noise / 2));
    fold.addMemory('a', time, (100 + 50 * noise) * MI);
  }
  return fold.packed();
}

/** Without the days that the window has left behind, as usage is kept. */
function keptAt(packed: PackedUsage, nowSeconds: number, change: SettingsChange): UsageHistory {
  const from = nowSeconds - (change.windowSeconds ?? 14 * DAY_SECONDS);
  return unpackUsage(mergePacked(packed, undefined, from) ?? assert.fail('nothing is kept'));
}

interface Look {
  readonly history: UsageHistory;
  readonly change: SettingsChange;
  readonly nowSeconds: number;
  readonly walked?: Float64Array | undefined;
  /** Not unless given. */
  readonly runsToCompletion?: boolean;
}

function look(of: Look): ContainerRecommendation {
  const { history, change, nowSeconds, walked, runsToCompletion = false } = of;
  const container = aContainer().under(change).remembering(history).walkedOver(walked);
  return recommendedFor(runsToCompletion ? container.running() : container, { nowSeconds });
}

/** What is recommended, without what is kept for the next look. */
function said(of: ContainerRecommendation): unknown {
  return { ...of, walked: undefined };
}

describe('a walk over CPU that goes on from where it stood when the day began', () => {
  it('comes to the same as one over all of the window, look by look and day by day', () => {
    let goneOn = 0;
    const hours = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 9 })), {
      minLength: 3,
      maxLength: 8,
    });
    const late = fc.option(fc.integer({ min: 0, max: 20 * 24 }));
    fc.assert(
      fc.property(SHAPE, SETTINGS, hours, late, (shape, change, steps, lateHours) => {
        const runsToCompletion = shape.seed % 3 === 0;
        let walked: Float64Array | undefined;
        let nowSeconds = NOW + 600;
        let kept: PackedUsage | undefined;
        for (const [index, step] of steps.entries()) {
          nowSeconds += step * HOUR_SECONDS + 7;
          kept = mergePacked(kept, usageUntil(shape, nowSeconds), -Infinity);
          if (lateHours !== null && index === 2) kept = withLate(kept, NOW, lateHours);
          if (kept === undefined) return;
          const history = keptAt(kept, nowSeconds, change);
          const input = { history, change, nowSeconds, runsToCompletion };
          const known = look({ ...input, walked });
          assert.deepEqual(said(known), said(look(input)));
          if (walked !== undefined && known.walked === undefined) goneOn += 1;
          walked = known.walked ?? walked;
        }
      }),
      { numRuns: 150, seed: 1 },
    );
    assert.ok(goneOn > 150, `only ${goneOn} looks went on from an earlier one`);
  });

  const shape = { seed: 7, days: 15, gaps: 0, shiftHours: -10, stepSeconds: STEP_SECONDS };
  const change = { cpu: { risk: 0.05 } };
  const at = (hours: number) => NOW + hours * HOUR_SECONDS;
  const historyAt = (hours: number) => keptAt(usageUntil(shape, at(hours)), at(hours), change);
  const first = () => look({ history: historyAt(3), change, nowSeconds: at(3) }).walked;

  it('does not look at CPU of the days before', () => {
    const history = historyAt(6);
    const unseen = {
      ...history,
      days: history.days.map((day) =>
        day.startSeconds >= NOW
          ? day
          : {
              ...day,
              hours: {
                memoryPeaks: day.hours.memoryPeaks,
                get cpu(): never {
                  throw new Error('looked at');
                },
              },
            },
      ),
    };
    const later = look({ history: unseen, change, nowSeconds: at(6), walked: first() });
    assert.equal(later.walked, undefined);
    assert.deepEqual(said(later), said(look({ history, change, nowSeconds: at(6) })));
  });

  const elsewise: readonly (readonly [string, SettingsChange, number])[] = [
    ['the next day has begun', change, 30],
    ['the risk is another', { cpu: { risk: 0.02 } }, 6],
    ['the half-life is another', { ...change, halfLifeSeconds: DAY_SECONDS }, 6],
    ['the confidence is another', { ...change, confidence: 0.5 }, 6],
    ['the minimum is another', { ...change, minimumSeconds: 9 * DAY_SECONDS }, 6],
    ['the window is another', { ...change, windowSeconds: 7 * DAY_SECONDS }, 6],
  ];
  for (const [why, changed, hours] of elsewise) {
    it(`is made anew where ${why}`, () => {
      const nowSeconds = at(hours);
      const history = keptAt(usageUntil(shape, nowSeconds), nowSeconds, changed);
      const later = look({ history, change: changed, nowSeconds, walked: first() });
      assert.notEqual(later.walked, undefined);
      assert.deepEqual(said(later), said(look({ history, change: changed, nowSeconds })));
    });
  }

  it('is made anew where samples of a day before have come late', () => {
    const packed = withLate(usageUntil(shape, at(6)), NOW, 50);
    const history = keptAt(packed ?? assert.fail(), at(6), change);
    const later = look({ history, change, nowSeconds: at(6), walked: first() });
    assert.notEqual(later.walked, undefined);
    assert.deepEqual(said(later), said(look({ history, change, nowSeconds: at(6) })));
  });

  it('is not gone on from where a bound leaves less of a size', () => {
    const input = {
      days: historyAt(6).days,
      settings: settings(change),
      nowSeconds: at(6),
      runsToCompletion: false,
      marginOf: ALONE.marginOf,
      most: 0.12,
    };
    const known = first();
    const { walked, ...others } = size('cpu', input);
    assert.equal(walked, undefined);
    assert.deepEqual(size('cpu', { ...input, walked: known }), { walked, ...others });
  });

  it('is not kept of the cadence Tracking, whose state is large', () => {
    const tracking = { ...change, cadence: 'Tracking' } as const;
    const { walked } = look({ history: historyAt(3), change: tracking, nowSeconds: at(3) });
    assert.equal(walked, undefined);
  });
});

/** Twice the samples of an hour, some hours before a time: a second pod of which nothing was known. */
function withLate(kept: PackedUsage | undefined, atSeconds: number, hoursBefore: number) {
  const fold = new HistoryFold(STEP_SECONDS);
  const begin = atSeconds - hoursBefore * HOUR_SECONDS;
  for (let time = begin; time < begin + HOUR_SECONDS; time += STEP_SECONDS / 2) {
    fold.addCpu('late', time, 2);
  }
  return mergePacked(kept, fold.packed(), -Infinity);
}
