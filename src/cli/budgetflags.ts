import { InvalidArgumentError, Option, type Command } from 'commander';
import { parsePercent } from '../api/percent.ts';
import { parseCpu } from '../api/quantity.ts';

/** What reading usage may cost Prometheus. */
export interface BudgetFlags {
  readonly prometheusTimeout: number;
  readonly prometheusConcurrency: number;
  readonly prometheusBytes: number;
  readonly prometheusSamples: number;
  readonly prometheusShare: number;
}

/** A first reading of some thousand containers fits in what a minute may save up. */
const BYTES_PER_SECOND = 20e6;
const SAMPLES_PER_SECOND = 5e6;
const SHARE = 1;
const MOST_AT_ONCE = 64;
/** With less, one answer would stop all others for hours. */
const LEAST_PER_SECOND = 1000;
const LEAST_SHARE = 0.01;

/** Adds the flags that bound what Prometheus is asked for. */
export function withBudgetFlags(command: Command): Command {
  return command
    .option('--prometheus-timeout <seconds>', 'deadline of one query', seconds, 60)
    .option('--prometheus-concurrency <n>', `queries at once, 1 to ${MOST_AT_ONCE}`, atOnce, 4)
    .addOption(
      new Option(
        '--prometheus-bytes <quantity>',
        'bytes of answers per second, 1k or more, on average over a minute; 0: no budget',
      )
        .argParser(perSecond)
        .default(BYTES_PER_SECOND, '20M'),
    )
    .addOption(
      new Option(
        '--prometheus-samples <quantity>',
        'samples of answers per second, 1k or more, on average over a minute; 0: no budget',
      )
        .argParser(perSecond)
        .default(SAMPLES_PER_SECOND, '5M'),
    )
    .addOption(
      new Option(
        '--prometheus-share <percent>',
        "share of the server's time, 1% or more: 100% is one query always under way; 0: no budget",
      )
        .argParser(share)
        .default(SHARE, '100%'),
    );
}

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError('Write seconds, above 0 and at most 3600, such as 60.');
}

function atOnce(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MOST_AT_ONCE) return value;
  throw new InvalidArgumentError(`Write a whole number from 1 to ${MOST_AT_ONCE}.`);
}

const A_QUANTITY = 'Write 1k or more, such as 20M or 500k, or 0 for no budget.';
const A_SHARE = 'Write a percentage of 1% or more, such as 50% or 200%, or 0 for no budget.';

function perSecond(text: string): number {
  // 20m is 0.02: who writes it means 20M.
  if (/[mun]$/.test(text.trim())) throw new InvalidArgumentError(A_QUANTITY);
  return budget(read(parseCpu, text, A_QUANTITY), LEAST_PER_SECOND, A_QUANTITY);
}

function share(text: string): number {
  const value = text.trim() === '0' ? 0 : read(parsePercent, text, A_SHARE);
  return budget(value, LEAST_SHARE, A_SHARE);
}

function read(parse: (text: string) => number, text: string, hint: string): number {
  try {
    return parse(text);
  } catch (cause) {
    throw Object.assign(new InvalidArgumentError(hint), { cause });
  }
}

function budget(value: number, least: number, hint: string): number {
  if (value === 0) return Infinity;
  if (value >= least) return value;
  throw new InvalidArgumentError(hint);
}
