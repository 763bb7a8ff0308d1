import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const DEADLINE_MS = 60_000;

interface Run {
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunningCommand {
  readonly done: Promise<Run>;
  signal(signal: NodeJS.Signals): void;
}

/** Starts `rightsize` with these arguments and the environment of this process, changed by `env`; `main` is the program. */
export function startRightsize(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  main = MAIN,
): RunningCommand {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  const out = Promise.all([text(child.stdout), text(child.stderr)]);
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const done = Promise.all([exit, out]).then(([[code, by], [stdout, stderr]]) => ({
    code: code ?? by ?? 0,
    stdout,
    stderr,
  }));
  return { done, signal: (signal) => void child.kill(signal) };
}

/** Runs `rightsize` to its end. */
export function rightsize(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Run> {
  return startRightsize(args, env).done;
}
