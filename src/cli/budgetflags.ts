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

/** Adds the flags that bound what Prometheus is asked for. */
export function withBudgetFlags(command: Command): Command {
  return command
    .option('--prometheus-timeout <seconds>', 'deadline of one query', seconds, 60)
    .option('--prometheus-concurrency <n>', `queries at once, 1 to ${MOST_AT_ONCE}`, atOnce, 4)
    .addOption(
      new Option(
        '--prometheus-bytes <quantity>',
        'bytes of answers per second, on average over a minute; 0: no budget',
      )
        .argParser(perSecond)
        .default(BYTES_PER_SECOND, '20M'),
    )
    .addOption(
      new Option(
        '--prometheus-samples <quantity>',
        'samples of answers per second, on average over a minute; 0: no budget',
      )
        .argParser(perSecond)
        .default(SAMPLES_PER_SECOND, '5M'),
    )
    .addOption(
      new Option(
        '--prometheus-share <percent>',
        "share of the server's time: 100% is one query always under way, 0% no budget",
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

function perSecond(text: string): number {
  return noneIfZero(read(parseCpu, text, 'Write a number of 0 or more, such as 20M or 500k.'));
}

function share(text: string): number {
  return noneIfZero(read(parsePercent, text, 'Write a percentage, such as 50%, 100% or 200%.'));
}

function read(parse: (text: string) => number, text: string, hint: string): number {
  try {
    return parse(text);
  } catch (cause) {
    throw Object.assign(new InvalidArgumentError(hint), { cause });
  }
}

function noneIfZero(value: number): number {
  return value === 0 ? Infinity : value;
}
