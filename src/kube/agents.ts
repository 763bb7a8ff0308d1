import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import type { Access } from './credentials.ts';
import { KubeError } from './errors.ts';

/** Calls of different lanes never wait for a socket of each other. */
export type Lane = 'Ordinary' | 'Watch' | 'Lease';

type Pool = Readonly<Record<Lane, Dispatcher>>;

/** Sockets per lane; each watch holds one as long as it lasts. */
const SOCKETS: Readonly<Record<Lane, number | null>> = { Ordinary: 4, Watch: null, Lease: 1 };

/**
 * HTTP/1.1 on purpose: over HTTP/2 all watches would share one socket and fall together. Idle sockets go before
 * the 90 s after which the API server drops them.
 */
const SOCKET_OPTIONS = { allowH2: false, pipelining: 1, keepAliveTimeout: 60_000 } as const;

/** The shared sockets, replaced when the TLS material has changed. */
export class Agents {
  #fingerprint: string | undefined;
  #pool: Pool | undefined;
  readonly #retired = new Set<Dispatcher>();

  of(access: Access, lane: Lane): Dispatcher {
    if (this.#pool === undefined || this.#fingerprint !== access.fingerprint) {
      this.#retire();
      this.#pool = {
        Ordinary: dispatcherFor(access, SOCKETS.Ordinary),
        Watch: dispatcherFor(access, SOCKETS.Watch),
        Lease: dispatcherFor(access, SOCKETS.Lease),
      };
      this.#fingerprint = access.fingerprint;
    }
    return this.#pool[lane];
  }

  /** Ends every socket at once; calls under way fail. */
  async destroy(): Promise<void> {
    const all = [...Object.values(this.#pool ?? {}), ...this.#retired];
    this.#pool = undefined;
    await Promise.all(all.map((dispatcher) => dispatcher.destroy()));
  }

  /** Calls under way on the old sockets go on to their ends. */
  #retire(): void {
    for (const dispatcher of Object.values(this.#pool ?? {})) {
      this.#retired.add(dispatcher);
      const forget = (): boolean => this.#retired.delete(dispatcher);
      // Rejects when destroy() came first, which ends the sockets all the same.
      dispatcher.close().then(forget, forget);
    }
    this.#pool = undefined;
  }
}

function dispatcherFor({ tls, proxyUrl }: Access, connections: number | null): Dispatcher {
  const options = { ...SOCKET_OPTIONS, connections };
  // Found out after 30 s that a peer is gone, as client-go does; cloud balancers drop idle sockets at 60 s.
  const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000 };
  if (proxyUrl === undefined) return new Agent({ ...options, connect });
  if (proxyUrl.startsWith('http'))
    return new ProxyAgent({ ...options, uri: proxyUrl, requestTls: connect });
  throw new KubeError(
    'CredentialsInvalid',
    'the kubeconfig has a proxy-url that is not HTTP, which is not supported; name an HTTP proxy',
  );
}
