import assert from 'node:assert/strict';
import fc from 'fast-check';
import { calibrate, notKept, type Verdicts } from '../../../src/controller/calibration.ts';
import {
  containerOutcomes,
  type ContainerOutcome,
  type Judged,
} from '../../../src/controller/containeroutcome.ts';
import { figuresOf } from '../../../src/controller/figures.ts';
import { startKept, type Kept } from '../../../src/recommend/kept.ts';
import { LEVELS } from '../../../src/recommend/sizing.ts';
import { aContainer, day, days, MI, NOW, recommended, settings } from '../../support/builders.ts';

const UNJUDGED: Verdicts = { cpu: 'TooLittleData', memory: 'TooLittleData' };
const BROKEN: Verdicts = { cpu: 'NotKept', memory: 'NotKept' };

function outcome(
  cpu: Judged | undefined,
  memory: Judged | undefined,
  { risk = 0.02, isCutShort = false } = {},
): ContainerOutcome {
  const others = { isCutShort, requested: 1, recommended: 1, curve: LEVELS.map(() => 1) };
  return {
    cpu: { promised: risk, judged: cpu, ...others },
    memory: { promised: risk, judged: memory, ...others },
    excesses: [],
  };
}

const calibrated = (
  containers: readonly ContainerOutcome[],
  confidence: number,
  before: Verdicts,
) => calibrate(figuresOf(containers), confidence, before);

const judged = (share: number, days = 13, risk = 0.02): Judged => ({
  isLive: true,
  days,
  share,
  isKeeping: share <= risk,
});

describe('the outcome of a container', () => {
  const input = aContainer().requesting({ cpu: 1 });
  const of = (kept: Kept | undefined, pods = 1, change: Parameters<typeof settings>[0] = {}) => {
    const [only] = containerOutcomes(recommended([input.under(change)]), {
      settings: new Map([['main', settings(change)]]),
      pods,
      tallies: new Map(kept ? [['main', kept]] : []),
    });
    return only ?? assert.fail();
  };

  it('is judged by replay until enough of what came after is there', () => {
    const replay = of(undefined).cpu.judged;
    assert.deepEqual(replay, { isLive: false, days: 7, share: 0, isKeeping: true });
    const since = (hours: number, days: number): Kept => ({
      ...startKept(NOW),
      cpu: { hours, samples: hours * 12, over: hours * 6 },
      memory: { days, daysHit: 1, today: 'Unseen' },
    });
    assert.deepEqual(of(since(335, 6)).cpu.judged, replay);
    assert.equal(of(since(335, 6)).memory.judged?.isLive, false);
    assert.deepEqual(of(since(336, 7)).cpu.judged, {
      isLive: true,
      days: 14,
      share: 0.5,
      isKeeping: false,
    });
    assert.deepEqual(of(since(336, 8)).memory.judged, {
      isLive: true,
      days: 8,
      share: 1 / 8,
      isKeeping: false,
    });
  });

  it('counts each pod, and costs no less the less risk is taken', () => {
    const { requested, recommended: to, curve } = of(undefined, 3).cpu;
    assert.equal(requested, 3);
    assert.ok(to > 0.3 && to < 3);
    assert.equal(curve.length, LEVELS.length);
    assert.deepEqual(
      [...curve],
      curve.toSorted((a, b) => a - b),
    );
  });

  it('costs what the bounds leave of each risk', () => {
    const range = (min: number | undefined, max: number | undefined) => ({ min, max });
    const low = of(undefined, 2, { cpu: { bounds: range(5, undefined) } });
    assert.deepEqual(
      low.cpu.curve,
      LEVELS.map(() => 10),
    );
    const high = of(undefined, 2, { memory: { guardrails: range(undefined, 32 * MI) } });
    assert.deepEqual(
      high.memory.curve,
      LEVELS.map(() => 64 * MI),
    );
  });

  it('costs what it has where nothing is known of it', () => {
    const [only] = containerOutcomes(recommended([input.with([])]), {
      settings: new Map([['main', settings()]]),
      pods: 1,
      tallies: new Map(),
    });
    assert.deepEqual(
      only?.cpu.curve,
      LEVELS.map(() => 1),
    );
    assert.equal(only.cpu.judged, undefined);
  });

  it('is left to replay where that has less than a week, and then not judged', () => {
    const [only] = containerOutcomes(recommended([input.with([...days(5), day(0)])]), {
      settings: new Map([['main', settings()]]),
      pods: 1,
      tallies: new Map(),
    });
    assert.equal(only?.memory.judged, undefined);
  });
});

