import assert from 'node:assert/strict';
import fc from 'fast-check';
import { judge } from '../../../src/controller/judging.ts';
import { RESOURCES, type Resource, type Sizes } from '../../../src/recommend/usage.ts';
import type { ChangeRecord } from '../../../src/resize/changes.ts';
import { verdict } from '../../../src/resize/observe.ts';
import { planPods } from '../../../src/resize/plan.ts';
import { runningSizes, type ContainerState, type PodState } from '../../../src/resize/pod.ts';
import {
  aContainer,
  aPlanInput,
  aPod,
  aRecord,
  aTarget,
  carriedOut,
  NOW,
  sized,
  used,
} from './builders.ts';

/** With `SEED` another sequence of the same length. */
const RUNS = 3000;

const OBSERVE_SECONDS = 600;

/** What a pod had, what two savings made of it, and what a rescue of its memory or CPU did then. */
const HAD = sized(1, 1000, [2, 1200]);
const steps: readonly { readonly from: Sizes; readonly to: Sizes }[] = [
  { from: HAD, to: sized(0.75, 750, [1.5, 900]) },
  { from: HAD, to: sized(0.75, 1000, [1.5, 1200]) },
  { from: HAD, to: sized(1, 750, [2, 900]) },
];
const rescues = [undefined, { cpu: 2.5 }, { memory: 1500 }, { cpu: 2.5, memory: 1500 }] as const;

function raisedBy(sizes: Sizes, by: (typeof rescues)[number]): Sizes {
  if (by === undefined) return sizes;
  const { cpu = sizes.limits.cpu, memory = sizes.limits.memory } = {
    ...('cpu' in by && { cpu: by.cpu }),
    ...('memory' in by && { memory: by.memory * 2 ** 20 }),
  };
  return { ...sizes, limits: { ...(cpu && { cpu }), ...(memory && { memory }) } };
}

const shows = fc.record({
  restartedSeconds: fc.constantFrom(undefined, undefined, NOW - 50),
  oomKilledSeconds: fc.constantFrom(undefined, undefined, NOW - 60),
  usage: fc.constantFrom(used(), used({ throttledShare: 0.4 })),
});

const aCase = fc.record({
  step: fc.constantFrom(...steps),
  pods: fc.array(fc.record({ rescue: fc.constantFrom(...rescues), shows, resize: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  }),
  unchanged: fc.array(shows, { maxLength: 2 }),
});

/** What was raised since stays. */
function isBack(container: ContainerState, resource: Resource): boolean {
  const { requests, limits } = runningSizes(container);
  const had = { request: HAD.requests[resource] ?? 0, limit: HAD.limits[resource] ?? 0 };
  const limit = limits[resource] ?? 0;
  return limit > had.limit || (limit === had.limit && requests[resource] === had.request);
}

function rescuesOf(
  to: Sizes,
  pods: readonly { readonly rescue: (typeof rescues)[number] }[],
): readonly ChangeRecord[] {
  return pods.flatMap(({ rescue }) =>
    rescue === undefined
      ? []
      : [aRecord(to, raisedBy(to, rescue), { lane: 'Rescue', atSeconds: NOW - 300 })],
  );
}

describe('what did harm', () => {
  it(`always goes back, and all of it, in ${RUNS} random cases`, () => {
    let harmful = 0;
    fc.assert(
      fc.property(aCase, ({ step, pods: of, unchanged }) => {
        const stuck = { state: 'Deferred', message: 'no room', sinceSeconds: NOW - 60 } as const;
        const reached = of.map(({ rescue, shows: what, resize }, index) =>
          aPod(aContainer(raisedBy(step.to, rescue), what), {
            uid: `p${index}`,
            ...(resize && { resize: stuck }),
          }),
        );
        const others = unchanged.map((what, index) =>
          aPod(aContainer(HAD, what), { uid: `u${index}` }),
        );
        const pods: readonly PodState[] = [...reached, ...others];
        const savings = aRecord(step.from, step.to, { atSeconds: NOW - 400 });
        const records = [savings, ...rescuesOf(step.to, of)];
        const at = { nowSeconds: NOW, observeSeconds: OBSERVE_SECONDS, records };
        if (verdict(savings, pods, at).outcome !== 'Harmful') return;
        harmful += 1;
        const after = judge(records, pods, { ...at, changesPods: true }).records;
        assert.ok(after.some(({ lane, outcome }) => lane === 'Return' && outcome === 'Watching'));
        assert.equal(after[0]?.outcome, 'TakenBack');
        const plan = planPods(aPlanInput(pods, [aTarget(step.to)], { records: after }));
        for (const pod of carriedOut(pods, plan)) {
          const [main] = pod.containers;
          assert.ok(main);
          for (const resource of RESOURCES) assert.ok(isBack(main, resource), pod.name);
        }
      }),
      { numRuns: RUNS, seed: Number(process.env['SEED'] ?? 1) },
    );
    assert.ok(harmful > 0.2 * RUNS, `${harmful} harmful ones say little`);
  });
});
