import assert from 'node:assert/strict';
import { backoffUntil, failuresInARow } from '../../../src/resize/backoff.ts';
import { breaker } from '../../../src/resize/breaker.ts';
import { freeFleet, freePods, podsAtOnce } from '../../../src/resize/budget.ts';
import { trimmed, type ChangeRecord } from '../../../src/resize/changes.ts';
import { aContainer, aPod, aRecord, NOW, sized } from './builders.ts';

const RULES = { maxBadShare: 0.2, leastJudged: 5, windowSeconds: 3600 };
const FROM = sized(1, 100);
const TO = sized(0.75, 100);

function judged(outcome: ChangeRecord['outcome'], ago = 60, more: Partial<ChangeRecord> = {}) {
  return aRecord(FROM, TO, { outcome, outcomeSeconds: NOW - ago, ...more });
}

const times = (count: number, record: ChangeRecord) => Array.from({ length: count }, () => record);
const at = { nowSeconds: NOW, acknowledgedSeconds: undefined };

describe('the breaker', () => {
  it('opens when more changes went bad than may', () => {
    const records = [...times(4, judged('Fine')), ...times(2, judged('TakenBack'))];
    assert.deepEqual(breaker(records, RULES, at), {
      isOpen: true,
      judged: 6,
      bad: 2,
      closesAtSeconds: NOW - 60 + 3600,
    });
  });

  it('stays closed at its limit, and while few were judged', () => {
    const atLimit = [...times(8, judged('Fine')), ...times(2, judged('TakenBack'))];
    assert.equal(breaker(atLimit, RULES, at).isOpen, false);
    assert.equal(breaker(times(4, judged('TakenBack')), RULES, at).isOpen, false);
  });

  it('counts neither what is watched, nor raises', () => {
    const records = [
      ...times(20, judged('Watching')),
      ...times(20, judged('Fine', 60, { lane: 'Rescue' })),
      ...times(5, judged('TakenBack')),
    ];
    assert.equal(breaker(records, RULES, at).judged, 5);
  });

  it('closes when the outcomes have aged out, or were acknowledged', () => {
    const records = times(5, judged('TakenBack', 3600));
    assert.equal(breaker(records, RULES, at).isOpen, false);
    const recent = times(5, judged('TakenBack'));
    const seen = { nowSeconds: NOW, acknowledgedSeconds: NOW - 60 };
    assert.equal(breaker(recent, RULES, seen).isOpen, false);
  });

  it('counts by when it was judged, not by when it was made', () => {
    const records = times(5, judged('TakenBack', 60, { atSeconds: NOW - 86_400 }));
    assert.equal(breaker(records, RULES, at).isOpen, true);
  });

  it('stays open when the clock steps back', () => {
    const records = times(5, judged('TakenBack', -7200));
    assert.equal(breaker(records, RULES, at).isOpen, true);
  });
});

describe('backoff', () => {
  it('is none before anything was taken back, or after what was fine', () => {
    assert.equal(backoffUntil([judged('Fine'), judged('Watching')], 100), undefined);
    const mended = [judged('TakenBack', 200, { failures: 3 }), judged('Fine', 100)];
    assert.equal(backoffUntil(mended, 100), undefined);
    assert.equal(failuresInARow(mended), 0);
  });

  it('doubles with each that was taken back in a row', () => {
    for (const [failures, pause] of [
      [1, 100],
      [2, 200],
      [3, 400],
      [40, 30 * 86_400],
    ] as const) {
      assert.equal(backoffUntil([judged('TakenBack', 0, { failures })], 100), NOW + pause);
    }
  });

  it('is not undone by a rescue that was fine', () => {
    const records = [judged('TakenBack', 200), judged('Fine', 100, { lane: 'Rescue' })];
    assert.equal(failuresInARow(records), 1);
  });
});

describe('budgets', () => {
  const pods = (count: number) =>
    Array.from({ length: count }, (_, i) => aPod(aContainer(FROM), { uid: `p${i}` }));
  const budget = { limit: { count: 2 }, patienceSeconds: 300, observeSeconds: 600 };
  const under = (state: 'InProgress' | 'Deferred' | 'Infeasible', ago: number) =>
    aPod(aContainer(FROM), { resize: { state, message: '', sinceSeconds: NOW - ago } });

  it('is a share of the pods, one at least', () => {
    assert.equal(podsAtOnce({ share: 0.1 }, 3), 1);
    assert.equal(podsAtOnce({ share: 0.29 }, 100), 29);
    assert.equal(podsAtOnce({ share: 0.07 }, 100), 7);
    assert.equal(podsAtOnce({ count: 5 }, 100), 5);
    assert.equal(podsAtOnce({ share: 1 }, 0), 1);
  });

  it('is taken by pods under way', () => {
    const free = (pod: ReturnType<typeof under>) => freePods(budget, [pod, ...pods(9)], [], NOW);
    assert.equal(free(under('InProgress', 900)), 1);
    assert.equal(free(under('Deferred', 299)), 1);
    assert.equal(free(under('Deferred', 300)), 2);
    assert.equal(free(under('Infeasible', 10)), 2);
  });

  it('is taken by savings that are watched, for as long as they are', () => {
    const free = (changed: Partial<ChangeRecord>) =>
      freePods(budget, pods(10), [aRecord(FROM, TO, { pods: 2, ...changed })], NOW);
    assert.equal(free({}), 0);
    assert.equal(free({ atSeconds: NOW - 600 }), 2);
    assert.equal(free({ outcome: 'Fine' }), 2);
    assert.equal(free({ lane: 'Rescue' }), 2);
  });

  it('of the cluster is not opened by a clock that stepped back', () => {
    const spent = (ago: number, lane: ChangeRecord['lane'] = 'Savings') =>
      aRecord(FROM, TO, { pods: 3, lane, atSeconds: NOW - ago });
    assert.equal(freeFleet([spent(10), spent(3600)], 10, NOW), 7);
    assert.equal(freeFleet([spent(-9999)], 10, NOW), 7);
    assert.equal(freeFleet([spent(10, 'Rescue')], 10, NOW), 10);
    assert.equal(freeFleet([spent(10)], 2, NOW), 0);
  });
});

describe('the history that is kept', () => {
  it('is the newest, and all that something rests on', () => {
    const fine = (ago: number, lane: ChangeRecord['lane'] = 'Savings') =>
      aRecord(FROM, TO, { atSeconds: NOW - ago, outcome: 'Fine', lane });
    const watched = [aRecord(FROM, TO, { atSeconds: NOW - 900 })];
    const back = aRecord(FROM, TO, { atSeconds: NOW - 9000, outcome: 'TakenBack' });
    const rescue = fine(8000, 'Rescue');
    const records = [back, rescue, ...watched, fine(500), fine(400), fine(300)];
    assert.deepEqual(trimmed(records, 5), [back, rescue, ...watched, fine(400), fine(300)]);
  });

  it('is all of it while there is room', () => {
    const records = [aRecord(FROM, TO, { outcome: 'Fine' }), aRecord(FROM, TO)];
    assert.deepEqual(trimmed(records, 10), records);
  });
});
