import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { UsageDay } from '../../../src/recommend/usage.ts';
import { readTraces, type TraceSeries } from '../../../src/csv/traces.ts';
import { samplesOfHour } from '../../support/hourcpu.ts';

async function collect(reading: AsyncIterable<TraceSeries>): Promise<readonly TraceSeries[]> {
  const all: TraceSeries[] = [];
  for await (const series of reading) all.push(series);
  return all;
}

const HEADER = 'series,timestamp,cpu_cores,memory_bytes';
const DAY = 86_400;
/** 2000-01-01, the first day that a trace may be of. */
const START = 946_684_800;

/** In cores, to the nearest half: they are kept within 1 %. */
function samplesOf(day: UsageDay | undefined): readonly number[] {
  const hours = day?.hours.cpu.filter((hour) => hour !== undefined) ?? [];
  return hours.flatMap((hour) => samplesOfHour(hour).map((cores) => Math.round(cores * 2) / 2));
}

describe('trace files', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-traces-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function read(
    text: string | Uint8Array,
    { name = 'traces.csv', windowDays = 14 } = {},
  ): Promise<readonly TraceSeries[]> {
    const file = join(folder, name);
    await writeFile(file, text);
    const signal = AbortSignal.timeout(5000);
    return collect(readTraces([file], { windowDays }, signal));
  }

  function lines(...rows: readonly string[]): string {
    return [HEADER, ...rows, ''].join('\n');
  }

  it('give one history per series, with the mean CPU and the highest memory of each 5 minutes', async () => {
    const [a, b, ...more] = await read(
      lines(
        `a,${START},1,100`,
        `a,${START + 60},3,300`,
        `a,${START + 300},4,200`,
        `b,${START},1,`,
        `b,${START},3,`,
      ),
    );
    assert.deepEqual([a?.series, b?.series, more.length], ['a', 'b', 0]);
    const [day] = a?.history.days ?? [];
    assert.ok(day !== undefined);
    assert.deepEqual(samplesOf(day), [(1 + 3) / 2, 4]);
    assert.equal(day.memoryPeakBytes, 300);
    const [other] = b?.history.days ?? [];
    assert.deepEqual(samplesOf(other), [(1 + 3) / 2]);
    assert.equal(other?.memoryPeakBytes, undefined);
  });

  it('are named by the file without its endings, plain or packed', async () => {
    const text = lines(`a,${START},1,1`);
    assert.equal((await read(text, { name: 'x.csv' }))[0]?.dataset, 'x');
    assert.equal((await read(gzipSync(text), { name: 'y.csv.gz' }))[0]?.dataset, 'y');
    assert.equal((await read(gzipSync(text), { name: 'z.csv' }))[0]?.dataset, 'z');
  });

  it('cover a day with a sample per 15 minutes', async () => {
    const rows = Array.from({ length: 96 }, (_, i) => `a,${START + i * 900},1,1`);
    const [series] = await read(lines(...rows));
    assert.equal(series?.history.stepSeconds, 900);
    assert.equal(series.history.days[0]?.cpuCoverage, 1);
  });

  it('give the last days before the end of each series', async () => {
    const rows = Array.from({ length: 10 }, (_, i) => `a,${START + i * DAY},${i},1`);
    const [series] = await read(lines(...rows, `b,${START},1,1`), { windowDays: 3 });
    assert.deepEqual(series?.history.days.flatMap(samplesOf), [7, 8, 9]);
  });

  it('take empty, negative and non-finite amounts as missing', async () => {
    const [series] = await read(
      lines(
        `a,${START},NaN,`,
        `a,${START + 300},-1,5`,
        `a,${START + 600},inf,`,
        `a,${START + 900},2,-3`,
      ),
    );
    const [day] = series?.history.days ?? [];
    assert.deepEqual(samplesOf(day), [2]);
    assert.equal(day?.memoryPeakBytes, 5);
  });

  it('leave out a series without any sample', async () => {
    assert.deepEqual(await read(lines(`a,${START},,`, `a,${START + 300},NaN,`)), []);
  });

  it('take quoted names, a byte order mark and Windows line ends', async () => {
    const text = `\uFEFF${HEADER}\r\n"a,""b""",${START},1,1\r\n`;
    assert.equal((await read(text))[0]?.series, 'a,"b"');
  });

  it('take a last line without its end, and empty lines', async () => {
    const [series] = await read(`${HEADER}\n\na,${START},1,1\n\na,${START + 300},2,2`);
    assert.deepEqual(samplesOf(series?.history.days[0]), [1, 2]);
  });

  const refused: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    'text for a number': [
      lines(`a,${START},1,1`, `a,${START + 300},abc,1`),
      /^traces\.csv line 3, column cpu_cores: "abc" is not a number$/,
    ],
    'a hexadecimal number': [
      lines(`a,${START},1,0x1f`),
      /line 2, column memory_bytes: "0x1f" is not/,
    ],
    'an empty time': [lines('a,,1,1'), /line 2, column timestamp: "" is not a number$/],
    'a time in milliseconds': [
      lines('a,1700000000000,1,1'),
      /line 2, column timestamp: "1700000000000" is not a time in unix seconds$/,
    ],
    'a time before 2000': [
      lines('a,946684799,1,1'),
      /column timestamp: "946684799" is not a time in unix seconds: it is before 2000-01-01$/,
    ],
    'a time of a trace that begins at zero': [lines('a,0,1,1'), /it is before 2000-01-01$/],
    'time that runs back': [
      lines(`a,${START + 300},1,1`, `a,${START},1,1`),
      /line 3, column timestamp: 946684800 is before 946685100 of the line above/,
    ],
    'a line with too few columns': [
      lines(`a,${START},1`),
      /line 2, it has 3 columns; expected series,timestamp,cpu_cores,memory_bytes$/,
    ],
    'a quote that is not closed': [lines(`"a,${START},1,1`), /line 2, a quote is not closed/],
    'a series that comes back': [
      lines(`a,${START},1,1`, `b,${START},1,1`, `a,${START + 300},1,1`),
      /line 4, column series: "a" comes back; the lines of one series must stand together$/,
    ],
    'an empty name': [lines(',0,1,1'), /line 2, column series: it is empty$/],
    'other columns': [
      'dataset,series,start\nx,y,0\n',
      /line 1, the columns are "dataset,series,start"; expected series,timestamp,cpu_cores,memory_bytes$/,
    ],
    'an empty file': ['', /line 1, the file is empty; expected series,timestamp/],
  };
  for (const [what, [text, message]] of Object.entries(refused)) {
    it(`refuse ${what}, with the place`, () => assert.rejects(read(text), { message }));
  }

  it('refuse gzip data that is cut short', async () => {
    const packed = gzipSync(
      lines(...Array.from({ length: 500 }, (_, i) => `a,${START + i * 300},1,${i}`)),
    );
    const cut = packed.subarray(0, packed.length / 2);
    await assert.rejects(read(cut, { name: 'cut.csv.gz' }), /the gzip data is cut short$/);
  });

  it('name a file that is not there', async () => {
    const reading = readTraces(
      [join(folder, 'no.csv')],
      { windowDays: 1 },
      AbortSignal.timeout(5000),
    );
    await assert.rejects(collect(reading), /^Error: read .*no\.csv: no such file$/);
  });

  it('end on abort', async () => {
    const file = join(folder, 'long.csv');
    await writeFile(file, lines(`a,${START},1,1`));
    const reading = readTraces([file], { windowDays: 1 }, AbortSignal.abort());
    await assert.rejects(collect(reading), { name: 'AbortError' });
  });
});
