import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { AxiosProxyConfig } from 'axios';
import { parseBase, parseProxy, type BaseUrl, type Proxy } from './address.ts';
import { basic, readCredentials } from './credentials.ts';
import type { PrometheusOptions } from './options.ts';
import { Secrets } from './secrets.ts';
import { checkTls, readTls, type TlsFiles } from './tlsfiles.ts';

/** What one call needs: where to, as whom, over which sockets. */
interface OpenCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agents: { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent };
  /** As axios takes it: CONNECT for https, the whole address for http. */
  readonly proxy: AxiosProxyConfig | false;
}

export interface Connection {
  /** Reads the secrets afresh. Rejects with a PrometheusError when a file cannot be read. */
  open(path: string, signal: AbortSignal): Promise<OpenCall>;
  /** The text without any secret that was sent. */
  redact(text: string): string;
  close(): void;
}

/** Throws for a URL that is not one of http or https. */
export function createConnection(options: PrometheusOptions): Connection {
  const base = parseBase(options.url, options.parameters ?? []);
  const proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
  const secrets = secretsOfFlags(options, base, proxy);
  const httpAgent = new HttpAgent(agentOptions(options));
  let httpsAgent = new HttpsAgent(agentOptions(options));
  let tlsInUse = '';
  const agentFor = (tls: TlsFiles): HttpsAgent => {
    const wanted = JSON.stringify(tls);
    if (wanted === tlsInUse || wanted === '{}') return httpsAgent;
    checkTls(options, tls);
    // The old agent is left to its calls under way: destroying it would reset them.
    httpsAgent = new HttpsAgent({ ...agentOptions(options), ...tls });
    tlsInUse = wanted;
    return httpsAgent;
  };
  return {
    async open(path, signal) {
      const tls = await readTls(options, signal);
      const secret = await readCredentials(options, base.userInfo, signal);
      for (const value of Object.values(secret)) secrets.add(value);
      return {
        url: `${base.address}/api/v1/${path}${base.query.size === 0 ? '' : `?${base.query.toString()}`}`,
        headers: { 'user-agent': 'rightsize', ...options.headers, ...secret },
        agents: { httpAgent, httpsAgent: agentFor(tls) },
        proxy: proxy?.config ?? false,
      };
    },
    redact: (text) => secrets.redact(text),
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

function secretsOfFlags(
  { headers = {} }: PrometheusOptions,
  base: BaseUrl,
  proxy: Proxy | undefined,
): Secrets {
  const userInfos = [base.userInfo, proxy?.userInfo].filter((userInfo) => userInfo !== undefined);
  const isAccess = ([name]: readonly [string, string]): boolean => /^authorization$/i.test(name);
  const access = Object.entries(headers).filter(isAccess);
  return new Secrets({
    certain: [...userInfos.map(basic), ...access.map(([, value]) => value)],
    likely: [...Object.values(headers), ...base.query.values()],
  });
}

function agentOptions({ concurrency }: PrometheusOptions): {
  keepAlive: true;
  maxSockets: number;
} {
  // One more than the budget, for a call that is urgent.
  return { keepAlive: true, maxSockets: (concurrency ?? DEFAULT_CONCURRENCY) + 1 };
}

export const DEFAULT_CONCURRENCY = 4;
