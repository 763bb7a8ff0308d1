import assert from 'node:assert/strict';
import {
  matchesLabels,
  matchesWorkload,
  reachesNamespace,
  winner,
} from '../../../src/controller/policy.ts';
import type { Policy } from '../../../src/controller/ports.ts';
import { aClusterPolicy, aPolicy, aWorkload } from './memorycluster.ts';

const shop = { name: 'shop', labels: { team: 'blue' }, annotations: {} };

describe('of several policies that match', () => {
  const cases: Readonly<Record<string, { readonly of: readonly Policy[]; readonly want: string }>> =
    {
      'a namespaced one goes before a cluster-wide one of any priority': {
        of: [aClusterPolicy('cluster', { priority: 1000 }), aPolicy('own', { priority: -1000 })],
        want: 'own',
      },
      'the higher priority goes first': {
        of: [aPolicy('a', { priority: 1 }), aPolicy('b', { priority: 2 }, { createdSeconds: 9e9 })],
        want: 'b',
      },
      'the older one goes first at the same priority': {
        of: [aPolicy('a', {}, { createdSeconds: 20 }), aPolicy('b', {}, { createdSeconds: 10 })],
        want: 'b',
      },
      'the name decides at the same age': { of: [aPolicy('b'), aPolicy('a')], want: 'a' },
    };
  for (const [what, { of, want }] of Object.entries(cases)) {
    it(what, () => {
      assert.equal(winner(of)?.name, want);
      assert.equal(winner([...of].reverse())?.name, want);
    });
  }

  it('none goes first of none', () => assert.equal(winner([]), undefined));
});

describe('a label selector', () => {
  const labels = { app: 'web', tier: 'front' };
  const expression = (
    key: string,
    operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist',
    values?: readonly string[],
  ) => ({ matchExpressions: [{ key, operator, values }] });
  const cases: readonly (readonly [Parameters<typeof matchesLabels>[0], boolean])[] = [
    [{}, true],
    [{ matchLabels: {} }, true],
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'web', tier: 'back' } }, false],
    [{ matchLabels: { owner: 'me' } }, false],
    [expression('app', 'In', ['api', 'web']), true],
    [expression('app', 'In', ['api']), false],
    [expression('owner', 'In', ['me']), false],
    [expression('app', 'NotIn', ['api']), true],
    [expression('app', 'NotIn', ['web']), false],
    [expression('owner', 'NotIn', ['me']), true],
    [expression('app', 'Exists'), true],
    [expression('owner', 'Exists'), false],
    [expression('app', 'DoesNotExist'), false],
    [expression('owner', 'DoesNotExist'), true],
    [expression('constructor', 'Exists'), false],
    [expression('constructor', 'DoesNotExist'), true],
    [{ matchLabels: { app: 'web' }, ...expression('tier', 'In', ['back']) }, false],
  ];
  for (const [selector, want] of cases) {
    it(`${JSON.stringify(selector)} ${want ? 'matches' : 'does not match'}`, () => {
      assert.equal(matchesLabels(selector, labels), want);
    });
  }
});

describe('a policy', () => {
  it('reaches its own namespace, or those with the labels that it asks for', () => {
    assert.equal(reachesNamespace(aPolicy('own'), shop), true);
    assert.equal(reachesNamespace(aPolicy('own', {}, { namespace: 'data' }), shop), false);
    assert.equal(reachesNamespace(aClusterPolicy('all'), shop), true);
    const blue = { namespaceSelector: { matchLabels: { team: 'blue' } } };
    assert.equal(reachesNamespace(aClusterPolicy('blue', blue), shop), true);
    assert.equal(reachesNamespace(aClusterPolicy('blue', blue), { ...shop, labels: {} }), false);
  });

  it('matches workloads of its kinds and labels', () => {
    const web = aWorkload('web', { labels: { app: 'web' } });
    const matches = (selector: object) => matchesWorkload(aPolicy('own', { selector }), web, shop);
    assert.equal(matches({}), true);
    assert.equal(matches({ kinds: ['StatefulSet'] }), false);
    assert.equal(matches({ kinds: ['StatefulSet', 'Deployment'] }), true);
    assert.equal(matches({ matchLabels: { app: 'web' } }), true);
    assert.equal(matches({ matchLabels: { app: 'api' } }), false);
  });
});
