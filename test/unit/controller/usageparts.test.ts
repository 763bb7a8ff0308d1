import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { workloadKey, type UsageWarning } from '../../../src/controller/ports.ts';
import { UsageKeeper } from '../../../src/controller/usage.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aWorkload, MemoryUsage } from './memorycluster.ts';

const WINDOW = 14 * DAY_SECONDS;
const cart = aWorkload('cart').ref;
const web = aWorkload('web').ref;

describe('parts of a reading', () => {
  const source = new MemoryUsage();
  const read: string[] = [];
  const warnings: UsageWarning[] = [];
  const keeper = new UsageKeeper({
    source,
    clock: { nowSeconds: () => NOW },
    intervalSeconds: HOUR_SECONDS,
    podsOf: () => [],
    siblingsOf: () => [cart, web],
    restartedPodsOf: (namespace, from) => (namespace === 'shop' ? [`since ${from}`] : undefined),
    onRead: (keys) => read.push(...keys),
    onWarning: (warning) => warnings.push(warning),
    random: () => 0.5,
  });

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) await setImmediate();
  }

  /** Both are wanted, and their reading begins. */
  async function begin(): Promise<void> {
    keeper.want(cart, WINDOW);
    keeper.want(web, WINDOW);
    mock.timers.tick(1000);
    await settle();
  }

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    read.length = 0;
    warnings.length = 0;
  });
  afterEach(async () => {
    await keeper.stop();
    mock.timers.reset();
  });

  it('takes what is complete while the rest is read, and what fails then is the rest alone', async () => {
    const warning = { reason: 'OwnerMetricsMissing', message: 'none' } as const;
    let broken: () => void = () => undefined;
    source.gate = new Promise((_, reject) => (broken = () => reject(new Error('it broke'))));
    source.firstPart = () => ({
      usage: new Map([[workloadKey(web), new Map()]]),
      failures: new Map(),
      warnings: [warning],
    });
    await begin();
    assert.deepEqual(read, [workloadKey(web)]);
    assert.equal(keeper.want(web, WINDOW).isRead, true);
    assert.equal(keeper.want(cart, WINDOW).failure, undefined);
    broken();
    await settle();
    assert.deepEqual(read, [workloadKey(web), workloadKey(cart)]);
    assert.equal(keeper.want(web, WINDOW).failure, undefined);
    assert.equal(keeper.want(cart, WINDOW).failure?.message, 'it broke');
    assert.deepEqual(warnings, [warning]);
  });

  it('says a warning once for all parts of a reading', async () => {
    source.warnings = [{ reason: 'OwnerMetricsMissing', message: 'none' }];
    source.firstPart = ({ targets }) => ({
      usage: new Map(targets.slice(0, 1).map(({ workload }) => [workloadKey(workload), new Map()])),
      failures: new Map(),
      warnings: source.warnings,
    });
    await begin();
    assert.deepEqual(read, [workloadKey(cart), workloadKey(web)]);
    assert.deepEqual(warnings, source.warnings);
  });

  it('say which pods may have restarted, of the namespaces of which that is known', async () => {
    const bank = aWorkload('till', { ref: { ...cart, namespace: 'bank', name: 'till' } }).ref;
    keeper.want(bank, WINDOW);
    await begin();
    const query = source.queries.at(-1);
    assert.equal(query?.targets.length, 3);
    const from = query.fromSeconds;
    assert.deepEqual(query.restartedPods, new Map([['shop', [`since ${from}`]]]));
  });

  it('are not taken any more once it was told to stop', async () => {
    let handOn: () => void = () => undefined;
    source.firstPart = undefined;
    source.gate = new Promise(() => undefined);
    source.onPart = (take) => {
      handOn = () =>
        take({
          usage: new Map([[workloadKey(web), new Map()]]),
          failures: new Map(),
          warnings: [],
        });
    };
    await begin();
    const stopped = keeper.stop();
    handOn();
    await stopped;
    assert.deepEqual(read, []);
  });
});
