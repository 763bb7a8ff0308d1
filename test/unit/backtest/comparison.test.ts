import assert from 'node:assert/strict';
import { runPeers, scoreCurrent, type PeerOptions } from '../../../src/backtest/compare.ts';
import { compareFleet, type ComparedSeries } from '../../../src/backtest/comparison.ts';
import { headline, renderComparison } from '../../../src/backtest/comparisontext.ts';
import type { GridSeries } from '../../../src/backtest/grid.ts';
import { DAILY, SHORT } from '../../../src/backtest/protocol.ts';
import { scoreSeries, type SeriesScore } from '../../../src/backtest/score.ts';

const DAY = 288;

/** Eight days at `level`, then a day of which `highBins` are at twice that. */
function series(level: number, highBins: number): GridSeries {
  const high = Array<number>(highBins).fill(2 * level);
  const cpu = [...Array<number>(9 * DAY - highBins).fill(level), ...high];
  const values = Float64Array.from(cpu);
  return {
    dataset: 'd',
    series: `s${level}`,
    startSeconds: 0,
    stepSeconds: 300,
    cpu: values,
    memory: values.map((cores) => cores * 1e9),
  };
}

function ownScore(of: GridSeries, amount: number, resource: 'cpu' | 'memory' = 'cpu'): SeriesScore {
  const rows = [{ fromBin: 7 * DAY, toBin: 9 * DAY, amount }];
  const score = scoreSeries(of[resource], rows, { protocol: DAILY, stepSeconds: 300 });
  assert.ok(score);
  return score;
}

const OPTIONS: PeerOptions = {
  resource: 'cpu',
  protocol: DAILY,
  peers: ['krr', 'max'],
  cadences: ['daily', 'hourly'],
};

const ASKED = { resource: 'cpu', risk: 0.02, confidence: 0.9, cadence: 'hourly' } as const;

function compared(of: GridSeries, own: number): ComparedSeries {
  return { own: ownScore(of, own), runs: runPeers(of, OPTIONS) };
}

describe('runs of the peers', () => {
  it('decide daily and hourly over the same scored bins', () => {
    const runs = runPeers(series(1, 24), OPTIONS);
    assert.deepEqual(
      runs.map(({ peer, cadence }) => `${peer} ${cadence}`),
      ['krr daily', 'max daily', 'krr hourly', 'max hourly'],
    );
    // Of 576 scored bins the last 24 are at 2. Each hour the maximum follows after 12 of them, p95 never.
    assert.deepEqual(
      runs.map(({ shipped }) => shipped.ex),
      [24 / 576, 24 / 576, 24 / 576, 12 / 576],
    );
  });

  it('decide each 6 hours in a short series', () => {
    const whole = series(1, 24);
    const short = { ...whole, cpu: whole.cpu.subarray(7 * DAY) };
    const runs = runPeers(short, { ...OPTIONS, protocol: SHORT, peers: ['max'] });
    // The second day is scored; the last decision but hourly ones is at 18:00, the high bins are from 22:00 on.
    assert.deepEqual(
      runs.map(({ shipped }) => shipped.ex),
      [24 / 288, 12 / 288],
    );
  });

  it('are none without a sample to score', () => {
    const empty = { ...series(1, 0), cpu: new Float64Array(0) };
    assert.deepEqual(runPeers(empty, OPTIONS), []);
    const gone = {
      ...empty,
      cpu: Float64Array.from({ length: 9 * DAY }, (_, i) => (i < DAY ? 1 : NaN)),
    };
    assert.deepEqual(runPeers(gone, OPTIONS), []);
  });
});

describe('the request in force today', () => {
  it('is scored where the source knows it', () => {
    const score = scoreCurrent(series(1, 24), 1.5, OPTIONS);
    assert.equal(score?.ex, 24 / 576);
    assert.equal(score.cost, 1.5 / ((576 + 24) / 576));
    assert.equal(scoreCurrent(series(1, 24), undefined, OPTIONS), undefined);
  });
});

describe('comparison of a fleet', () => {
  const fleet = [compared(series(1, 24), 2), compared(series(3, 24), 6)];

  it('pools as shipped, peers of our cadence first', () => {
    const comparison = compareFleet(fleet, ASKED);
    assert.deepEqual(
      comparison?.lines.map(({ peer, cadence }) => `${peer} ${cadence}`),
      ['krr hourly', 'max hourly', 'krr daily', 'max daily'],
    );
    const max = comparison.lines[1];
    assert.equal(max?.shipped.ex, 12 / 576);
    assert.equal(max.shipped.keep, 0);
    assert.equal(comparison.own.keep, 1);
    assert.equal(comparison.current, undefined);
  });

  it('compares the cost at what ours realised', () => {
    // Ours: 2 over mean use 600 / 576, never above. Of the daily maximum, 1 until the end, the margin of 2 is the
    // cheapest that is never above: it costs the same.
    const daily = compareFleet(fleet, ASKED)?.lines[3];
    assert.deepEqual(
      daily?.atOurs.map(({ promised, reached }) => [promised.kind, reached]),
      [
        ['keep', true],
        ['ex', true],
      ],
    );
    for (const { ratio } of daily.atOurs) assert.ok(Math.abs(ratio - 1) < 1e-9);
  });

  it('quotes no ratio to a daily peer where more than 95 % is kept', () => {
    const lines = compareFleet(fleet, ASKED)?.lines ?? [];
    const quotable = lines.map(({ atOurs }) => atOurs.map(({ isQuotable }) => isQuotable));
    assert.deepEqual(quotable, [
      [true, true],
      [true, true],
      [false, true],
      [false, true],
    ]);
  });

  it('compares memory by days above the request', () => {
    const one = series(1, 24);
    const memory = { ...OPTIONS, resource: 'memory' } as const;
    const runs = runPeers(one, memory);
    const comparison = compareFleet([{ own: ownScore(one, 1e9, 'memory'), runs }], {
      ...ASKED,
      resource: 'memory',
    });
    assert.equal(comparison?.own.breachPerDay, 0.5);
    assert.deepEqual(
      comparison.lines[0]?.atOurs.map(({ promised }) => promised),
      [{ kind: 'breach', target: 0.5 }],
    );
  });

  it('is nothing without a series', () => {
    assert.equal(compareFleet([], ASKED), undefined);
  });
});

describe('the comparison as text', () => {
  it('has one line a peer in both tables and the headline at our cadence', () => {
    const one = series(1, 24);
    const current = scoreCurrent(one, 1.5, OPTIONS);
    const comparison = compareFleet([{ ...compared(one, 2), ...(current && { current }) }], ASKED);
    assert.ok(comparison);
    const lines = renderComparison(comparison).split('\n');
    const cells = lines.map((line) => line.split(/ {3,}/));
    // 2 over 600 / 576 is 1.92; 1.5 is 1.44; 24 of 576 bins are 4.17 %, of the worst day's 288 8.33 %.
    assert.deepEqual(cells[3], ['ours', 'hourly', '100 %', '0 %', '0 %', '1.92', '0.00']);
    assert.deepEqual(cells[4]?.slice(-1), ['1 series whose request is known']);
    assert.deepEqual(cells[4][4], '1.44');
    assert.deepEqual(cells[5], [
      'krr',
      'hourly',
      '0 %',
      '4.17 %',
      '8.33 %',
      '0.96',
      '0.00',
      'p95 of 14 d',
    ]);
    assert.equal(lines.filter((line) => line.startsWith('krr')).length, 4);
    assert.match(
      headline(comparison),
      /^Ours \/ peer, both hourly, at the same time above the request: krr /,
    );
  });
});
