import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

export type SeedSample = readonly [timeSeconds: number, value: number];

/** A series to be written into a TSDB; its samples come in ascending order of time. */
export interface SeedSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: () => Iterable<SeedSample>;
}

export const MISSING =
  'prometheus and promtool are not installed: run `apt-get install --no-install-recommends prometheus`';

/** Two weeks in one or two blocks: promtool reads its input once per block. */
const BLOCK_DURATION = '486h';
const PROMTOOL_SECONDS = 600;
const WRITTEN_AT_ONCE = 1 << 20;

/** Writes the series as TSDB blocks into the folder, which is made when missing. A million samples take about 2 s. */
export async function writeBlocks(series: readonly SeedSeries[], blocks: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rightsize-seed-'));
  try {
    const text = join(folder, 'samples.txt');
    await writeOpenMetrics(series, text);
    await mkdir(blocks, { recursive: true });
    await promtool(text, blocks);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeOpenMetrics(series: readonly SeedSeries[], file: string): Promise<void> {
  const out = createWriteStream(file);
  let text = '';
  const flush = async (): Promise<void> => {
    await written(out, text);
    text = '';
  };
  for (const { name, labels, samples } of series) {
    const prefix = `${name}{${labelText(labels)}} `;
    for (const [timeSeconds, value] of samples()) {
      text += `${prefix}${numberText(value)} ${timeSeconds}\n`;
      if (text.length >= WRITTEN_AT_ONCE) await flush();
    }
  }
  text += '# EOF\n';
  await flush();
  out.end();
  await finished(out);
}

async function written(out: WriteStream, text: string): Promise<void> {
  if (!out.write(text)) await once(out, 'drain');
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(',');
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

async function promtool(text: string, blocks: string): Promise<void> {
  const child = spawn(
    'promtool',
    [
      'tsdb',
      'create-blocks-from',
      `--max-block-duration=${BLOCK_DURATION}`,
      'openmetrics',
      '--quiet',
      text,
      blocks,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], signal: AbortSignal.timeout(PROMTOOL_SECONDS * 1000) },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (part) => (complaint += String(part)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(spawnFailure(cause), { cause })));
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`promtool: write blocks: ${complaint.trim()}`);
}

function spawnFailure(cause: Error): string {
  const isMissing = 'code' in cause && cause.code === 'ENOENT';
  return isMissing ? MISSING : `promtool: write blocks: ${cause.message}`;
}
