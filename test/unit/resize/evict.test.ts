import assert from 'node:assert/strict';
import type { ChangeRecord } from '../../../src/resize/changes.ts';
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
  MI,
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

  describe('whose replacement came back without the new size', () => {
    const replacement = (sizes: typeof TO, ago = 5000) =>
      aPod(aContainer(sizes), { uid: 'b', createdSeconds: NOW - ago });
    const evicted = (changed: Partial<ChangeRecord> = {}) =>
      aRecord(FROM, TO, { method: 'Evict', atSeconds: NOW - 6000, outcome: 'Fine', ...changed });
    const after = (pod: PodState, changed: Partial<PlanInput> = {}) =>
      plan([stuck('a'), pod], {
        rules: { ...RULES, limit: { count: 5 } },
        records: [evicted()],
        ...changed,
      });

    it('stays the last, whatever became of its record', () => {
      for (const outcome of ['Watching', 'Fine', 'Failed'] as const) {
        const held = after(replacement(FROM), { records: [evicted({ outcome })] });
        assert.deepEqual([held.evictions, reason(held)], [[], 'AdmissionUnavailable'], outcome);
      }
      assert.equal(after(replacement(TO)).evictions.length, 1);
    });

    it('is not meant where the pod was there before, or was resized since', () => {
      assert.equal(after(replacement(FROM, 7000)).evictions.length, 1);
      const other = sized(0.9, 1000);
      const resized = aRecord(TO, other, { atSeconds: NOW - 4000, outcome: 'Fine' });
      const records = [evicted(), resized];
      assert.equal(after(replacement(other), { records }).evictions.length, 1);
    });

    it('is told from a size of a time between by what the template says', () => {
      const records = [
        evicted({ containers: [{ name: 'main', from: FROM, to: sized(0.6, 1000) }] }),
      ];
      const template = [{ name: 'main', sizes: FROM }];
      assert.deepEqual(after(replacement(FROM), { records, template }).evictions, []);
      const between = replacement(sized(0.8, 1000));
      assert.equal(after(between, { records, template }).evictions.length, 1);
    });
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

  describe('of a pod whose replacement no node has room for', () => {
    const deferred = (name = 'a') =>
      stuck(name, { resize: { state: 'Deferred', message: '', sinceSeconds: NOW - 900 } });
    const with_ = (pod: PodState, changed: Partial<PlanInput>) =>
      plan([pod, aPod(aContainer(TO), { uid: 'b' })], changed);
    const node = (name: string, cpu: number, mebibytes = 5000) => ({
      name,
      free: { cpu, memory: mebibytes * MI },
    });

    it('is not asked for', () => {
      for (const nodes of [[], [node('node-b', 0.7)], [node('node-b', 9, 900)]]) {
        const held = with_(deferred(), { nodes });
        assert.deepEqual([held.evictions, reason(held)], [[], 'NoNodeHasRoom']);
      }
      assert.equal(with_(deferred(), { nodes: [node('node-b', 0.75)] }).evictions.length, 1);
    });

    it('counts what the pod gives back where it is', () => {
      const grown = aPod(aContainer(sized(2, 1000), { actual: FROM }), {
        resize: { state: 'Deferred', message: '', sinceSeconds: NOW - 900 },
      });
      const more = (cpu: number) =>
        planPods(
          aPlanInput(
            [grown, aPod(aContainer(sized(2, 1000)), { uid: 'b' })],
            [aTarget(sized(2, 1000))],
            {
              facts: RECREATE,
              nodes: [node('node-a', cpu, 0)],
            },
          ),
        );
      // Its request of 2 cores is counted there already.
      assert.equal(more(-0.5).evictions.length, 0);
      assert.equal(more(0).evictions.length, 1);
    });

    it('is not asked for where nodes are not known, unless it can never be had in place', () => {
      assert.equal(reason(with_(deferred(), { nodes: undefined })), 'NoNodeHasRoom');
      assert.equal(with_(stuck('a'), { nodes: undefined }).evictions.length, 1);
    });

    it('looks at its own node only where it comes back there', () => {
      const nodes = [node('node-a', -1, -1000), node('node-b', 9)];
      assert.equal(with_(deferred(), { nodes }).evictions.length, 1);
      assert.equal(reason(with_(deferred(), { nodes, staysOnNode: true })), 'NoNodeHasRoom');
    });
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
