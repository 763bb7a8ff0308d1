import { Option, type Command } from 'commander';
import { parseMatcher } from '../prometheus/matcher.ts';
import type { ReaderWish } from '../prometheus/readers.ts';
import type { SourceOptions } from '../prometheus/source.ts';
import { accessOf, collect, withAccessFlags, type AccessFlags } from './accessflags.ts';
import { withBudgetFlags, type BudgetFlags } from './budgetflags.ts';
import { BadInput, reading } from './failure.ts';

export interface PrometheusFlags extends AccessFlags, BudgetFlags {
  /** Of the command: where it is set, no query leaves that namespace. */
  readonly namespace?: string;
  readonly prometheusMatcher?: readonly string[];
  readonly prometheusReader: ReaderWish;
}

const READERS = ['auto', 'remote-read', 'query-range'] as const satisfies readonly ReaderWish[];

/** Adds the flags that say where usage history is, how to get in, and what reading it may cost. */
export function withPrometheusFlags(command: Command): Command {
  return withBudgetFlags(withAccessFlags(command))
    .option(
      '--prometheus-matcher <label=value>',
      'added to every query where several clusters share a store; repeatable',
      collect,
    )
    .addOption(
      new Option('--prometheus-reader <reader>', 'how history is read; auto tries remote read')
        .choices(READERS)
        .default('auto'),
    );
}

/** Throws BadInput when something that is needed is missing or cannot be read. */
export function prometheusOptions(flags: PrometheusFlags): SourceOptions {
  const { prometheusUrl: url, namespace } = flags;
  if (url === undefined) {
    throw new BadInput(
      'no Prometheus: say where it is with --prometheus-url or RIGHTSIZE_PROMETHEUS_URL, such as http://localhost:9090',
    );
  }
  return {
    url,
    ...accessOf(flags, url),
    matchers: (flags.prometheusMatcher ?? []).map((text) =>
      reading(() => parseMatcher(text), '--prometheus-matcher'),
    ),
    namespaces: namespace === undefined ? undefined : [namespace],
    reader: flags.prometheusReader,
    timeoutSeconds: flags.prometheusTimeout,
    concurrency: flags.prometheusConcurrency,
    bytesPerSecond: flags.prometheusBytes,
    samplesPerSecond: flags.prometheusSamples,
    share: flags.prometheusShare,
  };
}
