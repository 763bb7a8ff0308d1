import { statSync } from 'node:fs';
import type { Log } from '../controller/ports.ts';
import type { UsageStore } from '../controller/usagestore.ts';
import type { SourceOptions } from '../prometheus/source.ts';
import { UsageFile } from '../state/usagefile.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import { BadInput } from './failure.ts';
import type { PrometheusFlags } from './prometheusflags.ts';

export interface StateFlags {
  readonly stateDir?: string;
}

/** Where usage is kept over restarts; undefined where no folder is named. Throws BadInput for what is no folder. */
export function usageStore(
  { stateDir, prometheusMatcher }: StateFlags & Pick<PrometheusFlags, 'prometheusMatcher'>,
  { url, parameters, headers, headerFiles, basicAuth }: SourceOptions,
  log: Log,
): UsageStore | undefined {
  if (stateDir === undefined) return undefined;
  if (stateDir === '' || statSync(stateDir, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new BadInput(`--state-dir: "${stateDir}" is no folder; one that is missing is made`);
  }
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
