import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Controller } from '../../../src/controller/controller.ts';
import { workloadKey } from '../../../src/controller/ports.ts';
import { aHistory, days, HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { MemoryActing } from './memoryacting.ts';
import { aPolicy, aWorkload, MemoryCluster, MemoryUsage, UNREACHABLE } from './memorycluster.ts';

const CART = aWorkload('cart');

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('the log of a controller', () => {
  let now: number;
  let source: MemoryUsage;
  let controller: Controller;
  /** `warn usage cannot be read`, for each entry. */
  let said: string[];

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    now = NOW;
    said = [];
    source = new MemoryUsage();
    source.usage.set(workloadKey(CART.ref), { main: aHistory(days(14)) ?? assert.fail() });
    const cluster = new MemoryCluster().add(aPolicy('own'), CART);
    const say = (level: string) => (_: unknown, message: string) =>
      said.push(`${level} ${message}`);
    controller = new Controller({
      view: cluster,
      writer: cluster,
      source,
      events: { record: () => undefined },
      log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
      clock: { nowSeconds: () => now },
      random: () => 0.5,
      isLeader: () => true,
      refreshSeconds: HOUR_SECONDS,
      acting: new MemoryActing().options,
      onReconciled: () => undefined,
    });
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

  const warnings = () => said.filter((entry) => entry.startsWith('warn'));

  it('warns of usage that cannot be read, and of the policy that is not ready for it', async () => {
    source.failure = UNREACHABLE;
    controller.lead();
    await pass(6);
    assert.deepEqual(warnings(), [
      'warn usage cannot be read: nobody answers',
      'warn Usage of 1 of 1 workloads cannot be read, their last recommendations stay: nobody answers',
    ]);
    await pass(60);
    const readings = source.queries.length;
    assert.ok(readings > 1, 'it was tried again');
    assert.equal(warnings().length, readings + 1, 'once for each reading, once for the policy');
    assert.ok(!said.includes('info usage read'));
  });

  it('is calm again when usage can be read', async () => {
    source.failure = UNREACHABLE;
    controller.lead();
    await pass(6);
    source.failure = undefined;
    said = [];
    await pass(60);
    assert.deepEqual(warnings(), []);
    assert.ok(said.includes('info usage read'));
    assert.ok(said.includes('info 1 of 1 matching workloads are sized by this policy.'));
  });
});
