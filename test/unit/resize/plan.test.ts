import assert from 'node:assert/strict';
import type { GateReason } from '../../../src/resize/gates.ts';
import { planPods, planReturn } from '../../../src/resize/plan.ts';
import type { Plan, PlanInput } from '../../../src/resize/planned.ts';
import type { PodState } from '../../../src/resize/pod.ts';
import {
  aContainer,
  aPlanInput,
  aPod,
  aRecord,
  aTarget,
  carriedOut,
  FACTS,
  MI,
  NOW,
  RULES,
  sized,
  used,
  seenAt,
} from './builders.ts';

const BIG = sized(1, 1000);
const SMALL = sized(0.5, 1000);
const STEP = sized(0.75, 1000);

function fleet(count: number, of: (index: number) => Partial<PodState> = () => ({})) {
  return Array.from({ length: count }, (_, i) =>
    aPod(aContainer(BIG), { uid: `p${i}`, createdSeconds: NOW - 9000 + i, ...of(i) }),
  );
}

function asked({ patches }: Plan) {
  return patches.map(({ podUid, lane, containers }) => [podUid, lane, containers[0]?.to]);
}

const reasons = ({ held }: Plan): readonly GateReason[] => held.map(({ reason }) => reason);

function planFor(
  pod: PodState,
  target: PlanInput['targets'][number] = aTarget(SMALL),
  changed: Partial<PlanInput> = {},
): Plan {
  return planPods(aPlanInput([pod], [target], changed));
}

