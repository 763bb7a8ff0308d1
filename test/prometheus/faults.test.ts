import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import protobuf from 'protobufjs/minimal.js';
import { workloadKey, type UsageReading, type WorkloadRef } from '../../src/controller/ports.ts';
import {
  createPrometheusSource,
  type PrometheusSource,
  type SourceOptions,
} from '../../src/prometheus/source.ts';
import { containerMetrics, ownerMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { startFaulty, type Breaking, type FaultyPrometheus } from '../support/faulty-prometheus.ts';
import { frameOf } from '../support/frames.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';

const TO = Math.floor(Date.now() / 1000 / 3600) * 3600;
const FROM = TO - 6 * 3600;
const AGENT: WorkloadRef = { namespace: 'shop', kind: 'DaemonSet', name: 'agent' };
const POD: SeedPod = {
  namespace: 'shop',
  name: 'agent-bcdfg',
  uid: 'bcdfg',
  node: 'node-1',
  owners: [{ kind: 'DaemonSet', name: 'agent' }],
  startSeconds: FROM,
  endSeconds: TO,
  containers: [
    {
      name: 'agent',
      sizes: { requests: {}, limits: {} },
      usage: { cpuCores: () => 0.1, memoryBytes: () => 2 ** 20 },
    },
  ],
};

/** The calls by which each reader reads usage, after it found the pods; a thread folds windows from 0 s on, or none. */
const READS = {
  'query-range': { calls: 'query_range', reader: 'query-range', threadFromSeconds: undefined },
  'remote-read': { calls: 'read', reader: 'remote-read', threadFromSeconds: Infinity },
  'remote-read and a thread': { calls: 'read', reader: 'remote-read', threadFromSeconds: 0 },
} as const;
type Reader = keyof typeof READS;
const READERS = Object.keys(READS) as readonly Reader[];

const FAULTS: Readonly<Record<string, { readonly breaking: Breaking; readonly want: string }>> = {
  'a server that never answers': { breaking: () => undefined, want: 'PrometheusTimeout' },
  'a server that hangs after the headers': {
    breaking: (response) => {
      response.writeHead(200, { 'content-type': CHUNKS }).flushHeaders();
    },
    want: 'PrometheusTimeout',
  },
  'an answer that stops half way': {
    breaking: async (response, askServer) => {
      const { headers, body } = await askServer();
      response.writeHead(200, headers).write(body.subarray(0, body.length / 2));
    },
    want: 'PrometheusTimeout',
  },
  'an answer that is cut half way': {
    breaking: async (response, askServer) => {
      const { headers, body } = await askServer();
      response.writeHead(200, { ...headers, 'content-length': String(body.length) });
      response.write(body.subarray(0, body.length / 2), () => response.destroy());
    },
    want: 'PrometheusAnswerInvalid',
  },
  'an answer with a byte that is another': {
    breaking: async (response, askServer) => {
      const { headers, body } = await askServer();
      body[0] = (body[0] ?? 0) ^ 0x10;
      body[20] = (body[20] ?? 0) ^ 0xff;
      response.writeHead(200, headers).end(body);
    },
    want: 'PrometheusAnswerInvalid',
  },
  'a page for people': {
    breaking: (response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>');
    },
    want: 'PrometheusAnswerInvalid',
  },
  'a storm of 429': {
    breaking: (response) => {
      response.writeHead(429, { 'content-type': 'text/plain' }).end('slow down');
    },
    want: 'PrometheusOverloaded',
  },
  'a 503 that asks for ten minutes': {
    breaking: (response) => {
      response.writeHead(503, { 'retry-after': '600' }).end();
    },
    want: 'PrometheusOverloaded',
  },
  'a redirect': {
    breaking: (response) => {
      response.writeHead(301, { location: 'https://elsewhere.example/login?next=/' }).end();
    },
    want: 'PrometheusRefused',
  },
  'a connection that is reset': {
    breaking: (response) => {
      response.socket?.resetAndDestroy();
    },
    want: 'PrometheusUnreachable',
  },
};

/** A frame with a field that no reader knows. */
const PADDING = frameOf(protobuf.Writer.create().uint32(0x7a).bytes(Buffer.alloc(70_000)).finish());
const CHUNKS = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse';

describe('a real Prometheus behind something that breaks', function () {
  this.timeout(60_000);
  let prometheus: RunningPrometheus;
  let faulty: FaultyPrometheus;
  const whole = new Map<Reader, UsageReading>();
  before(async () => {
    const series = [...containerMetrics(POD), ...ownerMetrics([POD])];
    prometheus = await startPrometheus({ series });
    faulty = await startFaulty(prometheus.url);
    for (const reader of READERS) {
      const source = open(READS[reader]);
      const reading = await read(source);
      source.close();
      assert.deepEqual([...reading.failures], []);
      assert.equal(reading.usage.get(workloadKey(AGENT))?.size, 1);
      whole.set(reader, reading);
    }
  });
  after(async () => {
    await faulty.stop();
    await prometheus.stop();
  });
  afterEach(() => faulty.heal());

  it('is read alike in a thread and without', () => {
    assert.deepEqual(whole.get('remote-read and a thread'), whole.get('remote-read'));
  });

  function open(options: Partial<SourceOptions>): PrometheusSource {
    return createPrometheusSource({ timeoutSeconds: 0.4, ...options, url: faulty.url });
  }

  function read(
    source: PrometheusSource,
    signal = AbortSignal.timeout(50_000),
  ): Promise<UsageReading> {
    const query = {
      targets: [{ workload: AGENT, pods: [POD.name] }],
      siblings: [AGENT],
      fromSeconds: FROM,
      toSeconds: TO,
    };
    return source.read(query, signal);
  }

  for (const reader of READERS) {
    for (const [what, { breaking, want }] of Object.entries(FAULTS)) {
      it(`is a failure of the workload by ${reader}, and nothing half, after ${what}`, async () => {
        const source = open(READS[reader]);
        faulty.breakCalls(READS[reader].calls, breaking);
        const broken = await read(source);
        assert.equal(broken.failures.get(workloadKey(AGENT))?.reason, want);
        assert.equal(broken.usage.size, 0);
        faulty.heal();
        source.close();
        const again = open(READS[reader]);
        assert.deepEqual(await read(again), whole.get(reader), 'after it healed');
        again.close();
      });
    }

    it(`is read by ${reader} as soon as it has healed within the tries`, async () => {
      const source = open(READS[reader]);
      let refused = 0;
      faulty.breakCalls(READS[reader].calls, (response) => {
        response.writeHead(429).end();
        if (++refused === 2) faulty.heal();
      });
      assert.deepEqual(await read(source), whole.get(reader));
      assert.equal(refused, 2);
      source.close();
    });

    it(`is left alone by ${reader} for as long as it asked, and waited for at the end of that`, async () => {
      const source = open(READS[reader]);
      faulty.breakCalls(READS[reader].calls, (response) => {
        response.writeHead(503, { 'retry-after': '31' }).end();
      });
      await read(source);
      faulty.heal();
      const before = faulty.calls.length;
      const held = await read(source);
      const { reason, message } = held.failures.get(workloadKey(AGENT)) ?? {};
      assert.equal(reason, 'PrometheusOverloaded');
      assert.match(message ?? '', /Prometheus asked for rest, so nothing is asked for 31 s$/);
      assert.equal(faulty.calls.length, before, 'not one call');
      assert.ok(source.budgets().restSeconds > 20);
      // What is left is short enough to be waited for.
      await wait(1000 * Math.max(0, source.budgets().restSeconds - 29));
      const enough = new AbortController();
      const waited = read(source, enough.signal);
      await wait(100);
      assert.equal(source.budgets().waiting, 1);
      assert.equal(faulty.calls.length, before);
      enough.abort(new Error('seen enough'));
      await assert.rejects(waited, /seen enough/);
      source.close();
    });
  }

  it('gets fewer calls at once after a storm, and all of them again after good answers', async () => {
    const source = open({ reader: 'query-range' });
    faulty.breakCalls('query_range', (response) => {
      response.writeHead(429).end();
    });
    await read(source);
    assert.ok(source.budgets().limit <= 2, `${source.budgets().limit} at once`);
    faulty.heal();
    for (let i = 0; i < 4; i++) await read(source);
    assert.equal(source.budgets().limit, 4);
    source.close();
  });

  it('gets an answer that drips in within the deadline only', async () => {
    const source = open({ reader: 'query-range' });
    faulty.breakCalls('query_range', async (response, askServer) => {
      const { headers, body } = await askServer();
      response.writeHead(200, headers);
      for (const byte of body) {
        if (response.destroyed) return;
        response.write(Buffer.from([byte]));
        await wait(5);
      }
      response.end();
    });
    const { failures } = await read(source);
    assert.equal(failures.get(workloadKey(AGENT))?.reason, 'PrometheusTimeout');
    source.close();
  });

  it('gets a stream that takes longer than the deadline, as long as enough of it comes', async () => {
    const source = open({ reader: 'remote-read' });
    faulty.breakCalls('read', async (response, askServer) => {
      const { headers, body } = await askServer();
      response.writeHead(200, headers);
      for (let part = 0; part < 6; part++) {
        response.write(PADDING);
        await wait(120);
      }
      response.end(body);
    });
    assert.deepEqual(await read(source), whole.get('remote-read'));
    source.close();
  });

  it('gets no stream that goes on and on without getting anywhere', async () => {
    const source = open({ reader: 'remote-read' });
    faulty.breakCalls('read', async (response, askServer) => {
      const { headers } = await askServer();
      response.writeHead(200, headers);
      while (!response.destroyed) {
        response.write(frameOf(new Uint8Array(0)));
        await wait(20);
      }
    });
    const started = performance.now();
    const { failures } = await read(source);
    const { reason, message } = failures.get(workloadKey(AGENT)) ?? {};
    assert.equal(reason, 'PrometheusTimeout');
    assert.match(message ?? '', /sent less than 64 KiB for 0\.4 s$/);
    assert.ok(performance.now() - started < 5000);
    source.close();
  });
});
