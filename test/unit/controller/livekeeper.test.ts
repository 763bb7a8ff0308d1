import assert from 'node:assert/strict';
import { mock } from 'node:test';
import type { LiveReading, LiveUsage } from '../../../src/controller/changeports.ts';
import { LiveKeeper } from '../../../src/controller/livekeeper.ts';
import { NOW } from '../../support/builders.ts';
import { SILENT } from './actingworld.ts';
import { UNREACHABLE } from './memorycluster.ts';

function usage(atSeconds: number, cpuCores: number): LiveUsage {
  return { ...SILENT, atSeconds, cpuCores };
}

describe('what is kept of looks at pods', () => {
  let reading: () => Promise<LiveReading>;
  let namespaces: readonly string[];
  let told: (string | undefined)[];
  let looks: number;
  let reads: number;
  let keeper: LiveKeeper;

  const sees = (pods: Readonly<Record<string, LiveUsage>>, failure?: LiveReading['failure']) => {
    const all = Object.entries(pods).map(
      ([pod, each]) => [pod, new Map([['main', each]])] as const,
    );
    reading = () => Promise.resolve({ pods: new Map(all), failure });
  };
  const look = async () => {
    mock.timers.tick(15_000);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const cores = (pod = 'cart-1') =>
    keeper.looksAt('shop', pod).map((containers) => containers?.get('main')?.cpuCores);

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    namespaces = ['shop'];
    told = [];
    looks = 0;
    reads = 0;
    sees({ 'shop/cart-1': usage(NOW, 1) });
    keeper = new LiveKeeper({
      source: {
        readNow: () => {
          reads += 1;
          return reading();
        },
      },
      clock: { nowSeconds: () => NOW },
      intervalSeconds: 15,
      namespaces: () => namespaces,
      onLook: () => (looks += 1),
      onFailure: (failure) => told.push(failure?.reason),
    });
  });
  afterEach(async () => {
    await keeper.stop();
    mock.timers.reset();
  });

  it('is nothing before the first look', () => {
    assert.deepEqual(keeper.looksAt('shop', 'cart-1'), []);
  });

  it('is what was seen, the newest first', async () => {
    await look();
    sees({ 'shop/cart-1': usage(NOW + 15, 2) });
    await look();
    sees({ 'shop/cart-1': usage(NOW + 30, 3) });
    await look();
    assert.deepEqual(cores(), [3, 2, 1]);
    assert.equal(looks, 3);
  });

  it('does not take one sample that is seen twice for two', async () => {
    await look();
    await look();
    assert.deepEqual(cores(), [1]);
  });

  it('goes back five minutes and a little, and no further', async () => {
    for (let turn = 0; turn <= 30; turn++) {
      sees({ 'shop/cart-1': usage(NOW + 15 * turn, turn) });
      await look();
    }
    assert.deepEqual([cores().length, cores().at(-1)], [23, 8]);
  });

  it('does not go back to a sample of before', async () => {
    await look();
    sees({ 'shop/cart-1': usage(NOW + 15, 2) });
    await look();
    sees({ 'shop/cart-1': usage(NOW, 1) });
    await look();
    assert.deepEqual(cores(), [2, 1]);
  });

  it('stays what it was where a look fails, in whole or in part', async () => {
    sees({ 'shop/cart-1': usage(NOW, 1), 'shop/cart-2': usage(NOW, 5) });
    await look();
    sees({ 'shop/cart-1': usage(NOW + 15, 2) }, UNREACHABLE);
    await look();
    assert.deepEqual(cores('cart-2'), [5]);
    assert.deepEqual(cores(), [2, 1]);
    sees({}, UNREACHABLE);
    await look();
    assert.deepEqual(cores(), [2, 1]);
  });

  it('has no pods that are gone', async () => {
    await look();
    sees({});
    await look();
    assert.deepEqual(cores(), []);
  });

  it('tells of a failure once, and when it is over', async () => {
    await look();
    sees({}, UNREACHABLE);
    await look();
    await look();
    sees({});
    await look();
    await look();
    assert.deepEqual(told, ['PrometheusUnreachable', undefined]);
  });

  it('takes a source that throws for one that failed, and looks again', async () => {
    reading = () => Promise.reject(new Error('broken'));
    await look();
    assert.deepEqual(told, ['PrometheusAnswerInvalid']);
    assert.equal(looks, 1);
    sees({ 'shop/cart-1': usage(NOW, 1) });
    await look();
    assert.deepEqual(cores(), [1]);
  });

  it('looks again at once where that is asked for while it looks', async () => {
    const { promise, resolve } = Promise.withResolvers<LiveReading>();
    reading = () => promise;
    await look();
    keeper.soon();
    sees({ 'shop/cart-1': usage(NOW, 1) });
    resolve({ pods: new Map(), failure: undefined });
    for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
    mock.timers.tick(1000);
    for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
    assert.equal(reads, 2);
    assert.deepEqual(cores(), [1]);
    mock.timers.tick(14_000);
    assert.equal(reads, 2);
  });

  it('reads nothing where nothing is acted on, nor after it is stopped', async () => {
    namespaces = [];
    await look();
    assert.equal(reads, 0);
    namespaces = ['shop'];
    await keeper.stop();
    await look();
    assert.equal(reads, 0);
  });
});
