import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** What a call gets instead of the server's answer, which is there to be broken; undefined passes it on. */
export type ReadAnswer = (
  response: ServerResponse,
  askServer: () => Promise<{ readonly type: string; readonly body: Buffer }>,
) => Promise<void> | void;

export interface ReadProxy {
  readonly url: string;
  /** What the next remote reads get, one each; then all pass. */
  readonly answers: ReadAnswer[];
  /** Likewise for the next lists of series. */
  readonly lists: ReadAnswer[];
  /** Likewise for what it is asked of its build. */
  readonly builds: ReadAnswer[];
  /** What all calls get; undefined passes them on. */
  always: ReadAnswer | undefined;
  /** Ends of the paths that were asked for. */
  readonly calls: string[];
  stop(): Promise<void>;
}

/**
 * Stands before a real Prometheus and breaks its remote reads, its lists of series and what it says of its build; everything
 * else passes through.
 */
export async function startReadProxy(upstream: string): Promise<ReadProxy> {
  const answers: ReadAnswer[] = [];
  const lists: ReadAnswer[] = [];
  const builds: ReadAnswer[] = [];
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push((request.url ?? '').replace(/^.*\/api\/v1\//, '').replace(/\?.*$/, ''));
    void pass(request, response).catch(() => response.destroy());
  });
  const insteadOf = (url: string): ReadAnswer | undefined => {
    if (proxy.always !== undefined) return proxy.always;
    if (url.includes('/api/v1/read')) return answers.shift();
    if (url.includes('/api/v1/status/buildinfo')) return builds.shift();
    return url.includes('/api/v1/series') ? lists.shift() : undefined;
  };
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const sent = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const askServer = async (): Promise<{ type: string; body: Buffer }> => {
      const answer = await fetch(`${upstream}${request.url ?? ''}`, {
        method: request.method ?? 'GET',
        headers: Object.fromEntries(
          Object.entries(request.headers).flatMap(([name, value]) =>
            ['host', 'connection', 'content-length', 'accept-encoding'].includes(name)
              ? []
              : [[name, String(value)]],
          ),
        ),
        ...(request.method === 'POST' ? { body: sent } : {}),
      });
      response.statusCode = answer.status;
      const type = answer.headers.get('content-type') ?? '';
      return { type, body: Buffer.from(await answer.arrayBuffer()) };
    };
    const instead = insteadOf(request.url ?? '');
    if (instead !== undefined) {
      await instead(response, askServer);
      return;
    }
    const { type, body } = await askServer();
    response.setHeader('content-type', type).end(body);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const proxy: ReadProxy = {
    url: `http://127.0.0.1:${address.port}`,
    answers,
    lists,
    builds,
    always: undefined,
    calls,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return proxy;
}
