import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { Comparison } from '../backtest/comparison.ts';
import { renderComparison } from '../backtest/comparisontext.ts';
import { CURVE_RISKS } from '../backtest/costcurve.ts';
import { findingsOf } from '../backtest/findings.ts';
import { pageOf } from '../backtest/page.ts';
import { recommendationLines } from '../backtest/recommendations.ts';
import { backtest, type Backtest } from '../backtest/run.ts';
import { backtestJson, backtestTable, type Reported } from '../report/backtest.ts';
import { renderBacktestPage } from '../report/html/backtestpage.ts';
import { Progress } from '../report/progress.ts';
import { againstPeers, type Peers } from './againstpeers.ts';
import {
  checkOutputs,
  givenPolicy,
  optionsOf,
  UNREAD,
  withBacktestFlags,
  type BacktestFlags,
  type ReplayOptions,
} from './backtestflags.ts';
import { notReplayed } from './backtestpolicy.ts';
import { readTraceFleet, type Replayable } from './backtestsource.ts';
import type { Context } from './clusterview.ts';
import { BadInput } from './failure.ts';
import { lookUp } from './interrupt.ts';
import type { GivenPolicy } from './policyflags.ts';
import { refuseUnread } from './sourceflags.ts';

const EXIT: Readonly<Record<Backtest['verdict'], number>> = {
  kept: 0,
  missed: 1,
  'too little data': 3,
};

/** Adds `rightsize backtest`. */
export function addBacktestCommand(program: Command): void {
  const command = program
    .command('backtest')
    .summary('replay recommendations on past use, and see whether the risk would have been kept')
    .description(
      'Walks over usage hour by hour, recommends from what lies before each hour only, and compares what was realised with what was promised. Usage comes from CSV files, or from a cluster and its Prometheus, of which the replica that used most counts in each 5 minutes.',
    )
    .argument(
      '[file...]',
      'with --source csv: series,timestamp,cpu_cores,memory_bytes, plain or gzip',
    );
  withBacktestFlags(command)
    .addHelpText(
      'after',
      '\nExit codes: 0 kept, 1 missed, 2 bad input, 3 too little data, or kept but usage of some workloads could not be read, 130 interrupted.',
    )
    .action((files: string[], flags: BacktestFlags) => {
      refuseUnread(command, { source: flags.source, files }, UNREAD);
      return runBacktest(files, flags);
    });
}

async function runBacktest(files: readonly string[], flags: BacktestFlags): Promise<void> {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const progress = new Progress(process.stderr);
  try {
    await replay(files, flags, { signal: abort.signal, progress });
  } catch (error) {
    progress.clear();
    if (!abort.signal.aborted) throw error;
    process.stderr.write('interrupted; nothing was changed\n');
    process.exitCode = 130;
  }
}

async function replay(
  files: readonly string[],
  flags: BacktestFlags,
  context: Context,
): Promise<void> {
  checkOutputs(flags);
  const given = givenPolicy(flags);
  const options = optionsOf(given, flags);
  const source = await readSource({ files, flags, given, options }, context);
  context.progress.show(`replay ${source.fleet.length} series`);
  const result = backtest(source.fleet, options);
  await lookUp(context.signal);
  const { currentOf } = source;
  const peers = await againstPeers({ result, options, against: flags.against, currentOf }, context);
  if (flags.recommendationsOut !== undefined) {
    await write(flags.recommendationsOut, recommendationText(result));
  }
  if (flags.html !== undefined) {
    await write(flags.html, [await pageText({ source, options, result, peers }, context)]);
  }
  context.progress.clear();
  print({ source, options, result, peers }, flags);
}

interface SourceInput {
  readonly files: readonly string[];
  readonly flags: BacktestFlags;
  readonly given: GivenPolicy;
  readonly options: ReplayOptions;
}

async function readSource(
  { files, flags, given, options: { risks, halfLifeHours } }: SourceInput,
  context: Context,
): Promise<Replayable> {
  if (flags.source === 'csv') {
    const notes = notReplayed([given.policy], { halfLifeHours, knowsContainers: false });
    return { ...(await readTraceFleet(files, context)), notes };
  }
  const { readClusterFleet } = await import('./backtestsourcecluster.ts');
  return readClusterFleet({ flags, given, risks, halfLifeHours }, context);
}

interface Replayed {
  readonly source: Replayable;
  readonly options: ReplayOptions;
  readonly result: Backtest;
  readonly peers: Peers;
}

function print({ source, options, result, peers }: Replayed, flags: BacktestFlags): void {
  const noRequests =
    flags.source === 'csv' && flags.against.current === 'Asked'
      ? ['a trace has no requests: "current" is left out']
      : [];
  for (const line of [...source.notes, ...noRequests, ...source.failures]) {
    process.stderr.write(`${line}\n`);
  }
  const reported = { ...result, findings: findingsOf(result, options) };
  const comparisons = comparisonsOf(peers);
  process.stdout.write(
    flags.output === 'json' ? backtestJson(reported, comparisons) : tables(reported, comparisons),
  );
  const isPart = result.verdict === 'kept' && source.failures.length > 0;
  process.exitCode = EXIT[isPart ? 'too little data' : result.verdict];
}

function comparisonsOf({ cpu, memory }: Peers): readonly Comparison[] {
  return [cpu, memory].flatMap((found) => found?.comparison ?? []);
}

function tables(reported: Reported, comparisons: readonly Comparison[]): string {
  return [backtestTable(reported), ...comparisons.map(renderComparison)].join('\n');
}

async function pageText(
  { source, result, peers, options }: Replayed,
  { signal, progress }: Context,
): Promise<string> {
  const otherRisks: Backtest[] = [];
  for (const risk of CURVE_RISKS) {
    progress.show(
      `replay at other risks for the page, ${otherRisks.length} of ${CURVE_RISKS.length}`,
    );
    otherRisks.push(backtest(source.fleet, { ...options, risks: { cpu: risk, memory: risk } }));
    await lookUp(signal);
  }
  const { says, currentOf } = source;
  return renderBacktestPage(
    pageOf({ source: says, options, result, otherRisks, peers, currentOf }),
  );
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
