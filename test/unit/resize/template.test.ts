import assert from 'node:assert/strict';
import fc from 'fast-check';
import { qosClass } from '../../../src/recommend/qos.ts';
import { verdict } from '../../../src/resize/observe.ts';
import { NOTHING_OUTSIDE } from '../../../src/resize/ceiling.ts';
import type { GateReason } from '../../../src/resize/gates.ts';
import type { PodState } from '../../../src/resize/pod.ts';
import { takenBack } from '../../../src/resize/takeback.ts';
import {
  planTemplate,
  templateRecord,
  type TemplateInput,
  type TemplatePlan,
} from '../../../src/resize/template.ts';
import {
  aContainer,
  aPod,
  aRecord,
  aTarget,
  FACTS,
  MI,
  NOW,
  RULES,
  seenAt,
  sized,
  used,
} from './builders.ts';

const ROLLOUT = { ...FACTS, mode: 'Rollout' } as const;
const BIG = sized(1, 1000);
const STEP = sized(0.75, 1000);

function anInput(
  template: typeof BIG,
  target: typeof BIG,
  changed: Partial<TemplateInput> = {},
): TemplateInput {
  return {
    facts: ROLLOUT,
    rules: RULES,
    template: [{ name: 'main', kind: 'Container', sizes: template }],
    targets: [aTarget(target)],
    pods: replicas(template, 2),
    replicas: 2,
    records: [],
    freeFleet: Infinity,
    room: undefined,
    outside: NOTHING_OUTSIDE,
    nowSeconds: NOW,
    ...changed,
  };
}

function replicas(sizes: typeof BIG, count: number, since = NOW - 86_400): readonly PodState[] {
  return Array.from({ length: count }, (_, index) =>
    aPod(aContainer(sizes), { uid: `p${index}`, createdSeconds: since }),
  );
}

const asked = ({ change }: TemplatePlan) => [change?.lane, change?.containers[0]?.to];
const reasons = ({ held }: TemplatePlan): readonly GateReason[] => held.map(({ reason }) => reason);

