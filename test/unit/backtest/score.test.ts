import assert from 'node:assert/strict';
import { DAILY, protocolOf, scoredBins, SHORT } from '../../../src/backtest/protocol.ts';
import { breachPerDay, pooled, scoreSeries } from '../../../src/backtest/score.ts';
import type { Row } from '../../../src/backtest/walk.ts';

const DAY = 288;

/** Nine days of 1, with six hours of 2 on the first day that is scored. */
function nineDays(): Float64Array {
  return new Float64Array(9 * DAY).fill(1).fill(2, 7 * DAY, 7 * DAY + 72);
}

function score(values: Float64Array, rows: readonly Row[]) {
  const got = scoreSeries(values, rows, { protocol: DAILY, stepSeconds: 300 });
  assert.ok(got !== undefined);
  return got;
}

function close(got: number, want: number): void {
  assert.ok(Math.abs(got - want) < 1e-12, `${got} is not ${want}`);
}

const FLAT: readonly Row[] = [{ fromBin: 7 * DAY, toBin: 9 * DAY, amount: 1.5 }];

describe('the score of a series', () => {
  it('counts time, work and days over the request', () => {
    const got = score(nineDays(), FLAT);
    close(got.ex, 72 / 576);
    close(got.vol, (72 * 0.5) / (504 + 144));
    close(got.cost, 1.5 / (648 / 576));
    close(got.worstDay, 0.25);
    assert.deepEqual([got.days, got.daysHit, got.bins], [2, 1, 576]);
    close(breachPerDay(got), 0.5);
    // Two days are less than half a week, and all that there is.
    assert.deepEqual(got.weeks, [72 / 576]);
    assert.equal(got.changesPerWeek, 0);
  });

  it('does not count a value that is just met as over, and a step of more than 10 % as a change', () => {
    const got = score(nineDays(), [
      { fromBin: 7 * DAY, toBin: 8 * DAY, amount: 2 },
      { fromBin: 8 * DAY, toBin: 9 * DAY, amount: 1 },
    ]);
    assert.equal(got.ex, 0);
    close(got.changesPerWeek, 3.5);
    const small = score(nineDays(), [
      { fromBin: 7 * DAY, toBin: 8 * DAY, amount: 1.1 },
      { fromBin: 8 * DAY, toBin: 9 * DAY, amount: 1 },
    ]);
    assert.equal(small.changesPerWeek, 0);
  });

  it('leaves missing bins out', () => {
    const values = nineDays().fill(NaN, 7 * DAY + 36, 7 * DAY + 72);
    close(score(values, FLAT).ex, 36 / 540);
  });

  it('does not judge days with less than half their samples by their worst', () => {
    const values = nineDays().fill(NaN, 7 * DAY + 72, 8 * DAY);
    const got = score(values, FLAT);
    assert.deepEqual([got.days, got.daysHit, got.worstDay], [1, 0, 0]);
  });

  it('counts half the mean use at least, so that giving up does not pay', () => {
    assert.equal(score(nineDays(), [{ fromBin: 7 * DAY, toBin: 9 * DAY, amount: 1e-6 }]).cost, 0.5);
  });

  it('is not there where nothing was used or nothing recommended', () => {
    const options = { protocol: DAILY, stepSeconds: 300 };
    assert.equal(scoreSeries(nineDays(), [], options), undefined);
    assert.equal(scoreSeries(new Float64Array(9 * DAY), FLAT, options), undefined);
  });
});

describe('the bins that are scored', () => {
  it('begin a day after the first sample of a resource that starts late', () => {
    const values = nineDays().fill(NaN, 0, 7 * DAY + 10);
    // A day after bin 10 of day 7 is within day 8: the first full period is day 9, beyond the end.
    assert.deepEqual(scoredBins(values, DAILY), []);
    assert.equal(scoredBins(nineDays().fill(NaN, 0, 7 * DAY), DAILY)[0], 8 * DAY);
  });
});

describe('the protocol of a series', () => {
  const days: Readonly<Record<string, unknown>> = {
    1.4: undefined,
    1.5: SHORT,
    7.7: SHORT,
    7.75: DAILY,
  };
  for (const [length, want] of Object.entries(days)) {
    it(`is told by its length: ${length} days`, () => {
      const cpu = new Float64Array(Math.round(Number(length) * DAY));
      const memory = new Float64Array(0);
      const grid = { dataset: 'd', series: 's', startSeconds: 0, stepSeconds: 300, cpu, memory };
      assert.equal(protocolOf(grid), want);
    });
  }
});

describe('the score of a fleet', () => {
  it('counts each series the same, and costs by their geometric mean', () => {
    const dear = score(nineDays(), [{ fromBin: 7 * DAY, toBin: 9 * DAY, amount: 4.5 }]);
    const got = pooled([score(nineDays(), FLAT), dear], 0.1, ({ ex }) => ex);
    close(got.keep, 0.5);
    close(got.ex, 1 / 16);
    close(got.cost, Math.sqrt((4 / 3) * 4));
    close(got.slack, (0.25 + 0.75) / 2);
    close(got.breachPerDay, 0.25);
    close(got.weeksKept, 0.5);
    assert.deepEqual([got.series, got.days, got.daysHit], [2, 4, 1]);
  });
});
