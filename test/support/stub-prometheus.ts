import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** Answers as a Prometheus that holds nothing, and that offers no remote read. */
export function answerEmpty(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '', 'http://any');
  if (pathname.endsWith('/read')) {
    response.writeHead(404).end();
    return;
  }
  const resultType = pathname.endsWith('/query') ? 'vector' : 'matrix';
  const data = /\/(values|series)$/.test(pathname) ? [] : { resultType, result: [] };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ status: 'success', data }));
}

/** Listens on the loopback interface; the port. */
export async function listen(server: Server | SecureServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export async function shut(server: Server | SecureServer): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

export interface StubPrometheus {
  readonly url: string;
  /** Every request, in order. */
  readonly requests: IncomingMessage[];
  answering: (request: IncomingMessage, response: ServerResponse) => void;
  stop(): Promise<void>;
}

/** A server for what a real Prometheus cannot be made to answer. */
export async function startStub(): Promise<StubPrometheus> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    // A body that nobody reads would keep the connection from being used again.
    request.resume();
    stub.answering(request, response);
  });
  const stub: StubPrometheus = {
    url: `http://127.0.0.1:${await listen(server)}`,
    requests,
    answering: answerEmpty,
    stop: () => shut(server),
  };
  return stub;
}
