import { InvalidArgumentError, Option, type Command } from 'commander';
import type { PrometheusOptions } from '../prometheus/options.ts';
import { parseMatcher } from '../prometheus/queries.ts';
import { BadInput, reading } from './failure.ts';

export interface PrometheusFlags {
  readonly prometheusUrl?: string;
  readonly prometheusTokenFile?: string;
  readonly prometheusUser?: string;
  readonly prometheusPasswordFile?: string;
  readonly prometheusHeader?: readonly string[];
  readonly prometheusCaFile?: string;
  readonly prometheusCertFile?: string;
  readonly prometheusKeyFile?: string;
  readonly prometheusMatcher?: readonly string[];
  readonly prometheusTimeout: number;
  readonly prometheusConcurrency: number;
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It is not a number above zero.');
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** Adds the flags that say where usage history is and how to get in. */
export function withPrometheusFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--prometheus-url <url>',
        'base URL of Prometheus, or of what speaks its HTTP API',
      ).env('RIGHTSIZE_PROMETHEUS_URL'),
    )
    .option('--prometheus-token-file <file>', 'file with a bearer token, read for every query')
    .option('--prometheus-user <name>', 'user of basic auth')
    .option('--prometheus-password-file <file>', 'file with the password of basic auth')
    .option(
      '--prometheus-header <name=value>',
      'extra header, such as X-Scope-OrgID=team; repeatable',
      collect,
    )
    .option('--prometheus-ca-file <file>', 'certificate authority of the server')
    .option('--prometheus-cert-file <file>', 'client certificate')
    .option('--prometheus-key-file <file>', 'key of the client certificate')
    .option(
      '--prometheus-matcher <label=value>',
      'added to every query where several clusters share a store; repeatable',
      collect,
    )
    .option('--prometheus-timeout <seconds>', 'deadline of one query', positive, 60)
    .option('--prometheus-concurrency <n>', 'queries at once', positive, 4);
}

/** Throws BadInput when something that is needed is missing or cannot be read. */
export function prometheusOptions(flags: PrometheusFlags): PrometheusOptions {
  const { prometheusUrl: url, prometheusUser: username } = flags;
  if (url === undefined) {
    throw new BadInput(
      'no Prometheus: say where it is with --prometheus-url or RIGHTSIZE_PROMETHEUS_URL, such as http://localhost:9090',
    );
  }
  const passwordFile = flags.prometheusPasswordFile;
  if ((username === undefined) !== (passwordFile === undefined)) {
    throw new BadInput('--prometheus-user and --prometheus-password-file belong together');
  }
  return {
    url,
    bearerTokenFile: flags.prometheusTokenFile,
    basicAuth:
      username === undefined || passwordFile === undefined ? undefined : { username, passwordFile },
    headers: Object.fromEntries((flags.prometheusHeader ?? []).map(header)),
    caFile: flags.prometheusCaFile,
    certFile: flags.prometheusCertFile,
    keyFile: flags.prometheusKeyFile,
    matchers: (flags.prometheusMatcher ?? []).map((text) =>
      reading(() => parseMatcher(text), '--prometheus-matcher'),
    ),
    timeoutSeconds: flags.prometheusTimeout,
    concurrency: Math.ceil(flags.prometheusConcurrency),
  };
}

function header(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new BadInput(`--prometheus-header "${text}" is not name=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}
