import assert from 'node:assert/strict';
import { CANDIDATES, LevelPredictors } from '../../../src/recommend/predictors.ts';

const MIDNIGHT = 1_600_000_000 - (1_600_000_000 % 86_400);
const HOUR = 3600;
const DAY_HOURS = 24;

/** What hours from midnight on, each of one level all through, make of each candidate in the hour after them. */
function levelsAfter(
  hours: readonly (number | readonly [mean: number, maximum: number])[],
  atHour = hours.length,
): ReadonlyMap<string, number> {
  const predictors = new LevelPredictors();
  for (const [i, hour] of hours.entries()) {
    const [mean, maximum] = typeof hour === 'number' ? [hour, hour] : hour;
    predictors.observe(MIDNIGHT + i * HOUR, mean, maximum);
  }
  const logs = new Float64Array(CANDIDATES.length);
  predictors.logLevels(MIDNIGHT + atHour * HOUR, logs);
  return new Map(CANDIDATES.map((candidate, i) => [candidate.join('+'), Math.exp(logs[i] ?? NaN)]));
}

function assertNear(got: number | undefined, want: number): void {
  assert.ok(Math.abs((got ?? NaN) - want) < 1e-9 * Math.max(1, want), `${got} is not ${want}`);
}

function repeated(level: number, hours: number): number[] {
  return Array.from({ length: hours }, () => level);
}

describe('the candidates for a level', () => {
  it('are nothing, each of six predictors, and each pair of them once', () => {
    const names = CANDIDATES.map((candidate) => candidate.toSorted().join('+'));
    // 1 + 6 + 6 x 5 / 2
    assert.equal(new Set(names).size, 22);
    assert.equal(names.length, 22);
    assert.ok(CANDIDATES.every((candidate) => new Set(candidate).size === candidate.length));
  });
});

describe('the expected level of the next hour', () => {
  it('is one where nothing is followed', () => {
    assert.equal(levelsAfter([0.3, 0.5]).get(''), 1);
  });

  it('is use itself where use is constant', () => {
    const [nothing, ...followed] = [...levelsAfter(repeated(0.3, 30)).values()];
    assert.equal(nothing, 1);
    for (const level of followed) assertNear(level, 0.3);
  });

  it('by the mean counts an hour half after three days', () => {
    // Weights are 2^(-age / 72): only the first of 73 hours had any use.
    const weights = Array.from({ length: 73 }, (_, age) => 2 ** (-age / 72));
    const want = 0.5 / weights.reduce((sum, weight) => sum + weight, 0);
    assertNear(levelsAfter([1, ...repeated(0, 72)]).get('mean'), want);
  });

  it('by recent hours comes half of the way in two hours, by half a day in eight', () => {
    assertNear(levelsAfter([3, 1, 1]).get('recent'), 2);
    assertNear(levelsAfter([3, ...repeated(1, 8)]).get('halfDay'), 2);
  });

  it('follows means where it goes by means, and maxima where it goes by peaks', () => {
    const levels = levelsAfter([
      [1, 4],
      [1, 4],
    ]);
    for (const name of ['mean', 'recent', 'halfDay']) assertNear(levels.get(name), 1);
    for (const name of ['peak4h', 'peak12h', 'hourOfDay']) assertNear(levels.get(name), 4);
  });

  it('by peaks remembers the last 4 or 12 hours and no longer', () => {
    assertNear(levelsAfter([9, 1, 1, 1]).get('peak4h'), 9);
    assertNear(levelsAfter([9, 1, 1, 1, 1]).get('peak4h'), 1);
    assertNear(levelsAfter([9, ...repeated(1, 11)]).get('peak12h'), 9);
    assertNear(levelsAfter([9, ...repeated(1, 12)]).get('peak12h'), 1);
    assertNear(levelsAfter([...repeated(1, 30), 9, 1, 1, 1]).get('peak4h'), 9);
    assertNear(levelsAfter([...repeated(1, 30), 9, 1, 1, 1, 1]).get('peak4h'), 1);
  });

  it('by the hour of the day is the highest of its four hours, and of no other', () => {
    const day = repeated(1, DAY_HOURS).with(9, 5).with(12, 3).with(15, 2);
    const at = (hour: number) => levelsAfter(day, DAY_HOURS + hour).get('hourOfDay');
    assertNear(at(7), 1);
    assertNear(at(8), 5);
    assertNear(at(11), 5);
    assertNear(at(12), 3);
    assertNear(at(16), 1);
  });

  it('by the hour of the day counts half after three days', () => {
    const days = [8, 1e-9, 1e-9, 1e-9].flatMap((level) => repeated(level, DAY_HOURS));
    assert.ok(Math.abs((levelsAfter(days).get('hourOfDay') ?? NaN) - 4) < 1e-6);
  });

  it('by an hour of the day that was never seen is the mean', () => {
    assertNear(levelsAfter([[1, 4]], 12).get('hourOfDay'), 1);
  });

  it('by two predictors is half of each', () => {
    const levels = levelsAfter([3, 1, 1, 1, 1, 1]);
    const [recent = NaN, peak = NaN] = [levels.get('recent'), levels.get('peak12h')];
    assert.ok(recent < peak);
    assertNear(levels.get('recent+peak12h'), (recent + peak) / 2);
  });

  it('is never under a fiftieth of the mean', () => {
    const levels = levelsAfter([...repeated(1, 72), ...repeated(0, 40)]);
    assertNear(levels.get('peak4h'), 0.02 * (levels.get('mean') ?? NaN));
  });

  it('is a number before the first hour', () => {
    const logs = new Float64Array(CANDIDATES.length);
    new LevelPredictors().logLevels(MIDNIGHT, logs);
    assert.ok(logs.every(Number.isFinite));
  });

  it('rests on less than 400 bytes', () => {
    const { bytes } = new LevelPredictors();
    assert.ok(bytes >= 48 * 7 && bytes < 400, String(bytes));
  });
});
