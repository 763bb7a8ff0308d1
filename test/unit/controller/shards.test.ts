import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { historyOf } from '../../../src/controller/history.ts';
import { Controller } from '../../../src/controller/controller.ts';
import { Ledger } from '../../../src/controller/ledger.ts';
import { workloadKey } from '../../../src/controller/ports.ts';
import type { Territory } from '../../../src/controller/territory.ts';
import { aHistory, days, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aRecord, MemoryActing, RULES } from './memoryacting.ts';
import { aClusterPolicy, aWorkload, MemoryCluster, MemoryUsage } from './memorycluster.ts';

const HERE = aWorkload('cart', { ref: { namespace: 'here', kind: 'Deployment', name: 'cart' } });
const THERE = aWorkload('wiki', { ref: { namespace: 'there', kind: 'Deployment', name: 'wiki' } });

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a controller that shares the cluster', () => {
  let now: number;
  let own: Set<string | undefined>;
  let cluster: MemoryCluster;
  let controller: Controller;
  let acting: MemoryActing;
  let published: string[];

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    now = NOW;
    own = new Set(['here']);
    published = [];
    cluster = new MemoryCluster().add(aClusterPolicy('all'), HERE, THERE);
    const source = new MemoryUsage();
    for (const { ref } of [HERE, THERE]) {
      source.usage.set(workloadKey(ref), { main: aHistory(days(14)) ?? assert.fail() });
    }
    const territory: Territory = {
      shards: 2,
      owns: (namespace) => own.has(namespace),
      publish: (key, figures) => {
        if (figures !== undefined) published.push(key);
      },
      figuresOfOthers: () => undefined,
    };
    const quiet = () => undefined;
    acting = new MemoryActing();
    controller = new Controller({
      view: cluster,
      writer: cluster,
      source,
      events: { record: quiet },
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      clock: { nowSeconds: () => now },
      random: () => 0.5,
      isLeader: () => true,
      territory,
      refreshSeconds: HOUR_SECONDS,
      acting: acting.options,
      onReconciled: quiet,
    });
    controller.lead();
  });
  afterEach(async () => {
    await controller.rest();
    mock.timers.reset();
  });

  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      now += 1;
      mock.timers.tick(1000);
      await settle();
    }
  }

  const written = () => [...cluster.recommendations.keys()].sort();
  const statusOfPolicy = () => cluster.policies.get('ClusterRightsizePolicy//all')?.status;

  it('writes in its own namespaces, tells the others its figures, and leaves the policy to one', async () => {
    await pass(8);
    assert.deepEqual(written(), ['here/deployment-cart']);
    assert.ok(published.includes('ClusterRightsizePolicy//all'));
    assert.equal(statusOfPolicy(), undefined);
  });

  it('takes over what becomes its own, and knows nothing any more of what it leaves', async () => {
    await pass(8);
    own = new Set(['there', undefined]);
    controller.territoryChanged();
    assert.deepEqual([...controller.snapshot.outcomes.keys()], []);
    await pass(8);
    assert.deepEqual(written(), ['here/deployment-cart', 'there/deployment-wiki']);
    assert.deepEqual([...controller.snapshot.outcomes.keys()], ['there/Deployment/wiki']);
    assert.deepEqual([statusOfPolicy()?.owned, statusOfPolicy()?.recommended], [2, 2]);
  });

  it('knows of a breaker that the changes of another shard open', async () => {
    await pass(8);
    assert.equal(controller.snapshot.isBreakerOpen, false);
    const bad = Array.from({ length: 6 }, (_, i) =>
      aRecord({ atSeconds: now - 60 + i, outcome: 'TakenBack', outcomeSeconds: now - 10 }),
    );
    cluster.recommendations.set('there/deployment-wiki', {
      namespace: 'there',
      name: 'deployment-wiki',
      uid: 'uid-there',
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'wiki' },
      ownerUid: 'uid-wiki',
      isActive: false,
      status: { history: historyOf(bad) },
    });
    controller.changed({ kind: 'Recommendation', key: 'there/Deployment/wiki' });
    assert.equal(controller.snapshot.isBreakerOpen, true);
  });
});

describe('the budget of a shard', () => {
  it('is its part of that of the cluster, less what it spent, and no more than all have left', () => {
    const ledger = new Ledger(
      new MemoryCluster(),
      { ...RULES, maxPodsPerHour: 100 },
      { shards: 3, owns: (key) => key.startsWith('here/') },
    );
    assert.equal(ledger.freeFleet(NOW), 33);
    ledger.set('here/Deployment/cart', [aRecord({ pods: 10 })]);
    ledger.set('there/Deployment/wiki', [aRecord({ pods: 60 })]);
    assert.equal(ledger.freeFleet(NOW), 23);
    ledger.set('there/Deployment/wiki', [aRecord({ pods: 85 })]);
    assert.equal(ledger.freeFleet(NOW), 5);
  });
});
