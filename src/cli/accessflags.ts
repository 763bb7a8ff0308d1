import { Option, type Command } from 'commander';
import { hasUserInfo, URL_NAMES } from '../prometheus/address.ts';
import { isHeaderValue } from '../prometheus/credentials.ts';
import type { SourceOptions } from '../prometheus/source.ts';
import { BadInput } from './failure.ts';

/** Where Prometheus is, and how to get in. */
export interface AccessFlags {
  readonly prometheusUrl?: string;
  readonly prometheusTokenFile?: string;
  readonly prometheusUser?: string;
  readonly prometheusPasswordFile?: string;
  readonly prometheusHeader?: readonly string[];
  readonly prometheusHeaderFile?: readonly string[];
  readonly prometheusParam?: readonly string[];
  readonly prometheusCaFile?: string;
  readonly prometheusCertFile?: string;
  readonly prometheusKeyFile?: string;
  readonly prometheusProxy?: string;
}

export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** Adds the flags that say where Prometheus is, and how to get in. */
export function withAccessFlags(command: Command): Command {
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
    .option(
      '--prometheus-header-file <name=file>',
      'extra header whose value is a secret, read for every query; repeatable',
      collect,
    )
    .option(
      '--prometheus-param <name=value>',
      'sent with every query, such as dedup=true; repeatable',
      collect,
    )
    .option('--prometheus-ca-file <file>', 'certificate authority of the server')
    .option('--prometheus-cert-file <file>', 'client certificate')
    .option('--prometheus-key-file <file>', 'key of the client certificate')
    .addOption(
      new Option(
        '--prometheus-proxy <url>',
        "HTTP proxy on the way to Prometheus; the environment's is not used",
      ).env('RIGHTSIZE_PROMETHEUS_PROXY'),
    );
}

/** Throws BadInput for what cannot be meant so. */
export function accessOf(flags: AccessFlags, url: string): Omit<SourceOptions, 'url'> {
  const { prometheusCertFile: certFile, prometheusKeyFile: keyFile } = flags;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new BadInput('--prometheus-cert-file and --prometheus-key-file belong together');
  }
  refuseUnusedTls(flags, url);
  const headers = pairs('--prometheus-header', flags.prometheusHeader);
  const headerFiles = pairs('--prometheus-header-file', flags.prometheusHeaderFile);
  checkHeaders(headers, headerFiles);
  refuseTwoWaysIn(flags, url, [...headers, ...headerFiles]);
  return {
    bearerTokenFile: flags.prometheusTokenFile,
    basicAuth: basicAuthOf(flags),
    headers: Object.fromEntries(headers),
    headerFiles: Object.fromEntries(headerFiles),
    parameters: parametersOf(flags),
    caFile: flags.prometheusCaFile,
    certFile,
    keyFile,
    proxy: flags.prometheusProxy,
  };
}

/** Who names a certificate believes that the way is safe. */
function refuseUnusedTls(flags: AccessFlags, url: string): void {
  if ([url, flags.prometheusProxy].some((one) => /^\s*https:/i.test(one ?? ''))) return;
  const given = [
    ['--prometheus-ca-file', flags.prometheusCaFile],
    ['--prometheus-cert-file', flags.prometheusCertFile],
  ].find(([, file]) => file !== undefined);
  if (given === undefined) return;
  throw new BadInput(
    `${given.join(' ')} is for TLS, which ${URL_NAMES} does not have: write https://, or leave it out`,
  );
}

/** Each query says these itself; of two values a server might take the first. */
const OF_QUERIES: ReadonlySet<string> = new Set([
  ...['query', 'time', 'start', 'end', 'step', 'timeout', 'limit', 'match[]'],
]);

function parametersOf({ prometheusParam }: AccessFlags): SourceOptions['parameters'] {
  const parameters = pairs('--prometheus-param', prometheusParam);
  for (const [name] of parameters) {
    if (!OF_QUERIES.has(name)) continue;
    throw new BadInput(`--prometheus-param: each query has its own "${name}", leave it out`);
  }
  return parameters;
}

function basicAuthOf(flags: AccessFlags): SourceOptions['basicAuth'] {
  const { prometheusUser: username, prometheusPasswordFile: passwordFile } = flags;
  if (username === undefined && passwordFile === undefined) return undefined;
  if (username === undefined || passwordFile === undefined) {
    throw new BadInput('--prometheus-user and --prometheus-password-file belong together');
  }
  if (username.includes(':')) {
    throw new BadInput('--prometheus-user: a user of basic auth has no ":"');
  }
  return { username, passwordFile };
}

type Pairs = readonly (readonly [string, string])[];

/** What is wrong is counted, not said again: it may be a secret. */
function pairs(flag: string, texts: readonly string[] = []): Pairs {
  return texts.map((text, index) => {
    const at = text.indexOf('=');
    if (at >= 1) return [text.slice(0, at), text.slice(at + 1)];
    const which = texts.length === 1 ? '' : ` number ${index + 1}`;
    throw new BadInput(`${flag}${which} has no name before a "=": write name=value`);
  });
}

function checkHeaders(headers: Pairs, headerFiles: Pairs): void {
  for (const [name] of headers) checkHeaderName('--prometheus-header', name);
  for (const [name] of headerFiles) checkHeaderName('--prometheus-header-file', name);
  const seen = new Set<string>();
  for (const [name] of [...headers, ...headerFiles]) {
    if (seen.has(name.toLowerCase())) {
      throw new BadInput(
        `${name} is given twice by --prometheus-header and --prometheus-header-file: one would win`,
      );
    }
    seen.add(name.toLowerCase());
  }
  // A tenant that arrives changed may be another one.
  const changed = headers.find(([, value]) => !isHeaderValue(value));
  if (changed === undefined) return;
  throw new BadInput(
    `--prometheus-header ${changed[0]}: a value is one line of ASCII characters, others do not arrive as they are`,
  );
}

function checkHeaderName(flag: string, name: string): void {
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return;
  throw new BadInput(`${flag}: a name is made of letters, digits and "-", such as X-Scope-OrgID`);
}

/** A server gets one `Authorization`: of two, one would go unseen. */
function refuseTwoWaysIn(flags: AccessFlags, url: string, headers: Pairs): void {
  const [first, second] = [
    flags.prometheusTokenFile === undefined ? [] : ['--prometheus-token-file'],
    flags.prometheusUser === undefined ? [] : ['--prometheus-user'],
    hasUserInfo(url) ? [`the user or password in ${URL_NAMES}`] : [],
    headers.some(([name]) => name.toLowerCase() === 'authorization')
      ? ['the header Authorization (--prometheus-header or --prometheus-header-file)']
      : [],
  ].flat();
  if (first === undefined || second === undefined) return;
  throw new BadInput(`${first} and ${second} exclude each other`);
}
