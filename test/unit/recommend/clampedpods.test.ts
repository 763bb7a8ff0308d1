import assert from 'node:assert/strict';
import fc from 'fast-check';
import { clampPod, type ClampContext } from '../../../src/recommend/clamps.ts';
import { jointRange, type Draft, type LimitRangeItem } from '../../../src/recommend/draft.ts';
import { qosClass } from '../../../src/recommend/qos.ts';
import { roundReadable } from '../../../src/recommend/rounding.ts';
import type { Range } from '../../../src/recommend/settings.ts';
import {
  RESOURCES,
  type Amounts,
  type Resource,
  type Sizes,
} from '../../../src/recommend/usage.ts';
import { GI, MI } from '../../support/builders.ts';

const UNIT: Readonly<Record<Resource, number>> = { cpu: 1, memory: GI };
const STEP: Readonly<Record<Resource, number>> = { cpu: 0.001, memory: MI };

/** Readable amounts from a hundredth of a unit to eight. */
const amountOf = (resource: Resource) =>
  fc
    .double({ min: -2, max: 0.9, noNaN: true })
    .map((exponent) => roundReadable(resource, 10 ** exponent * UNIT[resource]));

const factor = fc.constantFrom(1, 1, 1.5, 4);
const NONE: Range = { min: undefined, max: undefined };

/** A request and, or not, a limit above it. */
const sizeOf = (resource: Resource) =>
  fc
    .record({ request: amountOf(resource), factor: fc.option(factor, { nil: undefined }) })
    .map(({ request, factor: times }) => ({
      request,
      limit: times === undefined ? undefined : roundReadable(resource, request * times),
    }));

const sizes: fc.Arbitrary<Sizes> = fc
  .record({ cpu: sizeOf('cpu'), memory: sizeOf('memory') })
  .map(({ cpu, memory }) => ({
    requests: { cpu: cpu.request, memory: memory.request },
    limits: {
      ...(cpu.limit !== undefined && { cpu: cpu.limit }),
      ...(memory.limit !== undefined && { memory: memory.limit }),
    },
  }));

const boundsOf = (resource: Resource): fc.Arbitrary<Range> =>
  fc.oneof(
    fc.constant(NONE),
    fc.tuple(amountOf(resource), amountOf(resource)).map(([a, b]) => ({
      min: Math.min(a, b),
      max: Math.max(a, b),
    })),
  );

const container = (name: string): fc.Arbitrary<Draft> =>
  fc
    .record({
      isSized: fc.constantFrom(true, true, true, false),
      current: sizes,
      wanted: sizes,
      keepsLimit: fc.boolean(),
      cpu: boundsOf('cpu'),
      memory: boundsOf('memory'),
    })
    .map(({ isSized, current, wanted, keepsLimit, cpu, memory }) => ({
      name,
      isSized,
      current,
      requests: isSized ? wanted.requests : current.requests,
      limits: isSized && !keepsLimit ? wanted.limits : current.limits,
      keepsLimit: { cpu: keepsLimit, memory: keepsLimit },
      isHeld: { cpu: false, memory: false },
      bounds: isSized ? { cpu, memory } : { cpu: NONE, memory: NONE },
      guardrails: { cpu: NONE, memory: NONE },
      clamps: [],
    }));

const pod = fc
  .record({
    drafts: fc.oneof(
      fc.tuple(container('a')),
      fc.tuple(container('a'), container('b')),
      fc.tuple(container('a'), container('b'), container('c')),
    ),
    isGuaranteed: fc.boolean(),
  })
  .map(({ drafts, isGuaranteed }): readonly Draft[] =>
    drafts.map((draft) => {
      if (!isGuaranteed) return draft;
      const current = { requests: draft.current.requests, limits: draft.current.requests };
      return draft.isSized ? { ...draft, current } : { ...draft, ...current, current };
    }),
  );

/** As the API server stores it: a max without a default is the default as well. */
const limitRangeOf = (resource: Resource) =>
  fc
    .record({
      min: fc.option(fc.constantFrom(0.01, 0.05, 0.2), { nil: undefined }),
      max: fc.option(fc.constantFrom(1, 2, 6), { nil: undefined }),
      default: fc.option(fc.constantFrom(0.3, 0.5, 0.9), { nil: undefined }),
      ratio: fc.option(fc.constantFrom(1.5, 4, 10), { nil: undefined }),
    })
    .map(({ min, max, default: given, ratio }) => ({
      min: min === undefined ? undefined : roundReadable(resource, min * UNIT[resource]),
      max: max === undefined ? undefined : max * UNIT[resource],
      default: (given ?? max) === undefined ? undefined : (given ?? max ?? 0) * UNIT[resource],
      ratio,
    }));

const limitRange: fc.Arbitrary<LimitRangeItem> = fc
  .record({ cpu: limitRangeOf('cpu'), memory: limitRangeOf('memory') })
  .map((of) => {
    const amounts = (key: 'min' | 'max' | 'default' | 'ratio'): Amounts =>
      Object.fromEntries(
        RESOURCES.flatMap((resource) => {
          const amount = of[resource][key];
          return amount === undefined ? [] : [[resource, amount]];
        }),
      );
    return {
      type: 'Container',
      min: amounts('min'),
      max: amounts('max'),
      default: amounts('default'),
      defaultRequest: {},
      maxLimitRequestRatio: amounts('ratio'),
    };
  });

