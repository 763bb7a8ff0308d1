import assert from 'node:assert/strict';
import { planPods, planReturn } from '../../../src/resize/plan.ts';
import type { Plan } from '../../../src/resize/planned.ts';
import { addedBy, counted, shortage } from '../../../src/resize/room.ts';
import {
  aContainer,
  aPlanInput,
  aPod,
  aTarget,
  FACTS,
  MI,
  NOW,
  RULES,
  sized,
  used,
} from './builders.ts';

const SMALL = sized(1, 200);
const BIG = sized(1.5, 300);
const RULES_FOR_ALL = { ...RULES, limit: { share: 1 } };

function asked({ patches }: Plan) {
  return patches.map(({ podUid, lane, containers }) => [podUid, lane, containers[0]?.to]);
}

const quotaWords = ({ held }: Plan) =>
  held.find(({ reason }) => reason === 'QuotaExceeded')?.message;

const killed = (sizes: typeof SMALL) => aContainer(sizes, { oomKilledSeconds: NOW - 5 });

describe('the room that quotas leave', () => {
  it('is unbounded in what it does not name', () => {
    const input = aPlanInput([aPod(aContainer(SMALL))], [aTarget(BIG)], {
      room: { requests: { cpu: 0.5 }, limits: {} },
    });
    assert.deepEqual(asked(planPods(input)), [['a', 'Raise', BIG]]);
  });

  it('holds the resource of a raise that does not fit, and says by how much', () => {
    const room = { requests: { cpu: 0.25, memory: 400 * MI }, limits: {} };
    const plan = planPods(aPlanInput([aPod(aContainer(SMALL))], [aTarget(BIG)], { room }));
    assert.deepEqual(asked(plan), [['a', 'Raise', sized(1, 300)]]);
    assert.equal(
      quotaWords(plan),
      'The quota has no room: cpu requests would grow by 0.5 cores, 0.25 cores is left.',
    );
  });

  it('is shared by urgency: a rescue before a raise, and one pod after the other', () => {
    const pods = [
      aPod(aContainer(SMALL), { uid: 'a', createdSeconds: NOW - 10 }),
      aPod(killed(sized(1, 200, [2, 200])), { uid: 'b' }),
      aPod(aContainer(SMALL), { uid: 'c', createdSeconds: NOW - 20 }),
    ];
    const room = { requests: { memory: 200 * MI }, limits: {} };
    const input = aPlanInput(pods, [aTarget(sized(1, 300))], { room, rules: RULES_FOR_ALL });
    assert.deepEqual(
      asked(planPods(input)).map(([uid, lane]) => [uid, lane]),
      [
        ['b', 'Rescue'],
        ['a', 'Raise'],
      ],
    );
  });

  it('gets nothing back from savings, of another pod or in the same patch', () => {
    const room = { requests: { cpu: 0, memory: 0 }, limits: {} };
    const both = aPlanInput([aPod(aContainer(SMALL))], [aTarget(sized(0.8, 300))], { room });
    const plan = planPods(both);
    assert.deepEqual(asked(plan), [['a', 'Savings', sized(0.8, 200)]]);
    assert.match(quotaWords(plan) ?? '', /memory requests would grow by 100 Mi, 0 Mi is left/);
  });

  it('is taken by a limit that comes anew', () => {
    const target = aTarget(sized(1, 200, [2, 200]));
    const held = planPods(
      aPlanInput([aPod(aContainer(SMALL))], [target], {
        room: { requests: {}, limits: { cpu: 1 } },
      }),
    );
    assert.match(quotaWords(held) ?? '', /cpu limits would grow by 2 cores, 1 cores is left/);
    assert.equal(held.patches[0]?.containers[0]?.to.limits.cpu, undefined);
  });

  it('cuts a rescue to what fits, where that is worth a change', () => {
    const pod = aPod(killed(sized(1, 200, [2, 200])));
    const target = aTarget(sized(1, 200, [2, 200]));
    const rescued = (memory: number) =>
      planPods(
        aPlanInput([pod], [target], {
          facts: { ...FACTS, isInWindow: false },
          room: { requests: {}, limits: { memory: memory * MI } },
        }),
      );
    const cut = rescued(50);
    assert.deepEqual(asked(cut), [['a', 'Rescue', sized(1, 248, [2, 248])]]);
    assert.match(quotaWords(cut) ?? '', /memory limits would grow by 100 Mi, 50 Mi is left/);
    const nothing = rescued(10);
    assert.deepEqual(asked(nothing), []);
    assert.notEqual(quotaWords(nothing), undefined);
  });

  it('keeps a Guaranteed pod Guaranteed when its rescue is cut', () => {
    const sizes = sized(1, 200, [1, 200]);
    const pod = aPod(killed(sizes), { qos: 'Guaranteed' });
    const room = { requests: { memory: 60 * MI }, limits: {} };
    assert.deepEqual(asked(planPods(aPlanInput([pod], [aTarget(sizes)], { room }))), [
      ['a', 'Rescue', sized(1, 260, [1, 260])],
    ]);
  });

  it('takes nothing from a pod in need that it cannot raise', () => {
    const pod = aPod(killed(sized(1, 200, [2, 200])));
    const room = { requests: {}, limits: { memory: 0 } };
    const plan = planPods(aPlanInput([pod], [aTarget(sized(0.5, 200, [1, 200]))], { room }));
    assert.deepEqual(asked(plan), []);
  });

  it('leaves the container in need what there is, before the others of its pod', () => {
    const need = aContainer(sized(1, 200, [2, 200]), {
      name: 'side',
      usage: used({ memoryBytes: 199 * MI }),
    });
    const pod = aPod([aContainer(sized(1, 200, [2, 200])), need]);
    const targets = ['main', 'side'].map((name) => aTarget(sized(1, 300, [2, 300]), { name }));
    const room = { requests: {}, limits: { memory: 100 * MI } };
    const [patch] = planPods(aPlanInput([pod], targets, { room })).patches;
    assert.deepEqual(
      patch?.containers.map(({ name, to }) => [name, to.limits.memory]),
      [['side', 300 * MI]],
    );
  });

  it('does not hold a return', () => {
    const room = { requests: { cpu: 0, memory: 0 }, limits: {} };
    const plan = planReturn(aPlanInput([aPod(aContainer(SMALL))], [aTarget(BIG)], { room }));
    assert.deepEqual(asked(plan), [['a', 'Return', BIG]]);
  });

  it('counts the more of what runs and what is asked for, unless the node can never give it', () => {
    const pending = aContainer(sized(2, 200), { actual: sized(1, 300) });
    assert.deepEqual(counted(pending, { resize: { state: 'None' } }), sized(2, 300));
    const resize = { state: 'Infeasible', message: '', sinceSeconds: NOW } as const;
    assert.deepEqual(counted(pending, { resize }), sized(1, 300));
  });

  it('fits to the last digit', () => {
    const added = addedBy(sized(0.1, 1), sized(0.3, 1));
    assert.equal(shortage({ requests: { cpu: 0.2 }, limits: {} }, added), undefined);
  });

  it('holds the eviction of a pod whose replacement would not be made', () => {
    const pods = ['a', 'b'].map((uid) => {
      const resize = { state: 'Infeasible', message: 'static', sinceSeconds: NOW - 9 } as const;
      const asFull = aContainer(BIG, { actual: SMALL });
      return uid === 'a' ? aPod(asFull, { uid, resize }) : aPod(aContainer(BIG), { uid });
    });
    const evicted = (memory: number) =>
      planPods(
        aPlanInput(pods, [aTarget(BIG)], {
          facts: { ...FACTS, mode: 'Recreate' },
          room: { requests: { memory: memory * MI }, limits: {} },
        }),
      ).evictions.length;
    assert.equal(evicted(99), 0);
    assert.equal(evicted(100), 1);
  });
});
