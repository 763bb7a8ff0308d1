import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BIN_SECONDS } from '../../../src/backtest/grid.ts';
import { GridFold } from '../../../src/backtest/gridfold.ts';

const FROM = 10 * BIN_SECONDS;
const BINS = 8;
const TO = FROM + BINS * BIN_SECONDS;

type Sample = readonly [pod: string, bin: number, amount: number];

function folded(cpu: readonly Sample[], memory: readonly Sample[] = []) {
  const fold = new GridFold(FROM, TO);
  for (const [, bin, amount] of cpu) fold.ofPod().addCpu(FROM + bin * BIN_SECONDS + 299, amount);
  for (const [, bin, amount] of memory) fold.ofPod().addMemory(FROM + bin * BIN_SECONDS, amount);
  return fold.usage();
}

describe('samples on the grid', () => {
  it('are the highest of all pods in each bin, and holes where there is none', () => {
    const usage = folded(
      [
        ['a', 0, 1],
        ['b', 0, 3],
        ['a', 2, 2],
        ['b', 2, 1],
      ],
      [
        ['a', 0, 7],
        ['b', 1, 9],
      ],
    );
    assert.deepEqual([...(usage?.cpu ?? [])], [3, NaN, 2]);
    assert.deepEqual([...(usage?.memory ?? [])], [7, 9, NaN]);
    assert.deepEqual([usage?.startSeconds, usage?.stepSeconds], [FROM, 300]);
  });

  it('begin with the first sample of either resource, and end with the last', () => {
    const usage = folded([['a', 5, 1]], [['a', 3, 1]]);
    assert.equal(usage?.startSeconds, FROM + 3 * BIN_SECONDS);
    assert.deepEqual([...usage.cpu], [NaN, NaN, 1]);
    assert.deepEqual([...usage.memory], [1, NaN, NaN]);
  });

  it('have no values of a resource without a sample', () => {
    const usage = folded([['a', 1, 0]]);
    assert.deepEqual([...(usage?.cpu ?? [])], [0]);
    assert.equal(usage?.memory.length, 0);
  });

  it('leave out what is no sample, and what is outside the window', () => {
    const none: readonly Sample[] = [
      ['a', 1, NaN],
      ['a', 1, -1],
      ['a', 1, Infinity],
      ['a', -1, 5],
      ['a', BINS, 5],
    ];
    assert.equal(folded(none, none), undefined);
    assert.deepEqual([...(folded([...none, ['a', 1, 2]])?.cpu ?? [])], [2]);
  });

  it('are the same of bins in a row', () => {
    const grid = new GridFold(FROM, TO);
    const window = { fromSeconds: FROM, toSeconds: TO, stepSeconds: BIN_SECONDS };
    const [cpuRow, memoryRow] = [grid.ofPod().cpuRow(window), grid.ofPod().memoryRow(window)];
    const first = FROM / BIN_SECONDS + 1;
    cpuRow.raise(first - 1, Float64Array.of(8, 1, NaN, 3), 4);
    cpuRow.raise(first + 2, Float64Array.of(2, 5, 7), 2);
    memoryRow.raise(first, Float64Array.of(7), 1);
    assert.equal(grid.usage(), undefined);
    cpuRow.fold();
    memoryRow.fold();
    const cpu: readonly Sample[] = [
      ['a', -1, 8],
      ['a', 0, 1],
      ['a', 2, 3],
      ['b', 2, 2],
      ['b', 3, 5],
    ];
    assert.deepEqual(grid.usage(), folded(cpu, [['a', 0, 7]]));
  });

  it('are the same in any order', () => {
    const sample = fc.tuple(
      fc.constantFrom('a', 'b'),
      fc.integer({ min: -1, max: BINS }),
      fc.double({ min: -1, max: 4 }),
    );
    const orders = fc
      .array(sample)
      .chain((samples) =>
        fc.tuple(
          fc.constant(samples),
          fc.shuffledSubarray(samples, { minLength: samples.length, maxLength: samples.length }),
        ),
      );
    fc.assert(
      fc.property(orders, ([one, other]) => {
        assert.deepEqual(folded(one, one), folded(other, other));
      }),
    );
  });
});
