import assert from 'node:assert/strict';
import { planPods } from '../../../src/resize/plan.ts';
import type { Plan, PlanInput } from '../../../src/resize/planned.ts';
import type { PodState } from '../../../src/resize/pod.ts';
import {
  aContainer,
  aPlanInput,
  aPod,
  aRecord,
  aTarget,
  FACTS,
  NOW,
  RULES,
  sized,
} from './builders.ts';

const FROM = sized(1, 1000);
const TO = sized(0.75, 1000);
const RECREATE = { ...FACTS, mode: 'Recreate' } as const;

/** A pod whose node does not resize it. */
function stuck(uid: string, changed: Partial<PodState> = {}): PodState {
  const resize = { state: 'Infeasible', message: 'static CPUs', sinceSeconds: NOW - 5 } as const;
  return aPod(aContainer(TO, { actual: FROM }), { uid, resize, ...changed });
}

function plan(pods: readonly PodState[], changed: Partial<PlanInput> = {}): Plan {
  return planPods(aPlanInput(pods, [aTarget(TO)], { facts: RECREATE, ...changed }));
}

const reason = ({ held }: Plan) => held[0]?.reason;

describe('eviction', () => {
  it('takes one pod that cannot be resized in place', () => {
    const { evictions, patches } = plan([stuck('a'), stuck('b')]);
    assert.deepEqual(patches, []);
    assert.deepEqual(
      evictions.map(({ podUid, containers }) => [podUid, containers[0]?.to]),
      [['a', TO]],
    );
  });

  it('is for Recreate only', () => {
    assert.deepEqual(plan([stuck('a'), stuck('b')], { facts: FACTS }).evictions, []);
  });

  it('waits for what is deferred as long as patience lasts', () => {
    const deferred = (ago: number) =>
      stuck('a', { resize: { state: 'Deferred', message: '', sinceSeconds: NOW - ago } });
    assert.equal(plan([deferred(299), stuck('b', { isTerminating: true })]).evictions.length, 0);
    const done = aPod(aContainer(TO), { uid: 'b' });
    assert.equal(plan([deferred(299), done]).evictions.length, 0);
    assert.equal(plan([deferred(300), done]).evictions.length, 1);
  });

  it('leaves an only replica alone unless the policy says otherwise', () => {
    assert.deepEqual(
      [plan([stuck('a')]).evictions, reason(plan([stuck('a')]))],
      [[], 'WouldRestart'],
    );
    const rules = { ...RULES, mayEvictLast: true };
    assert.equal(plan([stuck('a')], { rules }).evictions.length, 1);
  });

  it('waits until all others are there and ready', () => {
    const unready = aPod(aContainer(TO), { uid: 'b', isReady: false });
    const ending = aPod(aContainer(TO), { uid: 'b', isTerminating: true });
    for (const other of [unready, ending]) {
      const held = plan([stuck('a'), other]);
      assert.deepEqual([held.evictions, reason(held)], [[], 'NotReady']);
    }
    assert.deepEqual(plan([stuck('a')], { replicas: 2 }).evictions, []);
  });

  it('does not go on when a replacement came back without the new size', () => {
    const records = [aRecord(FROM, TO, { method: 'Evict', atSeconds: NOW - 700 })];
    const replacement = (sizes: typeof TO) =>
      aPod(aContainer(sizes), { uid: 'b', createdSeconds: NOW - 650 });
    const held = plan([stuck('a'), replacement(FROM)], { records });
    assert.deepEqual(held.evictions, []);
    assert.equal(plan([stuck('a'), replacement(TO)], { records }).evictions.length, 1);
  });

  it('respects a disruption budget, windows, and that new pods are sized', () => {
    const facts = [
      { disruptionRefused: 'The disruption budget needs 2 healthy pods and has 2 currently.' },
      { isInWindow: false },
      { isAdmissionAvailable: false },
    ];
    const reasons = facts.map((changed) => {
      const held = plan([stuck('a'), stuck('b')], { facts: { ...RECREATE, ...changed } });
      assert.deepEqual(held.evictions, []);
      return reason(held);
    });
    assert.deepEqual(reasons, ['PDB', 'OutsideWindow', 'AdmissionUnavailable']);
  });

  it('never takes a pod that is on its way out', () => {
    assert.deepEqual(plan([stuck('a', { isTerminating: true })], { replicas: 1 }).evictions, []);
  });

  it('gives a BestEffort pod its first size', () => {
    const bare = aPod(aContainer({ requests: {}, limits: {} }), { qos: 'BestEffort' });
    const done = aPod(aContainer(TO), { uid: 'b' });
    assert.equal(plan([bare, done]).evictions[0]?.podUid, 'a');
  });
});