describe('a plan for running pods', () => {
  it('lowers as many pods as may be at once by a step, the youngest first', () => {
    const plan = planPods(aPlanInput(fleet(20), [aTarget(SMALL)]));
    assert.deepEqual(asked(plan), [
      ['p19', 'Savings', STEP],
      ['p18', 'Savings', STEP],
    ]);
    assert.deepEqual(reasons(plan), ['PodBudget']);
  });

  it('names both resources and all containers that change in one patch, and no others', () => {
    const [side, still] = ['side', 'still'].map((name) => aContainer(BIG, { name }));
    assert.ok(side && still);
    const pod = aPod([aContainer(BIG), { ...side, kind: 'Sidecar' }, still]);
    const smaller = sized(0.8, 800);
    const targets = [aTarget(smaller), aTarget(smaller, { name: 'side' })];
    const [patch, more] = planPods(aPlanInput([pod], targets)).patches;
    assert.equal(more, undefined);
    assert.deepEqual(patch?.containers, [
      { name: 'main', kind: 'Container', from: BIG, to: smaller },
      { name: 'side', kind: 'Sidecar', from: BIG, to: smaller },
    ]);
  });

  it('plans nothing for pods that have their size, that end, or in modes that change none', () => {
    const done = aPod(aContainer(SMALL));
    const ending = aPod(aContainer(BIG), { isTerminating: true });
    assert.deepEqual(planFor(done).patches, []);
    assert.deepEqual(planFor(ending).patches, []);
    for (const mode of ['Admission', 'Rollout'] as const) {
      assert.deepEqual(
        planFor(aPod(aContainer(BIG)), undefined, { facts: { ...FACTS, mode } }).patches,
        [],
      );
    }
  });

  it('does not look at init containers that end', () => {
    const pod = aPod([aContainer(BIG, { kind: 'Init' }), aContainer(BIG, { name: 'app' })]);
    assert.deepEqual(planFor(pod).patches, []);
  });

  it('goes on batch by batch, each watched before the next', () => {
    const target = aTarget(SMALL);
    const pods = fleet(3);
    const first = planPods(aPlanInput(pods, [target]));
    const after = carriedOut(pods, first);
    const record = aRecord(BIG, STEP, { atSeconds: NOW });
    const later = (seconds: number) =>
      planPods(
        aPlanInput(seenAt(after, NOW + seconds), [target], {
          records: [record],
          nowSeconds: NOW + seconds,
        }),
      );
    assert.deepEqual(asked(later(599)), []);
    assert.deepEqual(asked(later(600)), [['p1', 'Savings', STEP]]);
  });

  it('takes the next step of a pod when it has cooled down', () => {
    const records = [aRecord(BIG, STEP, { atSeconds: NOW, outcome: 'Fine' })];
    const at = (nowSeconds: number) => {
      const pod = aPod(aContainer(STEP, { usage: used({ atSeconds: nowSeconds }) }));
      return planFor(pod, undefined, { records, nowSeconds });
    };
    assert.deepEqual(reasons(at(NOW + 86_399)), ['Cooldown']);
    assert.deepEqual(asked(at(NOW + 86_400)), [['a', 'Savings', sized(0.57, 1000)]]);
  });

  it('restarts one pod at a time, whatever for, and only while all others are ready', () => {
    const inNeed = (uid: string, changed: object = {}) =>
      aPod(
        aContainer(sized(1, 100, [2]), {
          restartsOn: ['cpu'],
          usage: used({ throttledShare: 0.3 }),
        }),
        { uid, ...changed },
      );
    const facts = { ...FACTS, mode: 'Recreate', mayRestart: true } as const;
    const plan = (...pods: readonly PodState[]) =>
      planPods(aPlanInput(pods, [aTarget(sized(1, 100, [2]))], { facts }));
    const three = plan(inNeed('a'), inNeed('b'), inNeed('c'));
    assert.equal(three.patches.length, 1);
    assert.deepEqual(reasons(three), ['PodBudget']);
    const one = plan(inNeed('a'), inNeed('b', { isReady: false }));
    assert.deepEqual(
      one.patches.map(({ podUid }) => podUid),
      ['b'],
    );
    assert.deepEqual(reasons(one), ['NotReady']);
  });

  it('takes nothing from a pod that nobody sees', () => {
    const unseen = [undefined, used({ atSeconds: NOW - 301 })];
    for (const usage of unseen) {
      const plan = planFor(aPod(aContainer(BIG, { usage })), aTarget(SMALL));
      assert.deepEqual([asked(plan), reasons(plan)], [[], ['EvidenceStale']]);
    }
  });

  it('waits for what the kubelet is doing', () => {
    const generation = { generation: 2, observedGeneration: 1 };
    const message = '';
    const inProgress = { state: 'InProgress', message, sinceSeconds: NOW - 900 } as const;
    assert.deepEqual(planFor(aPod(aContainer(BIG), generation)).patches, []);
    const plan = planFor(aPod(aContainer(BIG), { resize: inProgress }));
    assert.deepEqual(plan.patches, []);
    assert.deepEqual(plan.waiting, [{ podUid: 'a', podName: 'a', state: 'InProgress', message }]);
  });

  for (const state of ['Deferred', 'Infeasible', 'Error'] as const) {
    it(`does not ask again for what is ${state}, and asks for what is new`, () => {
      const resize = { state, message: 'no room', sinceSeconds: NOW - 900 };
      const pod = aPod(aContainer(sized(2, 1000), { actual: BIG }), { resize });
      const same = planFor(pod, aTarget(sized(2, 1000)));
      assert.deepEqual(same.patches, []);
      assert.equal(same.waiting[0]?.state, state);
      assert.deepEqual(planFor(pod, aTarget(sized(2.005, 1000))).patches, []);
      const [patch] = planFor(pod, aTarget(sized(1.2, 1000))).patches;
      assert.deepEqual(patch?.containers[0]?.to, sized(1.2, 1000));
    });
  }

  it('remembers what was refused, for the same pod and the same patch', () => {
    const containers = [{ name: 'main', kind: 'Container', from: BIG, to: STEP }] as const;
    const refusal = { podUid: 'a', lane: 'Savings', containers, message: 'quota' } as const;
    const refusals = [{ ...refusal, reason: 'DryRunRefused' }] as const;
    const held = planFor(aPod(aContainer(BIG)), undefined, { refusals });
    assert.deepEqual([asked(held), reasons(held)], [[], ['DryRunRefused']]);
    const other = planFor(aPod(aContainer(BIG), { uid: 'b' }), undefined, { refusals });
    assert.equal(other.patches.length, 1);
    const changed = planFor(aPod(aContainer(BIG)), aTarget(sized(0.9, 1000)), { refusals });
    assert.equal(changed.patches.length, 1);
  });

  it('takes more than what was refused for refused as well, where both raise', () => {
    const refusal = { podUid: 'a', reason: 'Infeasible', message: 'no such node' } as const;
    const asking = (to: typeof BIG) => [{ name: 'main', to }];
    const after = (lane: 'Raise' | 'Savings', to: typeof BIG, target: typeof BIG) =>
      planFor(aPod(aContainer(BIG)), aTarget(target), {
        refusals: [{ ...refusal, lane, containers: asking(to) }],
      }).patches.length;
    assert.equal(after('Raise', sized(2, 1000), sized(2.3, 1000)), 0);
    assert.equal(after('Raise', sized(2, 1000), sized(1.9, 1000)), 1);
    assert.equal(after('Raise', sized(2, 1000), sized(0.9, 1000)), 1);
    // That a limit may not come down says nothing of a raise.
    assert.equal(after('Savings', sized(1, 900), sized(2, 1000)), 1);
  });

  it('raises a pod in need in what it can have, where it can not have all', () => {
    const sizes = sized(1, 200, [1, 200]);
    const shows = { oomKilledSeconds: NOW - 5, usage: used({ throttledShare: 0.4 }) };
    const both = sized(1.5, 300, [1.5, 300]);
    const cpu = sized(1.5, 200, [1.5, 200]);
    const memory = sized(1, 300, [1, 300]);
    const refusal = { podUid: 'a', lane: 'Rescue', reason: 'Infeasible', message: 'no' } as const;
    const after = (...refused: readonly (typeof BIG)[]) =>
      planFor(aPod(aContainer(sizes, shows), { qos: 'Guaranteed' }), aTarget(sizes), {
        refusals: refused.map((to) => ({ ...refusal, containers: [{ name: 'main', to }] })),
      });
    assert.deepEqual(asked(after()), [['a', 'Rescue', both]]);
    assert.deepEqual(asked(after(cpu)), [['a', 'Rescue', memory]]);
    assert.deepEqual(reasons(after(cpu)), ['Infeasible']);
    assert.deepEqual(asked(after(both)), [['a', 'Rescue', cpu]]);
    assert.deepEqual(asked(after(memory)), [['a', 'Rescue', cpu]]);
    assert.deepEqual(asked(after(cpu, memory)), []);
  });

  it('does not ask for what the node refuses for good together with what it may have', () => {
    const sizes = sized(1, 200, [1, 200]);
    const cpu = sized(1.5, 200, [1.5, 200]);
    const resize = { state: 'Infeasible', message: 'static CPUs', sinceSeconds: NOW - 5 } as const;
    const usage = used({ throttledShare: 0.4 });
    const stuck = (shows: Parameters<typeof aContainer>[1]) =>
      aPod(aContainer(cpu, { actual: sizes, usage, ...shows }), { resize, qos: 'Guaranteed' });
    const killed = planFor(stuck({ oomKilledSeconds: NOW - 5 }), aTarget(sizes));
    assert.deepEqual(asked(killed), [['a', 'Rescue', sized(1, 300, [1, 300])]]);
    assert.deepEqual(asked(planFor(stuck({}), aTarget(sizes))), []);
  });

  it('leaves what an autoscaler owns, and sizes the other resource', () => {
    const facts = { ...FACTS, autoscaled: ['cpu'] } as const;
    const plan = planFor(aPod(aContainer(BIG)), aTarget(sized(0.8, 800)), { facts });
    assert.deepEqual(asked(plan), [['a', 'Savings', sized(1, 800)]]);
    assert.deepEqual(reasons(plan), ['HPAOwnsCPU']);
  });

  it('does not restart a container in place, and changes what needs no restart', () => {
    const pod = aPod(aContainer(BIG, { restartsOn: ['memory'] }));
    const plan = planFor(pod, aTarget(sized(0.8, 800)));
    assert.deepEqual(asked(plan), [['a', 'Savings', sized(0.8, 1000)]]);
    assert.deepEqual(reasons(plan), ['WouldRestart']);
  });

  it('holds a memory limit, and the request with it, while use is near', () => {
    const pod = aPod(
      aContainer(sized(1, 1000, [1, 1000]), { usage: used({ memoryBytes: 700 * MI }) }),
      { qos: 'Guaranteed' },
    );
    const plan = planFor(pod, aTarget(sized(1, 750, [1, 750])));
    assert.deepEqual([asked(plan), reasons(plan)], [[], ['BelowCurrentUsage']]);
  });

  it('keeps a Guaranteed pod Guaranteed whatever the target', () => {
    const sizes = sized(1, 1000, [1, 1000]);
    const plan = planFor(aPod(aContainer(sizes), { qos: 'Guaranteed' }), aTarget(sized(0.8, 1000)));
    assert.deepEqual(asked(plan), [['a', 'Savings', sized(0.8, 1000, [0.8, 1000])]]);
  });

  it('keeps a Burstable pod Burstable', () => {
    const pod = aPod(aContainer(sized(1, 1000, [2, 1000])));
    const plan = planFor(pod, aTarget(sized(1.6, 1000, [1.6, 1000])));
    assert.deepEqual(asked(plan), [['a', 'Savings', sized(1.6, 1000, [1.601, 1000])]]);
  });

  it('gives a BestEffort pod nothing in place', () => {
    const pod = aPod(aContainer({ requests: {}, limits: {} }), { qos: 'BestEffort' });
    const plan = planFor(pod);
    assert.deepEqual([asked(plan), reasons(plan)], [[], ['Infeasible']]);
  });

  it('keeps a limit that the target has not, since none can be removed', () => {
    const plan = planFor(aPod(aContainer(sized(1, 1000, [2]))), aTarget(sized(3, 1000)));
    assert.deepEqual(asked(plan), [['a', 'Raise', sized(3, 1000, [3])]]);
  });

  it('makes no change in a direction that the policy forbids', () => {
    const rules = { ...RULES, mayDecrease: ['memory'] } as const;
    const plan = planFor(aPod(aContainer(BIG)), aTarget(sized(0.5, 800)), { rules });
    assert.deepEqual(asked(plan), [['a', 'Savings', sized(1, 800)]]);
  });

  it('raises outside of windows, and lowers within', () => {
    const facts = { ...FACTS, isInWindow: false };
    const plan = planFor(aPod(aContainer(BIG)), aTarget(sized(2, 500)), { facts });
    assert.deepEqual(asked(plan), [['a', 'Raise', sized(2, 1000)]]);
    assert.deepEqual(reasons(plan), ['OutsideWindow']);
  });

  it('changes nothing where it is suspended, whatever the need', () => {
    const facts = { ...FACTS, suspendedBy: 'workload web' };
    const plan = planFor(aPod(aContainer(BIG, { oomKilledSeconds: NOW })), undefined, { facts });
    assert.deepEqual([asked(plan), reasons(plan)[0]], [[], 'Suspended']);
  });
});

