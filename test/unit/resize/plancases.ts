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
import type { PlanInput } from '../../../src/resize/planned.ts';
import type { PodState } from '../../../src/resize/pod.ts';
import type { ContainerTarget } from '../../../src/resize/wanted.ts';
import { aContainer, aPlanInput, aPod, aRecord, FACTS, MI, NOW, RULES } from './builders.ts';

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

/** Two pods of two containers in every state, what is recommended for them and what stands against it. */
export const planInput: fc.Arbitrary<PlanInput> = fc
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
