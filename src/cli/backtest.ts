import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { renderComparison } from '../backtest/comparisontext.ts';
import { CURVE_RISKS } from '../backtest/costcurve.ts';
import { pageOf } from '../backtest/page.ts';
import { PEER_NAMES, type PeerName } from '../backtest/peers/peer.ts';
import type { Comparison } from '../backtest/comparison.ts';
import {
  backtest,
  CADENCES,
  type Backtest,
  type BacktestOptions,
  type CadenceName,
} from '../backtest/run.ts';
import { recommendationLines } from '../backtest/recommendations.ts';
import type { GridSeries } from '../backtest/grid.ts';
import { containerSettings } from '../controller/settings.ts';
import { readGrids } from '../csv/grid.ts';
import { backtestJson, backtestTable } from '../report/backtest.ts';
import { Progress } from '../report/progress.ts';
import { PROFILES } from '../api/risk.ts';
import { renderBacktestPage } from '../report/html/backtestpage.ts';
import { againstPeers, type Peers } from './againstpeers.ts';
import { BadInput } from './failure.ts';
import { policyFromFlags, type PolicyFlags } from './policyflags.ts';

interface BacktestFlags extends PolicyFlags {
  readonly source: 'csv';
  readonly cadence: CadenceName;
  readonly against: readonly PeerName[];
  readonly machineCores: Readonly<Record<string, number>>;
  readonly recommendationsOut?: string;
  readonly html?: string;
  readonly output: 'table' | 'json';
}

const EXIT: Readonly<Record<Backtest['verdict'], number>> = {
  kept: 0,
  missed: 1,
  'too little data': 3,
};

/** Adds `rightsize backtest`. */
export function addBacktestCommand(program: Command): void {
  program
    .command('backtest')
    .summary('replay recommendations on past use, and see whether the risk would have been kept')
    .description(
      'Walks over usage hour by hour, recommends from what lies before each hour only, and compares what was realised with what was promised.',
    )
    .argument('<file...>', 'series,timestamp,cpu_cores,memory_bytes, plain or gzip')
    .addOption(
      new Option('--source <source>', 'where usage comes from').choices(['csv']).default('csv'),
    )
    .option('--policy <file>', 'a RightsizePolicy or ClusterRightsizePolicy to go by')
    .addOption(new Option('--profile <name>', 'named risk').choices(PROFILES))
    .option('--cpu-risk <percent>', 'share of time that CPU demand may exceed the request')
    .option('--memory-risk <percent>', 'share of pod-days whose peak may exceed the limit')
    .option('--confidence <percent>', 'share of containers that must keep the CPU risk')
    .addOption(
      new Option('--cadence <name>', 'how closely CPU is followed')
        .choices(CADENCES)
        .default('steady'),
    )
    .option(
      '--against <peers>',
      `rules of other tools on the same series, as shipped and at equal promise: ${PEER_NAMES.join(',')}, or all`,
      peers,
      [],
    )
    .option(
      '--machine-cores <dataset=cores>',
      'the dataset gives CPU as a share of a machine of so many cores; repeatable',
      machineCores,
      {},
    )
    .option('--recommendations-out <file>', 'write what would have been recommended, as CSV')
    .option('--html <file>', 'write a page with charts that needs nothing but itself')
    .addOption(
      new Option('-o, --output <format>', 'form').choices(['table', 'json']).default('table'),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 kept, 1 missed, 2 bad input, 3 too little data, 130 interrupted.',
    )
    .action((files: string[], flags: BacktestFlags) => runBacktest(files, flags));
}

function peers(text: string): readonly PeerName[] {
  if (text === 'all') return PEER_NAMES;
  return text.split(',').map((name) => {
    const peer = PEER_NAMES.find((each) => each === name.trim());
    if (peer === undefined) {
      throw new InvalidArgumentError(`"${name}" is none of ${PEER_NAMES.join(', ')}.`);
    }
    return peer;
  });
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

async function runBacktest(files: readonly string[], flags: BacktestFlags): Promise<void> {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const progress = new Progress(process.stderr);
  try {
    const fleet = await readFleet(files, { signal: abort.signal, progress });
    const options = optionsOf(flags);
    progress.show(`replay ${fleet.length} series`);
    const result = backtest(fleet, options);
    const peers = againstPeers(result, { ...options, peers: flags.against }, progress);
    if (flags.recommendationsOut !== undefined) {
      await write(flags.recommendationsOut, recommendationText(result));
    }
    if (flags.html !== undefined) {
      progress.show('replay at other risks for the page');
      const source = `${files.length} trace files, ${fleet.length} series`;
      await write(flags.html, [pageText({ fleet, options, result, peers, source })]);
    }
    progress.clear();
    process.stdout.write(
      flags.output === 'json' ? backtestJson(result, comparisonsOf(peers)) : tables(result, peers),
    );
    process.exitCode = EXIT[result.verdict];
  } catch (error) {
    progress.clear();
    if (!abort.signal.aborted) throw error;
    process.stderr.write('interrupted; nothing was changed\n');
    process.exitCode = 130;
  }
}

function comparisonsOf({ cpu, memory }: Peers): readonly Comparison[] {
  return [cpu, memory].flatMap((found) => found?.comparison ?? []);
}

function tables(result: Backtest, peers: Peers): string {
  return [backtestTable(result), ...comparisonsOf(peers).map(renderComparison)].join('\n');
}

interface PageInput {
  readonly fleet: readonly GridSeries[];
  readonly options: BacktestOptions;
  readonly result: Backtest;
  readonly peers: Peers;
  readonly source: string;
}

function pageText({ fleet, options, result, peers, source }: PageInput): string {
  const otherRisks = CURVE_RISKS.map((risk) =>
    backtest(fleet, { ...options, risks: { cpu: risk, memory: risk } }),
  );
  const currentOf = () => undefined;
  return renderBacktestPage(pageOf({ source, options, result, otherRisks, peers, currentOf }));
}

interface Context {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

async function readFleet(
  files: readonly string[],
  { signal, progress }: Context,
): Promise<readonly GridSeries[]> {
  const fleet: GridSeries[] = [];
  try {
    for await (const series of readGrids(files, signal)) {
      fleet.push(series);
      progress.show(`read ${fleet.length} series`);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new BadInput(error instanceof Error ? error.message : String(error), { cause: error });
  }
  return fleet;
}

function optionsOf(flags: BacktestFlags): BacktestOptions {
  const settings = containerSettings(policyFromFlags(flags).policy, 'main', []);
  if (settings === undefined) throw new BadInput('the policy ignores every container');
  const { cpu, memory } = settings.resources;
  return {
    risks: { cpu: cpu.risk, memory: memory.risk },
    confidence: settings.confidence,
    cadence: flags.cadence,
    coresOf: (dataset) => coresOf(flags.machineCores, dataset),
  };
}

/** A name stands for the datasets that begin with it, as a trace may come in several files. */
function coresOf(given: Readonly<Record<string, number>>, dataset: string): number {
  return Object.entries(given).find(([prefix]) => dataset.startsWith(prefix))?.[1] ?? 1;
}

function* recommendationText({ replays }: Backtest): Generator<string> {
  for (const line of recommendationLines(replays)) yield `${line}\n`;
}

async function write(file: string, text: Iterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(text), createWriteStream(file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BadInput(`write ${file}: ${reason}`, { cause });
  }
}
