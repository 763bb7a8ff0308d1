import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JudgeReport, OwnReport } from './figures.ts';

export type Cadence = 'steady' | 'tracking';

/** Where CPU is a share of a machine, the judge takes it as of four cores. */
const SHARES = ['azure-v1-vms', 'nab-aws', 'gcd2011-jobs'];
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const DEADLINE_MS = 240_000;

/** A variable that test/judge/run.sh sets. */
export function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: start with test/judge/run.sh`);
  return value;
}

/** A file of this run. */
export function work(name: string): string {
  return join(given('JUDGE_WORK'), name);
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
}

/** Runs a program that ends with 0, or with 1 for what was missed; any other end is thrown. */
function ended(program: string, args: readonly string[]): Promise<Ended> {
  // Two of them share two cores.
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1' };
  const options = { env, timeout: DEADLINE_MS, maxBuffer: 2 ** 26 };
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout });
      // A Python that breaks ends with 1 as well, but not without a word.
      else if (error.code === 1 && stderr === '') resolve({ code: 1, stdout });
      else reject(new Error(`${error.message}\n${stderr}`));
    });
  });
}

/** Runs judge.py: true when it passed, false when something was missed. */
export async function judge(args: readonly string[]): Promise<boolean> {
  const script = join(given('JUDGE'), 'judge.py');
  return (await ended(given('JUDGE_PYTHON'), [script, ...args])).code === 0;
}

/** Scores a file of recommendations; `more` are further arguments. */
export async function score(
  rows: string,
  report: string,
  more: readonly string[],
): Promise<JudgeReport> {
  // The intervals that it also gives are not looked at.
  const few = ['--bootstrap', '10'];
  await judge(['score', given('TRACES'), rows, '--out', report, ...few, ...more]);
  // Python writes NaN, which is no JSON, where a fleet is too small for a figure.
  const text = readFileSync(report, 'utf8').replaceAll(/: NaN\b/g, ': null');
  return JSON.parse(text) as JudgeReport;
}

export interface ReplayOptions {
  readonly cadence: Cadence;
  readonly risk: number;
  readonly against: readonly string[];
}

/** Replays all traces of a folder and writes to `rows` what would have been recommended. */
export async function replay(
  folder: string,
  rows: string,
  { cadence, risk, against }: ReplayOptions,
): Promise<OwnReport> {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.csv.gz'))
    .map((name) => join(folder, name));
  const { stdout } = await ended(process.execPath, [
    MAIN,
    'backtest',
    ...files,
    ...['--cadence', cadence, '--cpu-risk', `${risk * 100}%`, '--memory-risk', `${risk * 100}%`],
    ...SHARES.flatMap((dataset) => ['--machine-cores', `${dataset}=4`]),
    ...(against.length === 0 ? [] : ['--against', against.join(',')]),
    ...['--recommendations-out', rows, '--output', 'json'],
  ]);
  return JSON.parse(stdout) as OwnReport;
}
