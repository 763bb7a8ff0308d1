import assert from 'node:assert/strict';
import type { GridSeries } from '../../../src/backtest/grid.ts';
import { createCadence, CADENCES } from '../../../src/backtest/run.ts';
import { walkCpu, walkMemory, type Row } from '../../../src/backtest/walk.ts';

const DAY = 288;
const START = 1_600_000_200;

/** Numbers in [0, 1) that look random and are the same each time. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

function seriesOf(seed: number, days: number): GridSeries {
  const next = pseudoRandom(seed);
  const values = (scale: number) =>
    Float64Array.from({ length: days * DAY }, (_, i) =>
      next() < 0.02 ? NaN : scale * (1 + Math.sin((i / DAY) * 2 * Math.PI) / 2 + 4 * next() ** 8),
    );
  return {
    dataset: 'made',
    series: `s${seed}`,
    startSeconds: START,
    cpu: values(1),
    memory: values(2 ** 30),
    stepSeconds: 300,
  };
}

function scrambledAfter(series: GridSeries, bin: number): GridSeries {
  const next = pseudoRandom(999);
  const scramble = (values: Float64Array) =>
    values.map((value, i) => (i < bin ? value : value * Math.exp(4 * next() - 2)));
  return { ...series, cpu: scramble(series.cpu), memory: scramble(series.memory) };
}

/** The amount of each bin, so that rows which are joined otherwise compare equal. */
function amounts(rows: readonly Row[], until: number): number[] {
  const all: number[] = [];
  for (const { fromBin, toBin, amount } of rows) {
    for (let bin = fromBin; bin < Math.min(toBin, until); bin++) all[bin] = amount;
  }
  return all;
}

function assertTiled(rows: readonly Row[], from: number, to: number): void {
  assert.equal(rows[0]?.fromBin, from);
  assert.equal(rows.at(-1)?.toBin, to);
  for (const [i, row] of rows.slice(1).entries()) {
    assert.equal(row.fromBin, rows[i]?.toBin);
    assert.notEqual(row.amount, rows[i]?.amount);
  }
}

describe('a walk over CPU', () => {
  for (const cadence of CADENCES) {
    const walk = (series: GridSeries) =>
      walkCpu(series, createCadence(cadence, { risk: 0.02, confidence: 0.95 }), 7 * DAY);

    it(`tiles the series from the first decision on: ${cadence}`, () => {
      const series = seriesOf(1, 12);
      assertTiled(walk(series), 7 * DAY, 12 * DAY);
    });

    it(`says the same up to a day whatever comes after it: ${cadence}`, () => {
      for (const seed of [1, 2, 3]) {
        const series = seriesOf(seed, 20);
        // The row that begins at the cut is decided from what lies before it.
        const cut = 14 * DAY;
        const got = amounts(walk(scrambledAfter(series, cut)), cut + 12);
        assert.deepEqual(got, amounts(walk(series), cut + 12));
        assert.notDeepEqual(walk(scrambledAfter(series, cut)), walk(series));
      }
    });

    it(`never costs less at a stricter risk: ${cadence}`, () => {
      const cost = (risk: number) => {
        const settings = { risk, confidence: 0.95 };
        const rows = walkCpu(seriesOf(5, 20), createCadence(cadence, settings), 7 * DAY);
        return amounts(rows, Infinity).reduce((sum, amount) => sum + amount, 0);
      };
      const costs = [0.2, 0.1, 0.05, 0.02, 0.01, 0.005].map(cost);
      assert.deepEqual(
        costs,
        costs.toSorted((a, b) => a - b),
      );
    });

    it(`gives the same rows again: ${cadence}`, () => {
      assert.deepEqual(walk(seriesOf(4, 10)), walk(seriesOf(4, 10)));
    });
  }

  it('begins with the first sample where that comes late', () => {
    const series = seriesOf(1, 12);
    series.cpu.fill(NaN, 0, 8 * DAY);
    const rows = walkCpu(
      series,
      createCadence('steady', { risk: 0.02, confidence: 0.95 }),
      7 * DAY,
    );
    assertTiled(rows, 8 * DAY + 12, 12 * DAY);
  });
});

describe('a walk over memory', () => {
  const fleet = Array.from({ length: 12 }, (_, i) => seriesOf(i + 1, 12 + i));
  const walk = (all: readonly GridSeries[]) =>
    walkMemory(
      all.map((series) => ({ series, firstBin: 7 * DAY })),
      0.05,
    );

  it('tiles each series from the first decision on', () => {
    for (const [i, rows] of walk(fleet).entries()) assertTiled(rows, 7 * DAY, (12 + i) * DAY);
  });

  it('says the same up to a day whatever any series shows after it', () => {
    const cut = 10 * DAY;
    const scrambled = walk(fleet.map((series) => scrambledAfter(series, cut)));
    for (const [i, rows] of walk(fleet).entries()) {
      assert.deepEqual(amounts(scrambled[i] ?? [], cut + 12), amounts(rows, cut + 12));
    }
  });

  it('never asks for less at a stricter risk, in the mean', () => {
    const mean = (risk: number) => {
      const starts = fleet.map((series) => ({ series, firstBin: 7 * DAY }));
      const all = walkMemory(starts, risk).flatMap((rows) =>
        amounts(rows, Infinity).filter((amount) => amount > 0),
      );
      return all.reduce((sum, amount) => sum + amount, 0) / all.length;
    };
    const means = [0.2, 0.1, 0.05, 0.02, 0.01].map(mean);
    assert.deepEqual(
      means,
      means.toSorted((a, b) => a - b),
    );
  });
});
