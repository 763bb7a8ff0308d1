import assert from 'node:assert/strict';
import fc from 'fast-check';
import { recommendationStatus } from '../../../src/api/recommendation.ts';
import { governanceOf } from '../../../src/controller/gather.ts';
import type { ContainerSpec } from '../../../src/controller/ports.ts';
import { compose } from '../../../src/controller/compose.ts';
import { quantities } from '../../../src/controller/status.ts';
import type { UsageHistory } from '../../../src/recommend/usage.ts';
import { aHistory, days, GI, MI, NOW } from '../../support/builders.ts';
import {
  aNode,
  aPolicy,
  aWorkload,
  anAutoscaler,
  MemoryCluster,
  UNREACHABLE,
} from './memorycluster.ts';

const amount = fc.option(fc.constantFrom(0.001, 0.5, 3.333, 127), { nil: undefined });
const sizes = fc.record({ cpu: amount, memory: amount }).map(({ cpu, memory }) => ({
  ...(cpu !== undefined && { cpu }),
  ...(memory !== undefined && { memory: Math.ceil(memory * GI) }),
}));

const usage = fc.array(
  fc.record({
    cpu: fc.array(fc.constantFrom(0, 0.01, 7.77, 9e4), { maxLength: 3 }),
    peak: fc.option(fc.constantFrom(0, 123_456_789, 2 ** 46), { nil: undefined }),
    oomKills: fc.constantFrom(0, 0, 1),
    throttledShare: fc.constantFrom(0, 0, 0.9),
  }),
  { maxLength: 16 },
);

const containerOf = (index: number) =>
  fc.record({ requests: sizes, limits: sizes, usage }).map((of) => ({
    ...of,
    name: `${'c'.repeat(60)}-${String(index).padStart(2, '0')}`,
  }));

const containers = fc
  .constantFrom(1, 3, 70)
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => containerOf(i))));

const surroundings = fc.record({
  min: fc.constantFrom(undefined, MI, GI),
  ratio: fc.constantFrom(undefined, 1.5),
  node: fc.constantFrom(undefined, 2),
  autoscaled: fc.boolean(),
  isFailing: fc.boolean(),
  isRead: fc.boolean(),
});

describe('every status', () => {
  it('is one that the API takes, with no number that is none', () => {
    fc.assert(
      fc.property(containers, surroundings, (of, around) => {
        const cluster = new MemoryCluster();
        const policy = aPolicy('p'.repeat(253), {
          limits: { cpu: { strategy: 'Ratio' } },
          bounds: { maxAllowed: { cpu: '8', memory: '7Gi' } },
        });
        const workload = aWorkload('w'.repeat(253), {
          containers: of.map(({ name, requests, limits }): ContainerSpec => ({
            name,
            kind: 'Sidecar',
            restartsOn: [],
            requests,
            limits,
          })),
        });
        cluster.add(workload, policy);
        const { min, ratio, node } = around;
        cluster.ranges = [
          {
            namespace: 'shop',
            name: 'bounds',
            items: [
              {
                type: 'Container',
                min: min === undefined ? {} : { memory: min },
                max: {},
                default: { cpu: 1 },
                defaultRequest: {},
                maxLimitRequestRatio: ratio === undefined ? {} : { cpu: ratio, memory: ratio },
              },
            ],
          },
        ];
        if (node !== undefined) {
          cluster.machines = [aNode('n', { cpu: node, memory: node * GI })];
        }
        if (around.autoscaled) {
          cluster.scalers = [anAutoscaler(workload.ref.name, ['cpu'])];
        }
        const histories = new Map<string, UsageHistory>();
        for (const { name, usage: given } of of) {
          const history = aHistory(days(given.length, (ago) => ({ ...given[ago - 1] })));
          if (history !== undefined) histories.set(name, history);
        }
        const governance = governanceOf(cluster, workload);
        assert.ok(governance !== undefined);
        const statusAfter = (stored: Parameters<typeof compose>[1]['stored']) =>
          compose(workload, {
            view: cluster,
            nowSeconds: NOW,
            governance,
            usage: {
              containers: histories,
              failure: around.isFailing ? UNREACHABLE : undefined,
              isRead: around.isRead || !around.isFailing,
            },
            stored,
          }).status;
        const status = statusAfter(undefined);
        const text = JSON.stringify(status);
        assert.deepEqual(recommendationStatus.parse(JSON.parse(text)), JSON.parse(text));
        assert.doesNotMatch(text, /NaN|undefined|Infinity|null/);
        assert.ok((status.conditions ?? []).length > 0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('amounts in a status', () => {
  it('are exact quantities, with their sign', () => {
    assert.deepEqual(quantities({ cpu: 0.25, memory: 512 * MI }), { cpu: '250m', memory: '512Mi' });
    assert.deepEqual(quantities({ cpu: -1.5, memory: -GI }), { cpu: '-1500m', memory: '-1Gi' });
    assert.deepEqual(quantities({ cpu: 2 }), { cpu: '2' });
    assert.deepEqual(quantities({}), {});
  });

  it('have no minus before a zero that float error made', () => {
    assert.deepEqual(quantities({ cpu: 0.3 - 0.1 - 0.2 }), { cpu: '0' });
  });
});
