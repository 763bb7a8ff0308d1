import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  cpuUsage,
  memoryUsage,
  podOwners,
  selectorOf,
  throttledShare,
  podSeries,
} from '../../../src/prometheus/queries.ts';
import { parseMatcher } from '../../../src/prometheus/matcher.ts';

describe('PromQL queries', () => {
  const scope = { namespaces: ['shop'], pods: ['web-0'] };

  it('take one of the series of a container and leave out cgroup rows and sandboxes', () => {
    const selector = '{namespace="shop",pod="web-0",container!="",container!="POD"}';
    assert.equal(
      cpuUsage(scope, []),
      `max by (namespace, pod, container) (rate(container_cpu_usage_seconds_total${selector}[5m]))`,
    );
    assert.equal(
      memoryUsage(scope, []),
      `max by (namespace, pod, container) (max_over_time(container_memory_working_set_bytes${selector}[5m]))`,
    );
  });

  it('carry the extra matchers on every selector', () => {
    const extra = [parseMatcher('cluster="eu-1"')];
    for (const query of [
      cpuUsage(scope, extra),
      throttledShare(scope, extra),
      podOwners(['shop'], 60, extra),
    ]) {
      const selectors = query.match(/\{[^}]*\}/g) ?? [];
      assert.ok(selectors.length > 0);
      for (const selector of selectors) assert.match(selector, /,cluster="eu-1"\}$/);
    }
  });

  it('match several values literally, though they look like patterns', () => {
    const query = cpuUsage({ namespaces: ['shop'], pods: ['a.b', 'c+d(e)'] }, []);
    assert.ok(query.includes(String.raw`,pod=~"a\\.b|c\\+d\\(e\\)",`), query);
  });

  // Names that would end the query early for this test, not for Prometheus.
  const text = fc.string().filter((value) => !/=~|,owner/.test(value));

  it('keep any value inside its quotes', () => {
    fc.assert(
      fc.property(text, text, (first, second) => {
        const one = { label: 'pod', operator: '=', value: first } as const;
        assert.equal(JSON.parse(selectorOf('up', [one]).slice('up{pod='.length, -1)), first);
        const two = podSeries([first], [])[0] ?? '';
        assert.ok(two.includes(`{namespace=${JSON.stringify(first)},container!="",`));
        const query = podOwners([first, second], 60, []);
        const end = query.indexOf(',owner_is_controller');
        const pattern = new RegExp(
          `^(?:${String(JSON.parse(query.slice(query.indexOf('=~') + 2, end)))})$`,
        );
        assert.match(first, pattern);
        assert.match(second, pattern);
      }),
    );
  });

  it('refuse a label name that would end the selector', () => {
    const matcher = { label: 'a="b"} or up{c', operator: '=', value: 'd' } as const;
    assert.throws(() => selectorOf('up', [matcher]), /is not a label name/);
  });
});
