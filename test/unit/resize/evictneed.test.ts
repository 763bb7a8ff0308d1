import assert from 'node:assert/strict';
import fc from 'fast-check';
import { planPods } from '../../../src/resize/plan.ts';
import type { Plan, PlanInput } from '../../../src/resize/planned.ts';
import type { PodState } from '../../../src/resize/pod.ts';
import type { Sizes } from '../../../src/recommend/usage.ts';
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

const RUNNING = sized(1, 1000, [1, 1000]);
const facts = { ...FACTS, mode: 'Recreate' } as const;
const qos = 'Guaranteed';
const resize = { state: 'Infeasible', message: 'static CPUs', sinceSeconds: NOW - 5 } as const;

/** Throttled at its limit; what a rescue asks for is asked for already, and its node never gives it. */
function inNeed(changed: Partial<PodState> = {}): PodState {
  const usage = used({ throttledShare: 0.3 });
  const container = aContainer(sized(1.5, 1000, [1.5, 1000]), { actual: RUNNING, usage });
  return aPod(container, { resize, qos, ...changed });
}

function plan(newPod: Sizes | undefined, changed: Partial<PlanInput> = {}): Plan {
  const pods = [inNeed(), aPod(aContainer(RUNNING), { uid: 'b', qos })];
  const newPods = newPod && [{ name: 'main', sizes: newPod }];
  return planPods(
    aPlanInput(pods, [aTarget(sized(0.77, 1000, [0.77, 1000]))], { facts, newPods, ...changed }),
  );
}

describe('eviction of a pod in need', () => {
  it('is asked for where new pods have more of what it lacks, and is on record with that', () => {
    const more = sized(1.5, 1000, [1.5, 1000]);
    assert.deepEqual(
      plan(more).evictions.map(({ lane, containers: [main] }) => [lane, main?.from, main?.to]),
      [['Rescue', RUNNING, more]],
    );
    assert.equal(plan(sized(1, 1000)).evictions.length, 1);
  });

  it('is not asked for where the replacement would have less, or no more', () => {
    for (const cpu of [0.77, 1, 1.005]) {
      const held = plan(sized(cpu, 1000, [cpu, 1000]));
      assert.deepEqual([held.evictions, held.held[0]?.reason], [[], 'WouldRestart'], String(cpu));
    }
  });

  it('waits while what new pods get is being changed', () => {
    const held = plan(undefined);
    assert.deepEqual([held.evictions, held.held[0]?.reason], [[], 'AdmissionUnavailable']);
  });

  it('for another resource leaves what it lacks as it is', () => {
    const owned = { ...facts, autoscaled: ['cpu'] } as const;
    const bare = aPod(
      aContainer(sized(1, 750, [1, 750]), {
        actual: RUNNING,
        usage: used({ throttledShare: 0.3 }),
      }),
      { resize, qos },
    );
    const pods = [bare, aPod(aContainer(RUNNING), { uid: 'b', qos })];
    const to = (cpu: number) =>
      planPods(
        aPlanInput(pods, [aTarget(sized(1, 500, [1, 500]))], {
          facts: owned,
          newPods: [{ name: 'main', sizes: sized(cpu, 500, [cpu, 500]) }],
        }),
      ).evictions.length;
    assert.deepEqual([to(1), to(0.9)], [1, 0]);
  });

  it('never gives it less of that, whatever is recommended and whatever new pods get', () => {
    const cpu = fc.double({ min: 0.1, max: 3, noNaN: true });
    const memory = fc.integer({ min: 100, max: 3000 });
    const need = fc.constantFrom<Partial<ReturnType<typeof used>>>(
      { throttledShare: 0.3 },
      { memoryBytes: 950 * MI },
      { isCpuOverBudget: true, cpuCores: 1.3 },
    );
    fc.assert(
      fc.property(
        fc.record({ need, cpu, memory, toCpu: cpu, toMemory: memory }),
        ({ need, cpu: aim, memory: bytes, toCpu, toMemory }) => {
          const usage = used(need);
          const container = aContainer(sized(1.5, 1500, [1.5, 1500]), { actual: RUNNING, usage });
          const pods = [
            aPod(container, { resize, qos }),
            aPod(aContainer(RUNNING), { uid: 'b', qos }),
          ];
          const sizes = sized(toCpu, toMemory, [toCpu, toMemory]);
          const { evictions } = planPods(
            aPlanInput(pods, [aTarget(sized(aim, bytes, [aim, bytes]))], {
              facts,
              rules: { ...RULES, maxStep: 1 },
              newPods: [{ name: 'main', sizes }],
            }),
          );
          const to = evictions[0]?.containers[0]?.to;
          if (to === undefined) return;
          const lacks = need.memoryBytes === undefined ? 'cpu' : 'memory';
          const field = need.isCpuOverBudget === true ? 'requests' : 'limits';
          assert.ok((to[field][lacks] ?? 0) >= (RUNNING[field][lacks] ?? 0));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
