import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { PROFILES } from '../api/risk.ts';
import { CADENCES, type BacktestOptions, type CadenceName } from '../backtest/run.ts';
import { AGAINST_NAMES, AGAINST_NOTHING, parseAgainst, type Against } from './againstpeers.ts';
import { settingsOfAll } from './backtestpolicy.ts';
import type { ClusterFlags } from './clusterview.ts';
import { BadInput } from './failure.ts';
import { parseNamespace } from './kubenames.ts';
import { policyFromFlags, type GivenPolicy, type PolicyFlags } from './policyflags.ts';
import { withPrometheusFlags } from './prometheusflags.ts';
import { CLUSTER_FLAGS, type SourceName } from './sourceflags.ts';

export interface BacktestFlags extends PolicyFlags, ClusterFlags {
  readonly source: SourceName;
  readonly cadence?: CadenceName;
  readonly against: Against;
  readonly machineCores: Readonly<Record<string, number>>;
  readonly recommendationsOut?: string;
  readonly html?: string;
  readonly output: 'table' | 'json';
}

/** By source, the flags that it does not read: a trace is replayed whole, and a cluster gives cores. */
export const UNREAD: Readonly<Record<SourceName, readonly RegExp[]>> = {
  csv: [CLUSTER_FLAGS, /^window$/],
  prometheus: [/^machineCores$/],
};

/** Adds the flags of `rightsize backtest`. */
export function withBacktestFlags(command: Command): Command {
  command
    .addOption(
      new Option('--source <source>', 'where usage comes from')
        .choices(['csv', 'prometheus'])
        .default('csv'),
    )
    .option('--kubeconfig <file>', 'kubeconfig; default: KUBECONFIG, ~/.kube/config, in-cluster')
    .option('-n, --namespace <name>', 'this namespace only; default: all', parseNamespace)
    .option(
      '-l, --selector <labels>',
      'workloads with these labels only, such as app=web,tier=front',
    )
    .option('--window <duration>', 'how far back Prometheus is asked; default: 28d')
    .option('--policy <file>', 'a RightsizePolicy or ClusterRightsizePolicy to go by')
    .addOption(new Option('--profile <name>', 'named risk').choices(PROFILES))
    .option('--cpu-risk <percent>', 'share of time that CPU demand may exceed the request')
    .option('--memory-risk <percent>', 'share of pod-days whose peak may exceed the limit')
    .option('--confidence <percent>', 'share of containers that must keep the CPU risk')
    .addOption(
      new Option(
        '--cadence <name>',
        'how closely CPU is followed; default: as the policy says',
      ).choices(CADENCES),
    )
    .addOption(
      new Option(
        '--against <names>',
        `the requests of today, and rules of other tools on the same series, as shipped and at equal promise: ${AGAINST_NAMES.join(',')}, or all`,
      )
        .argParser(parseAgainst)
        .default(AGAINST_NOTHING, 'none'),
    )
    .addOption(
      new Option(
        '--machine-cores <dataset=cores>',
        'the dataset gives CPU as a share of a machine of so many cores; repeatable',
      )
        .argParser(machineCores)
        .default({}, 'none'),
    )
    .option('--recommendations-out <file>', 'write what would have been recommended, as CSV')
    .option('--html <file>', 'write a page with charts that needs nothing but itself');
  return withPrometheusFlags(command).addOption(
    new Option('-o, --output <format>', 'form').choices(['table', 'json']).default('table'),
  );
}

function machineCores(
  text: string,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const [dataset, cores] = text.split('=');
  if (!dataset || !(Number(cores) > 0)) {
    throw new InvalidArgumentError('Write dataset=cores, such as azure-v1-vms=4.');
  }
  return { ...before, [dataset]: Number(cores) };
}

/** The policy of the flags. The window is not its own here: it says how far back is read. */
export function givenPolicy(flags: BacktestFlags): GivenPolicy {
  const others = Object.entries(flags).filter(([name]) => name !== 'window');
  return policyFromFlags(Object.fromEntries(others));
}

/** Throws BadInput where the one file would be written over the other. */
export function checkOutputs({ recommendationsOut, html }: BacktestFlags): void {
  if (recommendationsOut === undefined || html === undefined) return;
  if (resolve(recommendationsOut) !== resolve(html)) return;
  throw new BadInput(`--recommendations-out and --html both name ${html}: write them to two files`);
}

/** Options that leave nothing to a default. */
export type ReplayOptions = Required<BacktestOptions>;

const HOUR_SECONDS = 3600;

/** What is replayed, by the policy that was given. Throws BadInput where it ignores every container. */
export function optionsOf(
  { policy }: GivenPolicy,
  { cadence, machineCores: given }: BacktestFlags,
): ReplayOptions {
  const settings = settingsOfAll(policy);
  if (settings === undefined) throw new BadInput('the policy ignores every container');
  const { cpu, memory } = settings.resources;
  return {
    risks: { cpu: cpu.risk, memory: memory.risk },
    confidence: settings.confidence,
    halfLifeHours: settings.halfLifeSeconds / HOUR_SECONDS,
    cadence: cadence ?? (settings.cadence === 'Tracking' ? 'tracking' : 'steady'),
    coresOf: (dataset) => coresOf(given, dataset),
  };
}

/** A name stands for the datasets that begin with it, as a trace may come in several files. */
function coresOf(given: Readonly<Record<string, number>>, dataset: string): number {
  return Object.entries(given).find(([prefix]) => dataset.startsWith(prefix))?.[1] ?? 1;
}
