import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { KubeConnection } from '../../../src/kube/connection.ts';
import { loadKubeConfig } from '../../../src/kube/kubeconfig.ts';
import { LocalServer } from '../../support/local-server.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const PATH = '/api/v1/pods';
const fine: Answer = (_, response) => response.end('{"fine":true}');

function refuse(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_, response) => response.writeHead(status, headers).end('{"message":"no"}');
}

describe('a connection', () => {
  let server: LocalServer;
  let connection: KubeConnection;
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rightsize-kubeconfig-'));
  });
  afterEach(async () => {
    await server.stop();
    await connection.close();
    rmSync(folder, { recursive: true });
  });

  /** Answers in turn, the last one again and again. */
  async function serve(...answers: readonly Answer[]): Promise<string> {
    server = new LocalServer((request, response) => {
      const answer = answers[Math.min(server.requests.length, answers.length) - 1];
      answer?.(request, response);
    });
    return server.start();
  }

  function connect(
    url: string,
    user: object = {},
    rateLimit = { perSecond: 1000, burst: 1000 },
  ): void {
    const file = join(folder, 'config');
    const config = {
      clusters: [{ name: 'c', cluster: { server: url } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(file, JSON.stringify(config));
    connection = new KubeConnection(() => loadKubeConfig(file), { rateLimit });
  }

  const get = (extra: object = {}) => connection.request({ method: 'GET', path: PATH, ...extra });
  const authorization = () => server.requests.map(({ headers }) => headers.authorization);

  const recoveries: Readonly<Record<string, { first: Answer; wantMs: number }>> = {
    'a 429': { first: refuse(429), wantMs: 250 },
    'a 429 with Retry-After': { first: refuse(429, { 'retry-after': '1' }), wantMs: 1000 },
    'a 503': { first: refuse(503), wantMs: 250 },
    'a reset': { first: (_, response) => response.socket?.resetAndDestroy(), wantMs: 0 },
  };
  for (const [what, { first, wantMs }] of Object.entries(recoveries)) {
    it(`tries again after ${what}`, async () => {
      connect(await serve(first, fine));
      const from = performance.now();
      assert.deepEqual(await get(), { fine: true });
      // Timers count whole milliseconds.
      assert.ok(performance.now() - from >= wantMs - 2);
      assert.equal(server.requests.length, 2);
    });
  }

  const failures: Readonly<
    Record<string, { answer: Answer; call?: object; wantKind: string; wantTries: number }>
  > = {
    'a 429 that asks for a minute': {
      answer: refuse(429, { 'retry-after': '60' }),
      wantKind: 'TooManyRequests',
      wantTries: 1,
    },
    'a 429 when told never to try again': {
      answer: refuse(429),
      call: { retry: 'Never' },
      wantKind: 'TooManyRequests',
      wantTries: 1,
    },
    'a 500': { answer: refuse(500), wantKind: 'ServerError', wantTries: 1 },
    'a reset of a write': {
      answer: (_, response) => response.socket?.resetAndDestroy(),
      call: { method: 'POST', body: {} },
      wantKind: 'Unreachable',
      wantTries: 1,
    },
    'an answer that is not JSON': {
      answer: (_, response) => response.end('<html>'),
      wantKind: 'AnswerInvalid',
      wantTries: 1,
    },
    'an answer that was cut off': {
      answer: (_, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{', () => response.destroy());
      },
      wantKind: 'Unreachable',
      wantTries: 2,
    },
    'no answer within the deadline': {
      answer: () => undefined,
      call: { deadlineMs: 100 },
      wantKind: 'Timeout',
      wantTries: 1,
    },
    'an answer that does not end within the deadline': {
      answer: (_, response) => response.write('{'),
      call: { deadlineMs: 100 },
      wantKind: 'Timeout',
      wantTries: 1,
    },
  };
  for (const [what, { answer, call, wantKind, wantTries }] of Object.entries(failures)) {
    it(`fails with ${wantKind} on ${what}`, async () => {
      connect(await serve(answer));
      await assert.rejects(get(call), { kind: wantKind });
      assert.equal(server.requests.length, wantTries);
    });
  }

  it('names the call in its errors, without the query', async () => {
    connect(await serve(refuse(500)));
    await assert.rejects(get({ query: { labelSelector: 'secret' } }), {
      message: 'GET /api/v1/pods: ServerError (500): no',
    });
  });

  it('ends a call at once when the caller aborts', async () => {
    connect(await serve(() => undefined));
    const abort = new AbortController();
    const call = get({ signal: abort.signal });
    abort.abort();
    await assert.rejects(call, { kind: 'Aborted' });
  });

  describe('with a write', () => {
    const write = (extra: object = {}) =>
      get({ method: 'PATCH', path: '/api/v1/namespaces/shop/pods/web', body: {}, ...extra });
    const isWriting = () => connection.isWriting((namespace) => namespace === 'shop');

    it('waits for the answer after the caller aborts, since the server does it all the same', async () => {
      const { promise: hasArrived, resolve: arrive } = Promise.withResolvers<ServerResponse>();
      connect(await serve((_, response) => arrive(response)));
      const abort = new AbortController();
      const call = write({ signal: abort.signal });
      const response = await hasArrived;
      abort.abort();
      let isQuiet = false;
      const quiet = connection.quiet().then(() => (isQuiet = true));
      await wait(50);
      assert.equal(isWriting(), true);
      assert.equal(isQuiet, false);
      response.end('{"done":true}');
      assert.deepEqual(await call, { done: true });
      assert.equal(isWriting(), false);
      await quiet;
    });

    it('does not send what the caller aborted before', async () => {
      connect(await serve(fine));
      await assert.rejects(write({ signal: AbortSignal.abort() }), { kind: 'Aborted' });
      assert.equal(server.requests.length, 0);
      assert.equal(isWriting(), false);
    });

    it('counts it until its deadline when the connection ends without an answer', async () => {
      connect(await serve((_, response) => response.socket?.resetAndDestroy()));
      const started = performance.now();
      await assert.rejects(write({ deadlineMs: 300 }), { kind: 'Unreachable' });
      assert.equal(isWriting(), true);
      await connection.quiet();
      assert.ok(performance.now() - started >= 298);
      assert.equal(isWriting(), false);
    });

    it('does not count what no server has received', async () => {
      connect(await serve(fine));
      await server.stop();
      await assert.rejects(write(), { kind: 'Unreachable' });
      assert.equal(isWriting(), false);
    });

    it('does not count what the server refused', async () => {
      connect(await serve(refuse(409)));
      await assert.rejects(write(), { kind: 'Conflict' });
      assert.equal(isWriting(), false);
    });
  });

  it('keeps to its rate', async () => {
    connect(await serve(fine), {}, { perSecond: 20, burst: 5 });
    const from = performance.now();
    await Promise.all(Array.from({ length: 10 }, () => get()));
    // Five at once, five more 50 ms apart.
    assert.ok(performance.now() - from >= 245);
    await get({ lane: 'Lease' });
  });

  it('uses at most 4 sockets for calls at the same time', async () => {
    connect(await serve(fine));
    await Promise.all(Array.from({ length: 50 }, () => get()));
    assert.ok(server.connections <= 4, `${server.connections} connections`);
  });

  it('escapes queries and sends bodies with their type', async () => {
    connect(await serve(fine));
    const contentType = 'application/merge-patch+json';
    await get({
      method: 'PATCH',
      body: { a: 1 },
      contentType,
      query: { s: 'a=b&c', none: undefined },
    });
    const [request] = server.requests;
    assert.equal(request?.url, `${PATH}?s=a%3Db%26c`);
    assert.equal(request.headers['content-type'], contentType);
  });

  it('goes through a gateway whose server has a path', async () => {
    connect(`${await serve(fine)}/k8s/clusters/c-1/`);
    await get();
    assert.equal(server.requests[0]?.url, `/k8s/clusters/c-1${PATH}`);
  });

  describe('with credentials', () => {
    it('sends a token of the kubeconfig', async () => {
      connect(await serve(fine), { token: 'inline' });
      await get();
      assert.deepEqual(authorization(), ['Bearer inline']);
    });

    it('sends name and password', async () => {
      connect(await serve(fine), { username: 'ann', password: 'pw' });
      await get();
      assert.deepEqual(authorization(), [`Basic ${btoa('ann:pw')}`]);
    });

    it('reads a token file again when the server no longer accepts the token', async () => {
      const url = await serve(fine, refuse(401), fine);
      writeFileSync(join(folder, 'token'), 'old\n');
      connect(url, { tokenFile: 'token' });
      await get();
      writeFileSync(join(folder, 'token'), 'new\n');
      await get();
      assert.deepEqual(authorization(), ['Bearer old', 'Bearer old', 'Bearer new']);
    });

    it('asks an exec plugin once, and again when its token is refused', async () => {
      const url = await serve(fine, fine, refuse(401), fine);
      connect(url, { exec: execPlugin(join(folder, 'asked')) });
      for (let call = 0; call < 3; call++) await get();
      assert.deepEqual(authorization(), [
        'Bearer token-1',
        'Bearer token-1',
        'Bearer token-1',
        'Bearer token-2',
      ]);
    });

    it('gives up when the token is refused again', async () => {
      connect(await serve(refuse(401)), { token: 'wrong' });
      await assert.rejects(get(), { kind: 'Unauthorized' });
      await assert.rejects(get(), { kind: 'Unauthorized' });
      assert.equal(server.requests.length, 3);
    });

    it('says which cluster the credentials are missing for', async () => {
      const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-plugin' };
      connect(await serve(fine), { exec });
      await assert.rejects(get(), {
        kind: 'CredentialsInvalid',
        message: /^get credentials of the kubeconfig for cluster c: .*no-such-plugin ENOENT$/,
      });
    });
  });

  describe('with a stream', () => {
    const open = (signal = new AbortController().signal, silenceMs = 10_000) =>
      connection.stream({ path: PATH, silenceMs, signal });

    async function read(stream: AsyncIterable<string>): Promise<readonly string[]> {
      const lines: string[] = [];
      for await (const line of stream) lines.push(line);
      return lines;
    }

    it('splits lines wherever the chunks end, and drops a cut one', async () => {
      const bytes = Buffer.from('{"a":"ü"}\n{"b":1}\n{"cu');
      connect(
        await serve((_, response) => {
          const sendFrom = (at: number): void => {
            if (at === bytes.length) response.end();
            else response.write(bytes.subarray(at, at + 1), () => setImmediate(sendFrom, at + 1));
          };
          sendFrom(0);
        }),
      );
      assert.deepEqual(await read(await open()), ['{"a":"ü"}', '{"b":1}']);
    });

    const breaks: Readonly<
      Record<string, { then: (response: ServerResponse) => void; wantKind: string }>
    > = {
      'is reset': {
        then: (response) => response.socket?.resetAndDestroy(),
        wantKind: 'Unreachable',
      },
      'goes silent': { then: () => undefined, wantKind: 'Timeout' },
    };
    for (const [what, { then, wantKind }] of Object.entries(breaks)) {
      it(`fails with ${wantKind} when it ${what}`, async () => {
        connect(await serve((_, response) => response.write('{}\n', () => then(response))));
        const stream = await open(undefined, 500);
        await assert.rejects(read(stream), { kind: wantKind, message: /^WATCH \/api\/v1\/pods: / });
      });
    }

    it('fails like a call when it is refused', async () => {
      connect(await serve(refuse(410)));
      await assert.rejects(open(), { kind: 'Gone' });
    });

    it('ends at once when the caller aborts', async () => {
      connect(await serve((_, response) => response.write('{}\n')));
      const abort = new AbortController();
      const stream = await open(abort.signal);
      const reading = read(stream);
      abort.abort();
      await assert.rejects(reading, { kind: 'Aborted' });
    });
  });
});

/** Hands out token-1, token-2, …; counts in a file how often it was asked. */
function execPlugin(countFile: string): object {
  const script = `
    const { appendFileSync, readFileSync } = require('node:fs');
    appendFileSync(process.argv[1], 'x');
    const token = 'token-' + readFileSync(process.argv[1], 'utf8').length;
    console.log(JSON.stringify({ status: { token } }));`;
  return {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: ['-e', script, countFile],
  };
}