describe('a rescue', () => {
  const killed = (sizes = sized(1, 200, [2, 200])) =>
    aContainer(sizes, { oomKilledSeconds: NOW - 5 });

  it('raises at once all pods in need, before and beside the budget, and lowers nothing there', () => {
    const rules = { ...RULES, limit: { count: 1 } };
    const facts = { ...FACTS, isInWindow: false, isReady: false, isBreakerOpen: true };
    const pods = ['a', 'b', 'c'].map((uid) => aPod(killed(), { uid, isReady: false }));
    const plan = planPods(aPlanInput(pods, [aTarget(sized(0.5, 150, [2, 150]))], { facts, rules }));
    const to = sized(1, 300, [2, 300]);
    assert.deepEqual(asked(plan), [
      ['a', 'Rescue', to],
      ['b', 'Rescue', to],
      ['c', 'Rescue', to],
    ]);
    assert.equal(plan.patches[0]?.why, 'main: memory OOMKilled');
  });

  it('stays within the bounds', () => {
    const ranges = { cpu: { min: 0, max: 9 }, memory: { min: 0, max: 220 * MI } };
    const target = aTarget(sized(1, 200, [2, 200]), { ranges });
    assert.deepEqual(asked(planFor(aPod(killed()), target)), [
      ['a', 'Rescue', sized(1, 220, [2, 220])],
    ]);
  });

  it('follows the recommendation where that is more', () => {
    const plan = planFor(aPod(killed()), aTarget(sized(1, 900, [2, 900])));
    assert.deepEqual(asked(plan), [['a', 'Rescue', sized(1, 900, [2, 900])]]);
  });

  it('does not wait for a decrease under way, and takes it back', () => {
    const sizes = sized(1, 200, [2, 200]);
    const container = aContainer(sized(1, 100, [2, 100]), {
      actual: sizes,
      usage: used({ memoryBytes: 195 * MI }),
    });
    const resize = { state: 'Error', message: '', sinceSeconds: NOW } as const;
    const plan = planFor(aPod(container, { resize }), aTarget(sized(1, 100, [2, 100])));
    assert.deepEqual(asked(plan), [['a', 'Rescue', sized(1, 300, [2, 300])]]);
  });

  for (const state of ['Deferred', 'Infeasible', 'Error'] as const) {
    it(`does not follow each look at what is used while it is ${state}`, () => {
      const sizes = sized(0.3, 100);
      const resize = { state, message: 'no room', sinceSeconds: NOW - 60 };
      const looks = (cpuCores: number) => {
        const usage = used({ cpuCores, isCpuOverBudget: true });
        const container = aContainer(sized(0.45, 100), { actual: sizes, usage });
        return asked(planFor(aPod(container, { resize }), aTarget(sizes)));
      };
      for (const cpuCores of [0.35, 0.39, 0.41, 0.42, 0.44]) assert.deepEqual(looks(cpuCores), []);
      assert.deepEqual(looks(0.5), [['a', 'Rescue', sized(0.55, 100)]]);
    });

    it(`raises no limit for a request that is not asked for anew while it is ${state}`, () => {
      const sizes = sized(1.4, 100, [1.7]);
      const resize = { state, message: 'no room', sinceSeconds: NOW - 60 } as const;
      const looks = (cpuCores: number) => {
        const usage = used({ cpuCores, isCpuOverBudget: true });
        const container = aContainer(sized(1.7, 100, [1.7]), { actual: sizes, usage });
        return asked(planFor(aPod(container, { resize }), aTarget(sizes)));
      };
      for (const cpuCores of [1.5, 1.58, 1.65]) assert.deepEqual(looks(cpuCores), []);
      assert.deepEqual(looks(1.75), [['a', 'Rescue', sized(1.95, 100, [1.95])]]);
    });
  }

  it('raises the limit of throttled CPU, and its request where CPU is over its budget', () => {
    const sizes = sized(1, 100, [2]);
    const with_ = (usage: Parameters<typeof used>[0]) =>
      planFor(aPod(aContainer(sizes, { usage: used(usage) })), aTarget(sized(1, 100)));
    assert.deepEqual(asked(with_({ throttledShare: 0.3 })), [['a', 'Rescue', sized(1, 100, [3])]]);
    const over = with_({ isCpuOverBudget: true, cpuCores: 1.5 });
    assert.deepEqual(asked(over), [['a', 'Rescue', sized(1.65, 100, [2])]]);
  });

  it('gives a suspected leak a quarter more in all, and says which', () => {
    const target = aTarget(sized(1, 900, [2, 900]), { leakSinceSeconds: NOW - 600 });
    const first = planFor(aPod(killed()), target);
    const to = sized(1, 248, [2, 248]);
    assert.deepEqual(asked(first), [['a', 'Rescue', to]]);
    const records = [aRecord(sized(1, 200, [2, 200]), to, { lane: 'Rescue' })];
    const again = planFor(aPod(killed(to)), target, { records });
    assert.deepEqual([asked(again), again.leaking], [[], ['main']]);
  });

  it('is not followed by savings before they have cooled down', () => {
    const to = sized(1, 300, [2, 300]);
    const records = [aRecord(sized(1, 200, [2, 200]), to, { lane: 'Rescue', outcome: 'Fine' })];
    const plan = planFor(aPod(aContainer(to)), aTarget(sized(1, 100, [2, 100])), { records });
    assert.deepEqual([asked(plan), reasons(plan)], [[], ['Cooldown']]);
  });
});

