import assert from 'node:assert/strict';
import { gather, governanceOf } from '../../../src/controller/gather.ts';
import { compose } from '../../../src/controller/compose.ts';
import type { Policy, Pod, Workload } from '../../../src/controller/ports.ts';
import { ALONE } from '../../../src/recommend/fleet.ts';
import { recommend } from '../../../src/recommend/recommend.ts';
import { summaryOf } from '../../../src/controller/summary.ts';
import { aContainer, aHistory, days, GI, MI, NOW, recommended } from '../../support/builders.ts';
import {
  aPod,
  aPodContainer,
  aPolicy,
  aWorkload,
  anAutoscaler,
  MemoryCluster,
} from './memorycluster.ts';

const history = aHistory(days(14)) ?? assert.fail();
const usage = { containers: new Map([['main', history]]) };

function governed(cluster: MemoryCluster, workload: Workload) {
  return governanceOf(cluster, workload) ?? assert.fail('no policy');
}

function inputOf(cluster: MemoryCluster, workload = aWorkload('cart')) {
  const governance = governed(cluster, workload);
  const context = { governance, usage, fleet: ALONE, nowSeconds: NOW };
  return gather(cluster, workload, { ...context, stored: undefined });
}

function statusOf(workload: Workload, policy: Policy = aPolicy('own')) {
  const cluster = new MemoryCluster().add(policy, workload);
  return compose(workload, {
    view: cluster,
    nowSeconds: NOW,
    governance: governed(cluster, workload),
    usage: { ...usage, failure: undefined, isRead: true },
    stored: undefined,
  }).status;
}

const main = aWorkload('cart').containers[0] ?? assert.fail();

describe('what is gathered of a workload', () => {
  it('has the limit for a request that is left out, as the API server does', () => {
    const workload = aWorkload('cart', {
      containers: [{ ...main, requests: { cpu: 1 }, limits: { cpu: 2, memory: GI } }],
    });
    const cluster = new MemoryCluster().add(aPolicy('own'));
    const [container] = inputOf(cluster, workload).containers;
    assert.deepEqual(container?.current, {
      requests: { cpu: 1, memory: GI },
      limits: { cpu: 2, memory: GI },
    });
  });

  it('has the last OOM kill of the container in any of its pods', () => {
    const cluster = new MemoryCluster().add(aPolicy('own'));
    const killed = (name: string, oomKilledSeconds: number | undefined) =>
      aPodContainer(name, { restarts: 1, oomKilledSeconds });
    const pod = (name: string, containers: Pod['containers']) => aPod(name, { containers });
    cluster.podsOf.set('shop/Deployment/cart', [
      pod('a', [killed('main', NOW - 50), killed('other', NOW - 1)]),
      pod('b', [killed('main', NOW - 20)]),
      pod('c', [killed('main', undefined)]),
    ]);
    assert.equal(inputOf(cluster).containers[0]?.oomKill?.seconds, NOW - 20);
  });

  it('has the autoscaler of its own kind and name only', () => {
    const cluster = new MemoryCluster().add(aPolicy('own'));
    const scaler = (kind: string, resources: readonly ('cpu' | 'memory')[]) =>
      anAutoscaler('cart', resources, { name: kind, target: { kind, name: 'cart' } });
    cluster.scalers = [scaler('StatefulSet', ['memory']), scaler('Deployment', ['cpu'])];
    assert.deepEqual(inputOf(cluster).autoscaled, ['cpu']);
  });

  it('has what was recommended last, and whether by the same policy', () => {
    const cluster = new MemoryCluster().add(aPolicy('own'));
    const stored = statusOf(aWorkload('cart'));
    const previous = (policy: Policy) => {
      cluster.add(policy);
      const workload = aWorkload('cart');
      const governance = governed(cluster, workload);
      const input = gather(cluster, workload, {
        governance,
        usage,
        stored,
        fleet: ALONE,
        nowSeconds: NOW,
      });
      return input.containers[0]?.previous.memory;
    };
    assert.deepEqual(previous(aPolicy('own')), {
      request: 113 * MI,
      coveredDays: 14,
      lastSampleSeconds: NOW - 86_400,
      oomKill: undefined,
      isSamePolicy: true,
    });
    assert.equal(previous(aPolicy('own', {}, { generation: 2 }))?.isSamePolicy, false);
    assert.equal(previous(aPolicy('a-first', { priority: 1 }))?.isSamePolicy, false);
  });
});

describe('the savings of a workload', () => {
  const memory = (workload: Workload) => statusOf(workload).savings?.memory;

  it('count for each pod that it wants', () => {
    // 1Gi - 113Mi = 911Mi a pod.
    assert.equal(memory(aWorkload('cart', { replicas: 2 })), '1822Mi');
    assert.equal(memory(aWorkload('cart', { replicas: 0 })), '0');
  });

  it('count for one run of a CronJob', () => {
    const ref = { namespace: 'shop', kind: 'CronJob', name: 'report' } as const;
    assert.equal(memory(aWorkload('report', { ref, replicas: 0 })), '911Mi');
  });
});

describe('the columns of a recommendation', () => {
  it('show the risk and the confidence of the container that is worst off', () => {
    const hit = (count: number) => days(14, (ago) => ({ peak: ago <= count ? 2 ** ago * GI : MI }));
    const recommendations = recommended([
      aContainer().named('calm').requesting({ cpu: 1, memory: GI }),
      aContainer().named('young').requesting({ cpu: 1, memory: GI }).with(hit(1).slice(-4)),
    ]);
    const savings = { cpu: 0, memory: 0 };
    const summary = summaryOf({ recommendations, savings, policy: undefined });
    // Of four days three are judged, and the last is over all before it.
    assert.equal(summary.memoryRisk, '33% of 1%');
    assert.equal(summary.cpuRisk, '0 of 5%');
    assert.equal(summary.confidence, 'Low');
    assert.equal(summary.evidence, '4d');
    assert.equal(summary.saves, '-');
    assert.equal(summary.status, 'Recommended');
    // 2Gi × 1.1275 is 2368Mi in steps of 64, and 113Mi.
    assert.equal(summary.memory, '2Gi → 2.4Gi');
  });

  it('say that nothing is known, and show nothing as recommended', () => {
    const recommendations = recommend({
      containers: [aContainer().with([]).input],
      autoscaled: [],
      ...ALONE,
      limitRanges: [],
      largestNode: undefined,
      nowSeconds: NOW,
    });
    const summary = summaryOf({
      recommendations,
      savings: { cpu: 0, memory: 0 },
      policy: undefined,
    });
    assert.deepEqual([summary.cpu, summary.memory], ['none → ?', 'none → ?']);
    assert.deepEqual([summary.status, summary.basis], ['Learning', 'Prior']);
  });
});
