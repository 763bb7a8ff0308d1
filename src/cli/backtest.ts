import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { compareWithPeers } from '../backtest/against.ts';
import type { Comparison } from '../backtest/comparison.ts';
import { renderComparison } from '../backtest/comparisontext.ts';
import { PEER_NAMES, type PeerName } from '../backtest/peers/peer.ts';
import { backtest, CADENCES, type Backtest, type CadenceName } from '../backtest/run.ts';
import { recommendationLines } from '../backtest/recommendations.ts';
import type { GridSeries } from '../backtest/grid.ts';
import { containerSettings } from '../controller/settings.ts';
import { readGrids } from '../csv/grid.ts';
import { backtestJson, backtestTable } from '../report/backtest.ts';
import { Progress } from '../report/progress.ts';
import { PROFILES } from '../api/risk.ts';
import { BadInput } from './failure.ts';
import { policyFromFlags, type PolicyFlags } from './policyflags.ts';

interface BacktestFlags extends PolicyFlags {
  readonly source: 'csv';
  readonly cadence: CadenceName;
  readonly against: readonly PeerName[];
  readonly machineCores: Readonly<Record<string, number>>;
  readonly recommendationsOut?: string;
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
    const { result, comparisons } = await replayed(files, flags, {
      signal: abort.signal,
      progress,
    });
    progress.clear();
    if (flags.recommendationsOut !== undefined) await write(flags.recommendationsOut, result);
    process.stdout.write(
      flags.output === 'json' ? backtestJson(result, comparisons) : tables(result, comparisons),
    );
    process.exitCode = EXIT[result.verdict];
  } catch (error) {
    progress.clear();
    if (!abort.signal.aborted) throw error;
    process.stderr.write('interrupted; nothing was changed\n');
    process.exitCode = 130;
  }
}

function tables(result: Backtest, comparisons: readonly Comparison[]): string {
  return [backtestTable(result), ...comparisons.map(renderComparison)].join('\n');
}

interface Context {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

async function replayed(
  files: readonly string[],
  flags: BacktestFlags,
  { signal, progress }: Context,
): Promise<{ readonly result: Backtest; readonly comparisons: readonly Comparison[] }> {
  const settings = containerSettings(policyFromFlags(flags).policy, 'main', []);
  if (settings === undefined) throw new BadInput('the policy ignores every container');
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
  progress.show(`replay ${fleet.length} series`);
  const { cpu, memory } = settings.resources;
  const options = {
    risks: { cpu: cpu.risk, memory: memory.risk },
    confidence: settings.confidence,
    coresOf: (dataset: string) => coresOf(flags.machineCores, dataset),
  };
  const result = backtest(fleet, { ...options, cadence: flags.cadence });
  if (flags.against.length === 0) return { result, comparisons: [] };
  const onProgress = (done: number, total: number): void =>
    progress.show(`compare ${done} of ${total} series`);
  return {
    result,
    comparisons: compareWithPeers(result, { ...options, peers: flags.against, onProgress }),
  };
}

/** A name stands for the datasets that begin with it, as a trace may come in several files. */
function coresOf(given: Readonly<Record<string, number>>, dataset: string): number {
  return Object.entries(given).find(([prefix]) => dataset.startsWith(prefix))?.[1] ?? 1;
}

async function write(file: string, { replays }: Backtest): Promise<void> {
  const lines = function* () {
    for (const line of recommendationLines(replays)) yield `${line}\n`;
  };
  try {
    await pipeline(Readable.from(lines()), createWriteStream(file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BadInput(`write ${file}: ${reason}`, { cause });
  }
}
