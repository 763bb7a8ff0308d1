import assert from 'node:assert/strict';
import type { Finding } from '../../src/controller/finding.ts';
import { checkPrometheus } from '../../src/prometheus/checkup.ts';
import type { SourceOptions } from '../../src/prometheus/source.ts';
import { containerMetrics, ownerMetrics, type SeedPod } from '../support/cluster-metrics.ts';
import { startFaulty } from '../support/faulty-prometheus.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import { answerEmpty, startStub } from '../support/stub-prometheus.ts';

const DAY = 86_400;
const NOW = Math.floor(Date.now() / 1000);

function pod(days: number): SeedPod {
  return {
    namespace: 'shop',
    name: 'web-7d4b9c6f5-bcdfg',
    uid: 'bcdfg',
    node: 'node-1',
    owners: [{ kind: 'ReplicaSet', name: 'web-7d4b9c6f5' }],
    startSeconds: NOW - days * DAY,
    endSeconds: NOW,
    containers: [
      {
        name: 'web',
        sizes: { requests: {}, limits: {} },
        usage: { cpuCores: () => 0.1, memoryBytes: () => 2 ** 20 },
      },
    ],
  };
}

async function check(options: SourceOptions, days = 14): Promise<ReadonlyMap<string, Finding>> {
  const findings = await checkPrometheus(options, days * DAY, AbortSignal.timeout(30_000));
  return new Map(findings.map((finding) => [finding.check, finding]));
}

const textOf = (found: ReadonlyMap<string, Finding>, check: string): string =>
  found.get(check)?.found ?? 'missing';