describe('the promise of a policy', () => {
  it('is one of each container, at its own risk', () => {
    const strict = outcome(judged(0.015, 13, 0.01), undefined, { risk: 0.01 });
    const loose = outcome(judged(0.04, 13, 0.05), undefined, { risk: 0.05 });
    const { cpu } = calibrated([strict, loose], 0.95, UNJUDGED);
    assert.equal(cpu.kept, 0.5);
    assert.ok(Math.abs(cpu.promised - 0.03) < 1e-12);
    assert.ok(Math.abs((cpu.realised ?? NaN) - 0.0275) < 1e-12);
  });

  it('of memory is one of all days together', () => {
    // Two days over the limit of 26, against one of 50 each: by chance in 9.7 % of cases. Three: in 1.5 %.
    const hits = (count: number) =>
      calibrated(
        [outcome(undefined, judged(count / 13)), outcome(undefined, judged(0))],
        0.95,
        UNJUDGED,
      ).memory;
    assert.equal(hits(0).verdict, 'Kept');
    assert.equal(hits(2).verdict, 'WithinChance');
    assert.equal(hits(3).verdict, 'NotKept');
    assert.ok(Math.abs((hits(2).realised ?? NaN) - 2 / 26) < 1e-12);
    assert.ok(Math.abs((hits(2).kept ?? NaN) - 24 / 26) < 1e-12);
  });

  it('is in doubt where chance alone would do as badly, and broken where none keeps it', () => {
    const of = (...shares: readonly number[]) =>
      calibrated(
        shares.map((share) => outcome(judged(share), undefined)),
        0.95,
        UNJUDGED,
      ).cpu.verdict;
    assert.equal(of(0, 1), 'WithinChance');
    assert.equal(of(0, 0, 1, 1, 1), 'NotKept');
    assert.equal(of(1), 'NotKept');
    assert.equal(of(0), 'Kept');
  });

  it('is not broken by a bound that somebody set, though the figures show it', () => {
    const sound = outcome(judged(0), judged(0));
    const cut = outcome(judged(1), judged(1), { isCutShort: true });
    const { cpu, memory } = calibrated([sound, sound, cut, cut], 0.95, UNJUDGED);
    assert.deepEqual([cpu.verdict, memory.verdict], ['Kept', 'Kept']);
    assert.deepEqual([cpu.kept, memory.kept], [0.5, 0.5]);
    const ours = outcome(judged(1), judged(1));
    assert.equal(calibrated([sound, sound, ours, ours], 0.95, UNJUDGED).cpu.verdict, 'NotKept');
  });

  it('that was broken stays so for want of evidence, and is kept again when there is some', () => {
    const young = outcome(undefined, undefined);
    assert.deepEqual(calibrated([young], 0.95, BROKEN).cpu.verdict, 'NotKept');
    assert.deepEqual(calibrated([young], 0.95, UNJUDGED).cpu.verdict, 'TooLittleData');
    const good = outcome(judged(0), judged(0));
    const { cpu, memory } = calibrated([good, good], 0.95, BROKEN);
    assert.deepEqual(notKept({ cpu: cpu.verdict, memory: memory.verdict }), []);
  });

  it('is broken no sooner by containers that do better', () => {
    const share = fc.double({ min: 0, max: 0.1, noNaN: true });
    const outcomes = fc.array(fc.tuple(share, share), { minLength: 1, maxLength: 40 });
    const before = fc.constantFrom(UNJUDGED, BROKEN);
    fc.assert(
      fc.property(outcomes, before, (shares, was) => {
        const of = (factor: number): readonly ContainerOutcome[] =>
          shares.map(([cpu, memory]) => outcome(judged(cpu * factor), judged(memory * factor)));
        const worse = calibrated(of(1), 0.95, was);
        const better = calibrated(of(0.5), 0.95, was);
        for (const each of ['cpu', 'memory'] as const) {
          if (worse[each].verdict === 'Kept') assert.equal(better[each].verdict, 'Kept');
        }
      }),
    );
  });
});
