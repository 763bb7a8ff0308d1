import assert from 'node:assert/strict';
import { fleetOf, otherRisks } from '../../../src/cli/clusterfleet.ts';
import { governanceOf } from '../../../src/controller/gather.ts';
import type { Workload } from '../../../src/controller/ports.ts';
import { GI } from '../../support/builders.ts';
import { aPolicy, aWorkload, MemoryCluster } from '../controller/memorycluster.ts';

const IGNORED = { name: 'mesh-*', mode: 'Ignore' };
const GRID = {
  startSeconds: 0,
  stepSeconds: 300,
  cpu: Float64Array.of(1),
  memory: new Float64Array(0),
};

function container(name: string, sizes: Partial<Workload['containers'][number]> = {}) {
  return { name, kind: 'Container', restartsOn: [], requests: {}, limits: {}, ...sizes } as const;
}

function governed(cluster: MemoryCluster, ...workloads: readonly Workload[]) {
  return workloads.map((workload) => ({
    workload,
    governance: governanceOf(cluster, workload) ?? assert.fail('no policy'),
  }));
}

describe('the series of a cluster', () => {
  const shop = new MemoryCluster().add(aPolicy('own', { containers: [IGNORED] }));
  shop.ranges = [
    {
      namespace: 'shop',
      name: 'defaults',
      items: [
        {
          type: 'Container',
          defaultRequest: { cpu: 0.1 },
          default: {},
          min: {},
          max: {},
          maxLimitRequestRatio: {},
        },
      ],
    },
  ];
  const web = aWorkload('web', {
    containers: [
      container('app', { requests: { cpu: 2 }, limits: { memory: 3 * GI } }),
      container('bare'),
      container('unused'),
      container('mesh-proxy'),
    ],
  });
  const used = ['app', 'bare', 'mesh-proxy'].map((name) => [name, GRID] as const);
  const usage = new Map([['shop/Deployment/web', new Map(used)]]);
  const fleet = fleetOf(shop, governed(shop, web), usage);
  const requests = new Map([...fleet].map(([{ series }, amounts]) => [series, amounts]));

  it('are one for each container with usage that the policy sizes', () => {
    assert.deepEqual(
      [...fleet.keys()].map(({ dataset, series }) => `${dataset}/${series}`),
      ['shop/Deployment/web/app', 'shop/Deployment/web/bare'],
    );
  });

  it('have the requests of the pod template, completed by limits and LimitRanges', () => {
    assert.deepEqual(requests.get('Deployment/web/app'), { cpu: 2, memory: 3 * GI });
    assert.equal(requests.get('Deployment/web/bare')?.cpu, 0.1);
  });

  it('come in the same order whatever that of the workloads', () => {
    const both = new Map(
      ['web', 'api'].map((name) => [`shop/Deployment/${name}`, new Map([['main', GRID]])]),
    );
    const names = (...order: readonly string[]) =>
      [...fleetOf(shop, governed(shop, ...order.map((name) => aWorkload(name))), both).keys()].map(
        ({ series }) => series,
      );
    assert.deepEqual(names('web', 'api'), ['Deployment/api/main', 'Deployment/web/main']);
    assert.deepEqual(names('api', 'web'), names('web', 'api'));
  });
});

describe('the one risk of a replay', () => {
  const careful = aPolicy('careful', {
    selector: { matchLabels: { tier: 'front' } },
    priority: 9,
    riskTolerance: { profile: 'Careful' },
  });
  const cluster = new MemoryCluster().add(aPolicy('own'), careful);
  const all = governed(
    cluster,
    aWorkload('web', { labels: { tier: 'front' } }),
    aWorkload('api'),
    aWorkload('db'),
  );

  it('is said where workloads have another by their own policy', () => {
    assert.deepEqual(otherRisks(all, { cpu: 0.05, memory: 0.01 }), [
      '1 of 3 workloads have another risk by their own policy: all are replayed at 5% for CPU and 1% for memory',
    ]);
    assert.match(otherRisks(all, { cpu: 0.02, memory: 0.005 })[0] ?? '', /^2 of 3 workloads/);
  });

  it('is not mentioned where it is that of all', () => {
    assert.deepEqual(otherRisks(all.slice(1), { cpu: 0.05, memory: 0.01 }), []);
  });
});