describe('a return', () => {
  it('is gone to its end though another waits for the node', () => {
    const ways = [
      aRecord(sized(0.75, 1000), sized(1, 1000), { lane: 'Return' }),
      aRecord(sized(1.5, 1000), sized(2, 1000), { lane: 'Return' }),
    ];
    const resize = { state: 'Deferred', message: 'no room', sinceSeconds: NOW - 60 } as const;
    const stuck = aContainer(sized(1, 1000), { actual: sized(0.75, 1000) });
    const pods = [
      aPod(stuck, { uid: 'stuck', resize }),
      aPod(aContainer(sized(1.5, 1000)), { uid: 'free' }),
    ];
    const plan = planPods(aPlanInput(pods, [aTarget(sized(0.5, 1000))], { records: ways }));
    assert.deepEqual(asked(plan), [['free', 'Return', sized(2, 1000)]]);
  });

  it('goes for all pods at once, each its own way', () => {
    const ways = [
      aRecord(sized(0.75, 1000), sized(1, 1000), { lane: 'Return' }),
      aRecord(sized(1.5, 1000), sized(2, 1000), { lane: 'Return' }),
    ];
    const pods = [0.75, 1.5, 3].map((cpu) =>
      aPod(aContainer(sized(cpu, 1000)), { uid: String(cpu) }),
    );
    const plan = planPods(aPlanInput(pods, [aTarget(sized(0.5, 1000))], { records: ways }));
    assert.deepEqual(asked(plan), [
      ['0.75', 'Return', sized(1, 1000)],
      ['1.5', 'Return', sized(2, 1000)],
    ]);
  });

  it('restarts one pod at a time, also where several are on different ways', () => {
    const ways = [
      aRecord(sized(0.75, 1000), sized(1, 1000), { lane: 'Return' }),
      aRecord(sized(1.5, 1000), sized(2, 1000), { lane: 'Return' }),
    ];
    const facts = { ...FACTS, mode: 'Recreate', mayRestart: true } as const;
    const pods = [0.75, 1.5].map((cpu) =>
      aPod(aContainer(sized(cpu, 1000), { restartsOn: ['cpu'] }), { uid: String(cpu) }),
    );
    const plan = planPods(aPlanInput(pods, [aTarget(sized(0.5, 1000))], { records: ways, facts }));
    assert.deepEqual(asked(plan), [['0.75', 'Return', sized(1, 1000)]]);
  });

  it('goes back in one step, whatever the windows and the size of the step', () => {
    const facts = { ...FACTS, isInWindow: false, isBreakerOpen: true };
    const pods = fleet(3);
    const plan = planReturn(aPlanInput(pods, [aTarget(sized(0.1, 100))], { facts }));
    assert.deepEqual(
      plan.patches.map(({ lane, containers }) => [lane, containers[0]?.to]),
      pods.map(() => ['Return', sized(0.1, 100)]),
    );
  });
});
