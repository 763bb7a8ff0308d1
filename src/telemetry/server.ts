import { createServer, type Server, type ServerResponse } from 'node:http';

export interface TelemetryPages {
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
  /** What keeps this instance from working, a sentence each; empty when ready. */
  readonly problems: () => readonly string[];
}

/** `127.0.0.1:8080` or `[::1]:8080` → host and port. Throws a sentence that says what to write. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new Error(`"${text}" is not an address; write host:port, such as 127.0.0.1:8080`);
  }
  return { host, port };
}

/** Serves /metrics, /healthz and /readyz; resolves when it listens. */
export async function serveTelemetry(
  address: { readonly host: string; readonly port: number },
  pages: TelemetryPages,
): Promise<Server> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    void answer(path, pages, response);
  });
  const listening = Promise.withResolvers<undefined>();
  server.once('error', listening.reject);
  server.listen(address.port, address.host, () => listening.resolve(undefined));
  await listening.promise;
  return server;
}

async function answer(
  path: string,
  pages: TelemetryPages,
  response: ServerResponse,
): Promise<void> {
  try {
    switch (path) {
      case '/metrics':
        send(response, 200, await pages.metrics(), pages.metricsType);
        return;
      case '/healthz':
        send(response, 200, 'ok\n');
        return;
      case '/readyz': {
        const problems = pages.problems();
        send(response, problems.length === 0 ? 200 : 503, `${problems.join('\n') || 'ok'}\n`);
        return;
      }
      default:
        send(response, 404, 'there are /metrics, /healthz and /readyz\n');
    }
  } catch (error) {
    send(response, 500, `${error instanceof Error ? error.message : 'failed'}\n`);
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}
