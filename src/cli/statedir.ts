import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Log } from '../controller/ports.ts';
import type { SourceOptions } from '../prometheus/source.ts';
import { UsageFile } from '../state/usagefile.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import { BadInput } from './failure.ts';
import type { PrometheusFlags } from './prometheusflags.ts';

export interface StateFlags {
  readonly stateDir?: string;
}

/** That no folder can be there: a mistake of the flag. What else stands against writing may pass. */
const NO_FOLDER: ReadonlySet<string | undefined> = new Set(['ENOTDIR', 'ENAMETOOLONG', 'ENOENT']);

/**
 * Where usage is kept over restarts; undefined where no folder is named. Throws BadInput for what is no folder. One that
 * cannot be written to now is said in the log, and no reason not to work: a start after that reads all.
 */
export function usageStore(
  { stateDir, prometheusMatcher }: StateFlags & Pick<PrometheusFlags, 'prometheusMatcher'>,
  { url, parameters, headers, headerFiles, basicAuth }: SourceOptions,
  log: Log,
): UsageFile | undefined {
  if (stateDir === undefined) return undefined;
  tryFolder(stateDir, log);
  const source = {
    url,
    matchers: prometheusMatcher ?? [],
    parameters,
    headers,
    headerFiles,
    user: basicAuth?.username,
  };
  return new UsageFile({ folder: stateDir, source, log, clock: SYSTEM_CLOCK });
}

function tryFolder(folder: string, log: Log): void {
  try {
    if (folder === '' || statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
      throw new BadInput(`--state-dir: "${folder}" is no folder; one that is missing is made`);
    }
    makeFolder(resolve(folder));
    const trial = join(folder, `usage.state.trial-${process.pid}`);
    writeFileSync(trial, '');
    rmSync(trial);
  } catch (error) {
    if (error instanceof BadInput) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (NO_FOLDER.has(code)) {
      throw new BadInput(`--state-dir: "${folder}" can be no folder: ${message}`, { cause: error });
    }
    log.warn(
      { folder, err: error },
      'usage cannot be kept there, so that a restart reads all: mount a volume that can be written to',
    );
  }
}

/** Node's own `recursive` never ends where a parent is there in which nothing can be made, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}