describe('a look at a real Prometheus', function () {
  this.timeout(60_000);
  let full: RunningPrometheus;
  let bare: RunningPrometheus;
  before(async () => {
    const old = pod(15);
    full = await startPrometheus({ series: [...containerMetrics(old), ...ownerMetrics([old])] });
    bare = await startPrometheus({ flags: ['--query.max-concurrency=4'] });
  });
  after(async () => {
    await full.stop();
    await bare.stop();
  });

  it('finds access, reader, clock, limits and data', async () => {
    const found = await check({ url: full.url, reader: 'auto' });
    const ofResult = (result: string) =>
      [...found.values()].filter((finding) => finding.result === result);
    assert.deepEqual(ofResult('FAIL'), []);
    for (const name of [
      'reachable',
      'clock',
      'version',
      'reader',
      'series',
      'limits',
      'CPU use',
      'memory use',
      'owners',
      'history',
    ]) {
      assert.equal(found.get(name)?.result, 'OK', `${name}: ${textOf(found, name)}`);
    }
    assert.match(textOf(found, 'reader'), /^remote-read: /);
    assert.match(textOf(found, 'version'), /^\d+\.\d+/);
    assert.match(textOf(found, 'limits'), /^50000000 samples in a query, 20 queries at once/);
    assert.match(textOf(found, 'history'), /^reaches back 14 d of the 14 d that count$/);
    assert.match(textOf(found, 'spacing'), /^a sample about every \d+ s$/);
  });

  it('finds that history is shorter than what counts', async () => {
    const found = await check({ url: full.url }, 28);
    assert.equal(found.get('history')?.result, 'WARN');
    assert.match(
      textOf(found, 'history'),
      /^reaches back 14 d of the 28 d that count, or somewhat more$/,
    );
  });

  it('finds metrics missing, each with what to do', async () => {
    const found = await check({ url: bare.url });
    assert.equal(found.get('CPU use')?.result, 'FAIL');
    assert.match(found.get('CPU use')?.todo ?? '', /cadvisor/);
    assert.equal(found.get('owners')?.result, 'WARN');
    assert.match(found.get('owners')?.todo ?? '', /kube-state-metrics/);
    assert.equal(found.get('limits')?.result, 'WARN', 'four of four queries at once');
    assert.equal(found.get('history'), undefined, 'not looked for without data');
  });

  it('finds that a file of ours cannot be read, which is not for want of a way', async () => {
    for (const option of ['bearerTokenFile', 'caFile']) {
      const found = await check({ url: full.url, [option]: '/nowhere/file' });
      assert.deepEqual([...found.keys()], ['reachable']);
      assert.match(textOf(found, 'reachable'), /file \/nowhere\/file for Prometheus: ENOENT$/);
      assert.match(found.get('reachable')?.todo ?? '', /^look at the path, and at who may read it/);
    }
  });

  it('sees its namespace only', async () => {
    const own = await check({ url: full.url, namespaces: ['shop'] });
    assert.equal(own.get('CPU use')?.result, 'OK');
    const other = await check({ url: full.url, namespaces: ['bank'] });
    assert.equal(other.get('CPU use')?.result, 'FAIL');
  });

  it('says why remote read is not used', async () => {
    const stub = await startStub();
    const reader = (await check({ url: stub.url, reader: 'auto' })).get('reader');
    assert.equal(reader?.result, 'WARN');
    assert.match(reader.found, /^query-range: the server offers no remote read: .*404/);
    await stub.stop();
  });

  it('says that owners are told by samples where lists of series are refused', async () => {
    const faulty = await startFaulty(full.url);
    faulty.breakCalls('series', (response) => {
      response.writeHead(403).end();
    });
    const found = await check({ url: faulty.url, reader: 'auto' });
    const byRange = await check({ url: faulty.url, reader: 'query-range' });
    faulty.breakCalls('series', (response) => {
      response.writeHead(503, { 'retry-after': '600' }).end();
    });
    const busy = (await check({ url: faulty.url, reader: 'auto' })).get('series');
    await faulty.stop();
    assert.equal(found.get('reader')?.result, 'OK');
    assert.equal(found.get('series')?.result, 'WARN');
    assert.match(
      textOf(found, 'series'),
      /^owners are told by their samples, as series are not listed: PrometheusRefused: .*403$/,
    );
    assert.match(found.get('series')?.todo ?? '', /let through/);
    assert.equal(byRange.get('series'), undefined, 'none is asked for');
    assert.equal(busy?.result, 'WARN');
    assert.match(busy.found, /^PrometheusOverloaded: .*503$/);
  });

  it('fails where a reader that was asked for is not offered', async () => {
    const stub = await startStub();
    stub.answering = (request, response) => {
      if (request.url?.includes('/query_range') !== true) answerEmpty(request, response);
      else response.writeHead(403).end();
    };
    const remote = (await check({ url: stub.url, reader: 'remote-read' })).get('reader');
    const range = (await check({ url: stub.url, reader: 'query-range' })).get('reader');
    const auto = (await check({ url: stub.url, reader: 'auto' })).get('reader');
    await stub.stop();
    assert.equal(remote?.result, 'FAIL');
    assert.match(remote.found, /^remote-read was asked for: the server offers no remote .*404/);
    assert.match(remote.todo ?? '', /--prometheus-reader=auto/);
    assert.equal(range?.result, 'FAIL');
    assert.match(range.found, /^query-range: it was asked for; PrometheusRefused: .*403$/);
    assert.equal(auto?.result, 'FAIL', 'nothing is left to read by');
  });

  it('finds the reader that was asked for', async () => {
    for (const reader of ['remote-read', 'query-range'] as const) {
      const found = (await check({ url: full.url, reader })).get('reader');
      assert.equal(found?.result, 'OK');
      assert.match(found.found, new RegExp(`^${reader}: `));
    }
  });

  it('ends after access when that fails, with what to do', async () => {
    const stub = await startStub();
    stub.answering = (_request, response) => response.writeHead(401).end();
    const found = await check({ url: stub.url });
    await stub.stop();
    assert.deepEqual([...found.keys()], ['reachable']);
    assert.equal(found.get('reachable')?.result, 'FAIL');
    assert.match(textOf(found, 'reachable'), /^PrometheusRefused: Prometheus answered 401$/);
    assert.match(found.get('reachable')?.todo ?? '', /tokens/);
  });

  it('finds a clock that is wrong', async () => {
    const stub = await startStub();
    stub.answering = (request, response) => {
      response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
      answerEmpty(request, response);
    };
    const clock = (await check({ url: stub.url })).get('clock');
    await stub.stop();
    assert.equal(clock?.result, 'FAIL');
    assert.match(clock.found, /^differs from ours by 3(600|599|601) s$/);
  });
});
