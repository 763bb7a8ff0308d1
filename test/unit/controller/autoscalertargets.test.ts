import assert from 'node:assert/strict';
import { aHistory, day, days } from '../../support/builders.ts';
import { ActingWorld } from './actingworld.ts';
import { anAutoscaler, aPolicy } from './memorycluster.ts';

describe('the target of an autoscaler that goes with the recommendation', () => {
  let world: ActingWorld;

  beforeEach(() => {
    world = new ActingWorld({ mode: 'Recommend' });
  });

  const autoscalers = () => world.status?.autoscalers;

  it('is told as a share and as an amount', async () => {
    world.cluster.scalers = [anAutoscaler('cart', ['cpu', 'memory'])];
    await world.reconcile();
    // 1 core and 1Gi now; 110m and 113Mi if they were free.
    assert.deepEqual(autoscalers(), [
      {
        name: 'hpa',
        resource: 'cpu',
        utilization: '80%',
        equivalentUtilization: '727%',
        averageValue: '800m',
      },
      {
        name: 'hpa',
        resource: 'memory',
        utilization: '80%',
        equivalentUtilization: '725%',
        averageValue: '858993460',
      },
    ]);
  });

  it('keeps to bounds', async () => {
    const bounds = { minAllowed: { cpu: '500m' } };
    world.cluster.add(aPolicy('own', { bounds }));
    world.cluster.scalers = [anAutoscaler('cart', ['cpu'])];
    await world.reconcile();
    assert.equal(autoscalers()?.[0]?.equivalentUtilization, '160%');
  });

  it('is written anew only when it moves by more than noise', async () => {
    world.cluster.scalers = [anAutoscaler('cart', ['cpu'])];
    await world.reconcile();
    const before = autoscalers();
    world.usage = aHistory(days(14, { cpu: [0.5] }));
    await world.reconcile();
    assert.notDeepEqual(autoscalers(), before);
    const settled = autoscalers();
    world.usage = aHistory(days(14, { cpu: [0.502] }));
    assert.equal((await world.reconcile()).written, 'Unchanged');
    assert.deepEqual(autoscalers(), settled);
  });

  it('is not told before there is history enough, nor for one that aims at an amount, nor of another', async () => {
    const metric = { resource: 'cpu', container: undefined, utilization: undefined } as const;
    world.cluster.scalers = [
      anAutoscaler('cart', ['cpu'], { metrics: [metric] }),
      anAutoscaler('other', ['cpu']),
    ];
    await world.reconcile();
    assert.equal(autoscalers(), undefined);
    world.cluster.scalers = [anAutoscaler('cart', ['cpu'])];
    world.usage = aHistory([day(1, { cpu: [0.1], cpuCoverage: 0.5, memoryCoverage: 0.5 })]);
    await world.reconcile();
    assert.equal(autoscalers(), undefined);
  });
});
