import assert from 'node:assert/strict';
import type { LimitRangeItem } from '../../../src/recommend/draft.ts';
import type { Sizes } from '../../../src/recommend/usage.ts';
import { NOTHING_OUTSIDE, type Outside } from '../../../src/resize/ceiling.ts';
import { planPods } from '../../../src/resize/plan.ts';
import type { Plan, PlanInput } from '../../../src/resize/planned.ts';
import type { PodState } from '../../../src/resize/pod.ts';
import {
  aContainer,
  aPlanInput,
  aPod,
  aRecord,
  aTarget,
  MI,
  NOW,
  sized,
  used,
} from './builders.ts';

const NONE = { min: {}, max: {}, default: {}, defaultRequest: {}, maxLimitRequestRatio: {} };

function ranged(item: Partial<LimitRangeItem>): Partial<PlanInput> {
  const limitRanges = [{ type: 'Container' as const, ...NONE, ...item }];
  return { outside: { ...NOTHING_OUTSIDE, limitRanges } };
}

const nodes = (largestNode: Outside['largestNode']) => ({
  outside: { ...NOTHING_OUTSIDE, largestNode },
});

const SIZES = sized(1, 200, [2, 400]);
const killed = (sizes: Sizes, name = 'main') =>
  aContainer(sizes, { name, oomKilledSeconds: NOW - 5 });

function plan(pod: PodState, changed: Partial<PlanInput>, target = aTarget(SIZES)): Plan {
  return planPods(aPlanInput([pod], [target], changed));
}

const askedFor = ({ patches }: Plan) =>
  patches.flatMap(({ containers }) => containers[0]?.to ?? []);
const held = (of: Plan) => of.held.map(({ reason, message }) => `${reason}: ${message}`);

describe('a rescue under a LimitRange', () => {
  it('goes as far as its max at once, and says so in status and on record', () => {
    const made = plan(aPod(killed(SIZES)), ranged({ max: { memory: 450 * MI } }));
    assert.deepEqual(askedFor(made), [sized(1, 200, [2, 450])]);
    assert.deepEqual(held(made), [
      'AtCeiling: main gets no more memory than 450 Mi: that is the max of a LimitRange.',
    ]);
    assert.equal(made.patches[0]?.why, 'main: memory OOMKilled, up to the max of a LimitRange');
  });

  it('changes nothing at its max, and says why', () => {
    const made = plan(aPod(killed(SIZES)), ranged({ max: { memory: 400 * MI } }));
    assert.deepEqual(askedFor(made), []);
    assert.match(held(made)[0] ?? '', /^AtCeiling: main gets no more memory than 400 Mi/);
  });

  it('says nothing of a max that is far', () => {
    const made = plan(aPod(killed(SIZES)), ranged({ max: { memory: 4000 * MI } }));
    assert.deepEqual([askedFor(made), held(made)], [[sized(1, 200, [2, 500])], []]);
  });

  it('takes the request along where a ratio asks for it', () => {
    const made = plan(aPod(killed(SIZES)), ranged({ maxLimitRequestRatio: { memory: 2 } }));
    assert.deepEqual([askedFor(made), held(made)], [[sized(1, 252, [2, 500])], []]);
  });

  it('goes as far as the ratio lets it where the request is at its bounds', () => {
    const ranges = {
      cpu: { min: undefined, max: undefined },
      memory: { min: undefined, max: 600 * MI },
    };
    const both = { max: { memory: 220 * MI } };
    const pod = aPod(killed(sized(1, 200, [2, 210])));
    const made = plan(pod, ranged(both), aTarget(sized(1, 200, [2, 210]), { ranges }));
    assert.deepEqual(askedFor(made), [sized(1, 200, [2, 220])]);
    const ratio = ranged({ maxLimitRequestRatio: { memory: 2 } });
    const bound = { ...ranges, memory: { min: undefined, max: 420 * MI } };
    const short = plan(aPod(killed(SIZES)), ratio, aTarget(SIZES, { ranges: bound }));
    assert.deepEqual(askedFor(short), [sized(1, 212, [2, 420])]);
  });

  it('keeps a Guaranteed pod Guaranteed', () => {
    const even = sized(1, 400, [1, 400]);
    const pod = aPod(killed(even), { qos: 'Guaranteed' });
    const made = plan(pod, ranged({ max: { memory: 450 * MI } }), aTarget(even));
    assert.deepEqual(askedFor(made), [sized(1, 450, [1, 450])]);
  });

  it('leaves the sum of the pod within a max for pods', () => {
    const pod = aPod([killed(SIZES), killed(SIZES, 'side')]);
    const item = { type: 'Pod', max: { memory: 850 * MI } } as const;
    const targets = ['main', 'side'].map((name) => aTarget(SIZES, { name }));
    const made = planPods(aPlanInput([pod], targets, ranged(item)));
    const limits = made.patches[0]?.containers.map(({ to }) => (to.limits.memory ?? 0) / MI);
    assert.deepEqual(limits, [448]);
    assert.match(held(made).join(), /what the max of a LimitRange for pods leaves it/);
  });

  it('says of bounds that they end it', () => {
    const ranges = { cpu: { min: 0, max: 9 }, memory: { min: 0, max: 420 * MI } };
    const made = plan(aPod(killed(SIZES)), {}, aTarget(SIZES, { ranges }));
    assert.deepEqual(askedFor(made), [sized(1, 200, [2, 420])]);
    assert.match(held(made)[0] ?? '', /the most that its bounds allow/);
  });
});

