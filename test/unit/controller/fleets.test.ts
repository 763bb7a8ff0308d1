import assert from 'node:assert/strict';
import { calibrate } from '../../../src/controller/calibration.ts';
import type { ContainerOutcome } from '../../../src/controller/containeroutcome.ts';
import { figuresOf } from '../../../src/controller/figures.ts';
import { Fleets } from '../../../src/controller/fleets.ts';
import { LEVELS } from '../../../src/recommend/sizing.ts';
import { HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { aPolicy } from './memorycluster.ts';

const UNJUDGED = { cpu: 'TooLittleData', memory: 'TooLittleData' } as const;

/** A container of which each of ten days had this excess. */
function container(excess: number, share = 0): ContainerOutcome {
  const resource = {
    promised: 0.02,
    judged: { isLive: true, days: 14, share, isKeeping: share <= 0.02 },
    isCutShort: false,
    requested: 1,
    recommended: 1,
    curve: LEVELS.map(() => 1),
  };
  const excesses = Array.from({ length: 10 }, (_, day) => ({ day, excess }));
  return { cpu: resource, memory: resource, excesses };
}

function look(fleets: Fleets, containers: readonly ContainerOutcome[], nowSeconds = NOW): boolean {
  const calibration = calibrate(figuresOf(containers), 0.95, UNJUDGED);
  return fleets.set(aPolicy('own'), containers, { calibration, nowSeconds });
}

const many = (excess: number, share = 0) =>
  Array.from({ length: 12 }, () => container(excess, share));

describe('the fleets of the policies', () => {
  it('are not known before the workloads of a policy were looked at', () => {
    const { isComplete, marginOf } = new Fleets(NOW).viewOf(aPolicy('own'), NOW);
    assert.equal(isComplete, false);
    assert.equal(marginOf(0.01, 100).basis, 'Prior');
  });

  it('are not waited for without end', () => {
    const fleets = new Fleets(NOW);
    const isComplete = (seconds: number) => fleets.viewOf(aPolicy('own'), NOW + seconds).isComplete;
    assert.equal(isComplete(900), false);
    assert.equal(isComplete(901), true);
  });

  it('have their margin fitted at the first look, at which all are to be looked at again', () => {
    const fleets = new Fleets(NOW);
    assert.equal(look(fleets, many(2)), true);
    const { isComplete, marginOf } = fleets.viewOf(aPolicy('own'), NOW);
    assert.equal(isComplete, true);
    assert.deepEqual(marginOf(0.05, 100), { excess: 2, basis: 'Fleet' });
    assert.equal(look(fleets, many(2)), false);
  });

  it('are fitted again after an hour', () => {
    const fleets = new Fleets(NOW);
    look(fleets, many(2));
    const margin = () => fleets.viewOf(aPolicy('own'), NOW).marginOf(0.05, 100).excess;
    look(fleets, many(3), NOW + HOUR_SECONDS - 1);
    assert.equal(margin(), 2);
    look(fleets, many(3), NOW + HOUR_SECONDS);
    assert.equal(margin(), 3);
  });

  it('stop lowering while a promise is broken, and say so once', () => {
    const fleets = new Fleets(NOW);
    look(fleets, many(0));
    assert.deepEqual(fleets.viewOf(aPolicy('own'), NOW).notKept, []);
    assert.equal(look(fleets, many(0, 1)), true);
    assert.deepEqual(fleets.viewOf(aPolicy('own'), NOW).notKept, ['cpu', 'memory']);
    assert.equal(look(fleets, many(0, 1)), false);
    assert.equal(look(fleets, many(0)), true);
  });

  it('do not outlive their policy, nor pass to another of its name', () => {
    const fleets = new Fleets(NOW);
    look(fleets, many(2));
    assert.equal(fleets.viewOf({ ...aPolicy('own'), uid: 'other' }, NOW).isComplete, false);
    fleets.forget('RightsizePolicy/shop/own');
    assert.equal(fleets.viewOf(aPolicy('own'), NOW).isComplete, false);
  });
});
