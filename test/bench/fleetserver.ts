import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { DAY_SECONDS } from '../../src/recommend/usage.ts';
import { freePort } from '../support/prometheus.ts';
import { serverProcess, type ServerProcess } from '../support/server-process.ts';
import { ended } from './child.ts';
import type { FleetMember } from './fleetview.ts';
import { REFRESHES, WINDOW_DAYS } from './task.ts';

const HOUR_SECONDS = 3600;
const BUILD = join(import.meta.dirname, 'seed', 'build.sh');

/** A real Prometheus that holds the history of a fleet, and what is in it. */
export interface FleetServer {
  readonly url: string;
  readonly fleet: readonly FleetMember[];
  /** The window of the first reading; after it there is history for each refresh. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
  pid(): number;
  /** Ends it and starts it anew, so that nothing of what was before is left in its memory. */
  restart(): Promise<void>;
  halt(): Promise<void>;
}

/** Path of the program that writes histories; builds it when it is not in the cache. */
export async function buildSeeder(signal: AbortSignal): Promise<string> {
  const child = spawn(BUILD, [], { stdio: ['ignore', 'pipe', 'inherit'] });
  let path = '';
  child.stdout.setEncoding('utf8').on('data', (part) => (path += String(part)));
  await ended(child, 'the build of the writer of histories', signal);
  return path.trim();
}

interface FleetSetup {
  readonly seeder: string;
  readonly containers: number;
  /** Holds all that the server has; it is the caller's to remove. */
  readonly folder: string;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
  /** Of the server, besides those of the benchmark. */
  readonly flags?: readonly string[];
}

/** Writes the history of so many containers up to the last whole hour, and starts a server on it. */
export async function startFleetServer(setup: FleetSetup): Promise<FleetServer> {
  const { folder } = setup;
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const end = Math.floor(Date.now() / 1000 / HOUR_SECONDS) * HOUR_SECONDS;
  const toSeconds = end - REFRESHES * HOUR_SECONDS;
  const fromSeconds = toSeconds - WINDOW_DAYS * DAY_SECONDS;
  // The sample before the window begins is what its first rate starts from.
  await seed(setup, data, { from: fromSeconds - HOUR_SECONDS, to: end + 60 });
  const fleet = JSON.parse(await readFile(join(data, 'fleet.json'), 'utf8')) as FleetMember[];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await prometheusOn(setup, port);
  setup.signal.throwIfAborted();
  await server.start();
  return {
    url,
    fleet,
    fromSeconds,
    toSeconds,
    pid: () => pidOn(data),
    async restart() {
      await server.halt();
      await server.start();
    },
    halt: () => server.halt(),
  };
}

async function seed(
  { seeder, containers, onProgress, signal }: FleetSetup,
  out: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const flags = [`-containers=${containers}`, `-from=${from}`, `-to=${to}`, `-out=${out}`];
  const child = spawn(seeder, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  createInterface(child.stderr).on('line', (line) => {
    const [, done, total] = /^(\d+)\/(\d+)$/.exec(line) ?? [];
    if (done === undefined) console.error(line);
    else onProgress(Number(done), Number(total));
  });
  await ended(child, 'the writer of histories', signal);
}

async function prometheusOn(
  { folder, flags = [] }: FleetSetup,
  port: number,
): Promise<ServerProcess> {
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, 'scrape_configs: []\n');
  return serverProcess({
    program: 'prometheus',
    flags: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--storage.tsdb.retention.time=30d',
      // Blocks of one length are never compacted, which would run beside what is measured.
      '--storage.tsdb.min-block-duration=18h',
      '--storage.tsdb.max-block-duration=18h',
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
      ...flags,
    ],
    readyUrl: `http://127.0.0.1:${port}/-/ready`,
    log: join(folder, 'prometheus.log'),
  });
}

/** The process that has the data open, by its command line. Throws when none does. */
function pidOn(data: string): number {
  const pid = readdirSync('/proc').find(
    (name) => /^\d+$/.test(name) && commandOf(name).includes(`--storage.tsdb.path=${data}`),
  );
  if (pid === undefined) throw new Error(`no process serves ${data}`);
  return Number(pid);
}

/** Empty for a process that has ended meanwhile. */
function commandOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** `prometheus, version 2.42.0+ds (…)` → `2.42.0+ds`. */
export async function prometheusVersion(): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('prometheus', ['--version']);
  return /version (\S+)/.exec(stdout + stderr)?.[1] ?? 'of an unknown version';
}