describe('a plan for a template', () => {
  it('lowers by a step, and names the kind of the container', () => {
    const { change } = planTemplate(anInput(BIG, sized(0.5, 1000)));
    assert.deepEqual(change, {
      lane: 'Savings',
      why: 'less is recommended',
      containers: [{ name: 'main', kind: 'Container', from: BIG, to: STEP }],
    });
  });

  it('plans nothing in other modes, and where the template is as it ought to be', () => {
    assert.equal(planTemplate(anInput(BIG, STEP, { facts: FACTS })).change, undefined);
    assert.equal(planTemplate(anInput(BIG, BIG)).change, undefined);
  });

  it('takes out a limit, and puts one in', () => {
    const limited = sized(1, 1000, [2, 1000]);
    assert.deepEqual(asked(planTemplate(anInput(limited, BIG))), ['Raise', BIG]);
    assert.deepEqual(asked(planTemplate(anInput(BIG, limited))), ['Savings', limited]);
  });

  it('keeps a Guaranteed template Guaranteed, and a Burstable one Burstable', () => {
    const even = sized(1, 1000, [1, 1000]);
    assert.deepEqual(asked(planTemplate(anInput(even, sized(0.8, 1000)))), [
      'Savings',
      sized(0.8, 1000, [0.8, 1000]),
    ]);
    const burst = planTemplate(anInput(sized(1, 1000, [2, 1000]), sized(1.6, 1000, [1.6, 1000])));
    assert.deepEqual(asked(burst)[1], sized(1.6, 1000, [1.601, 1000]));
  });

  it('gives requests to a BestEffort template', () => {
    const plan = planTemplate(anInput({ requests: {}, limits: {} }, BIG));
    assert.deepEqual(asked(plan), ['Raise', BIG]);
  });

  it('rescues for the worst of its pods', () => {
    const sizes = sized(1, 200, [2, 200]);
    const killed = aPod(aContainer(sizes, { oomKilledSeconds: NOW - 5 }), { uid: 'k' });
    const facts = { ...ROLLOUT, isInWindow: false, isReady: false };
    const input = anInput(sizes, sizes, { facts, pods: [...replicas(sizes, 2), killed] });
    const plan = planTemplate(input);
    assert.deepEqual(asked(plan), ['Rescue', sized(1, 300, [2, 300])]);
    assert.equal(plan.change?.why, 'main: memory OOMKilled');
  });

  it('makes nothing of a kill in a pod of other sizes', () => {
    const old = aPod(aContainer(sized(1, 100, [2, 100]), { oomKilledSeconds: NOW - 5 }));
    const sizes = sized(1, 200, [2, 200]);
    assert.equal(planTemplate(anInput(sizes, sizes, { pods: [old] })).change, undefined);
  });

  it('does not lower a memory limit below what any pod uses, or while one is not known', () => {
    const sizes = sized(1, 1000, [2, 1000]);
    const lower = (usage: ReturnType<typeof used> | undefined) =>
      planTemplate(
        anInput(sizes, sized(1, 750, [2, 750]), {
          pods: [...replicas(sizes, 3), aPod(aContainer(sizes, { usage }), { uid: 'full' })],
        }),
      );
    assert.deepEqual(reasons(lower(used({ memoryBytes: 700 * MI }))), ['BelowCurrentUsage']);
    assert.deepEqual(reasons(lower(undefined)), ['BelowCurrentUsage']);
    assert.notEqual(lower(used({ memoryBytes: 600 * MI })).change, undefined);
  });

  const GATES: Readonly<Record<string, readonly [GateReason, Partial<TemplateInput>]>> = {
    'is suspended': ['Suspended', { facts: { ...ROLLOUT, suspendedBy: 'policy a/b' } }],
    'is being rolled out': ['RollingOut', { facts: { ...ROLLOUT, isRollingOut: true } }],
    'is outside of its windows': ['OutsideWindow', { facts: { ...ROLLOUT, isInWindow: false } }],
    'cools down': ['Cooldown', { records: [aRecord(sized(2, 1000), BIG, { outcome: 'Fine' })] }],
    'is watched after the last': ['PodBudget', { records: [aRecord(STEP, STEP)] }],
    'has more replicas than are left of the hour': ['FleetBudget', { freeFleet: 1 }],
    'is held by the breaker': ['BreakerOpen', { facts: { ...ROLLOUT, isBreakerOpen: true } }],
  };

  for (const [what, [reason, changed]] of Object.entries(GATES)) {
    it(`is held while the workload ${what}`, () => {
      const plan = planTemplate(anInput(BIG, sized(0.5, 1000), changed));
      assert.deepEqual([plan.change, reasons(plan)], [undefined, [reason]]);
    });
  }

  it('takes of a quota what all replicas take together', () => {
    const raise = (memory: number) =>
      planTemplate(
        anInput(sized(1, 200), sized(1, 300), {
          room: { requests: { memory: memory * MI }, limits: {} },
        }),
      );
    assert.deepEqual(reasons(raise(199)), ['QuotaExceeded']);
    assert.deepEqual(asked(raise(200)), ['Raise', sized(1, 300)]);
  });

  it('keeps the class, and requests under limits, in random cases', () => {
    const amount = fc.integer({ min: 50, max: 2000 });
    const factor = fc.constantFrom(undefined, 1, 1.5);
    const sizes = fc.tuple(amount, amount, factor, factor).map(([cpu, memory, a, b]) => ({
      requests: { cpu: cpu / 1000, memory: memory * MI },
      limits: {
        ...(a !== undefined && { cpu: (cpu / 1000) * a }),
        ...(b !== undefined && { memory: memory * MI * b }),
      },
    }));
    fc.assert(
      fc.property(sizes, sizes, (from, to) => {
        const { change } = planTemplate(anInput(from, to));
        const after = change?.containers[0]?.to ?? from;
        assert.equal(qosClass([after]), qosClass([from]));
        for (const resource of ['cpu', 'memory'] as const) {
          const limit: number = after.limits[resource] ?? Infinity;
          assert.ok((after.requests[resource] ?? 0) <= limit && limit > 0);
        }
        assert.doesNotMatch(JSON.stringify(after), /null/);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a rollout that harms', () => {
  const from = sized(1, 400, [2, 400]);
  const to = sized(0.75, 300);
  const input = anInput(from, to);
  const { change } = planTemplate(input);
  assert.ok(change);
  const record = templateRecord(change, input);
  assert.ok(record);
  const time = { nowSeconds: NOW + 200, observeSeconds: 600, records: [record] };
  const after = change.containers[0]?.to ?? from;
  const young = (changed: Partial<PodState>, shows = {}) =>
    aPod(aContainer(after, shows), { uid: 'new', createdSeconds: NOW + 20, ...changed });

  it('is on record with its method and replicas', () => {
    assert.deepEqual([record.method, record.pods, record.before.pods], ['Rollout', 2, 2]);
  });

  it('is seen in the pods that began since, against what was before', () => {
    const sick = young({}, { restartedSeconds: NOW + 100 });
    assert.equal(verdict(record, [sick, ...input.pods], time).outcome, 'Harmful');
    assert.equal(verdict(record, [young({}), ...input.pods], time).outcome, 'Watching');
    const old = { ...sick, createdSeconds: NOW - 100 };
    assert.equal(verdict(record, [old, ...input.pods], time).outcome, 'Watching');
  });

  it('is not seen in pods that take their time to become ready', () => {
    const starting = young({ isReady: false, readinessSeconds: NOW + 21 });
    const at = (seconds: number) =>
      verdict(record, [starting], { ...time, nowSeconds: NOW + seconds }).outcome;
    assert.equal(at(300), 'Watching');
    assert.equal(at(330), 'Harmful');
  });

  it('is taken back in the template, once, with limits as they were', () => {
    const records = takenBack([record], record, { nowSeconds: NOW + 200, story: 'Restarts.' });
    assert.equal(records.at(-1)?.method, 'Rollout');
    const later = { records, nowSeconds: NOW + 200, targets: [aTarget(to)] };
    const facts = { ...ROLLOUT, isRollingOut: true, isInWindow: false, isBreakerOpen: true };
    const back = planTemplate({ ...anInput(after, to), ...later, facts });
    assert.deepEqual(asked(back), ['Return', from]);
    assert.ok(back.change);
    assert.equal(templateRecord(back.change, input), undefined);
    const again = planTemplate({ ...anInput(from, to), ...later });
    assert.equal(again.change, undefined);
  });

  it('gives a template back to having no requests or limits', () => {
    const none = { requests: {}, limits: {} };
    const first = aRecord(none, from, { method: 'Rollout', lane: 'Savings' });
    const records = takenBack([first], first, { nowSeconds: NOW, story: 'Restarts.' });
    assert.deepEqual(asked(planTemplate(anInput(from, from, { records }))), ['Return', none]);
  });

  describe('that asks for more than any node has room for', () => {
    const old = sized(1, 400, [2, 400]);
    const more = sized(1, 600, [2, 600]);
    const rescue = aRecord(old, more, { method: 'Rollout', lane: 'Rescue', atSeconds: NOW - 310 });
    const full = aContainer(old, { usage: used({ memoryBytes: 380 * MI }) });
    const stranded = aPod(aContainer(more, { actual: undefined, usage: undefined }), {
      uid: 'new',
      node: undefined,
      isReady: false,
      createdSeconds: NOW - 310,
      readinessSeconds: NOW - 310,
    });
    const pods = [aPod(full, { uid: 'old' }), stranded];
    const records = takenBack([rescue], rescue, { nowSeconds: NOW, story: 'Not ready.' });

    it('is taken back, however much is used by pods that it did not reach', () => {
      const at = { nowSeconds: NOW, observeSeconds: 600, records: [rescue] };
      assert.equal(verdict(rescue, pods, at).outcome, 'Harmful');
      const back = planTemplate(anInput(more, more, { records, pods }));
      assert.deepEqual(asked(back), ['Return', old]);
    });

    it('is not tried again before the pause is over', () => {
      const left = pods.slice(0, 1);
      const at = (nowSeconds: number) =>
        planTemplate(anInput(old, more, { records, pods: seenAt(left, nowSeconds), nowSeconds }));
      const held = at(NOW + 3600);
      assert.deepEqual([held.change, reasons(held)], [undefined, ['Backoff']]);
      assert.equal(at(NOW + 86_400).change?.lane, 'Rescue');
    });
  });
});
