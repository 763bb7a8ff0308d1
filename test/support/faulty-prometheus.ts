import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { listen, shut } from './stub-prometheus.ts';

/** The server's whole answer, which is there to be broken. */
interface WholeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What a call gets instead of the server's answer. */
export type Breaking = (
  response: ServerResponse,
  askServer: () => Promise<WholeAnswer>,
) => Promise<void> | void;

export interface FaultyPrometheus {
  readonly url: string;
  /** Ends of the paths that were asked for, with the time in milliseconds. */
  readonly calls: { readonly path: string; readonly atMs: number }[];
  /** Calls whose path ends so are broken, until it heals. */
  breakCalls(pathEnd: string, breaking: Breaking): void;
  heal(): void;
  stop(): Promise<void>;
}

/** Stands before a real Prometheus and breaks what it is told to break; everything else passes. */
export async function startFaulty(upstream: string): Promise<FaultyPrometheus> {
  const calls: { path: string; atMs: number }[] = [];
  let fault: { readonly pathEnd: string; readonly breaking: Breaking } | undefined;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', upstream).pathname.replace(/^.*\/api\/v1\//, '');
    calls.push({ path, atMs: performance.now() });
    void answer(path, request, response).catch(() => response.destroy());
  });
  const answer = async (
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const sent = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const askServer = (): Promise<WholeAnswer> =>
      ask(new URL(request.url ?? '', upstream), request, sent);
    if (fault !== undefined && path.endsWith(fault.pathEnd)) {
      await fault.breaking(response, askServer);
      return;
    }
    const { status, headers, body } = await askServer();
    response.writeHead(status, headers).end(body);
  };
  const url = `http://127.0.0.1:${await listen(server)}`;
  return {
    url,
    calls,
    breakCalls: (pathEnd, breaking) => (fault = { pathEnd, breaking }),
    heal: () => (fault = undefined),
    stop: () => shut(server),
  };
}

async function ask(
  url: URL,
  { method, headers }: IncomingMessage,
  sent: Buffer,
): Promise<WholeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const own = Object.entries(headers).filter(([name]) => !OF_THE_HOP.has(name));
  httpRequest(url, { method, headers: Object.fromEntries(own) }, resolve)
    .on('error', reject)
    .end(sent);
  const answer = await promise;
  const body = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>));
  const type = answer.headers['content-type'];
  return {
    status: answer.statusCode ?? 502,
    headers: type === undefined ? {} : { 'content-type': type },
    body,
  };
}

/** What is packed could not be broken inside. */
const OF_THE_HOP = new Set([
  'host',
  'connection',
  'accept-encoding',
  'content-length',
  'transfer-encoding',
]);
