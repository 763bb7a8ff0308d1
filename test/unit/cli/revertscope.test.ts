import assert from 'node:assert/strict';
import { BadInput } from '../../../src/cli/failure.ts';
import {
  chosenWorkloads,
  onlyNamespace,
  parseScope,
  scopeText,
  type ScopeFlags,
} from '../../../src/cli/revertscope.ts';
import { workloadKey } from '../../../src/controller/ports.ts';
import { aWorkload, MemoryCluster } from '../controller/memorycluster.ts';

describe('what is chosen to be put back', () => {
  const cluster = new MemoryCluster().add(
    aWorkload('web'),
    aWorkload('api'),
    aWorkload('db', { ref: { namespace: 'data', kind: 'StatefulSet', name: 'db' } }),
  );
  for (const name of ['kube-system', 'shop', 'data']) {
    cluster.namespaces.set(name, { name, labels: {}, annotations: {} });
  }
  const chosen = (flags: ScopeFlags) =>
    chosenWorkloads(cluster, parseScope(flags)).map(
      ({ workload, isNamed }) => `${workloadKey(workload.ref)}${isNamed ? ' named' : ''}`,
    );

  it('is everything, a namespace, or single workloads, in the order of their keys', () => {
    assert.deepEqual(chosen({ all: true }), [
      'data/StatefulSet/db',
      'shop/Deployment/api',
      'shop/Deployment/web',
    ]);
    assert.deepEqual(chosen({ namespace: ['shop'] }), [
      'shop/Deployment/api',
      'shop/Deployment/web',
    ]);
    assert.deepEqual(chosen({ namespace: ['data'], workload: ['shop/deployment/web'] }), [
      'data/StatefulSet/db',
      'shop/Deployment/web named',
    ]);
  });

  it('is looked for in its one namespace, where it has one', () => {
    const of = (flags: ScopeFlags) => onlyNamespace(parseScope(flags));
    assert.equal(of({ namespace: ['shop'], workload: ['shop/Job/seed'] }), 'shop');
    assert.equal(of({ namespace: ['shop', 'data'] }), undefined);
    assert.equal(of({ all: true }), undefined);
  });

  it('is said again as flags', () => {
    assert.equal(scopeText(parseScope({ all: true })), '--all');
    assert.equal(
      scopeText(parseScope({ namespace: ['data'], workload: ['shop/deployment/web'] })),
      '--namespace data --workload shop/Deployment/web',
    );
  });

  const bad: Readonly<Record<string, { flags: ScopeFlags; want: RegExp }>> = {
    nothing: { flags: {}, want: /say what to put back/ },
    'more besides everything': { flags: { all: true, namespace: ['a'] }, want: /goes alone/ },
    'too few parts': { flags: { workload: ['shop/web'] }, want: /NAMESPACE\/KIND\/NAME/ },
    'too many parts': { flags: { workload: ['a/Job/b/c'] }, want: /NAMESPACE\/KIND\/NAME/ },
    'another kind': { flags: { workload: ['shop/Pod/web-0'] }, want: /it is one of Deployment, / },
    'a workload that is not there': {
      flags: { workload: ['shop/Deployment/no'] },
      want: /--workload "shop\/Deployment\/no": there is no such workload/,
    },
    'a namespace that is not there': {
      flags: { namespace: ['no'] },
      want: /--namespace "no": there is no such namespace/,
    },
  };

  for (const [title, { flags, want }] of Object.entries(bad)) {
    it(`is bad input for ${title}`, () => {
      assert.throws(
        () => chosen(flags),
        (error) => error instanceof BadInput && want.test(error.message),
      );
    });
  }

  it('may be a namespace that cannot be looked up', () => {
    const blind = new MemoryCluster().add(aWorkload('web'));
    assert.equal(chosenWorkloads(blind, parseScope({ namespace: ['shop'] })).length, 1);
  });
});
