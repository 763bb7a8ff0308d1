import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { workloadKey, type UsageReading, type WorkloadRef } from '../../src/controller/ports.ts';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';
import {
  answerEmpty,
  listen,
  shut,
  startStub,
  type StubPrometheus,
} from '../support/stub-prometheus.ts';
import { createAuthority, type Authority, type Identity } from '../support/tls.ts';

const web: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'web' };
const TO = 1_800_000_000;

async function read(options: SourceOptions): Promise<UsageReading> {
  const source = createPrometheusSource(options);
  const query = {
    targets: [{ workload: web, pods: ['web-1'] }],
    siblings: [web],
    fromSeconds: TO - 86_400,
    toSeconds: TO,
  };
  try {
    return await source.read(query, AbortSignal.timeout(20_000));
  } finally {
    source.close();
  }
}

const failureOf = ({ failures }: UsageReading): string =>
  `${failures.get(workloadKey(web))?.reason ?? 'none'}: ${failures.get(workloadKey(web))?.message ?? ''}`;

describe('access to Prometheus', function () {
  this.timeout(30_000);
  let folder: string;
  let stub: StubPrometheus;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-auth-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    stub = await startStub();
  });
  afterEach(() => stub.stop());

  it('sends headers of files as they are at each call, and parameters with each call', async () => {
    const file = join(folder, 'tenant');
    await writeFile(file, 'first-tenant\n');
    stub.answering = (request, response) => {
      void writeFile(file, 'second-tenant\n').then(() => answerEmpty(request, response));
    };
    const reading = await read({
      url: `${stub.url}/prometheus?max_source_resolution=0s`,
      headerFiles: { 'X-Scope-OrgID': file },
      parameters: [
        ['dedup', 'true'],
        ['partial_response', 'false'],
      ],
      reader: 'auto',
    });
    assert.equal(failureOf(reading), 'none: ');
    const tenants = stub.requests.map(({ headers }) => headers['x-scope-orgid']);
    assert.deepEqual(
      [tenants[0], new Set(tenants.slice(1))],
      ['first-tenant', new Set(['second-tenant'])],
    );
    assert.ok(stub.requests.some(({ url }) => url?.includes('/read')));
    for (const { url = '' } of stub.requests) {
      const { pathname, searchParams } = new URL(url, stub.url);
      assert.ok(pathname.startsWith('/prometheus/api/v1/'));
      assert.equal(searchParams.get('dedup'), 'true');
      assert.equal(searchParams.get('partial_response'), 'false');
      assert.equal(searchParams.get('max_source_resolution'), '0s');
    }
  });

  it('names the file of a header that cannot be read', async () => {
    const file = join(folder, 'none');
    const reading = await read({ url: stub.url, headerFiles: { 'X-Key': file } });
    assert.equal(
      failureOf(reading),
      `PrometheusUnreachable: find the pods of the workload: read the X-Key header file ${file} for Prometheus: ENOENT`,
    );
    assert.equal(stub.requests.length, 0);
  });

  const unfit: readonly (readonly [string, string, keyof SourceOptions, RegExp])[] = [
    [
      'an empty token',
      '\n',
      'bearerTokenFile',
      /the bearer token file FILE .*: it is empty; write/,
    ],
    [
      'two tokens',
      's3cret\ns3cret2\n',
      'bearerTokenFile',
      /the bearer token file FILE .*more than one word/,
    ],
    [
      'a token with its scheme',
      'Bearer s3cret',
      'bearerTokenFile',
      /more than one word.*without "Bearer"/,
    ],
    ['a token beyond ASCII', 's3cret\u00e4', 'bearerTokenFile', /not ASCII/],
    [
      'two passwords',
      's3cret\ns3cret2\n',
      'basicAuth',
      /the password file FILE .*more than one line/,
    ],
    ['an empty header', '', 'headerFiles', /the X-Key header file FILE .*: it is empty; write/],
    [
      'two values of a header',
      's3cret\r\ns3cret2',
      'headerFiles',
      /the X-Key header file FILE .*several lines/,
    ],
    [
      'a header beyond ASCII',
      's3cret\u20ac',
      'headerFiles',
      /the X-Key header file FILE .*not ASCII/,
    ],
  ];
  for (const [what, text, option, message] of unfit) {
    it(`names the file that holds ${what}, and sends nothing of it`, async () => {
      const file = join(folder, 'unfit');
      await writeFile(file, text);
      const values: Partial<Record<keyof SourceOptions, unknown>> = {
        bearerTokenFile: file,
        basicAuth: { username: 'me', passwordFile: file },
        headerFiles: { 'X-Key': file },
      };
      const said = failureOf(await read({ url: stub.url, [option]: values[option] }));
      assert.match(said, /^PrometheusUnreachable: /);
      assert.match(said.replaceAll(file, 'FILE'), message);
      assert.ok(!said.includes('s3cret'), said);
      assert.equal(stub.requests.length, 0);
    });
  }

  it('sends the password of a URL that names no user', async () => {
    await read({ url: stub.url.replace('://', '://:p%25w@') });
    const sent = new Set(stub.requests.map(({ headers }) => headers.authorization));
    assert.deepEqual(sent, new Set([`Basic ${Buffer.from(':p%w').toString('base64')}`]));
  });

  for (const [option, flag] of [
    ['url', '--prometheus-url (or RIGHTSIZE_PROMETHEUS_URL)'],
    ['proxy', '--prometheus-proxy (or RIGHTSIZE_PROMETHEUS_PROXY)'],
  ] as const) {
    it(`refuses a "%" that begins no escape in the password of its ${option}`, () => {
      const options = { url: 'http://prometheus:9090', [option]: 'http://me:s3cret%zz@host:1' };
      assert.throws(() => createPrometheusSource(options), {
        message: `${flag} has a "%" in its user or password that begins no escape: write %25 for the sign itself`,
      });
    });
  }

  it('follows no redirect, and says where it points', async () => {
    const token = join(folder, 'redirect-token');
    await writeFile(token, 'token-of-one-server');
    const elsewhere = await startStub();
    for (const reader of ['query-range', 'remote-read'] as const) {
      stub.answering = (_request, response) =>
        response.writeHead(307, { location: `${elsewhere.url}/login?next=secret` }).end();
      const reading = await read({ url: stub.url, bearerTokenFile: token, reader });
      assert.equal(
        failureOf(reading),
        `PrometheusRefused: find the pods of the workload: Prometheus answered 307, which points to ${elsewhere.url}/login (redirects are not followed: credentials are for one server; if that is the right one, state it as the URL)`,
      );
    }
    assert.equal(elsewhere.requests.length, 0);
    await elsewhere.stop();
  });

  describe('by TLS', () => {
    let authority: Authority;
    let serving: Identity;
    let server: ReturnType<typeof createSecureServer>;
    let url: string;
    let names: string[] = [];
    before(async () => {
      authority = await createAuthority(folder);
      serving = await authority.issue('server');
      const { key, cert } = serving;
      const tls = { key, cert, ca: authority.ca, requestCert: true, rejectUnauthorized: true };
      server = createSecureServer(tls, (request, response) => {
        const { socket } = request;
        assert.ok(socket instanceof TLSSocket);
        names.push(String(socket.getPeerCertificate().subject.CN));
        request.resume();
        answerEmpty(request, response);
      });
      url = `https://127.0.0.1:${await listen(server)}`;
    });
    after(() => shut(server));
    beforeEach(() => {
      names = [];
    });

    it('shows a client certificate, and another one as soon as the files change', async () => {
      const first = await authority.issue('first');
      const second = await authority.issue('second');
      const { certFile, keyFile } = first;
      const source = createPrometheusSource({ url, caFile: authority.caFile, certFile, keyFile });
      const query = {
        targets: [{ workload: web, pods: [] }],
        siblings: [],
        fromSeconds: TO - 3600,
        toSeconds: TO,
      };
      const signal = AbortSignal.timeout(20_000);
      try {
        assert.equal((await source.read(query, signal)).failures.size, 0);
        assert.deepEqual(new Set(names), new Set(['first']));
        names = [];
        await rename(second.certFile, certFile);
        await rename(second.keyFile, keyFile);
        assert.equal((await source.read(query, signal)).failures.size, 0);
        assert.deepEqual(new Set(names), new Set(['second']));
      } finally {
        source.close();
      }
    });

    it('trusts no server of another authority, and is refused without a certificate', async () => {
      const other = await createAuthority(folder, 'other');
      assert.match(
        failureOf(await read({ url, caFile: other.caFile })),
        /^PrometheusUnreachable: /,
      );
      assert.match(failureOf(await read({ url })), /^PrometheusUnreachable: /);
      assert.match(
        failureOf(await read({ url, caFile: authority.caFile })),
        /^PrometheusUnreachable: /,
      );
      assert.deepEqual(names, []);
    });

    it('goes through a proxy by a tunnel, into which the proxy cannot look', async () => {
      const client = await authority.issue('tunnelled');
      const asked: IncomingMessage[] = [];
      const sockets = new Set<Socket>();
      const proxy = createServer();
      proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
        asked.push(request);
        const [host = '', port] = (request.url ?? '').split(':');
        const onward = connect(Number(port), host, () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          socket.pipe(onward).pipe(socket);
        });
        for (const one of [socket, onward]) sockets.add(one.on('error', () => one.destroy()));
      });
      const port = await listen(proxy);
      const token = join(folder, 'tunnel-token');
      await writeFile(token, 'token-for-prometheus');
      const { certFile, keyFile } = client;
      const reading = await read({
        url,
        proxy: `http://me:proxy-password@127.0.0.1:${port}`,
        bearerTokenFile: token,
        caFile: authority.caFile,
        certFile,
        keyFile,
      });
      assert.equal(failureOf(reading), 'none: ');
      assert.deepEqual(new Set(names), new Set(['tunnelled']));
      assert.ok(asked.length > 0);
      for (const { headers } of asked) {
        const basic = Buffer.from('me:proxy-password').toString('base64');
        assert.equal(headers['proxy-authorization'], `Basic ${basic}`);
        assert.equal(headers.authorization, undefined);
      }
      for (const socket of sockets) socket.destroy();
      await shut(proxy);
    });
  });

  it('goes through a proxy to a plain server, and never through that of the environment', async () => {
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? 'nobody'}`);
      const { method, headers } = request;
      const onward = forward(request.url ?? '', { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    const proxyUrl = `http://127.0.0.1:${await listen(proxy)}`;
    const before = process.env['http_proxy'];
    process.env['http_proxy'] = proxyUrl;
    try {
      assert.equal(failureOf(await read({ url: stub.url })), 'none: ');
      assert.ok(!seen.some((line) => line !== ''));
      assert.equal(failureOf(await read({ url: stub.url, proxy: proxyUrl })), 'none: ');
      assert.notDeepEqual(seen, []);
      assert.ok(seen.every((line) => line.startsWith(stub.url)));
    } finally {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
      await shut(proxy);
    }
    const reading = await read({ url: stub.url, proxy: proxyUrl });
    assert.match(failureOf(reading), /^PrometheusUnreachable: .*the connection was refused$/);
  });

  for (const proxy of ['', 'proxy:3128', 'socks5://me:s3cret@host']) {
    it(`refuses the proxy "${proxy.replace(/me:.*@/, '…@')}" at once`, () =>
      assert.throws(
        () => createPrometheusSource({ url: 'http://prometheus:9090', proxy }),
        /^Error: --prometheus-proxy \(or RIGHTSIZE_PROMETHEUS_PROXY\) is no URL: write http:\/\/host:port$/,
      ));
  }

  it('closes what it opened', async () => {
    const source = createPrometheusSource({ url: stub.url });
    const query = {
      targets: [{ workload: web, pods: [] }],
      siblings: [],
      fromSeconds: TO - 3600,
      toSeconds: TO,
    };
    await source.read(query, AbortSignal.timeout(5000));
    const socket = stub.requests[0]?.socket;
    const closed = socket === undefined ? undefined : once(socket, 'close');
    source.close();
    await closed;
    assert.equal(socket?.destroyed, true);
  });
});
