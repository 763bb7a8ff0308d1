import assert from 'node:assert/strict';
import { findingsOf } from '../../../src/backtest/findings.ts';
import type { GridSeries } from '../../../src/backtest/grid.ts';
import { backtest, type BacktestOptions } from '../../../src/backtest/run.ts';
import { backtestJson, backtestTable, type Reported } from '../../../src/report/backtest.ts';
import { generatedFleet } from '../../support/backtest-page.ts';

const DAY = 288;
const NONE = new Float64Array(0);
const OPTIONS: BacktestOptions = {
  risks: { cpu: 0.02, memory: 0.01 },
  confidence: 0.95,
  cadence: 'steady',
  coresOf: () => 1,
};

function reportedOf(fleet: readonly GridSeries[]): Reported {
  const result = backtest(fleet, OPTIONS);
  return { ...result, findings: findingsOf(result, OPTIONS) };
}

function grid(series: string, part: Partial<GridSeries>): GridSeries {
  const startSeconds = 1_600_000_200;
  return {
    dataset: 'made',
    series,
    startSeconds,
    stepSeconds: 300,
    cpu: NONE,
    memory: NONE,
    ...part,
  };
}

function flat(days: number, level: number): Float64Array {
  return new Float64Array(days * DAY).fill(level);
}

/** Doubles each day. */
const rising = Float64Array.from({ length: 16 * DAY }, (_, i) => 2 ** Math.floor(i / DAY));

interface Json {
  readonly leftOut: unknown;
  readonly withoutSample: number;
  readonly outcomes: readonly {
    readonly resource: string;
    readonly all: { readonly series: number; readonly ex: number; readonly keep: number };
    readonly misses: readonly Readonly<Record<string, unknown>>[];
    readonly behaviours: readonly {
      readonly name: string;
      readonly score: { readonly series: number };
    }[];
  }[];
}

function jsonOf(reported: Reported): Json {
  return JSON.parse(backtestJson(reported, [])) as Json;
}

describe('the report of a backtest', () => {
  it('says by how much each part of the promise was missed', () => {
    const memory = rising.map((cores) => cores ** 2 * 2 ** 30);
    const text = backtestTable(reportedOf([grid('a', { cpu: rising, memory })]));
    const cpu = String.raw`[\d.]+ points of CPU time and 95 points of the containers that keep CPU`;
    const days = String.raw`[\d.]+ points of memory days`;
    assert.match(text, new RegExp(`^cpu: promised at most 2% .*: missed by ${cpu}$`, 'm'));
    assert.match(text, new RegExp(`^memory: promised at most 1% .*: missed by ${days}$`, 'm'));
    assert.match(text, /\nverdict: missed by .* CPU time, 95 points .* and .* memory days\n$/);
  });

  it('has the distances in JSON, as shares', () => {
    const [cpu] = jsonOf(reportedOf([grid('a', { cpu: rising })])).outcomes;
    assert.ok(cpu);
    assert.deepEqual(cpu.misses, [
      { what: 'realised', promised: 0.02, found: cpu.all.ex, by: cpu.all.ex - 0.02 },
      { what: 'kept', promised: 0.95, found: 0, by: 0.95 },
    ]);
  });

  it('says nothing of a distance where the promise was kept', () => {
    const reported = reportedOf([grid('a', { cpu: flat(20, 1) })]);
    assert.match(backtestTable(reported), /: kept\n[^]*\nverdict: kept\n$/);
    assert.deepEqual(jsonOf(reported).outcomes[0]?.misses, []);
  });

  it('has each class of behaviour once, with what it kept and cost', () => {
    const reported = reportedOf([...generatedFleet(4, 9), grid('flat', { cpu: flat(9, 1) })]);
    const [cpu] = jsonOf(reported).outcomes;
    assert.deepEqual(
      cpu?.behaviours.map(({ name, score }) => [name, score.series]),
      [
        ['Steady', 1],
        ['Diurnal', 4],
      ],
    );
    const text = backtestTable(reported);
    assert.match(
      text,
      /^class +series +kept by +cost\nSteady +1 +100% +\d\.\d\d\nDiurnal +4 +\d+% /m,
    );
  });

  it('leaves classes out where histories are short', () => {
    const reported = reportedOf([grid('a', { cpu: flat(4, 1) })]);
    assert.deepEqual(jsonOf(reported).outcomes[0]?.behaviours, []);
    assert.doesNotMatch(backtestTable(reported), /^class/m);
  });

  it('says why there is too little data', () => {
    const fleet = [
      grid('a', { cpu: flat(20, 0.01), memory: flat(20, 2 ** 20) }),
      grid('b', { cpu: flat(20, 0) }),
      grid('c', { cpu: flat(20, NaN) }),
      grid('d', {}),
      grid('e', { cpu: flat(1, 1) }),
    ];
    const reported = reportedOf(fleet);
    assert.equal(
      backtestTable(reported),
      [
        '1 series left out: without a sample',
        '1 series left out: shorter than 1.5 days',
        '2 series left out: idle (mean CPU under 25m)',
        '1 series left out: no CPU to score after their first day of it',
        '1 series left out: idle (mean memory under 10Mi)',
        'verdict: too little data',
        '',
      ].join('\n'),
    );
    const { leftOut, withoutSample } = jsonOf(reported);
    assert.deepEqual(leftOut, { cpu: { Idle: 2, NothingToScore: 1 }, memory: { Idle: 1 } });
    assert.equal(withoutSample, 1);
  });

  it('says that there is no series', () => {
    assert.equal(backtestTable(reportedOf([])), 'there is no series\nverdict: too little data\n');
  });
});
