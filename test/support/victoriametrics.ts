import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import snappy from 'snappyjs';
import { freePort } from './prometheus.ts';
import type { SeedSeries } from './seed.ts';
import { serverProcess } from './server-process.ts';

const WRITTEN_AT_ONCE = 1 << 22;
const WRITE_SECONDS = 60;

/** What it keeps and how much memory it may use, for tests. */
export const VICTORIAMETRICS_FLAGS = [
  '-retentionPeriod=35d',
  '-memory.allowedBytes=256MiB',
  '-loggerLevel=WARN',
];

interface VictoriaMetricsSetup {
  readonly series?: readonly SeedSeries[];
  readonly flags?: readonly string[];
}

export interface RunningVictoriaMetrics {
  readonly url: string;
  /** Ends the process and leaves the data; `start` begins again on the same port and data. */
  halt(): Promise<void>;
  start(): Promise<void>;
  /** Ends the process and removes the data. */
  stop(): Promise<void>;
}

/** Starts Debian's VictoriaMetrics on a free port of the loopback interface and waits until it is ready. */
export async function startVictoriaMetrics(
  setup: VictoriaMetricsSetup = {},
): Promise<RunningVictoriaMetrics> {
  const folder = await mkdtemp(join(tmpdir(), 'rightsize-victoriametrics-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { start, halt } = serverProcess({
    program: 'victoria-metrics',
    flags: [
      `-storageDataPath=${join(folder, 'data')}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      ...VICTORIAMETRICS_FLAGS,
      ...(setup.flags ?? []),
    ],
    readyUrl: `${url}/health`,
    log: join(folder, 'victoriametrics.log'),
  });
  const stop = async (): Promise<void> => {
    await halt();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await start();
    await importSeries(url, setup.series ?? []);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, halt, start, stop };
}

/** Writes the series into a running VictoriaMetrics and waits until queries see them. NaN is dropped by it. */
export async function importSeries(url: string, series: readonly SeedSeries[]): Promise<void> {
  let lines = '';
  const flush = async (): Promise<void> => {
    await call(`${url}/api/v1/import/prometheus`, lines);
    lines = '';
  };
  for (const { name, labels, samples } of series) {
    const prefix = `${name}{${labelText(labels)}} `;
    for (const [timeSeconds, value] of samples()) {
      lines += `${prefix}${value} ${Math.round(timeSeconds * 1000)}\n`;
      if (lines.length >= WRITTEN_AT_ONCE) await flush();
    }
  }
  if (lines !== '') await flush();
  await call(`${url}/internal/force_flush`, '');
}

/** Tells a running VictoriaMetrics that series ended at a time, as a Prometheus does that writes to it from afar. */
export async function writeStaleMarkers(
  url: string,
  series: readonly Pick<SeedSeries, 'name' | 'labels'>[],
  timeSeconds: number,
): Promise<void> {
  const timeseries = series.map(({ name, labels }) => {
    const pairs = Object.entries({ __name__: name, ...labels }).sort(([a], [b]) =>
      a < b ? -1 : 1,
    );
    const fields = pairs.map(([label, value]) =>
      message(1, Buffer.concat([message(1, Buffer.from(label)), message(2, Buffer.from(value))])),
    );
    return message(1, Buffer.concat([...fields, message(2, staleSample(timeSeconds * 1000))]));
  });
  await call(`${url}/api/v1/write`, Uint8Array.from(snappy.compress(Buffer.concat(timeseries))));
  await call(`${url}/internal/force_flush`, '');
}

/** A field that holds bytes, in protobuf's wire format. */
function message(field: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([field * 8 + 2]), varint(BigInt(content.length)), content]);
}

/** By its bits, since JavaScript does not keep NaNs apart. */
function staleSample(timeMs: number): Buffer {
  const sample = Buffer.alloc(10);
  sample[0] = 0x09;
  sample.writeBigUInt64LE(0x7ff0_0000_0000_0002n, 1);
  sample[9] = 0x10;
  return Buffer.concat([sample, varint(BigInt(timeMs))]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    const low = Number(rest & 127n);
    if (rest < 128n) return Buffer.from([...bytes, low]);
    bytes.push(low | 128);
  }
}

async function call(url: string, body: string | Uint8Array<ArrayBuffer>): Promise<void> {
  const signal = AbortSignal.timeout(WRITE_SECONDS * 1000);
  const response = await fetch(url, { method: 'POST', body, signal });
  const answer = await response.text();
  if (!response.ok) throw new Error(`VictoriaMetrics answered ${response.status}: ${answer}`);
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(',');
}
