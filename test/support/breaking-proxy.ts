import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';

/** What a request gets instead of the server's answer. */
interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export type RequestKind = 'List' | 'Watch' | 'Other';

interface Fault {
  readonly kind: RequestKind;
  readonly answer: FakeAnswer | 'Reset' | 'Silence';
  /** Only requests whose URL has this text. */
  readonly urlHas: string;
  left: number;
}

/** Of one connection only, so not to be passed on. */
const HOP_HEADERS = new Set(['host', 'connection']);

/**
 * A plain HTTP server in front of the real API server that breaks what it is told to break. It speaks to the server
 * with the credentials of the kubeconfig, and with its own clients without any.
 */
export class BreakingProxy {
  readonly #server: Server;
  readonly #upstream: URL;
  readonly #options: RequestOptions;
  readonly #watches = new Map<ServerResponse, IncomingMessage>();
  #faults: Fault[] = [];
  /** Every request, as `List /api/v1/…?…`. */
  readonly requests: string[] = [];
  connections = 0;

  constructor(upstream: URL, options: RequestOptions) {
    this.#upstream = upstream;
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#take(request, response);
    });
    this.#server.on('connection', () => this.connections++);
  }

  static async start(): Promise<BreakingProxy> {
    const config = loadKubeConfig();
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const proxy = new BreakingProxy(new URL(config.getCurrentCluster()?.server ?? ''), options);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    proxy.#server.listen(0, '127.0.0.1', () => resolve(undefined));
    await promise;
    return proxy;
  }

  /** A kubeconfig whose cluster is this proxy. */
  kubeConfig(): KubeConfig {
    return kubeConfigFor(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#server.close(() => resolve(undefined));
    this.#server.closeAllConnections();
    await promise;
  }

  /** The next requests of the kind get this; `Silence` accepts the request and never answers. */
  failNext(kind: RequestKind, answer: Fault['answer'], times = 1, urlHas = ''): void {
    this.#faults.push({ kind, answer, urlHas, left: times });
  }

  get faultsLeft(): number {
    return this.#faults.reduce((sum, fault) => sum + fault.left, 0);
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Resets the TCP connections of the open watches. */
  resetWatches(): void {
    for (const response of this.#watches.keys()) response.socket?.resetAndDestroy();
  }

  /** Sends text into the open watches, ends them after it where told. */
  injectIntoWatches(text: string, then: 'End' | 'GoOn' = 'GoOn'): void {
    for (const response of this.#watches.keys()) {
      response.write(text);
      if (then === 'End') response.end();
    }
  }

  /** The open watches stay open, but nothing comes through any more. */
  silenceWatches(): void {
    for (const upstream of this.#watches.values()) {
      upstream.removeAllListeners('data');
      upstream.removeAllListeners('end');
      upstream.resume();
    }
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    const kind = kindOf(request);
    this.requests.push(`${kind} ${url}`);
    const fault = this.#faults.find(
      (one) => one.left > 0 && one.kind === kind && url.includes(one.urlHas),
    );
    if (fault === undefined) {
      this.#forward(request, response);
      return;
    }
    fault.left--;
    if (fault.answer === 'Reset') response.socket?.resetAndDestroy();
    else if (fault.answer !== 'Silence') {
      response.writeHead(fault.answer.status, fault.answer.headers).end(fault.answer.body);
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const send = this.#upstream.protocol === 'https:' ? httpsRequest : httpRequest;
    const onward = send(
      new URL(request.url ?? '/', this.#upstream),
      { ...this.#options, method: request.method, headers: this.#headersFor(request) },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        if (kindOf(request) === 'Watch') this.#watches.set(response, answer);
        answer.on('data', (chunk) => response.write(chunk));
        answer.on('end', () => response.end());
        answer.on('error', () => response.destroy());
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => {
      this.#watches.delete(response);
      onward.destroy();
    });
    request.pipe(onward);
  }

  #headersFor(request: IncomingMessage): RequestOptions['headers'] {
    const own = Object.entries(request.headers).filter(([name]) => !HOP_HEADERS.has(name));
    const credentials = this.#options.headers as Record<string, string> | undefined;
    return { ...Object.fromEntries(own), ...credentials };
  }
}

/** A kubeconfig without credentials. */
export function kubeConfigFor(server: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'test', server, skipTLSVerify: true },
    { name: 'anonymous' },
  );
  return config;
}

function kindOf({ url = '', method }: IncomingMessage): RequestKind {
  if (method !== 'GET') return 'Other';
  return url.includes('watch=true') ? 'Watch' : 'List';
}
