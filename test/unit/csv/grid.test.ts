import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GridSeries } from '../../../src/backtest/grid.ts';
import { readGrids } from '../../../src/csv/grid.ts';

/** 2000-01-01, the first day that a trace may be of. */
const START = 946_684_800;

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
    const [series] = await read(
      `a,${START + 360},1,5`,
      `a,${START + 420},3,9`,
      `a,${START + 1500},-1,7`,
      `a,${START + 1560},4,`,
    );
    assert.deepEqual(
      [series?.dataset, series?.series, series?.startSeconds],
      ['made', 'a', START + 300],
    );
    assert.deepEqual([...(series?.cpu ?? [])], [2, NaN, NaN, NaN, 4]);
    assert.deepEqual([...(series?.memory ?? [])], [9, NaN, NaN, NaN, 7]);
  });

  it('tell the step of a coarse trace', async () => {
    const [series] = await read(`a,${START},1,`, `a,${START + 900},1,`, `a,${START + 1800},1,`);
    assert.equal(series?.stepSeconds, 900);
    assert.equal(series.memory.length, 0);
  });

  it('are empty for a series without a sample', async () => {
    const [series] = await read(`a,${START},,`, `a,${START + 300},-1,NaN`);
    assert.deepEqual([series?.cpu.length, series?.memory.length], [0, 0]);
  });

  async function readFiles(...names: readonly string[]): Promise<readonly string[]> {
    const rows = (series: string) =>
      `series,timestamp,cpu_cores,memory_bytes\n${series},${START},1,\n`;
    await mkdir(join(folder, 'more'), { recursive: true });
    await writeFile(join(folder, 'one.csv'), rows('a'));
    await writeFile(join(folder, 'more', 'one.csv'), rows('a'));
    await writeFile(join(folder, 'more', 'one.csv.gz'), rows('b'));
    await writeFile(join(folder, 'two.csv'), rows('a'));
    const read: string[] = [];
    const files = names.map((name) => join(folder, name));
    for await (const { dataset, series } of readGrids(files, AbortSignal.timeout(5000))) {
      read.push(`${dataset}/${series}`);
    }
    return read;
  }

  it('refuse a series that is read twice, with the files', async () => {
    await assert.rejects(
      readFiles('one.csv', 'one.csv'),
      /^Error: series "a" of dataset one comes twice: \S+one\.csv is given twice; give each file once/,
    );
    await assert.rejects(
      readFiles('one.csv', 'more/one.csv'),
      /series "a" of dataset one comes twice: it is in \S+one\.csv and in \S+more\/one\.csv;/,
    );
  });

  it('take one name in two datasets, and one dataset in two files', async () => {
    const read = await readFiles('one.csv', 'two.csv', 'more/one.csv.gz');
    assert.deepEqual(read, ['one/a', 'two/a', 'one/b']);
  });

  it('refuse what is not a number, with the place', () =>
    assert.rejects(read(`a,${START},x,`), {
      message: 'made.csv line 2, column cpu_cores: "x" is not a number',
    }));
});
