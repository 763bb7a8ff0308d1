import assert from 'node:assert/strict';
import { isPrometheus } from '../../../src/prometheus/buildinfo.ts';
import { PrometheusError } from '../../../src/prometheus/prometheuserror.ts';

const { signal } = new AbortController();

function saying(data: unknown): Parameters<typeof isPrometheus>[0] {
  return { status: () => Promise.resolve({ data, warnings: [], aheadSeconds: undefined }) };
}

function failing(error: Error): Parameters<typeof isPrometheus>[0] {
  return { status: () => Promise.reject(error) };
}

describe('a server that answers as Prometheus does', () => {
  const build = { version: '3.16.0', revision: 'abc', branch: 'HEAD', goVersion: 'go1.26' };
  for (const [what, data, want] of [
    ['is Prometheus by its revision', build, true],
    ['is another by its application', { ...build, application: 'Grafana Mimir' }, false],
    ['is another with a version alone', { version: '2.24.0' }, false],
    ['is unknown where it says nothing', null, false],
  ] as const) {
    it(what, async () => {
      assert.equal(await isPrometheus(saying(data), signal), want);
    });
  }

  it('is not taken for it where it may not be asked, and asked again where it did not answer', async () => {
    const refused = new PrometheusError('PrometheusRefused', 'Prometheus answered 403');
    assert.equal(await isPrometheus(failing(refused), signal), false);
    for (const reason of [
      'PrometheusTimeout',
      'PrometheusUnreachable',
      'PrometheusOverloaded',
    ] as const) {
      const error = new PrometheusError(reason, 'for now');
      assert.equal(await isPrometheus(failing(error), signal), undefined, reason);
    }
  });

  it('is not decided on abort, nor by a bug', async () => {
    const gone = new Error('gone');
    await assert.rejects(isPrometheus(failing(new Error('late')), AbortSignal.abort(gone)), gone);
    await assert.rejects(isPrometheus(failing(new TypeError('a bug')), signal), TypeError);
  });
});
