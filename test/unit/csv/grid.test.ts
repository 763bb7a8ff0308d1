import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GridSeries } from '../../../src/backtest/grid.ts';
import { readGrids } from '../../../src/csv/grid.ts';

describe('grids of trace files', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-grids-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function read(...rows: readonly string[]): Promise<readonly GridSeries[]> {
    const file = join(folder, 'made.csv');
    await writeFile(file, ['series,timestamp,cpu_cores,memory_bytes', ...rows, ''].join('\n'));
    const all: GridSeries[] = [];
    for await (const series of readGrids([file], AbortSignal.timeout(5000))) all.push(series);
    return all;
  }

  it('take the mean CPU and the highest memory of each 5 minutes, and leave holes as holes', async () => {
    const [series] = await read('a,360,1,5', 'a,420,3,9', 'a,1500,-1,7', 'a,1560,4,');
    assert.deepEqual([series?.dataset, series?.series, series?.startSeconds], ['made', 'a', 300]);
    assert.deepEqual([...(series?.cpu ?? [])], [2, NaN, NaN, NaN, 4]);
    assert.deepEqual([...(series?.memory ?? [])], [9, NaN, NaN, NaN, 7]);
  });

  it('tell the step of a coarse trace', async () => {
    const [series] = await read('a,0,1,', 'a,900,1,', 'a,1800,1,');
    assert.equal(series?.stepSeconds, 900);
    assert.equal(series.memory.length, 0);
  });

  it('leave out a series without a sample', async () => {
    assert.deepEqual(await read('a,0,,', 'a,300,-1,NaN'), []);
  });

  it('refuse what is not a number, with the place', () =>
    assert.rejects(read('a,0,x,'), {
      message: 'made.csv line 2, column cpu_cores: "x" is not a number',
    }));
});
