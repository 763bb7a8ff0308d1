import assert from 'node:assert/strict';
import fc from 'fast-check';
import { qosClass } from '../../../src/recommend/qos.ts';
import {
  RESOURCES,
  type Amounts,
  type Resource,
  type Sizes,
} from '../../../src/recommend/usage.ts';
import { LANES, type ChangeRecord, type Lane } from '../../../src/resize/changes.ts';
import { planPods } from '../../../src/resize/plan.ts';
import type { PlanInput, PodPatch } from '../../../src/resize/planned.ts';
import { isUnderWay, type PodState } from '../../../src/resize/pod.ts';
import { addedIn } from '../../../src/resize/podplan.ts';
import { recordsOf } from '../../../src/resize/record.ts';
import { roomAfter, sumOf } from '../../../src/resize/room.ts';
import type { ContainerTarget } from '../../../src/resize/wanted.ts';
import {
  aContainer,
  aPlanInput,
  aPod,
  aRecord,
  carriedOut,
  FACTS,
  MI,
  NOW,
  RULES,
} from './builders.ts';

/** With `SEED` another sequence of the same length; a failure prints the seed and the path to it. */
const RUNS = 100_000;

const cpu = fc.integer({ min: 10, max: 4000 }).map((millis) => millis / 1000);
const memory = fc.integer({ min: 32, max: 4096 }).map((mebibytes) => mebibytes * MI);
const above = fc.constantFrom(undefined, 1, 1, 1.2, 3);

/** Requests, and limits at or above them or none. */
const sizes: fc.Arbitrary<Sizes> = fc
  .record({ cpu, memory, cpuLimit: above, memoryLimit: above })
  .map((of) => ({
    requests: { cpu: of.cpu, memory: of.memory },
    limits: {
      ...(of.cpuLimit !== undefined && { cpu: of.cpu * of.cpuLimit }),
      ...(of.memoryLimit !== undefined && { memory: of.memory * of.memoryLimit }),
    },
  }));

const secondsAgo = (max: number) =>
  fc.option(
    fc.integer({ min: 0, max }).map((ago) => NOW - ago),
    { nil: undefined },
  );

const usage = fc.option(
  fc.record({
    atSeconds: fc.constantFrom(NOW, NOW, NOW, NOW, NOW - 120, NOW - 900),
    memoryBytes: fc.option(memory, { nil: undefined, freq: 20 }),
    cpuCores: fc.option(cpu, { nil: undefined }),
    throttledShare: fc.constantFrom(undefined, 0, 0.04, 0.5),
    throttledSinceSeconds: fc.constantFrom(undefined, NOW - 10, NOW - 400),
    isCpuOverBudget: fc.boolean(),
  }),
  { nil: undefined, freq: 20 },
);

/** What still runs while a resize that was asked for is pending. */
function times({ requests, limits }: Sizes, factor: number): Sizes {
  const scaled = (amounts: Sizes['requests']) =>
    Object.fromEntries(
      Object.entries(amounts).map(([resource, amount]) => [resource, amount * factor]),
    );
  return { requests: scaled(requests), limits: scaled(limits) };
}

const container = (name: string) =>
  fc
    .record({
      spec: sizes,
      pending: fc.constantFrom(1, 1, 1, 1, 0.5, 0.9, 1.5, 3),
      restartsOn: fc.subarray([...RESOURCES], { maxLength: 1 }),
      oomKilledSeconds: secondsAgo(7200),
      usage,
    })
    .map(({ spec, pending, ...others }) =>
      aContainer(spec, { name, actual: times(spec, pending), ...others }),
    );

const STATES = ['InProgress', 'Deferred', 'Infeasible', 'Error'] as const;
const resize = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ state: 'None' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      state: fc.constantFrom(...STATES),
      message: fc.constant('as the kubelet says'),
      sinceSeconds: fc.constantFrom(NOW - 10, NOW - 1000),
    }),
  },
);

const pod = (uid: string): fc.Arbitrary<PodState> =>
  fc
    .record({
      containers: fc.tuple(container('main'), container('side')),
      resize,
      isReady: fc.boolean(),
      isTerminating: fc.boolean(),
    })
    .map(({ containers, ...others }) =>
      aPod(containers, { uid, qos: qosClass(containers.map(({ spec }) => spec)), ...others }),
    );

