import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

const READY_SECONDS = 60;
const TERM_SECONDS = 15;
/** Exit code of setpriv for a program that is not there. */
const NOT_FOUND = 127;

interface ServerSetup {
  /** The program, which Debian has in a package of that name. */
  readonly program: string;
  readonly flags: readonly string[];
  /** Answers 2xx once the server is ready. */
  readonly readyUrl: string;
  readonly log: string;
}

export interface ServerProcess {
  /** Begins, also again after `halt`, and waits until it is ready. */
  readonly start: () => Promise<void>;
  /** Ends the process by SIGTERM, or SIGKILL after 15 s. */
  readonly halt: () => Promise<void>;
}

/** A server of the test's own that is not running yet. */
export function serverProcess(setup: ServerSetup): ServerProcess {
  let child: ChildProcess | undefined;
  return {
    async start() {
      child = launch(setup);
      await ready(child, setup);
    },
    async halt() {
      if (child !== undefined) await end(child);
      child = undefined;
    },
  };
}

function launch({ program, flags, log }: ServerSetup): ChildProcess {
  const file = openSync(log, 'a');
  // A runner that ends, even by SIGKILL, takes its server with it.
  const child = spawn('setpriv', ['--pdeathsig=KILL', program, ...flags], {
    stdio: ['ignore', file, file],
  });
  closeSync(file);
  return child;
}

async function ready(child: ChildProcess, setup: ServerSetup): Promise<void> {
  const { program, readyUrl, log } = setup;
  let failed: string | undefined;
  child.once('error', (error) => (failed = `setpriv of util-linux: ${error.message}`));
  child.once('exit', (code) => {
    failed ??=
      code === NOT_FOUND
        ? `${program} is not installed: run \`apt-get install --no-install-recommends ${program}\``
        : `${program} ended with ${code ?? 'a signal'}`;
  });
  const deadline = Date.now() + READY_SECONDS * 1000;
  while (Date.now() < deadline) {
    if (failed !== undefined) throw new Error(`${failed}${await lastLines(log)}`);
    if (await answers(readyUrl)) return;
    await wait(50);
  }
  throw new Error(`${program} is not ready after ${READY_SECONDS} s${await lastLines(log)}`);
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

async function lastLines(log: string): Promise<string> {
  const lines = (await readFile(log, 'utf8')).trim().split('\n').slice(-5).join('\n');
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
