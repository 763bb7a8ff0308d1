import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import protobuf from 'protobufjs/minimal.js';
import {
  workloadKey,
  type UsageReading,
  type UsageTarget,
  type WorkloadRef,
} from '../../src/controller/ports.ts';
import { createReaderChooser } from '../../src/prometheus/readers.ts';
import { createRemoteReader } from '../../src/prometheus/remoteread.ts';
import { createPrometheusSource, type PrometheusSource } from '../../src/prometheus/source.ts';
import { createStreamClient } from '../../src/prometheus/stream.ts';
import { createTransport } from '../../src/prometheus/transport.ts';
import { clusterMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { startFaulty, type Breaking, type FaultyPrometheus } from '../support/faulty-prometheus.ts';
import { frameOf } from '../support/frames.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import type { SeedSeries } from '../support/seed.ts';
import { startVictoriaMetrics, type RunningVictoriaMetrics } from '../support/victoriametrics.ts';

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

/** Of more namespaces than one remote read asks for. */
/** More namespaces than one read asks for. */
const FLEET = Array.from({ length: 51 }, (_, i) => ({ ...POD, namespace: `branch-${i}` }));

/** What `auto` tries remote read on: a server that scrapes itself has it. */
const BUILD_INFO: SeedSeries = {
  name: 'prometheus_build_info',
  labels: { job: 'prometheus' },
  *samples() {
    const now = Math.floor(Date.now() / 1000);
    for (let ago = 600; ago >= 0; ago -= 60) yield [now - ago, 1];
  },
};

/**
 * The calls by which each reader reads usage, after it found the pods; a thread folds windows from 0 s on, or none.
 * VictoriaMetrics streams no remote read, so there `auto` comes to query_range.
 */
const READS = {
  'query-range': { server: 'Prometheus', calls: 'query_range', reader: 'query-range' },
  'remote-read': { server: 'Prometheus', calls: 'read', reader: 'remote-read' },
  'remote-read and a thread': {
    server: 'Prometheus',
    calls: 'read',
    reader: 'remote-read',
    threadFromSeconds: 0,
  },
  auto: { server: 'Prometheus', calls: 'read', reader: 'auto' },
  'auto from VictoriaMetrics': {
    server: 'VictoriaMetrics',
    calls: 'query_range',
    reader: 'auto',
  },
} as const;
type Reader = keyof typeof READS;
const READERS = Object.keys(READS) as readonly Reader[];
/** The others have no other way to read than the one that is broken. */
const WITH_ANOTHER_WAY: Reader = 'auto';

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
      // Of a stream within a frame, where its checksum alone tells.
      const isStream = String(headers['content-type']).includes('streamed');
      const at = isStream ? body.length >> 1 : 0;
      body[at] = (body[at] ?? 0) ^ 0x10;
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

/** What says that remote read is not offered; all else that the server is down, slow or busy. */
const UNFIT: readonly string[] = ['PrometheusAnswerInvalid', 'PrometheusRefused'];
/** Leaves nothing to be read in any way. */
const LONG_REST = 'a 503 that asks for ten minutes';

/** A frame with a field that no reader knows. */
const PADDING = frameOf(protobuf.Writer.create().uint32(0x7a).bytes(Buffer.alloc(70_000)).finish());
const CHUNKS = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse';

describe('a real server behind something that breaks', function () {
  this.timeout(60_000);
  let prometheus: RunningPrometheus;
  let victoriaMetrics: RunningVictoriaMetrics;
  let faulty: Readonly<Record<(typeof READS)[Reader]['server'], FaultyPrometheus>>;
  const whole = new Map<Reader, UsageReading>();
  before(async () => {
    const series = [...clusterMetrics([POD, ...FLEET]), BUILD_INFO];
    prometheus = await startPrometheus({ series });
    victoriaMetrics = await startVictoriaMetrics({ series });
    faulty = {
      Prometheus: await startFaulty(prometheus.url),
      VictoriaMetrics: await startFaulty(victoriaMetrics.url),
    };
    for (const reader of READERS) {
      const source = open(reader);
      const reading = await read(source);
      source.close();
      assert.deepEqual([...reading.failures], []);
      assert.equal(reading.usage.get(workloadKey(AGENT))?.size, 1);
      whole.set(reader, reading);
    }
  });
  after(async () => {
    for (const proxy of Object.values(faulty)) await proxy.stop();
    await victoriaMetrics.stop();
    await prometheus.stop();
  });
  afterEach(() => {
    for (const proxy of Object.values(faulty)) proxy.heal();
  });

  it('is read alike in a thread and without, and by auto', () => {
    assert.deepEqual(whole.get('remote-read and a thread'), whole.get('remote-read'));
    assert.deepEqual(whole.get('auto'), whole.get('remote-read'));
    assert.notDeepEqual(whole.get('query-range'), whole.get('remote-read'));
  });

  function open(reader: Reader): PrometheusSource {
    return createPrometheusSource({
      timeoutSeconds: 0.4,
      ...READS[reader],
      url: proxyOf(reader).url,
    });
  }

  function proxyOf(reader: Reader): FaultyPrometheus {
    return faulty[READS[reader].server];
  }

  function breakReads(reader: Reader, breaking: Breaking): void {
    proxyOf(reader).breakCalls(READS[reader].calls, breaking);
  }

  function read(
    source: PrometheusSource,
    targets: readonly UsageTarget[] = [{ workload: AGENT, pods: [POD.name] }],
    signal = AbortSignal.timeout(50_000),
  ): Promise<UsageReading> {
    const siblings = targets.map(({ workload }) => workload);
    return source.read({ targets, siblings, fromSeconds: FROM, toSeconds: TO }, signal);
  }

  function assertFailed({ failures, usage }: UsageReading, want: string): void {
    assert.equal(failures.get(workloadKey(AGENT))?.reason, want);
    assert.equal(usage.size, 0);
  }

  for (const reader of READERS) {
    for (const [what, { breaking, want }] of Object.entries(FAULTS)) {
      if (reader === WITH_ANOTHER_WAY) continue;
      it(`is a failure of the workload by ${reader}, and nothing half, after ${what}`, async () => {
        const source = open(reader);
        breakReads(reader, breaking);
        assertFailed(await read(source), want);
        proxyOf(reader).heal();
        source.close();
        const again = open(reader);
        assert.deepEqual(await read(again), whole.get(reader), 'after it healed');
        again.close();
      });
    }

    it(`is read by ${reader} as soon as it has healed within the tries`, async () => {
      const source = open(reader);
      let refused = 0;
      breakReads(reader, (response) => {
        response.writeHead(429).end();
        if (++refused === 2) proxyOf(reader).heal();
      });
      assert.deepEqual(await read(source), whole.get(reader));
      assert.equal(refused, 2);
      source.close();
    });

    it(`is left alone by ${reader} for as long as it asked, and waited for at the end of that`, async () => {
      const source = open(reader);
      const { calls } = proxyOf(reader);
      breakReads(reader, (response) => {
        response.writeHead(503, { 'retry-after': '31' }).end();
      });
      await read(source);
      proxyOf(reader).heal();
      const before = calls.length;
      const held = await read(source);
      const { reason, message } = held.failures.get(workloadKey(AGENT)) ?? {};
      assert.equal(reason, 'PrometheusOverloaded');
      assert.match(message ?? '', /Prometheus asked for rest, so nothing is asked for 31 s$/);
      assert.equal(calls.length, before, 'not one call');
      assert.ok(source.budgets().restSeconds > 20);
      // What is left is short enough to be waited for.
      await wait(1000 * Math.max(0, source.budgets().restSeconds - 29));
      const enough = new AbortController();
      const waited = read(source, undefined, enough.signal);
      await wait(100);
      assert.equal(source.budgets().waiting, 1);
      assert.equal(calls.length, before);
      enough.abort(new Error('seen enough'));
      await assert.rejects(waited, /seen enough/);
      source.close();
    });
  }

  for (const [what, { breaking, want }] of Object.entries(FAULTS)) {
    if (what === LONG_REST) continue;
    it(`is read by query_range by auto when ${what} is all that a first try gives`, async () => {
      const source = open('auto');
      breakReads('auto', breaking);
      assert.deepEqual(await read(source), whole.get('query-range'));
      proxyOf('auto').heal();
      const next = UNFIT.includes(want) ? 'query-range' : 'auto';
      assert.deepEqual(await read(source), whole.get(next), 'after it healed');
      source.close();
    });
  }

  for (const [what, { breaking, want }] of Object.entries(FAULTS)) {
    const isUnfit = UNFIT.includes(want);
    const outcome = isUnfit ? 'read anew by query_range' : 'a failure of the workload';
    it(`is ${outcome} by auto, and nothing half, after ${what}`, async () => {
      const source = open('auto');
      await source.chooseReader(AbortSignal.timeout(9000));
      breakReads('auto', breaking);
      const broken = await read(source);
      if (isUnfit) assert.deepEqual(broken, whole.get('query-range'));
      else assertFailed(broken, want);
      proxyOf('auto').heal();
      const next = isUnfit ? 'query-range' : 'auto';
      if (what !== LONG_REST) assert.deepEqual(await read(source), whole.get(next));
      source.close();
    });
  }

  it('is read alike by auto from VictoriaMetrics, whether or not a first try is answered', async () => {
    const source = open('auto from VictoriaMetrics');
    faulty.VictoriaMetrics.breakCalls('read', () => undefined);
    assert.deepEqual(await read(source), whole.get('auto from VictoriaMetrics'));
    assert.match((await source.chooseReader(AbortSignal.timeout(9000))).why, /could not be tried/);
    faulty.VictoriaMetrics.heal();
    assert.deepEqual(await read(source), whole.get('auto from VictoriaMetrics'));
    assert.match(source.reader().why, /^the server offers no remote read: /);
    source.close();
  });

  it('is read by query_range as a whole by auto although one of two remote reads came', async () => {
    const source = open('auto');
    const byRange = open('query-range');
    await source.chooseReader(AbortSignal.timeout(9000));
    let asked = 0;
    breakReads('auto', async (response, askServer) => {
      const isFirst = ++asked === 1;
      // The first has been folded by then.
      await wait(isFirst ? 0 : 100);
      const { headers, body } = await askServer();
      response.writeHead(isFirst ? 200 : 404, headers).end(body);
    });
    const targets = FLEET.map(({ namespace, name }) => ({
      workload: { ...AGENT, namespace },
      pods: [name],
    }));
    assert.deepEqual(await read(source, targets), await read(byRange, targets));
    assert.equal(asked, 2);
    source.close();
    byRange.close();
  });

  it('is read by auto sample by sample although the first try was cut', async () => {
    const source = open('auto');
    breakReads('auto', (response) => {
      response.writeHead(200, { 'content-type': CHUNKS, 'content-length': '9' });
      response.write('x', () => response.destroy());
      proxyOf('auto').heal();
    });
    assert.deepEqual(await read(source), whole.get('auto'));
    source.close();
  });

  it('is tried by auto again ten minutes after remote read was refused, and not before', async () => {
    let seconds = 0;
    const options = { url: proxyOf('auto').url };
    const transport = createTransport(options);
    const reader = createRemoteReader(createStreamClient(options, transport));
    const clock = () => seconds;
    const chooser = createReaderChooser({ wish: 'auto', reader, matchers: [], clock });
    const nameAt = async (now: number): Promise<string> => {
      seconds = now;
      return (await chooser.choose(AbortSignal.timeout(9000))).name;
    };
    breakReads('auto', (response) => {
      response.writeHead(403).end();
    });
    assert.equal(await nameAt(0), 'query-range');
    proxyOf('auto').heal();
    assert.deepEqual([await nameAt(599), await nameAt(600)], ['query-range', 'remote-read']);
    transport.close();
  });

  it('gets fewer calls at once after a storm, and all of them again after good answers', async () => {
    const source = open('query-range');
    breakReads('query-range', (response) => {
      response.writeHead(429).end();
    });
    await read(source);
    assert.ok(source.budgets().limit <= 2, `${source.budgets().limit} at once`);
    proxyOf('query-range').heal();
    for (let i = 0; i < 4; i++) await read(source);
    assert.equal(source.budgets().limit, 4);
    source.close();
  });

  it('gets an answer that drips in within the deadline only', async () => {
    const source = open('query-range');
    breakReads('query-range', async (response, askServer) => {
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
    const source = open('remote-read');
    breakReads('remote-read', async (response, askServer) => {
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
    const source = open('remote-read');
    breakReads('remote-read', async (response, askServer) => {
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
