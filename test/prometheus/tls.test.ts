import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { workloadKey, type UsageReading, type WorkloadRef } from '../../src/controller/ports.ts';
import { checkPrometheus } from '../../src/prometheus/checkup.ts';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';
import { answerEmpty, listen, shut } from '../support/stub-prometheus.ts';
import { createAuthority, type Authority, type Identity } from '../support/tls.ts';

const run = promisify(execFile);
const web: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'web' };
const TO = 1_800_000_000;

/** What a policy says, and what doctor says with what to do. */
async function told(options: SourceOptions): Promise<{
  readonly message: string;
  readonly found: string;
  readonly todo: string;
}> {
  const source = createPrometheusSource(options);
  const reading = await readOnce(source);
  source.close();
  const [finding] = await checkPrometheus(options, 86_400, AbortSignal.timeout(20_000));
  const message = reading.failures.get(workloadKey(web))?.message ?? '';
  return { message, found: finding?.found ?? '', todo: finding?.todo ?? '' };
}

function readOnce(source: ReturnType<typeof createPrometheusSource>): Promise<UsageReading> {
  const query = {
    targets: [{ workload: web, pods: ['web-1'] }],
    siblings: [web],
    fromSeconds: TO - 3600,
    toSeconds: TO,
  };
  return source.read(query, AbortSignal.timeout(20_000));
}

