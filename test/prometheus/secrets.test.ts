import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { pino } from 'pino';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WorkloadRef } from '../../src/controller/ports.ts';
import { createPrometheusClient } from '../../src/prometheus/client.ts';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';
import { createTransport } from '../../src/prometheus/transport.ts';
import { answerEmpty, startStub, type StubPrometheus } from '../support/stub-prometheus.ts';

const web: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'web' };
const TO = 1_800_000_000;

/** Each in another place where a secret may be given. */
const SECRETS = {
  token: 'tok-en.1234567890',
  user: 'url-user-9',
  urlPassword: 'url:pass/word',
  password: 'file-pass"word-ä-3',
  shortPassword: 'abc12',
  header: 'header-value-77',
  headerFile: 'header-file-value-88',
  parameter: 'parameter-value-99',
  urlParameter: 'query-of-url-11',
  proxyPassword: 'proxy-password-5',
};

/** A server says again all that it was sent, in the one way or the other. */
const told = (request: IncomingMessage): string =>
  `${decoded(request)} ${request.url ?? ''} ${JSON.stringify(request.headers)}`;
/** The user and password, as a server knows them that refuses them. */
function decoded({ headers }: IncomingMessage): string {
  const [, base64 = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? [];
  const userInfo = Buffer.from(base64, 'base64').toString();
  const password = userInfo.slice(userInfo.indexOf(':') + 1);
  return `bad credentials for ${userInfo}: "${password}" is wrong`;
}
const ANSWERS: Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => void>
> = {
  'an error in JSON': (request, response) =>
    response
      .writeHead(403, { 'content-type': 'application/json' })
      .end(JSON.stringify({ status: 'error', errorType: 'x', error: told(request) })),
  'an error in plain text': (request, response) =>
    response.writeHead(500, { 'content-type': 'text/plain' }).end(told(request)),
  'a redirect': (request, response) =>
    response.writeHead(302, { location: `http://elsewhere.example${request.url ?? ''}` }).end(),
  'what is no JSON': (request, response) => response.end(told(request)),
  'a connection that is reset': (_request, response) => response.socket?.resetAndDestroy(),
  warnings: (request, response) => {
    const data =
      request.url?.includes('/values') === true ? [] : { resultType: 'matrix', result: [] };
    response.end(JSON.stringify({ status: 'success', data, warnings: [told(request)] }));
  },
};

/** Both come with the status 200. */
const SAID_OF_SERIES: Readonly<Record<string, (told: string) => unknown>> = {
  'an error': (error) => ({ status: 'error', errorType: 'internal', error }),
  'a warning': (warning) => ({ status: 'success', data: [], warnings: [warning] }),
};

describe('secrets of access to Prometheus', function () {
  this.timeout(30_000);
  let folder: string;
  let stub: StubPrometheus;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-secrets-'));
    for (const name of ['token', 'password', 'shortPassword', 'headerFile'] as const) {
      await writeFile(join(folder, name), `${SECRETS[name]}\n`);
    }
    stub = await startStub();
  });
  after(async () => {
    await stub.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const ways = ['token', 'basic', 'short', 'url'] as const;
  type Way = (typeof ways)[number];
  /** What is tried again takes its time. */
  const SLOW = new Set(['an error in plain text', 'a connection that is reset']);

  function optionsWith(kind: Way): SourceOptions {
    const userInfo = `${SECRETS.user}:${encodeURIComponent(SECRETS.urlPassword)}@`;
    const base = stub.url.replace('://', `://${kind === 'url' ? userInfo : ''}`);
    const passwordFile = join(folder, kind === 'short' ? 'shortPassword' : 'password');
    const isBasic = kind === 'basic' || kind === 'short';
    return {
      url: `${base}/prefix?key=${SECRETS.urlParameter}`,
      headers: { 'X-Key': SECRETS.header },
      headerFiles: { 'X-File-Key': join(folder, 'headerFile') },
      parameters: [['api_key', SECRETS.parameter]],
      ...(kind === 'token' ? { bearerTokenFile: join(folder, 'token') } : {}),
      ...(isBasic ? { basicAuth: { username: 'me', passwordFile } } : {}),
    };
  }

  function assertClean(text: string): void {
    for (const [name, secret] of Object.entries(SECRETS)) {
      for (const form of [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
      ]) {
        assert.ok(!text.includes(form), `${name} in ${text}`);
      }
    }
    for (const userInfo of [
      `me:${SECRETS.password}`,
      `me:${SECRETS.shortPassword}`,
      `${SECRETS.user}:${SECRETS.urlPassword}`,
    ]) {
      assert.ok(!text.includes(Buffer.from(userInfo).toString('base64')), text);
    }
  }

  for (const [what, answering] of Object.entries(ANSWERS)) {
    for (const kind of SLOW.has(what) ? (['url'] as const) : ways) {
      it(`are in no result, error, log or figure when ${what} comes, with ${kind}`, async () => {
        stub.answering = answering;
        const told: unknown[] = [];
        const options = { ...optionsWith(kind), onCall: (call: unknown) => told.push(call) };
        for (const reader of ['query-range', 'auto'] as const) {
          const source = createPrometheusSource({ ...options, reader });
          const query = {
            targets: [{ workload: web, pods: ['web-1'] }],
            siblings: [web],
            fromSeconds: TO - 3600,
            toSeconds: TO,
          };
          const signal = AbortSignal.timeout(20_000);
          told.push(await source.read(query, signal));
          told.push(await source.readNow({ namespaces: ['shop'] }, signal));
          told.push(source.reader(), source.budgets());
          source.close();
        }
        told.push(await errorOf(options));
        assert.ok(stub.requests.length > 0);
        assertClean(inspect(told, { depth: 20, showHidden: true, maxStringLength: 1e6 }));
        assertClean(logged(told));
      });
    }
  }

  for (const [what, said] of Object.entries(SAID_OF_SERIES)) {
    for (const kind of ways) {
      it(`are in no result, log or figure when a list of series has ${what}, with ${kind}`, async () => {
        let asked = 0;
        stub.answering = (request, response) => {
          if (request.url?.includes('/series') !== true) {
            answerEmpty(request, response);
            return;
          }
          asked++;
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify(said(told(request))));
        };
        const calls: { readonly kind: string; readonly bytes: number; readonly outcome: string }[] =
          [];
        const source = createPrometheusSource({
          ...optionsWith(kind),
          reader: 'remote-read',
          onCall: (call) => calls.push(call),
        });
        const reading = await source.read(
          {
            targets: [{ workload: web, pods: ['web-1'] }],
            siblings: [web],
            // Of shorter windows whole namespaces are read, and the list is asked for strangers alone.
            fromSeconds: TO - 24 * 3600,
            toSeconds: TO,
          },
          AbortSignal.timeout(20_000),
        );
        source.close();
        assert.ok(asked > 0);
        assert.ok(reading.warnings.length + reading.failures.size > 0, 'what was said is told');
        assertClean(inspect([reading, calls], { depth: 20, maxStringLength: 1e6 }));
        assertClean(logged([reading, calls]));
        const { outcome } = calls.find(({ kind, bytes }) => kind === 'stream' && bytes > 0) ?? {};
        assert.equal(outcome, what === 'an error' ? 'PrometheusRefused' : 'Ok', 'as it is counted');
      });
    }
  }

  it('are in no error of a proxy that cannot be reached', async () => {
    const proxy = `http://me:${SECRETS.proxyPassword}@127.0.0.1:1`;
    const error = await errorOf({ ...optionsWith('token'), proxy });
    assert.match(String(error), /PrometheusError/);
    assertClean(inspect(error, { depth: 20, showHidden: true }));
    assertClean(logged([error]));
  });
});

async function errorOf(options: SourceOptions): Promise<unknown> {
  const transport = createTransport(options);
  try {
    return await createPrometheusClient(options, transport).instant(
      'up',
      TO,
      AbortSignal.timeout(9000),
    );
  } catch (error) {
    return error;
  } finally {
    transport.close();
  }
}

/** As the operator's log writes it. */
function logged(values: readonly unknown[]): string {
  let text = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const log = pino({}, sink);
  for (const value of values) log.warn({ err: value, value }, 'told');
  return text;
}
