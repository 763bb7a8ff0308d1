import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { MISSING, writeBlocks, type SeedSeries } from './seed.ts';

const READY_SECONDS = 60;
const TERM_SECONDS = 15;
/** Exit code of a shell, and of setpriv, for a program that is not there. */
const NOT_FOUND = 127;

interface PrometheusSetup {
  /** What it is to remember. */
  readonly series?: readonly SeedSeries[];
  /** The configuration file's text; nothing is scraped unless it says so. */
  readonly config?: string;
  readonly flags?: readonly string[];
}

export interface RunningPrometheus {
  readonly url: string;
  pid(): number;
  /** Ends the process and leaves the data; `start` begins again on the same port and data. */
  halt(): Promise<void>;
  start(): Promise<void>;
  /** Ends the process and removes the data. */
  stop(): Promise<void>;
}

/** Starts Debian's Prometheus on a free port of the loopback interface and waits until it is ready. */
export async function startPrometheus(setup: PrometheusSetup = {}): Promise<RunningPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'rightsize-prometheus-'));
  await writeFile(join(folder, 'prometheus.yml'), setup.config ?? 'scrape_configs: []\n');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = launch(folder, port, setup.flags ?? []);
    await ready(child, url, folder);
  };
  const halt = async (): Promise<void> => {
    if (child !== undefined) await end(child);
    child = undefined;
  };
  try {
    if (setup.series !== undefined) await writeBlocks(setup.series, join(folder, 'data'));
    await start();
  } catch (error) {
    await halt();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url,
    pid: () => child?.pid ?? 0,
    halt,
    start,
    async stop() {
      await halt();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function launch(folder: string, port: number, flags: readonly string[]): ChildProcess {
  const log = openSync(join(folder, 'prometheus.log'), 'a');
  // A runner that ends, even by SIGKILL, takes its Prometheus with it.
  const child = spawn(
    'setpriv',
    [
      '--pdeathsig=KILL',
      'prometheus',
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--storage.tsdb.retention.time=30d',
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
      ...flags,
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  return child;
}

async function ready(child: ChildProcess, url: string, folder: string): Promise<void> {
  let failed: string | undefined;
  child.once('error', (error) => (failed = `setpriv of util-linux: ${error.message}`));
  child.once('exit', (code) => {
    failed ??= code === NOT_FOUND ? MISSING : `prometheus ended with ${code ?? 'a signal'}`;
  });
  const deadline = Date.now() + READY_SECONDS * 1000;
  while (Date.now() < deadline) {
    if (failed === MISSING) throw new Error(failed);
    if (failed !== undefined) throw new Error(`${failed}${await lastLines(folder)}`);
    if (await answers(`${url}/-/ready`)) return;
    await wait(50);
  }
  throw new Error(`prometheus is not ready after ${READY_SECONDS} s${await lastLines(folder)}`);
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    // Refused until it listens; anything else shows when the deadline passes.
    if (error instanceof Error) return false;
    throw error;
  }
}

async function lastLines(folder: string): Promise<string> {
  const log = await readFile(join(folder, 'prometheus.log'), 'utf8');
  const lines = log.trim().split('\n').slice(-5).join('\n');
  return lines === '' ? '' : `\n${lines}`;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(2 * TERM_SECONDS * 1000) });
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), TERM_SECONDS * 1000);
  try {
    await ended;
  } finally {
    clearTimeout(kill);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
