import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { PrometheusError } from './failure.ts';
import type { PrometheusOptions } from './options.ts';

/** What one call needs: where to, as whom, over which sockets. */
interface OpenCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agents: { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent };
}

export interface Connection {
  /** Reads the secrets afresh. Rejects with a PrometheusError when a file cannot be read. */
  open(path: string, signal: AbortSignal): Promise<OpenCall>;
  close(): void;
}

interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Throws for a URL that is not one of http or https. */
export function createConnection(options: PrometheusOptions): Connection {
  const base = parseBase(options.url);
  const httpAgent = new HttpAgent(agentOptions(options));
  let httpsAgent = new HttpsAgent(agentOptions(options));
  let tlsInUse = '';
  const agentFor = (tls: TlsFiles): HttpsAgent => {
    const wanted = JSON.stringify(tls);
    if (wanted === tlsInUse || wanted === '{}') return httpsAgent;
    // The old agent is left to its calls under way: destroying it would reset them.
    httpsAgent = new HttpsAgent({ ...agentOptions(options), ...tls });
    tlsInUse = wanted;
    return httpsAgent;
  };
  return {
    async open(path, signal) {
      const tls = await readTls(options, signal);
      return {
        url: `${base.address}/api/v1/${path}${base.query}`,
        headers: {
          'user-agent': 'rightsize',
          ...options.headers,
          ...(await authorization(options, base.userInfo, signal)),
        },
        agents: { httpAgent, httpsAgent: agentFor(tls) },
      };
    },
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

function agentOptions({ concurrency }: PrometheusOptions): {
  keepAlive: true;
  maxSockets: number;
} {
  return { keepAlive: true, maxSockets: concurrency ?? DEFAULT_CONCURRENCY };
}

export const DEFAULT_CONCURRENCY = 4;

interface BaseUrl {
  readonly address: string;
  readonly query: string;
  /** `user:password` as the URL held it; undefined without. */
  readonly userInfo: string | undefined;
}

function parseBase(text: string): BaseUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new Error(`the Prometheus URL is not one: write ${suggestion(text)}`);
  }
  const userInfo =
    url.username === ''
      ? undefined
      : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    address: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`,
    query: url.search,
    userInfo,
  };
}

/** Only what cannot hold a password is said again. */
function suggestion(text: string): string {
  return /^[\w.-]+:\d+(\/[\w./-]*)?$/.test(text)
    ? `http://${text}`
    : 'http://host:port or https://host/prefix';
}

async function authorization(
  options: PrometheusOptions,
  userInfo: string | undefined,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  if (options.bearerTokenFile !== undefined) {
    const token = await readSecret('bearer token', options.bearerTokenFile, signal);
    return { authorization: `Bearer ${token}` };
  }
  if (options.basicAuth !== undefined) {
    const { username, passwordFile } = options.basicAuth;
    return basic(`${username}:${await readSecret('password', passwordFile, signal)}`);
  }
  return userInfo === undefined ? {} : basic(userInfo);
}

function basic(userInfo: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(userInfo).toString('base64')}` };
}

async function readTls(options: PrometheusOptions, signal: AbortSignal): Promise<TlsFiles> {
  const { caFile, certFile, keyFile } = options;
  return {
    ...(caFile === undefined ? {} : { ca: await readSecret('CA', caFile, signal) }),
    ...(certFile === undefined ? {} : { cert: await readSecret('certificate', certFile, signal) }),
    ...(keyFile === undefined ? {} : { key: await readSecret('key', keyFile, signal) }),
  };
}

async function readSecret(what: string, file: string, signal: AbortSignal): Promise<string> {
  try {
    return (await readFile(file, { encoding: 'utf8', signal })).trim();
  } catch (cause) {
    signal.throwIfAborted();
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    const message = `read the ${what} file ${file} for Prometheus: ${code}`;
    throw new PrometheusError('PrometheusUnreachable', message, { cause });
  }
}
