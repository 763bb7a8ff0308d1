import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  workloadKey,
  type UsageReading,
  type UsageTarget,
  type WorkloadRef,
} from '../../src/controller/ports.ts';
import type { PrometheusOptions } from '../../src/prometheus/options.ts';
import { createPrometheusSource } from '../../src/prometheus/source.ts';

/** What a call asks for: the end of its path, and its form. */
interface Call {
  readonly path: string;
  readonly form: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

type Answering = (call: Call, response: ServerResponse) => void;

const web: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'web' };
const TO = 1_800_000_000;

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** An answer as of a Prometheus that holds nothing. */
const empty: Answering = ({ path }, response) => {
  if (path.startsWith('label/')) {
    json(response, { status: 'success', data: [] });
    return;
  }
  const resultType = path === 'query' ? 'vector' : 'matrix';
  json(response, { status: 'success', data: { resultType, result: [] } });
};

// A real Prometheus cannot be made to give these answers.
describe('answers of a Prometheus that fails', () => {
  let server: Server;
  let url: string;
  let folder: string;
  let answering: Answering = empty;
  let calls: Call[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rightsize-failures-'));
    server = createServer((request, response) => void receive(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    url = `http://127.0.0.1:${address.port}`;
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    answering = empty;
    calls = [];
  });

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { pathname, searchParams } = new URL(request.url ?? '', url);
    const form = request.method === 'POST' ? new URLSearchParams(body) : searchParams;
    const path = pathname.replace(/^.*\/api\/v1\//, '');
    const call = { path, form, headers: request.headers };
    calls.push(call);
    answering(call, response);
  }

  async function read(
    options: Partial<PrometheusOptions> = {},
    targets: readonly UsageTarget[] = [{ workload: web, pods: ['web-1'] }],
  ): Promise<UsageReading> {
    const source = createPrometheusSource({ url, ...options });
    try {
      return await source.read(
        {
          targets,
          siblings: targets.map(({ workload }) => workload),
          fromSeconds: TO - 86_400,
          toSeconds: TO,
        },
        AbortSignal.timeout(30_000),
      );
    } finally {
      source.close();
    }
  }

  interface Case {
    readonly answer: Answering;
    readonly options?: Partial<PrometheusOptions>;
    readonly wantReason: string;
    readonly wantMessage: RegExp;
  }
  const cases: Readonly<Record<string, Case>> = {
    'refused query: its own words are kept': {
      answer: (_call, response) =>
        json(response, { status: 'error', errorType: 'bad_data', error: 'parse error: no' }, 400),
      wantReason: 'PrometheusRefused',
      wantMessage: /Prometheus answered 400: parse error: no$/,
    },
    'long words: they are cut': {
      answer: (_call, response) =>
        json(response, { status: 'error', errorType: 'bad_data', error: 'x'.repeat(5000) }, 400),
      wantReason: 'PrometheusRefused',
      wantMessage: /: x{199}…$/,
    },
    'login page': {
      answer: (_call, response) => {
        response.writeHead(401, { 'content-type': 'text/html' });
        response.end('<html>token=secret</html>');
      },
      wantReason: 'PrometheusRefused',
      wantMessage: /Prometheus answered 401$/,
    },
    redirect: {
      answer: (_call, response) => {
        response.writeHead(302, { location: 'http://elsewhere.example/?token=secret' });
        response.end();
      },
      wantReason: 'PrometheusRefused',
      wantMessage:
        /Prometheus answered 302, which points to http:\/\/elsewhere\.example\/ \(redirects are not followed: credentials/,
    },
    'broken server': {
      answer: (_call, response) => json(response, {}, 500),
      wantReason: 'PrometheusOverloaded',
      wantMessage: /Prometheus answered 500$/,
    },
    'timeout that the server reports': {
      answer: (_call, response) =>
        json(response, { status: 'error', errorType: 'timeout', error: 'query timed out' }, 503),
      wantReason: 'PrometheusTimeout',
      wantMessage: /Prometheus answered 503: query timed out$/,
    },
    'silence: the deadline ends it': {
      answer: () => undefined,
      options: { timeoutSeconds: 0.3 },
      wantReason: 'PrometheusTimeout',
      wantMessage: /Prometheus did not answer within 0\.3 s$/,
    },
    'page that is not JSON': {
      answer: (_call, response) => response.end('<html>hello</html>'),
      wantReason: 'PrometheusAnswerInvalid',
      wantMessage: /Prometheus answered a body that is not JSON$/,
    },
    'body that is cut short': {
      answer: (_call, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"status":"success","data":{');
        setImmediate(() => response.destroy());
      },
      wantReason: 'PrometheusAnswerInvalid',
      wantMessage: /Prometheus answered a body that was cut short$/,
    },
    'packed body that is cut short': {
      answer: (_call, response) => {
        const packed = gzipSync(JSON.stringify({ status: 'success', data: 'x'.repeat(500) }));
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.end(packed.subarray(0, packed.length - 12));
      },
      wantReason: 'PrometheusAnswerInvalid',
      wantMessage: /Prometheus answered a body that (was cut short|is not JSON)$/,
    },
    'JSON of another shape': {
      answer: (_call, response) => json(response, { status: 'success', data: { result: 7 } }),
      wantReason: 'PrometheusAnswerInvalid',
      wantMessage: /Prometheus answered label values that are not a list of texts$/,
    },
    'JSON that is no object': {
      answer: (_call, response) => json(response, [1]),
      wantReason: 'PrometheusAnswerInvalid',
      wantMessage: /Prometheus answered JSON that is not an object$/,
    },
  };
  for (const [title, { answer, options, wantReason, wantMessage }] of Object.entries(cases)) {
    it(title, async () => {
      answering = answer;
      const { usage, failures } = await read(options);
      assert.equal(usage.size, 0);
      const failure = failures.get(workloadKey(web));
      assert.equal(failure?.reason, wantReason);
      assert.match(failure.message, wantMessage);
    });
  }

  it('a deadline may be a part of a millisecond', async () => {
    const { failures } = await read({ timeoutSeconds: 1.0005 });
    assert.deepEqual([...failures], []);
  });

  it('samples that are no numbers make the answer invalid', async () => {
    answering = (call, response) => {
      if (call.path !== 'query_range') {
        empty(call, response);
        return;
      }
      const metric = { namespace: 'shop', pod: 'web-1', container: 'web' };
      const result = [{ metric, values: [[TO, 'many']] }];
      json(response, { status: 'success', data: { resultType: 'matrix', result } });
    };
    const { failures } = await read();
    assert.equal(failures.get(workloadKey(web))?.reason, 'PrometheusAnswerInvalid');
  });

  const late: Answering = (_call, response) =>
    json(response, { status: 'error', errorType: 'timeout', error: 'query timed out' }, 503);

  it('a question that takes the server too long is asked in halves', async () => {
    const asked: number[] = [];
    answering = (call, response) => {
      const pods = new Set(call.form.get('query')?.match(/web-\d/g)).size;
      if (call.path === 'query_range') asked.push(pods);
      if (pods > 2) late(call, response);
      else empty(call, response);
    };
    const pods = ['web-1', 'web-2', 'web-3', 'web-4'];
    const { failures, usage } = await read({ timeoutSeconds: 10 }, [{ workload: web, pods }]);
    assert.deepEqual([...failures], []);
    assert.equal(usage.size, 1);
    assert.deepEqual(asked.slice(0, 3), [4, 2, 2]);
    const timeout = calls.find(({ path }) => path === 'query_range')?.form.get('timeout');
    assert.equal(timeout, '9000ms', 'it is told to give up in time to say so');
  });

  it('a server that times out on everything is asked less and less', async () => {
    answering = (call, response) => (call.path === 'query_range' ? late : empty)(call, response);
    const source = createPrometheusSource({ url });
    const query = {
      targets: [{ workload: web, pods: ['web-1', 'web-2'] }],
      siblings: [],
      fromSeconds: TO - 2 * 3600,
      toSeconds: TO,
    };
    // Rests double, so that the whole of it would take minutes.
    await assert.rejects(source.read(query, AbortSignal.timeout(4000)), { name: 'TimeoutError' });
    source.close();
    const spans = calls
      .filter(({ path }) => path === 'query_range')
      .map(({ form }) => Number(form.get('end')) - Number(form.get('start')));
    assert.ok(spans.length >= 3 && spans.length <= 5, `${spans.length} calls`);
    assert.ok((spans.at(-1) ?? Infinity) < (spans[0] ?? 0));
  });

  for (const status of [429, 503]) {
    it(`a ${status} is asked again after the time that it names`, async () => {
      let answeredSeconds = 0;
      answering = (call, response) => {
        if (answeredSeconds === 0) {
          answeredSeconds = performance.now() / 1000;
          response.writeHead(status, { 'retry-after': '1' });
          response.end();
          return;
        }
        answering = empty;
        empty(call, response);
        assert.ok(performance.now() / 1000 - answeredSeconds > 0.95);
      };
      const { failures } = await read();
      assert.deepEqual([...failures], []);
    });
  }

  it('a connection that is reset is tried again', async () => {
    answering = (_call, response) => {
      answering = empty;
      response.socket?.resetAndDestroy();
    };
    const { failures } = await read();
    assert.deepEqual([...failures], []);
  });

  it('a server that cannot be reached is not asked for each workload again', async () => {
    const targets = Array.from({ length: 200 }, (_, i): UsageTarget => {
      const workload: WorkloadRef = { namespace: `team-${i}`, kind: 'Deployment', name: 'web' };
      return { workload, pods: [] };
    });
    answering = (_call, response) => response.socket?.resetAndDestroy();
    const { failures } = await read({}, targets);
    assert.equal(failures.size, 200);
    // Four readers at once, four attempts each.
    assert.ok(calls.length <= 16, `${calls.length} calls`);
  });

  it('a server that does not answer is left alone after a few calls', async () => {
    const targets = Array.from({ length: 200 }, (_, i): UsageTarget => {
      const workload: WorkloadRef = { namespace: `team-${i}`, kind: 'Deployment', name: 'web' };
      return { workload, pods: [] };
    });
    answering = () => undefined;
    const { failures } = await read({ timeoutSeconds: 0.2 }, targets);
    assert.equal(failures.size, 200);
    assert.ok(calls.length <= 8, `${calls.length} calls`);
  });

  it('the failure of one namespace leaves the others alone', async () => {
    const targets = Array.from({ length: 25 }, (_, i): UsageTarget => {
      const workload: WorkloadRef = {
        namespace: `team-${String(i).padStart(2, '0')}`,
        kind: 'Deployment',
        name: 'web',
      };
      return { workload, pods: ['web-1'] };
    });
    answering = (call, response) => {
      const isBad = call.form.get('match[]')?.includes('team-24') ?? false;
      if (isBad) json(response, { status: 'error', error: 'no' }, 400);
      else empty(call, response);
    };
    const { usage, failures } = await read({}, targets);
    assert.equal(failures.size + usage.size, 25);
    assert.ok(failures.has('team-24/Deployment/web'));
    assert.ok(usage.has('team-00/Deployment/web'));
  });

  it('warnings of the server are said once', async () => {
    answering = (call, response) => {
      const resultType = call.path === 'query' ? 'vector' : 'matrix';
      const data = call.path.startsWith('label/') ? [] : { resultType, result: [] };
      json(response, { status: 'success', data, warnings: ['a store is not reachable'] });
    };
    const { warnings } = await read();
    assert.deepEqual(warnings, [
      {
        reason: 'PartialAnswer',
        message: 'Prometheus says that its answer may be incomplete: a store is not reachable',
      },
    ]);
  });

  it('an abort ends the reading', async () => {
    answering = () => undefined;
    const source = createPrometheusSource({ url });
    const query = {
      targets: [{ workload: web, pods: [] }],
      siblings: [],
      fromSeconds: TO - 3600,
      toSeconds: TO,
    };
    await assert.rejects(source.read(query, AbortSignal.timeout(200)), { name: 'TimeoutError' });
    source.close();
  });

  it('secrets are read afresh for each call and sent, with the headers and the prefix', async () => {
    const token = join(folder, 'token');
    await writeFile(token, 'first\n');
    answering = (call, response) => {
      void writeFile(token, 'second\n').then(() => empty(call, response));
    };
    await read({
      url: `${url}/prometheus/?dedup=true`,
      bearerTokenFile: token,
      headers: { 'X-Scope-OrgID': 'team' },
    });
    assert.equal(calls[0]?.headers.authorization, 'Bearer first');
    assert.equal(calls[1]?.headers.authorization, 'Bearer second');
    for (const { headers } of calls) assert.equal(headers['x-scope-orgid'], 'team');
  });

  it('a token file that is missing is named', async () => {
    const { failures } = await read({ bearerTokenFile: join(folder, 'none') });
    const failure = failures.get(workloadKey(web));
    assert.equal(failure?.reason, 'PrometheusUnreachable');
    assert.match(failure.message, /read the bearer token file .*none for Prometheus: ENOENT$/);
  });

  it('a password in the URL is sent and never said', async () => {
    answering = (_call, response) => json(response, { status: 'error', error: 'no' }, 403);
    const { failures } = await read({ url: url.replace('://', '://me:s3cret@') });
    assert.equal(
      calls[0]?.headers.authorization,
      `Basic ${Buffer.from('me:s3cret').toString('base64')}`,
    );
    assert.ok(!JSON.stringify([...failures]).includes('s3cret'));
  });

  for (const wrong of ['', 'prometheus:9090', 'ftp://me:s3cret@host', 'http://']) {
    it(`the URL "${wrong.replace(/\/\/.*@/, '//…@')}" is refused at once`, () =>
      assert.throws(
        () => createPrometheusSource({ url: wrong }),
        (error: Error) =>
          /write http:\/\/(host:port|prometheus:9090)/.test(error.message) &&
          !error.message.includes('s3cret'),
      ));
  }
});
