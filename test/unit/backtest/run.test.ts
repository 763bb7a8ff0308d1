import assert from 'node:assert/strict';
import type { GridSeries } from '../../../src/backtest/grid.ts';
import { recommendationLines } from '../../../src/backtest/recommendations.ts';
import { backtest, type BacktestOptions } from '../../../src/backtest/run.ts';

const DAY = 288;
const START = 1_600_000_200;
const NONE = new Float64Array(0);

const OPTIONS: BacktestOptions = {
  risks: { cpu: 0.02, memory: 0.05 },
  confidence: 0.95,
  cadence: 'steady',
  coresOf: () => 1,
};

function grid(series: string, part: Partial<GridSeries>): GridSeries {
  return {
    dataset: 'made',
    series,
    startSeconds: START,
    stepSeconds: 300,
    cpu: NONE,
    memory: NONE,
    ...part,
  };
}

function flat(days: number, level: number): Float64Array {
  return Float64Array.from({ length: days * DAY }, (_, i) => level * (1 + 0.01 * (i % 7)));
}

describe('a backtest', () => {
  it('keeps the risk of steady series', () => {
    const fleet = [grid('a', { cpu: flat(20, 1) }), grid('b', { cpu: flat(20, 0.5) })];
    const { verdict, outcomes } = backtest(fleet, OPTIONS);
    assert.equal(verdict, 'kept');
    assert.deepEqual([outcomes[0]?.all.series, outcomes[0]?.all.keep], [2, 1]);
  });

  it('misses the risk of series that double each day', () => {
    const cpu = Float64Array.from({ length: 16 * DAY }, (_, i) => 2 ** Math.floor(i / DAY));
    assert.equal(backtest([grid('a', { cpu })], OPTIONS).verdict, 'missed');
  });

  it('has too little data without a week to score', () => {
    assert.equal(backtest([], OPTIONS).verdict, 'too little data');
    const short = backtest(
      [grid('a', { cpu: flat(3, 1) }), grid('b', { cpu: flat(1, 1) })],
      OPTIONS,
    );
    assert.deepEqual([short.verdict, short.tooShort], ['too little data', 1]);
    assert.deepEqual(
      short.outcomes.map(({ protocol, verdict }) => [protocol, verdict]),
      [['short', undefined]],
    );
  });

  it('has too little data for a memory risk that the days cannot show', () => {
    // 2.3 / 13 days is more than 5 %, 2.3 / 53 less.
    const days = (count: number) =>
      backtest([grid('a', { memory: flat(count, 2 ** 30) })], OPTIONS);
    assert.equal(days(20).verdict, 'too little data');
    assert.equal(days(60).verdict, 'kept');
  });

  it('leaves idle series out, by the cores that a share stands for', () => {
    const fleet = [grid('a', { cpu: flat(20, 0.01) })];
    assert.deepEqual(backtest(fleet, OPTIONS).outcomes, []);
    const shares = backtest(fleet, { ...OPTIONS, coresOf: () => 4 });
    assert.equal(shares.outcomes[0]?.all.series, 1);
  });

  it('forgets CPU by the half-life that is given, 72 hours unless stated', () => {
    // A level that fell four days ago is forgotten sooner with a shorter half-life.
    const cpu = Float64Array.from({ length: 16 * DAY }, (_, i) => (i < 9 * DAY ? 2 : 1));
    const costOf = (part: Partial<BacktestOptions>) =>
      backtest([grid('a', { cpu })], { ...OPTIONS, ...part }).outcomes[0]?.all.cost ?? NaN;
    assert.equal(costOf({ halfLifeHours: 72 }), costOf({}));
    assert.ok(costOf({ halfLifeHours: 6 }) < costOf({}));
  });

  it('counts what it leaves out, also where nothing is left', () => {
    const fleet = [
      grid('a', { cpu: flat(20, 0.01) }),
      grid('b', {}),
      grid('c', { cpu: flat(1, 1) }),
    ];
    const { outcomes, leftOut, tooShort, withoutSample } = backtest(fleet, OPTIONS);
    assert.deepEqual(
      { outcomes, leftOut, tooShort, withoutSample },
      { outcomes: [], leftOut: { cpu: { Idle: 1 }, memory: {} }, tooShort: 1, withoutSample: 1 },
    );
  });

  it('pools each dataset apart', () => {
    const fleet = ['x', 'y', 'y'].map((dataset, i) => grid(`s${i}`, { dataset, cpu: flat(20, 1) }));
    assert.deepEqual(
      backtest(fleet, OPTIONS).outcomes[0]?.datasets.map(({ dataset, score }) => [
        dataset,
        score.series,
      ]),
      [
        ['x', 1],
        ['y', 2],
      ],
    );
  });
});

describe('the file of recommendations', () => {
  it('has a row per request, with a limit on memory', () => {
    const fleet = [grid('a,b', { cpu: flat(8, 1), memory: flat(8, 2 ** 30) })];
    const [head, ...lines] = recommendationLines(backtest(fleet, OPTIONS).replays);
    assert.equal(head, 'series,resource,from,to,request,limit');
    const from = START + 7 * 86_400;
    assert.match(lines[0] ?? '', new RegExp(`^"made/a,b",cpu,${from},\\d+,1\\.\\d+,$`));
    const memory = lines.find((line) => line.includes(',memory,')) ?? '';
    const [, , , , request, limit] = memory.replace('"made/a,b"', '').split(',');
    assert.equal(request, limit);
    assert.ok(Number(limit) > 2 ** 30);
  });

  it('has an empty row before the first sample of a resource', () => {
    const cpu = flat(9, 1).fill(NaN, 0, 7.5 * DAY);
    const fleet = [grid('a', { cpu, memory: flat(9, 2 ** 30) })];
    const [, first, second] = recommendationLines(backtest(fleet, OPTIONS).replays);
    const begin = START + 7.5 * 86_400 + 3600;
    assert.equal(first, `made/a,cpu,${START + 7 * 86_400},${begin},,`);
    assert.match(second ?? '', new RegExp(`^made/a,cpu,${begin},`));
  });
});