describe('TLS that does not come about', function () {
  this.timeout(60_000);
  const servers: Server[] = [];
  let folder: string;
  let junk: string;
  let authority: Authority;
  let other: Authority;
  let serving: Identity;
  let client: Identity;
  let stranger: Identity;
  const ports = { plain: 0, open: 0, guarded: 0, old: 0, expired: 0 };

  async function serve(options: ServerOptions): Promise<number> {
    const server = createSecureServer(options, answerEmpty);
    servers.push(server);
    return listen(server);
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-tls-'));
    junk = join(folder, 'junk');
    await writeFile(junk, 's3cret that is no PEM');
    authority = await createAuthority(folder);
    other = await createAuthority(folder, 'other');
    serving = await authority.issue('server');
    client = await authority.issue('client');
    stranger = await other.issue('stranger');
    const { key, cert } = serving;
    const guard = { key, cert, ca: authority.ca, requestCert: true, rejectUnauthorized: true };
    ports.open = await serve({ key, cert });
    ports.guarded = await serve(guard);
    ports.old = await serve({ ...guard, maxVersion: 'TLSv1.2' });
    ports.expired = await serve({ key, cert: await expired() });
    const plain = createServer(answerEmpty);
    servers.push(plain);
    ports.plain = await listen(plain);
  });
  after(async () => {
    await Promise.all(servers.map(shut));
    await rm(folder, { recursive: true, force: true });
  });

  /** The server's certificate, as it would be two days after its end. */
  async function expired(): Promise<string> {
    const out = join(folder, 'expired.crt');
    const sign = ['-CA', authority.caFile, '-CAkey', join(folder, 'test-ca.key'), '-days', '-1'];
    const files = ['-in', `${serving.certFile}.csr`, '-out', out];
    const extensions = ['-extfile', join(folder, 'test-extensions')];
    await run('openssl', ['x509', '-req', ...sign, ...files, ...extensions]);
    return readFile(out, 'utf8');
  }

  const CLIENT = /--prometheus-cert-file and --prometheus-key-file$/;
  const TRUST = /^name the authority that signed it with --prometheus-ca-file/;
  interface Case {
    readonly port: keyof typeof ports;
    readonly files?: () => Partial<SourceOptions>;
    readonly host?: string;
    readonly found: RegExp;
    readonly todo: RegExp;
  }
  const cases: Readonly<Record<string, Case>> = {
    'a private authority that is not named': {
      port: 'open',
      files: () => ({}),
      found: /its certificate is of no authority that is trusted here \(UNABLE_TO_VERIFY_LEAF/,
      todo: TRUST,
    },
    'another authority': {
      port: 'open',
      files: () => ({ caFile: other.caFile }),
      found: /its certificate is of no authority that is trusted here/,
      todo: TRUST,
    },
    'an authority that is no PEM': {
      port: 'open',
      files: () => ({ caFile: junk }),
      found: /read the CA file .*junk for Prometheus: it holds no certificate in PEM$/,
      todo: /--prometheus-ca-file$/,
    },
    'an end that has passed': {
      port: 'expired',
      found: /its certificate, or that of its authority, is not valid now \(CERT_HAS_EXPIRED\)$/,
      todo: /^renew the certificate of the server, .*--prometheus-ca-file/,
    },
    'another host name': {
      port: 'open',
      host: 'localhost',
      found: /its certificate is for other names/,
      todo: /--prometheus-url/,
    },
    'a client certificate that is missing': {
      port: 'guarded',
      found: /it wants a client certificate that it knows \(ERR_SSL_TLSV13_ALERT_CERT/,
      todo: CLIENT,
    },
    'a client certificate that is missing, in TLS 1.2': {
      port: 'old',
      found: /it wants a client certificate that it knows/,
      todo: CLIENT,
    },
    'the key of another certificate': {
      port: 'guarded',
      files: () => ({
        caFile: authority.caFile,
        certFile: client.certFile,
        keyFile: stranger.keyFile,
      }),
      found:
        /read the key file .*stranger\.key for Prometheus: it is not the key of the certificate in .*client\.crt$/,
      todo: CLIENT,
    },
    'a key that is no PEM': {
      port: 'guarded',
      files: () => ({ caFile: authority.caFile, certFile: client.certFile, keyFile: junk }),
      found: /read the key file .*junk for Prometheus: it holds no private key in PEM/,
      todo: /--prometheus-key-file/,
    },
    'a certificate that is no PEM': {
      port: 'guarded',
      files: () => ({ caFile: authority.caFile, certFile: junk, keyFile: client.keyFile }),
      found: /read the certificate file .*junk for Prometheus: it holds no certificate in PEM$/,
      todo: /--prometheus-cert-file$/,
    },
    'https:// to a port that speaks HTTP': {
      port: 'plain',
      found: /what answers there does not speak TLS/,
      todo: /write http:\/\/ in --prometheus-url/,
    },
  };
  for (const [what, { port, files, host = '127.0.0.1', found, todo }] of Object.entries(cases)) {
    it(`is told with its cause and its flag: ${what}`, async () => {
      const url = `https://${host}:${ports[port]}`;
      const said = await told({ url, ...(files?.() ?? { caFile: authority.caFile }) });
      assert.match(said.found, found);
      assert.match(said.todo, todo);
      const [, cause = ''] = /^\w+: (.*)$/s.exec(said.found) ?? [];
      assert.equal(said.message, `find the pods of the workload: ${cause}; ${said.todo}`);
      assert.ok(!JSON.stringify(said).includes('s3cret'));
    });
  }

  it('is told with what to do: http:// to a port that speaks TLS', async () => {
    const { message, found, todo } = await told({ url: `http://127.0.0.1:${ports.open}` });
    // The words of the server may be lost in the end of the connection.
    const cause =
      /Prometheus (answered what is not HTTP|cannot be reached: the connection was reset)/;
    for (const text of [message, found]) assert.match(text, cause);
    for (const text of [message, todo]) {
      assert.match(text, /if it speaks TLS, write https:\/\/ in --prometheus-url$/);
    }
  });

  it('is told of one that a server in Go, or nginx, says in plain text', async () => {
    for (const body of [
      'Client sent an HTTP request to an HTTPS server.\n',
      '<html><center>The plain HTTP request was sent to HTTPS port</center></html>',
    ]) {
      const server = createServer((_request, response) => response.writeHead(400).end(body));
      const { found, todo } = await told({ url: `http://127.0.0.1:${await listen(server)}` });
      await shut(server);
      assert.equal(found, 'PrometheusRefused: Prometheus answered 400: it was called without TLS');
      assert.match(todo, /write https:/);
    }
  });

  it('takes a bundle of which one that is not needed is damaged, as Node does', async () => {
    const bundle = join(folder, 'bundle.pem');
    const own = await readFile(authority.caFile, 'utf8');
    await writeFile(
      bundle,
      `${own}\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`,
    );
    const { certFile, keyFile } = await authority.issue('bundled');
    const url = `https://127.0.0.1:${ports.guarded}`;
    const source = createPrometheusSource({ url, caFile: bundle, certFile, keyFile });
    assert.deepEqual([...(await readOnce(source)).failures.values()], []);
    source.close();
  });

  it('fails while files are damaged, and comes about again when they are whole', async () => {
    const { certFile, keyFile } = await authority.issue('renewed');
    const url = `https://127.0.0.1:${ports.guarded}`;
    const source = createPrometheusSource({ url, caFile: authority.caFile, certFile, keyFile });
    const failure = async () => (await readOnce(source)).failures.get(workloadKey(web))?.message;
    assert.equal(await failure(), undefined);
    for (const file of [certFile, keyFile]) {
      const whole = join(folder, 'whole');
      await copyFile(file, whole);
      await writeFile(file, (await readFile(file, 'utf8')).slice(0, 80));
      assert.match(
        (await failure()) ?? 'none',
        new RegExp(`file ${file} for Prometheus: it holds`),
      );
      await copyFile(whole, file);
      assert.equal(await failure(), undefined);
    }
    source.close();
  });
});
