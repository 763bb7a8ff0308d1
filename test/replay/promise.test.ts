// The promises of docs/recommender.md, held against real traces where there are any (TRACES, by default
// ../shared/traces beside the repository), and against a seeded fleet everywhere.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { GridSeries } from '../../src/backtest/grid.ts';
import { recommendationLines } from '../../src/backtest/recommendations.ts';
import { backtest, type Backtest, type CadenceName } from '../../src/backtest/run.ts';
import { readGrids } from '../../src/csv/grid.ts';
import { generatedFleet } from '../support/backtest-page.ts';
import { random } from '../support/history-generator.ts';
import { tracesFolder } from '../support/trace-shapes.ts';

const RISKS = [0.05, 0.02, 0.01] as const;
const DAY_BINS = 288;
const CUT_BINS = 14 * DAY_BINS;

/** Where a trace gives CPU as a share of a machine, four cores are taken; only what is left out as idle depends on it. */
const FOUR_CORES = ['azure-v1-vms', 'nab-aws', 'gcd2011-jobs'];

function replayed(fleet: readonly GridSeries[], cadence: CadenceName, risk: number): Backtest {
  return backtest(fleet, {
    risks: { cpu: risk, memory: risk },
    confidence: 0.95,
    cadence,
    coresOf: (dataset) => (FOUR_CORES.some((name) => dataset.startsWith(name)) ? 4 : 1),
  });
}

function pooledOf({ outcomes }: Backtest, resource: 'cpu' | 'memory') {
  const found = outcomes.find((each) => each.resource === resource && each.protocol === 'daily');
  return found ?? assert.fail(`nothing was scored of ${resource}`);
}

/** The fleet with noise in place of everything from the cut on, times a thousand so that it cannot be overlooked. */
function scrambled(fleet: readonly GridSeries[]): readonly GridSeries[] {
  const noisy = (values: Float64Array, seed: number): Float64Array =>
    values.map((value, bin) => (bin < CUT_BINS ? value : value * 1000 * random(seed, bin)));
  return fleet.map((series, seed) => ({
    ...series,
    cpu: noisy(series.cpu, seed),
    memory: noisy(series.memory, seed + 1000),
  }));
}

/** What was recommended for the time before the cut: a row that reaches over it counts up to there. */
function rowsBefore(fleet: readonly GridSeries[], { replays }: Backtest): readonly string[] {
  const cuts = new Map(
    fleet.map(({ dataset, series, startSeconds }) => [
      `${dataset}/${series}`,
      startSeconds + CUT_BINS * 300,
    ]),
  );
  return [...recommendationLines(replays)].slice(1).flatMap((line) => {
    const [name = '', resource = '', from = '', to = '', request = ''] = line.split(',');
    const cut = [...cuts].find(([key]) => key === name || key.endsWith(`/${name}`))?.[1] ?? 0;
    if (Number(from) >= cut) return [];
    return [[name, resource, from, Math.min(Number(to), cut), request].join(',')];
  });
}

function looksAtThePastOnly(fleet: readonly GridSeries[]): void {
  for (const cadence of ['steady', 'tracking'] as const) {
    const told = rowsBefore(fleet, replayed(fleet, cadence, 0.02));
    assert.ok(told.length > fleet.length);
    assert.deepEqual(rowsBefore(fleet, replayed(scrambled(fleet), cadence, 0.02)), told);
  }
}

describe('a seeded fleet', () => {
  const fleet = generatedFleet(24, 28);

  for (const cadence of ['steady', 'tracking'] as const) {
    for (const risk of RISKS) {
      it(`keeps ${risk} of CPU at the cadence ${cadence}`, () => {
        const { all } = pooledOf(replayed(fleet, cadence, risk), 'cpu');
        assert.ok(all.keep >= 0.95, `kept by ${all.keep}`);
        assert.ok(all.ex <= risk, `over ${all.ex} of the time`);
      });
    }
  }

  it('is sized from the past only', () => {
    looksAtThePastOnly(fleet);
  });

  it('gives the same rows twice', () => {
    const rows = () => [...recommendationLines(replayed(fleet, 'tracking', 0.02).replays)];
    assert.deepEqual(rows(), rows());
  });
});

const folder = tracesFolder();
const files = existsSync(folder)
  ? readdirSync(folder)
      .filter((name) => name.endsWith('.csv.gz'))
      .map((name) => join(folder, name))
  : [];

if (files.length > 0) {
  describe('real traces', function () {
    this.timeout(120_000);
    let fleet: readonly GridSeries[];

    before(async () => {
      fleet = await Array.fromAsync(readGrids(files, AbortSignal.timeout(60_000)));
    });

    /** Highest cost and most changes of more than 10 % a week that may be reached at 5, 2 and 1 %. */
    const BOUNDS = {
      steady: { costs: [1.98, 2.24, 2.51], changes: 1.5 },
      tracking: { costs: [1.86, 2.1, 2.35], changes: 12 },
    } as const;

    for (const cadence of ['steady', 'tracking'] as const) {
      for (const [index, risk] of RISKS.entries()) {
        it(`keep ${risk} of CPU at the cadence ${cadence}, within its cost`, () => {
          const { all, datasets } = pooledOf(replayed(fleet, cadence, risk), 'cpu');
          assert.ok(all.keep >= 0.95, `kept by ${all.keep}`);
          assert.ok(all.ex <= risk, `over ${all.ex} of the time`);
          assert.ok(all.weeksKept >= 0.85, `weeks kept ${all.weeksKept}`);
          for (const { dataset, score } of datasets) {
            if (score.series >= 15) assert.ok(score.keep >= 0.88, `${dataset} ${score.keep}`);
          }
          const { costs, changes } = BOUNDS[cadence];
          assert.ok(all.cost <= (costs[index] ?? 0), `cost ${all.cost}`);
          assert.ok(all.changesPerWeek <= changes, `changes ${all.changesPerWeek}`);
        });
      }
    }

    for (const risk of RISKS) {
      it(`keep ${risk} of pod-days of memory`, () => {
        const { all } = pooledOf(replayed(fleet, 'steady', risk), 'memory');
        assert.ok(all.breachPerDay <= risk, `over on ${all.breachPerDay} of the days`);
      });
    }

    it('are sized from the past only', () => {
      looksAtThePastOnly(fleet.filter(({ dataset }) => dataset.startsWith('kruize')));
    });
  });
}
