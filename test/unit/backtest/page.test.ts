import assert from 'node:assert/strict';
import { CURVE_RISKS } from '../../../src/backtest/costcurve.ts';
import { timelineOf } from '../../../src/backtest/timeline.ts';
import { generatedFleet, pageOfFleet } from '../../support/backtest-page.ts';

describe('timeline of a series', () => {
  const series = {
    dataset: 'd',
    series: 's',
    startSeconds: 600,
    stepSeconds: 300,
    cpu: Float64Array.from([1, 3, NaN, NaN, 4, 8, 5]),
    memory: new Float64Array(0),
  };
  const rows = [{ fromBin: 4, toBin: 7, amount: 5 }];

  it('has the range, the mean, the request and the share over it in each column', () => {
    const { columns, startSeconds, endSeconds } = timelineOf(series, 'cpu', {
      rows,
      mostColumns: 4,
    });
    assert.deepEqual(columns, [
      { low: 1, mean: 2, high: 3, request: undefined, over: 0 },
      { low: undefined, mean: undefined, high: undefined, request: undefined, over: 0 },
      { low: 4, mean: 6, high: 8, request: 5, over: 0.5 },
      { low: 5, mean: 5, high: 5, request: 5, over: 0 },
    ]);
    // Four columns of two bins, of which the last has one.
    assert.deepEqual([startSeconds, endSeconds], [600, 600 + 8 * 300]);
  });

  it('has a column for each bin of a short series', () => {
    assert.equal(timelineOf(series, 'cpu', { rows, mostColumns: 100 }).columns.length, 7);
  });
});

describe('data of the page', () => {
  const page = pageOfFleet(generatedFleet(12, 9), { peers: ['vpa'] });
  const [cpuPage, memoryPage] = page.resources;
  assert.ok(cpuPage && memoryPage);

  it('has the curve from the highest risk to the lowest, each risk once', () => {
    assert.deepEqual(
      cpuPage.curve.map(({ risk }) => risk),
      CURVE_RISKS,
    );
    assert.ok(cpuPage.curve.every(({ requested }) => requested > 0));
  });

  it('has peers’ curves that cost more at less risk', () => {
    for (const { points } of cpuPage.peers?.curves ?? []) {
      assert.ok(points.length > 5);
      points.reduce((before, point) => {
        assert.ok(point.realised < before.realised && point.cost >= before.cost);
        return point;
      });
    }
    assert.equal(cpuPage.peers?.curves.length, 2);
  });

  it('has what was missed of the memory promise, and no share kept', () => {
    assert.equal(memoryPage.verdict, 'missed');
    assert.deepEqual(
      memoryPage.misses.map(({ what, promised, found }) => [what, promised, found]),
      [['realised', 0.01, memoryPage.all.breachPerDay]],
    );
  });

  it('has each scored container once in its rates and its classes', () => {
    const classed = cpuPage.behaviours.reduce((sum, { score }) => sum + score.series, 0);
    assert.deepEqual([cpuPage.rates.length, classed], [12, 12]);
    assert.equal(cpuPage.worst.length, 10);
  });
});