const range = (amount: fc.Arbitrary<number>) =>
  fc
    .tuple(fc.option(amount, { nil: undefined }), fc.option(amount, { nil: undefined }))
    .map(([a, b]) =>
      a !== undefined && b !== undefined && a > b ? { min: b, max: a } : { min: a, max: b },
    );

const evidence = fc.constantFrom('Sound', 'Sound', 'Sound', 'Missing', 'Stale', 'Censored');

/** A recommendation is within its bounds, as the recommender's clamps leave it. */
const target = (name: string): fc.Arbitrary<ContainerTarget> =>
  fc
    .record({
      sizes,
      ranges: fc.record({ cpu: range(cpu), memory: range(memory) }),
      evidence: fc.record({ cpu: evidence, memory: evidence }),
      leakSinceSeconds: secondsAgo(3600),
    })
    .map((of) => ({ name, ...of, sizes: inBounds(of.sizes, of.ranges) }));

function inBounds({ requests, limits }: Sizes, ranges: ContainerTarget['ranges']): Sizes {
  const bounded = (resource: Resource) => {
    const { min = 0, max = Infinity } = ranges[resource];
    return Math.min(Math.max(requests[resource] ?? 0, min), max);
  };
  const request = { cpu: bounded('cpu'), memory: bounded('memory') };
  return {
    requests: request,
    limits: Object.fromEntries(
      RESOURCES.flatMap((resource) => {
        const limit = limits[resource];
        return limit === undefined ? [] : [[resource, Math.max(limit, request[resource])]];
      }),
    ),
  };
}

interface Before {
  readonly from: Sizes;
  readonly lane: Lane;
  readonly ago: number;
}

/** What gave the first container of a pod the size that it asks for. */
function changeBefore(
  { containers: [first] }: PodState,
  { from, lane, ago }: Before,
): ChangeRecord {
  assert.ok(first);
  return aRecord(from, first.spec, { lane, atSeconds: NOW - ago, outcome: 'Fine' });
}

const left = (most: number) =>
  fc.constantFrom(0, 0.05, 0.3, 1).map((share) => Math.round(share * most * 1000) / 1000);

function outsideOf(
  max: Amounts,
  type: 'Container' | 'Pod' | undefined,
  hasNode: boolean,
): PlanInput['outside'] {
  const others = { min: {}, default: {}, defaultRequest: {}, maxLimitRequestRatio: {} };
  return {
    limitRanges: type === undefined ? [] : [{ type, max, ...others }],
    largestNode: hasNode ? max : undefined,
  };
}

const planInput: fc.Arbitrary<PlanInput> = fc
  .record({
    pods: fc.tuple(pod('a'), pod('b')),
    last: fc.option(
      fc.record({
        from: sizes,
        lane: fc.constantFrom(...LANES),
        ago: fc.constantFrom(60, 1200, 90_000),
      }),
      { nil: undefined },
    ),
    targets: fc.tuple(target('main'), target('side')),
    facts: fc.record({
      mode: fc.constantFrom('InPlace', 'InPlace', 'Recreate'),
      suspendedBy: fc.constantFrom(undefined, undefined, undefined, 'policy a/b'),
      autoscaled: fc.subarray([...RESOURCES], { maxLength: 1 }),
      isReady: fc.constantFrom(true, true, false),
      isInWindow: fc.constantFrom(true, true, false),
    }),
    room: fc.option(
      fc.record({
        requests: fc.record({ cpu: left(1), memory: left(1024 * MI) }, { requiredKeys: [] }),
        limits: fc.record({ cpu: left(2), memory: left(1024 * MI) }, { requiredKeys: [] }),
      }),
      { nil: undefined, freq: 1 },
    ),
    max: fc.record({ cpu: fc.constantFrom(0.2, 1, 9), memory: fc.constantFrom(200, 900, 9000) }),
    limitRange: fc.constantFrom(undefined, undefined, 'Container', 'Pod'),
    hasNode: fc.boolean(),
    rules: fc.record({
      minimumChange: fc.constantFrom(0, 0.1, 0.5),
      maxStep: fc.constantFrom(0.01, 0.25, 1),
      limit: fc.constantFrom({ share: 0.1 }, { count: 2 }, { share: 1 }),
    }),
  })
  .map(({ pods, last, targets, facts, room, rules, max, limitRange, hasNode }) =>
    aPlanInput(pods, targets, {
      room,
      outside: outsideOf({ cpu: max.cpu, memory: max.memory * MI }, limitRange, hasNode),
      facts: { ...FACTS, ...facts },
      rules: { ...RULES, ...rules },
      records: last === undefined ? [] : [changeBefore(pods[0], last)],
    }),
  );

