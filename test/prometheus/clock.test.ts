import assert from 'node:assert/strict';
import type { UsageReading, WorkloadRef } from '../../src/controller/ports.ts';
import { createPrometheusSource, type SourceOptions } from '../../src/prometheus/source.ts';
import { answerEmpty, startStub, type StubPrometheus } from '../support/stub-prometheus.ts';

const web: WorkloadRef = { namespace: 'shop', kind: 'Deployment', name: 'web' };
const TO = 1_800_000_000;

// A real Prometheus has the clock of this machine.
describe('the clock of Prometheus', function () {
  this.timeout(20_000);
  let stub: StubPrometheus;
  beforeEach(async () => {
    stub = await startStub();
  });
  afterEach(() => stub.stop());

  async function read(reader: SourceOptions['reader']): Promise<UsageReading> {
    const source = createPrometheusSource({ url: stub.url, reader });
    const query = {
      targets: [{ workload: web, pods: ['web-1'] }],
      siblings: [],
      fromSeconds: TO - 86_400,
      toSeconds: TO,
    };
    try {
      return await source.read(query, AbortSignal.timeout(15_000));
    } finally {
      source.close();
    }
  }

  const date = (aheadMs: number): string => new Date(Date.now() + aheadMs).toUTCString();

  for (const [aheadMs, text] of [
    [3_600_000, /^the clock of Prometheus is (3600|3599) s ahead of ours$/],
    [-3_600_000, /^the clock of Prometheus is (3600|3601) s behind ours$/],
  ] as const) {
    it(`is said once to be wrong, by ${aheadMs / 1000} s`, async () => {
      stub.answering = (request, response) => {
        response.setHeader('date', date(aheadMs));
        answerEmpty(request, response);
      };
      const { warnings } = await read('query-range');
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]?.message ?? '', text);
    });
  }

  for (const [reader, slow] of [
    ['query-range', '/values'],
    ['remote-read', '/series'],
  ] as const) {
    it(`is not made wrong by a body that takes long, with ${reader}`, async () => {
      let slowCalls = 0;
      stub.answering = (request, response) => {
        // Nearly as far behind as is tolerated; when the body has come, it looks like more.
        response.setHeader('date', date(-297_000));
        if (request.url?.includes(slow) !== true) {
          answerEmpty(request, response);
          return;
        }
        slowCalls++;
        response.setHeader('content-type', 'application/json').flushHeaders();
        setTimeout(() => response.end('{"status":"success","data":[]}'), 4000);
      };
      const { warnings } = await read(reader);
      assert.ok(slowCalls > 0);
      assert.deepEqual(warnings, []);
    });
  }
});
