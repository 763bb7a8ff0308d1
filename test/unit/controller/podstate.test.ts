import assert from 'node:assert/strict';
import type { LiveUsage } from '../../../src/controller/changeports.ts';
import { podState, type PodKnowledge } from '../../../src/controller/podstate.ts';
import { aHistory, dayOfHours, days, NOW } from '../../support/builders.ts';
import { SILENT } from './actingworld.ts';
import { aPod, aPodContainer } from './memorycluster.ts';

function look(atSeconds: number, change: Partial<LiveUsage> = {}): ReadonlyMap<string, LiveUsage> {
  return new Map([
    ['main', { ...SILENT, atSeconds, cpuSinceSeconds: atSeconds - 15, cpuCores: 1, ...change }],
  ]);
}

/** One each 15 seconds, the newest first; the newest `skipped` are left out. */
function looks(cpuCores: number, count = 20, skipped = 0): PodKnowledge['live'] {
  return Array.from({ length: count }, (_, index) =>
    look(NOW - 15 * (skipped + index), { cpuCores }),
  );
}

describe('the state of a pod', () => {
  const history = new Map([['main', aHistory(days(14)) ?? assert.fail()]]);
  const pod = aPod('cart-1', {
    containers: [aPodContainer('main', { requests: { cpu: 0.5 }, limits: {} })],
  });
  const main = (live: PodKnowledge['live'], known = history, of = pod) =>
    podState(of, { live, history: known }).containers[0] ?? assert.fail();
  const isOver = (...args: Parameters<typeof main>) => main(...args).usage?.isCpuOverBudget;

  it('has no figures where nobody has looked, and none of zero', () => {
    assert.equal(main([undefined, undefined]).usage, undefined);
    assert.equal(main([new Map(), undefined]).usage, undefined);
  });

  it('is over its budget when the mean of five minutes is above all that was ever seen, and the request', () => {
    assert.equal(isOver(looks(1)), true);
    assert.equal(isOver([]), undefined);
  });

  it('is not over its budget by a burst that is not seen in the mean, and is once it lasts', () => {
    const times = (cores: number, count: number) => [
      ...looks(cores, count),
      ...looks(0.1, 20, count),
    ];
    assert.equal(isOver(times(2, 4)), false);
    assert.equal(isOver(times(2, 5)), true);
    assert.equal(isOver(times(0.6, 16)), false);
    assert.equal(isOver(times(0.6, 17)), true);
  });

  it('is over its budget within half a minute of ten times as much, though nothing else was seen', () => {
    assert.equal(isOver(looks(5.1, 1)), false);
    assert.equal(isOver(looks(5.1, 2)), true);
    assert.equal(isOver(looks(1, 4)), false);
  });

  it('is not over its budget once it is over, nor by the same sample twice', () => {
    assert.equal(isOver([look(NOW, { cpuCores: 0.4 }), ...looks(1, 20, 1)]), false);
    assert.equal(isOver([look(NOW), look(NOW - 15, { cpuCores: 0.4 }), ...looks(1, 20, 2)]), false);
    assert.equal(isOver([look(NOW, { cpuCores: undefined }), ...looks(1, 20, 1)]), false);
    assert.equal(isOver([look(NOW), look(NOW)]), false);
  });

  it('is not over its budget by what the history knows, or below the request', () => {
    const busy = new Map([['main', aHistory(days(14, { cpu: [0.9] })) ?? assert.fail()]]);
    assert.equal(isOver(looks(1), busy), false);
    assert.equal(isOver(looks(0.45)), false);
  });

  it('is held against means of a minute where the history has those', () => {
    const fine = new Map([['main', aHistory(days(14), { stepSeconds: 60 }) ?? assert.fail()]]);
    assert.equal(isOver(looks(0.9, 2), fine), false);
    assert.equal(isOver(looks(1.1, 2), fine), true);
    assert.equal(isOver(looks(0.6, 4), fine), true);
  });

  it('does not take the hour that is not over for history', () => {
    const busyIn = (busy: number) => {
      const hours = Array.from({ length: 24 }, (_, hour) => [hour === busy ? 3 : 0.1]);
      return new Map([
        ['main', aHistory([...days(14).slice(0, -1), dayOfHours(1, hours)]) ?? assert.fail()],
      ]);
    };
    assert.equal(isOver(looks(1), busyIn(23)), true);
    assert.equal(isOver(looks(1), busyIn(22)), false);
  });

  it('is not over its budget where nothing is known of before', () => {
    assert.equal(isOver(looks(1), new Map()), false);
  });

  it('goes by what the cgroup has, not by what was asked for', () => {
    const actual = { requests: { cpu: 2 }, limits: {} };
    const containers = [aPodContainer('main', { requests: { cpu: 0.5 }, actual })];
    assert.equal(isOver(looks(1), history, { ...pod, containers }), false);
  });

  it('was killed when the pod or the kernel last said so', () => {
    const killed = (own: number | undefined, seen: number | undefined) => {
      const containers = [aPodContainer('main', { oomKilledSeconds: own })];
      const live = look(NOW, { oomKilledSeconds: seen });
      return main([live, undefined], history, { ...pod, containers }).oomKilledSeconds;
    };
    assert.equal(killed(undefined, NOW - 20), NOW - 20);
    assert.equal(killed(NOW - 10, NOW - 20), NOW - 10);
    assert.equal(killed(NOW - 10, undefined), NOW - 10);
    assert.equal(killed(undefined, undefined), undefined);
  });

  it('has nothing of an earlier pod of the same name', () => {
    const young = { ...pod, createdSeconds: NOW - 10 };
    const seen = look(NOW, { oomKilledSeconds: NOW - 20 });
    const { usage, oomKilledSeconds } = main([seen, look(NOW - 15)], history, young);
    assert.equal(oomKilledSeconds, undefined);
    assert.equal(usage?.isCpuOverBudget, false);
    assert.equal(main([look(NOW - 15), undefined], history, young).usage, undefined);
  });

  it('has init containers beside those that run, for the QoS class', () => {
    const initContainers = [{ name: 'prepare', requests: { cpu: 1 }, limits: {} }];
    const { containers } = podState(
      { ...pod, initContainers },
      { live: [undefined, undefined], history },
    );
    assert.deepEqual(
      containers.map(({ name, kind }) => [name, kind]),
      [
        ['main', 'Container'],
        ['prepare', 'Init'],
      ],
    );
  });
});