function podOf({ pods }: PlanInput, patch: PodPatch): PodState {
  const found = pods.find(({ uid }) => uid === patch.podUid);
  assert.ok(found);
  return found;
}

interface Changed {
  readonly input: PlanInput;
  readonly pod: PodState;
  readonly state: PodState['containers'][number];
  readonly target: ContainerTarget;
  readonly from: Sizes;
  readonly to: Sizes;
  readonly resource: Resource;
}

/** Every resource of every container that a plan changes. */
function changesOf(input: PlanInput, patches: readonly PodPatch[]): readonly Changed[] {
  return patches.flatMap((patch) => {
    const found = podOf(input, patch);
    return patch.containers.flatMap(({ name, to }) => {
      const state = found.containers.find((each) => each.name === name);
      const aim = input.targets.find((each) => each.name === name);
      assert.ok(state && aim);
      const from = state.actual ?? state.spec;
      const base = { input, pod: found, state, target: aim, from, to };
      return RESOURCES.map((resource) => ({ ...base, resource }));
    });
  });
}

const EPSILON = 1 + 1e-9;

function isAsked({ state, to, resource }: Changed): boolean {
  return (
    to.requests[resource] !== state.spec.requests[resource] ||
    to.limits[resource] !== state.spec.limits[resource]
  );
}

function requestIsAtMostLimit({ to, resource }: Changed): void {
  const { [resource]: request = 0 } = to.requests;
  assert.ok(request <= (to.limits[resource] ?? Infinity), 'request above limit');
}

/** What is outside its bounds already comes nearer to them, step by step; nothing leaves them. */
function staysInBounds({ state, from, to, target: { ranges }, resource }: Changed): void {
  const { min = 0, max = Infinity } = ranges[resource];
  const request = to.requests[resource] ?? 0;
  const before = [from, state.spec].map(({ requests }) => requests[resource] ?? 0);
  assert.ok(request <= Math.max(max, ...before), 'above its bounds');
  assert.ok(request >= Math.min(min, ...before), 'below its bounds');
}

/** Shares that are taken away of what runs, by what is less than was asked for before. */
function lowersBy({ state, from, to, resource }: Changed): readonly number[] {
  return (['requests', 'limits'] as const).flatMap((field) => {
    const amount = to[field][resource];
    const before = from[field][resource];
    const isLess = amount !== undefined && amount < (state.spec[field][resource] ?? Infinity);
    return isLess && before !== undefined ? [1 - amount / before] : [];
  });
}

function takesAtMostOneStep(change: Changed): void {
  const { maxStep } = change.input.rules;
  for (const share of lowersBy(change)) {
    assert.ok(share <= maxStep * EPSILON + 1e-9, `lowered by ${share}`);
  }
}

function lowersOnSoundEvidenceOnly(change: Changed): void {
  const { target: aim, resource, input } = change;
  const isLowered = lowersBy(change).some((share) => share > 1e-9);
  if (!isLowered) return;
  assert.equal(aim.evidence[resource], 'Sound');
  assert.ok(input.facts.isInWindow && input.facts.isReady, 'savings outside of window');
  if (resource !== 'memory') return;
  const used = change.state.usage;
  const limit = change.to.limits.memory;
  const { memory: running = Infinity } = change.from.limits;
  if (limit === undefined || limit === change.state.spec.limits.memory || limit >= running) return;
  assert.ok(limit >= 1.1 * (used?.memoryBytes ?? Infinity), 'memory limit below use');
}

function leavesOthersTheirs({ input, state, resource }: Changed): void {
  assert.ok(!input.facts.autoscaled.includes(resource), 'an autoscaler owns it');
  const restarts = state.restartsOn.includes(resource) && input.facts.mode === 'InPlace';
  assert.ok(!restarts, 'restarts under InPlace');
}