const surroundings: fc.Arbitrary<ClampContext> = fc
  .record({
    limitRanges: fc.array(limitRange, { maxLength: 2 }),
    node: fc.option(fc.constantFrom(0.5, 2, 8, 32), { nil: undefined }),
  })
  .map(({ limitRanges, node }) => ({
    limitRanges,
    largestNode: node === undefined ? undefined : { cpu: node, memory: node * GI },
  }));

type Check = (after: readonly Draft[], before: readonly Draft[], context: ClampContext) => void;

function everyPod(check: Check, numRuns = 300): void {
  fc.assert(
    fc.property(pod, surroundings, (drafts, context) => {
      check(clampPod(drafts, context), drafts, context);
    }),
    { numRuns },
  );
}

/** Each resource of each container that is sized. */
function eachSize(
  drafts: readonly Draft[],
  check: (resource: Resource, request: number, limit: number | undefined) => void,
): void {
  for (const { isSized, requests, limits } of drafts) {
    if (!isSized) continue;
    for (const resource of RESOURCES) check(resource, requests[resource] ?? 0, limits[resource]);
  }
}

function totalOf(drafts: readonly Draft[], resource: Resource): number {
  return drafts.reduce((sum, { requests }) => sum + (requests[resource] ?? 0), 0);
}

const plain = (drafts: readonly Draft[]) =>
  drafts.map(({ requests, limits }) => ({ requests, limits }));

describe('whatever the pod, its namespace and its nodes, clamping', () => {
  it('leaves no request above its limit, and none at zero', () => {
    everyPod((after) => {
      eachSize(after, (resource, request, limit) => {
        assert.ok(request > 0);
        assert.ok(request <= (limit ?? Infinity), `${resource} ${request} > ${limit ?? ''}`);
      });
    });
  });

  it('keeps the LimitRange of containers', () => {
    everyPod((after, _, { limitRanges }) => {
      eachSize(after, (resource, request, limit) => {
        const { min = 0, max, ratio } = jointRange(limitRanges, 'Container', resource);
        assert.ok(request >= min, `${resource} request ${request} < ${min}`);
        if (limit !== undefined) assert.ok(limit >= min, `${resource} limit ${limit} < ${min}`);
        if (max !== undefined) assert.ok(limit !== undefined && limit <= max, `${resource} max`);
        if (ratio !== undefined) {
          assert.ok(
            limit !== undefined && limit <= request * ratio * (1 + 1e-9),
            `${resource} ratio`,
          );
        }
      });
    });
  });

  it('keeps a Guaranteed pod Guaranteed, and a Burstable one Burstable', () => {
    everyPod((after, before) => {
      const was = qosClass(before.map(({ current }) => current));
      if (before.some(({ isSized }) => isSized)) assert.equal(qosClass(after), was);
    });
  });

  it('fits the pod on the largest node where LimitRange and ignored containers leave room', () => {
    everyPod((after, before, { limitRanges, largestNode }) => {
      for (const resource of RESOURCES) {
        const most = largestNode?.[resource] ?? Infinity;
        const { min = 0 } = jointRange(limitRanges, 'Container', resource);
        const fixed = totalOf(
          before.filter(({ isSized }) => !isSized),
          resource,
        );
        const sized = before.filter(({ isSized }) => isSized).length;
        const least = fixed + sized * Math.max(min, STEP[resource]);
        if (least > most) continue;
        const sum = totalOf(after, resource);
        assert.ok(sum <= most * (1 + 1e-9), `${resource} ${sum} on ${most}`);
      }
    });
  });

  it('leaves an ignored container as it is', () => {
    everyPod((after, before) => {
      for (const [index, draft] of before.entries()) {
        if (!draft.isSized) assert.equal(after[index], draft);
      }
    });
  });

  it('records steps that lead from what was wanted to what came out', () => {
    const numbers = RESOURCES.flatMap((resource) =>
      (['request', 'limit'] as const).map((field) => ({ resource, field })),
    );
    const at = (draft: Draft | undefined, { resource, field }: (typeof numbers)[number]) =>
      (field === 'request' ? draft?.requests : draft?.limits)?.[resource];
    everyPod((after, before) => {
      for (const [index, draft] of after.entries()) {
        for (const number of numbers) {
          const steps = draft.clamps.filter(
            ({ resource, field }) => resource === number.resource && field === number.field,
          );
          const path = [at(before[index], number), ...steps.map(({ to }) => to)];
          assert.deepEqual(
            steps.map(({ from }) => from),
            path.slice(0, -1),
          );
          assert.equal(path.at(-1), at(draft, number));
          assert.ok(steps.every(({ from, to }) => from !== to));
        }
      }
    });
  });

  it('changes nothing that was clamped before', () => {
    everyPod((after, before, context) => {
      // Bounds that do not fit the node are asked for again each time.
      const isBounded = before.some(({ bounds }) => RESOURCES.some((each) => bounds[each].min));
      if (isBounded && context.largestNode !== undefined) return;
      const again = clampPod(
        after.map((draft) => ({ ...draft, clamps: [] })),
        context,
      );
      assert.deepEqual(plain(again), plain(after));
    });
  });
});