describe('a rescue without bounds', () => {
  const rescues = (...memory: readonly number[]) =>
    memory.slice(1).map((to, index) =>
      aRecord(sized(1, 200, [2, memory[index] ?? 0]), sized(1, 200, [2, to]), {
        lane: 'Rescue',
        outcome: 'Fine',
        atSeconds: NOW - 1000 + index,
      }),
    );
  const now = (memory: number) => aPod(killed(sized(1, 200, [2, memory])));

  it('goes to four times what was there before the need, and no further', () => {
    const records = rescues(400, 800, 1500);
    const made = plan(now(1500), { records });
    assert.deepEqual(askedFor(made), [sized(1, 200, [2, 1600])]);
    assert.match(held(made)[0] ?? '', /^AtCeiling.* four times what it had before/);
    const last = plan(now(1600), { records: rescues(400, 800, 1500, 1600) });
    assert.deepEqual([askedFor(last), last.held[0]?.reason], [[], 'AtCeiling']);
  });

  it('counts anew after the cooldown of decreases', () => {
    const records = rescues(400, 800, 1500).map((each) => ({
      ...each,
      atSeconds: each.atSeconds - 90_000,
    }));
    const made = plan(now(1500), { records });
    assert.deepEqual(askedFor(made), [sized(1, 200, [2, 1808])]);
  });

  it('follows a recommendation that is higher', () => {
    const target = aTarget(sized(1, 200, [2, 3000]));
    const made = plan(now(1500), { records: rescues(400, 800, 1500) }, target);
    assert.deepEqual(askedFor(made), [sized(1, 200, [2, 3000])]);
  });

  it('goes no further than the largest node, less what else the pod requests', () => {
    const made = plan(aPod(killed(SIZES)), nodes({ cpu: 4, memory: 450 * MI }));
    assert.deepEqual(askedFor(made), [sized(1, 200, [2, 448])]);
    assert.match(held(made)[0] ?? '', /what the largest node has for it/);
    const usage = used({ isCpuOverBudget: true, cpuCores: 4 });
    const side = aContainer(SIZES, { name: 'side' });
    const pod = aPod([aContainer(sized(1, 200), { usage }), side]);
    const over = plan(pod, nodes({ cpu: 2.5, memory: 9000 * MI }), aTarget(sized(1, 200)));
    assert.deepEqual(askedFor(over), [sized(1.5, 200)]);
  });
});