/** What is above it already may stay. */
function staysInLimitRange({
  input,
  pod: { containers },
  state,
  from,
  to,
  resource,
}: Changed): void {
  const [range] = input.outside.limitRanges;
  const max = range?.max[resource];
  if (max === undefined) return;
  for (const field of ['requests', 'limits'] as const) {
    const has = (sizes: Sizes) => sizes[field][resource] ?? 0;
    const amounts = [from, state.spec].flatMap((sizes) => [
      has(sizes),
      sizes.requests[resource] ?? 0,
    ]);
    const before = Math.max(...amounts);
    const others = containers.reduce((sum, each) => sum + (each === state ? 0 : has(each.spec)), 0);
    const most = range?.type === 'Pod' ? max - others : max;
    const isClassKept = field === 'limits' && has(to) <= most * EPSILON + 2 ** 20;
    assert.ok(has(to) <= Math.max(before, most) * EPSILON || isClassKept, `${has(to)} of ${most}`);
  }
}

function removesNothing({ state, to, resource }: Changed): void {
  for (const field of ['requests', 'limits'] as const) {
    if (state.spec[field][resource] === undefined) continue;
    assert.notEqual(to[field][resource], undefined, 'something removed');
  }
}

function keepsItsClass(before: readonly PodState[], after: readonly PodState[]): void {
  const classes = (pods: readonly PodState[]) =>
    pods.map(({ containers }) => qosClass(containers.map(({ spec }) => spec)));
  assert.deepEqual(classes(after), classes(before));
}

/** What a plan adds to what a quota counts: the more of what runs and what is asked for. */
function takenBy(input: PlanInput, patches: readonly PodPatch[]): Sizes {
  return sumOf(patches.map((patch) => addedIn(podOf(input, patch), patch.containers)));
}

function staysWithinQuota({ room }: PlanInput, taken: Sizes): void {
  for (const field of ['requests', 'limits'] as const) {
    for (const resource of RESOURCES) {
      const most = room?.[field][resource] ?? Infinity;
      const more = taken[field][resource] ?? 0;
      assert.ok(more <= most * EPSILON + 1e-9, `${more} of ${resource} ${field} in ${most}`);
    }
  }
}

/** Where nothing was pending before: what the kubelet then does may ask for more. */
function plansNoMore(input: PlanInput, patches: readonly PodPatch[], after: readonly PodState[]) {
  const { pods, nowSeconds, rules } = input;
  const { observeSeconds } = rules;
  const made = recordsOf({
    changes: patches,
    method: 'Resize',
    pods,
    nowSeconds,
    observeSeconds,
  });
  const again = planPods({
    ...input,
    pods: after,
    records: [...input.records, ...made],
    room: roomAfter(input.room, takenBy(input, patches)),
  });
  // Where a LimitRange bounds the sum of a pod, what one container gives up is free for another at the next look.
  const isShared = input.outside.limitRanges.some(({ type }) => type === 'Pod');
  const uids = new Set(
    pods
      .filter((each) => !isUnderWay(each) && each.resize.state === 'None')
      .filter((each) => !isShared || each.containers.length === 1)
      .map(({ uid }) => uid),
  );
  assert.deepEqual(
    again.patches.filter(
      ({ podUid }) => uids.has(podUid) && patches.some((each) => each.podUid === podUid),
    ),
    [],
  );
}

/** Of a pod of which no other container is changed, the others take what they ask for. */
function isAlone(changes: readonly Changed[], { pod: of, state }: Changed): boolean {
  return changes.every((each) => each.pod !== of || each.state === state);
}

describe('what is never done to a pod', () => {
  it(`holds in ${RUNS} random cases`, function () {
    this.timeout(240_000);
    let changed = 0;
    fc.assert(
      fc.property(planInput, (input) => {
        const plan = planPods(input);
        if (input.facts.suspendedBy !== undefined) {
          assert.deepEqual([...plan.patches, ...plan.evictions], []);
        }
        changed += plan.patches.length;
        const changes = changesOf(input, plan.patches);
        for (const change of changes) {
          requestIsAtMostLimit(change);
          removesNothing(change);
          if (!isAsked(change)) continue;
          staysInBounds(change);
          if (isAlone(changes, change)) staysInLimitRange(change);
          takesAtMostOneStep(change);
          lowersOnSoundEvidenceOnly(change);
          leavesOthersTheirs(change);
        }
        staysWithinQuota(input, takenBy(input, plan.patches));
        const after = carriedOut(input.pods, plan);
        keepsItsClass(input.pods, after);
        // Under a max for pods one container may have afterwards what another gives back.
        if (input.outside.limitRanges[0]?.type !== 'Pod') plansNoMore(input, plan.patches, after);
      }),
      { numRuns: RUNS, seed: Number(process.env['SEED'] ?? 1) },
    );
    assert.ok(changed > 0.4 * RUNS, `${changed} patches say little`);
  });
});
