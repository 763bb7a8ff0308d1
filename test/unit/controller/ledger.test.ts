import assert from 'node:assert/strict';
import { historyOf } from '../../../src/controller/history.ts';
import { Ledger } from '../../../src/controller/ledger.ts';
import type { ChangeRecord } from '../../../src/resize/changes.ts';
import { NOW } from '../../support/builders.ts';
import { aRecord, RULES } from './memoryacting.ts';
import { aClusterPolicy, aPolicy, aWorkload, MemoryCluster } from './memorycluster.ts';

const KEY = 'shop/Deployment/cart';

describe('the ledger of changes', () => {
  let cluster: MemoryCluster;

  const bad = (change: Partial<ChangeRecord> = {}) =>
    aRecord({ outcome: 'TakenBack', outcomeSeconds: NOW, ...change });

  beforeEach(() => {
    cluster = new MemoryCluster();
  });

  it('begins with what Recommendations say', async () => {
    const records = [aRecord({}), bad()];
    await cluster.applyRecommendation(aWorkload('cart'), 'deployment-cart', 'Inactive');
    const at = { namespace: 'shop', name: 'deployment-cart' };
    await cluster.applyRecommendationStatus(at, { history: historyOf(records) });
    const ledger = new Ledger(cluster, RULES);
    assert.deepEqual(ledger.recordsOf(KEY), records);
    assert.deepEqual(ledger.recordsOf('shop/Deployment/other'), []);
  });

  it('begins all the same where a Recommendation says what cannot be read', async () => {
    await cluster.applyRecommendation(aWorkload('cart'), 'deployment-cart', 'Inactive');
    const [entry] = historyOf([aRecord({})]);
    assert.ok(entry !== undefined);
    const sizes = { requests: { memory: '-1Gi' } };
    const odd = { ...entry, containers: [{ name: 'main', from: sizes, to: sizes }] };
    const at = { namespace: 'shop', name: 'deployment-cart' };
    await cluster.applyRecommendationStatus(at, { history: [odd] });
    assert.deepEqual(new Ledger(cluster, RULES).recordsOf(KEY), []);
  });

  it('does not grow for ever, and keeps what something rests on', () => {
    const ledger = new Ledger(cluster, RULES);
    const first = bad({ atSeconds: NOW - 1e6, outcomeSeconds: NOW - 1e6 });
    let records: readonly ChangeRecord[] = [first];
    for (let index = 0; index < 1000; index++) {
      ledger.set(KEY, [
        ...records,
        aRecord({ atSeconds: NOW + index, lane: 'Raise', outcome: 'Fine' }),
      ]);
      records = ledger.recordsOf(KEY);
    }
    assert.equal(records.length, 64);
    assert.equal(records[0], first);
  });

  it('counts what is reserved and not on record yet, once', () => {
    const ledger = new Ledger(cluster, { ...RULES, maxPodsPerHour: 10 });
    ledger.set(KEY, [aRecord({ pods: 3 })]);
    assert.equal(ledger.freeFleet(NOW), 7);
    const release = ledger.reserve(4);
    const other = ledger.reserve(1);
    assert.equal(ledger.freeFleet(NOW), 2);
    release();
    release();
    assert.equal(ledger.freeFleet(NOW), 6);
    other();
    ledger.set(KEY, []);
    assert.equal(ledger.freeFleet(NOW), 10);
  });

  it('opens the breaker for changes gone bad anywhere, until somebody knows of them', () => {
    const ledger = new Ledger(cluster, { ...RULES, breaker: { ...RULES.breaker, leastJudged: 2 } });
    ledger.set(KEY, [bad()]);
    ledger.set('shop/Deployment/web', [bad()]);
    const isOpen = () => ledger.breaker(NOW + 60).isOpen;
    const acknowledge = (time: string) =>
      cluster.add(
        aClusterPolicy('all', {}, { annotations: { 'rightsize.dev/breaker-acknowledged': time } }),
      );
    assert.equal(isOpen(), true);
    acknowledge('soon');
    assert.equal(isOpen(), true);
    acknowledge('2026-01-01T00:00:00Z');
    assert.equal(isOpen(), true);
    // Nobody knows of what is yet to come.
    acknowledge('2072-01-15T00:00:30Z');
    assert.equal(isOpen(), true);
    acknowledge('2027-01-15T00:00:30Z');
    assert.equal(isOpen(), false);
  });

  it('takes no acknowledgement from a policy of a namespace', () => {
    const ledger = new Ledger(cluster, { ...RULES, breaker: { ...RULES.breaker, leastJudged: 1 } });
    ledger.set(KEY, [bad()]);
    const annotations = { 'rightsize.dev/breaker-acknowledged': '2027-01-15T00:00:30Z' };
    cluster.add(aPolicy('own', {}, { annotations }));
    assert.equal(ledger.breaker(NOW + 60).isOpen, true);
  });
});
