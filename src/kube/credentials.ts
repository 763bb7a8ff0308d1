import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubeError, asError } from './errors.ts';

const TLS_FIELDS = ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'] as const;
type Tls = {
  readonly [Field in (typeof TLS_FIELDS)[number]]?: NonNullable<ConnectionOptions[Field]>;
};

/** What a call needs to reach the API server as the user of the kubeconfig. */
export interface Access {
  readonly server: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Tls;
  /** HTTP proxy on the way. */
  readonly proxyUrl: string | undefined;
  /** Equal as long as the TLS material and the proxy are. */
  readonly fingerprint: string;
}

/**
 * client-node reads a token file again when its copy is 60 s old. Certificates and the answers of exec plugins are
 * taken over when ours is as old as this.
 */
const FRESH_MS = 30_000;
/** A plugin that asks a person to log in would otherwise hold every call for ever. */
const DEADLINE_MS = 60_000;
/** A user whose token is refused for good must not make us run its plugin for each call. */
const REFRESH_PAUSE_MS = 10_000;

/** Headers and TLS material of a kubeconfig, read again now and then because files and tokens rotate. */
export class Credentials {
  readonly #load: () => KubeConfig;
  #config: KubeConfig;
  #refreshedMs = -Infinity;
  #access: Promise<Access> | undefined;
  #readMs = 0;

  /** Loads the kubeconfig at once, so that a wrong one fails at start. */
  constructor(load: () => KubeConfig) {
    this.#load = load;
    this.#config = allowPlainHttp(load());
  }

  current(): Promise<Access> {
    const now = performance.now();
    if (this.#access === undefined || now - this.#readMs > FRESH_MS) {
      this.#readMs = now;
      const access = readAccess(this.#config);
      this.#access = access;
      access.catch(() => {
        if (this.#access === access) this.#access = undefined;
      });
    }
    return this.#access;
  }

  /**
   * The server did not accept what we have: drop every cache, that of client-node's exec plugin too, which keeps a
   * token without expiry for ever. False when that was done a moment ago, so that a retry would be in vain.
   */
  refresh(): boolean {
    if (performance.now() - this.#refreshedMs < REFRESH_PAUSE_MS) return false;
    this.#refreshedMs = performance.now();
    this.#config = allowPlainHttp(this.#load());
    this.#access = undefined;
    return true;
  }
}

/** client-node refuses `http:` servers, such as kubectl proxy, unless told not to look for TLS. */
function allowPlainHttp(config: KubeConfig): KubeConfig {
  config.clusters = config.clusters.map((cluster) =>
    cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster,
  );
  return config;
}

async function readAccess(config: KubeConfig): Promise<Access> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new KubeError('CredentialsInvalid', 'kubeconfig names no cluster');
  const options: RequestOptions = {};
  try {
    await withDeadline(config.applyToHTTPSOptions(options));
    const { proxyUrl } = cluster;
    const tls = tlsOf(options);
    const fingerprint = hash([proxyUrl, tls]);
    return {
      server: new URL(cluster.server),
      headers: headersOf(options),
      tls,
      proxyUrl,
      fingerprint,
    };
  } catch (thrown) {
    throw new KubeError(
      'CredentialsInvalid',
      `get credentials of the kubeconfig for cluster ${cluster.name}: ${asError(thrown).message.trim()}`,
      { cause: thrown },
    );
  }
}

async function withDeadline(work: Promise<void>): Promise<void> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    deadline.reject(new Error(`no answer within ${DEADLINE_MS / 1000} s`));
  }, DEADLINE_MS);
  try {
    await Promise.race([work, deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function tlsOf(options: RequestOptions): Tls {
  const stated = TLS_FIELDS.filter((field) => options[field] !== undefined);
  return Object.fromEntries(stated.map((field) => [field, options[field]]));
}

function headersOf(options: RequestOptions): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // A token file may end in a line feed, which no header may hold.
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim();
  }
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  return headers;
}

function hash(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
