import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { DAY_SECONDS } from '../../src/recommend/usage.ts';
import { freePort } from '../support/prometheus.ts';
import { postWrite } from '../support/remote-write.ts';
import { serverProcess, type ServerProcess } from '../support/server-process.ts';
import { ended } from './child.ts';
import type { FleetMember } from './fleetview.ts';
import { REFRESHES, WINDOW_DAYS } from './task.ts';

const HOUR_SECONDS = 3600;
const BUILD = join(import.meta.dirname, 'build.sh');
/** Prometheus makes its first blocks of this length, which end at multiples of it. */
const BLOCK_SECONDS = 2 * HOUR_SECONDS;
/** An operator reads 3 to 13 minutes after a full hour. */
const PAST_SECONDS = 8 * 60;

/**
 * A real Prometheus that holds the history of a fleet, and what is in it. As of one that scrapes, the last hours are in its
 * memory, one to three of them; it takes in another one for each refresh.
 */
export interface FleetServer {
  readonly url: string;
  readonly fleet: readonly FleetMember[];
  /** The window of the first reading, at whose end its samples end. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
  pid(): number;
  /** Takes in what comes before the time, and was not taken in yet. */
  takeIn: (toSeconds: number) => Promise<void>;
  /** Ends it and starts it anew, so that nothing of what was before is left in its memory. */
  restart(): Promise<void>;
  halt(): Promise<void>;
}

/** Path of the program that writes histories, or of a Prometheus; builds it when it is not in the cache. */
export async function build(program: 'seed' | 'server', signal: AbortSignal): Promise<string> {
  const child = spawn(BUILD, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let path = '';
  child.stdout.setEncoding('utf8').on('data', (part) => (path += String(part)));
  await ended(child, `the build of "${program}"`, signal);
  return path.trim();
}

interface FleetSetup {
  readonly seeder: string;
  /** The server's program. */
  readonly prometheus: string;
  readonly containers: number;
  /** Holds all that the server has; it is the caller's to remove. */
  readonly folder: string;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
  /** Of the server, besides those of the benchmark. */
  readonly flags?: readonly string[];
}

/** Writes the history of so many containers up to the last half hour, and starts a server that holds all but the refreshes of it. */
export async function startFleetServer(setup: FleetSetup): Promise<FleetServer> {
  const { folder } = setup;
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const now = Date.now() / 1000 - PAST_SECONDS;
  const end = Math.floor(now / HOUR_SECONDS) * HOUR_SECONDS + PAST_SECONDS;
  const toSeconds = end - REFRESHES * HOUR_SECONDS;
  const fromSeconds = toSeconds - WINDOW_DAYS * DAY_SECONDS;
  const head = Math.floor((toSeconds - HOUR_SECONDS) / BLOCK_SECONDS) * BLOCK_SECONDS;
  // The sample before the window begins is what its first rate starts from.
  await seed(setup, data, { from: fromSeconds - HOUR_SECONDS, head, to: end });
  const fleet = JSON.parse(await readFile(join(data, 'fleet.json'), 'utf8')) as FleetMember[];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await prometheusOn(setup, port);
  setup.signal.throwIfAborted();
  const later = (await readdir(headOf(setup))).map(Number).sort((a, b) => a - b);
  const takeIn = async (toSeconds: number): Promise<void> => {
    for (let [next] = later; next !== undefined && next <= toSeconds; [next] = later) {
      await writeAll(url, join(headOf(setup), String(next)));
      later.shift();
    }
  };
  try {
    await server.start();
    await takeIn(toSeconds);
  } catch (error) {
    await server.halt();
    throw error;
  }
  return {
    url,
    fleet,
    fromSeconds,
    toSeconds,
    pid: () => pidOn(data),
    takeIn,
    async restart() {
      await server.halt();
      await server.start();
    },
    halt: () => server.halt(),
  };
}

/** Where the remote writes are that the server is to take in. */
function headOf({ folder }: FleetSetup): string {
  return join(folder, 'head');
}

async function writeAll(url: string, folder: string): Promise<void> {
  for (const name of (await readdir(folder)).sort()) {
    await postWrite(url, await readFile(join(folder, name)));
  }
}

async function seed(
  setup: FleetSetup,
  out: string,
  times: Readonly<Record<'from' | 'head' | 'to', number>>,
): Promise<void> {
  const { seeder, containers, onProgress, signal } = setup;
  const { from, head, to } = times;
  const blocks = [`-containers=${containers}`, `-from=${from}`, `-to=${to}`, `-out=${out}`];
  const flags = [...blocks, `-head=${head}`, `-head-out=${headOf(setup)}`];
  const child = spawn(seeder, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  createInterface(child.stderr).on('line', (line) => {
    const [, done, total] = /^(\d+)\/(\d+)$/.exec(line) ?? [];
    if (done === undefined) console.error(line);
    else onProgress(Number(done), Number(total));
  });
  await ended(child, 'the writer of histories', signal);
}

async function prometheusOn(
  { folder, prometheus, flags = [] }: FleetSetup,
  port: number,
): Promise<ServerProcess> {
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, 'scrape_configs: []\n');
  return serverProcess({
    program: prometheus,
    flags: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--storage.tsdb.retention.time=30d',
      // Blocks of one length are never compacted, which would run beside what is measured. Chunks that are in memory end at
      // multiples of it, and mostly at even hours, where all of them do by default.
      '--storage.tsdb.min-block-duration=18h',
      '--storage.tsdb.max-block-duration=18h',
      '--web.enable-remote-write-receiver',
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
export async function prometheusVersion(prometheus: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(prometheus, ['--version']).catch(
    (cause: unknown) => {
      throw new Error(`${prometheus} --version does not run; Debian has a package prometheus`, {
        cause,
      });
    },
  );
  return /version (\S+)/.exec(stdout + stderr)?.[1] ?? 'of an unknown version';
}
