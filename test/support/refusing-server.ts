import type { IncomingMessage } from 'node:http';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeConnection } from '../../src/kube/connection.ts';
import { LocalServer } from './local-server.ts';

/** An answer: an empty object with 200, else a Status; a body of its own where one is stated. */
export interface Status {
  readonly code: number;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
  readonly body?: object;
}

function bodyOf({ code, message, retryAfterSeconds, body }: Status): object {
  if (code < 400) return body ?? {};
  return { kind: 'Status', code, message, details: { retryAfterSeconds } };
}

/** What a call makes of these answers, given in turn and the last one again and again. */
export async function withAnswers<T>(
  statuses: readonly Status[],
  call: (connection: KubeConnection) => Promise<T>,
): Promise<{ answer?: T; thrown?: unknown; requests: readonly IncomingMessage[] }> {
  const server = new LocalServer((_, response) => {
    const status = statuses[Math.min(server.requests.length, statuses.length) - 1];
    if (status === undefined) throw new Error('state an answer');
    response.writeHead(status.code).end(JSON.stringify(bodyOf(status)));
  });
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'c', server: await server.start(), skipTLSVerify: false },
    { name: 'u' },
  );
  const connection = new KubeConnection(() => config);
  const { requests } = server;
  try {
    return { answer: await call(connection), requests };
  } catch (thrown) {
    return { thrown, requests };
  } finally {
    await connection.close();
    await server.stop();
  }
}
