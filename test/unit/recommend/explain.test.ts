import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WORDING } from '../../../src/controller/status.ts';
import type { Wording } from '../../../src/recommend/evidencewords.ts';
import { explain } from '../../../src/recommend/explain.ts';
import type { Realised } from '../../../src/recommend/realised.ts';
import type { PodInput, ResourceRecommendation } from '../../../src/recommend/recommend.ts';
import type { Estimate } from '../../../src/recommend/sizing.ts';
import { DAY_SECONDS, type Resource } from '../../../src/recommend/usage.ts';
import {
  aContainer,
  day,
  dayOfHours,
  days,
  GI,
  MI,
  recommended,
  recommendedFor,
  type ContainerBuilder,
} from '../../support/builders.ts';

/** One digit, so that the width of a bucket does not show. */
const ROUGH: Wording = {
  ...WORDING,
  amount: (resource, amount) =>
    resource === 'cpu' ? String(Number(amount.toPrecision(1))) : WORDING.amount(resource, amount),
};

/** Without the sentence on what CPU use looks like, which tells nothing of the size. */
function explained(container: ContainerBuilder, around: Partial<PodInput> = {}): string {
  const recommendation = recommendedFor(container, around);
  const evidence = { ...recommendation.evidence, behaviour: undefined };
  return explain({ ...recommendation, evidence }, ROUGH);
}

type Changes = Partial<ResourceRecommendation>;

/** A fortnight of use, of which the evidence of a resource is another. */
function explainedWith(resource: Resource, changes: Changes): string {
  const recommendation = recommendedFor(busy);
  const result = { ...recommendation.resources[resource], ...changes };
  const resources = { ...recommendation.resources, [resource]: result };
  return explain({ ...recommendation, resources }, ROUGH);
}

function estimated(resource: Resource, changes: Partial<Estimate>): Changes {
  const { decision } = recommendedFor(busy).resources[resource];
  assert.ok(decision.estimate !== undefined);
  return { decision: { ...decision, estimate: { ...decision.estimate, ...changes } } };
}

const OVER: Realised = {
  days: 13,
  share: 0.071,
  daysHit: 12,
  dayDeviation: 0.01,
  worstDay: 0.12,
  worstDaySeconds: Date.UTC(2026, 10, 3) / 1000,
  workOver: 0.004,
};

/** p90 is 0.1, p95 and p98 are 0.3 cores. */
const USE = Array.from({ length: 100 }, (_, i) => (i < 92 ? 0.1 : 0.3));
const busy = aContainer()
  .requesting({ cpu: 1, memory: GI })
  .with(days(14, { cpu: USE }));

/** Each of ten hours has half of its samples over what was before. */
const rising = dayOfHours(
  1,
  Array.from({ length: 10 }, (_, hour) => [0.1, 0.1 * 1.3 ** (hour + 1)]),
);

const MEMORY =
  'Memory: the highest peak of 14 days, 100Mi, × 1.13 = 113Mi. ' +
  'Replayed hour by hour, the peak was above the size on 0 of 13 days; the policy allows 1% of pod-days. ' +
  'By themselves, so few days show 16% of pod-days at best (90% sure); the margin rests on what public traces needed.';

interface Case {
  readonly container: ContainerBuilder;
  readonly around?: Partial<PodInput>;
  readonly want: string;
}

const cases: Readonly<Record<string, Case>> = {
  'a fortnight of use': {
    // 92 % of the use is 0.1: the quantile lies above, and half of it would not do.
    container: busy.under({ confidence: 0.95 }),
    want: `CPU: p93 of 14 days (half-life 3 days), 0.3, × 1.06 = 0.3. Replayed hour by hour, use was above the size on 0 of 7 days; the policy allows 5% of the time. ${MEMORY}`,
  },
  'history that is too short': {
    container: busy.with([day(1, { cpu: USE, cpuCoverage: 0.25, memoryCoverage: 0.01 })]),
    want:
      'CPU: p94.1 of 6 hours (half-life 3 days), 0.3, × 1.06 × 2.38 for short history = 0.8. ' +
      'Held: history is still shorter than history.minimum, so it is not lowered. ' +
      'Memory: the highest peak of 1 hour, 100Mi, × 2.38 for short history = 238Mi. ' +
      'Held: history is still shorter than history.minimum, so it is not lowered.',
  },
  'no usage': {
    container: busy.with([]),
    want:
      'CPU: no CPU usage in the window. ' +
      'Held: no usage was found in the window, so nothing is known and nothing is changed. ' +
      'Memory: no memory usage in the window. ' +
      'Held: no usage was found in the window, so nothing is known and nothing is changed.',
  },
};

describe('the explanation of', () => {
  for (const [what, { container, around, want }] of Object.entries(cases)) {
    it(what, () => assert.equal(explained(container, around), want));
  }

  const parts: Readonly<Record<string, Case>> = {
    'a kill for memory that raised the request': {
      container: busy.limitedTo({ memory: GI }).with(days(14, { oomKills: 1 })),
      want: 'Raised: a kill for memory asks for a fifth more than the limit, and 100Mi more at least.',
    },
    'a number that stays near the last one': {
      container: busy.previously('memory', 111 * MI),
      want: 'The last recommendation stays, since the difference is small.',
    },
    'a change that is too small': {
      container: busy.requesting({ memory: 114 * MI }),
      want: 'The change would be too small to be worth one.',
    },
    'an autoscaler': {
      container: busy,
      around: { autoscaled: ['cpu'] },
      want: 'Held: a HorizontalPodAutoscaler scales on CPU, and would scale at another point.',
    },
    'a LimitRange': {
      container: busy,
      around: {
        limitRanges: [
          {
            type: 'Container',
            min: { memory: 256 * MI },
            max: {},
            default: {},
            defaultRequest: {},
            maxLimitRequestRatio: {},
          },
        ],
      },
      want: "memory request 113Mi → 256Mi: the namespace's LimitRange min.",
    },
    'a budget that is spent': {
      container: busy.under({ cpu: { risk: 0.005 } }).with([...days(14).slice(0, -1), rising]),
      want: '× 1.22 while the risk budget is spent = ',
    },
    'a level that shifted': {
      container: busy.with([...days(14).slice(0, -1), day(1, { cpu: [1], cpuCoverage: 1 / 24 })]),
      want: 'CPU: the highest use of the last hour, which shifted to a higher level, 1, × 1.06 = 1.',
    },
    'a single day': {
      container: busy.with(days(1)),
      want: 'the highest peak of 1 day, 100Mi,',
    },
  };
  for (const [what, { container, around, want }] of Object.entries(parts)) {
    it(`${what} says so`, () => {
      const text = explained(container, around);
      assert.ok(text.includes(want), text);
    });
  }

  const evidence: Readonly<Record<string, readonly [Resource, Changes, string]>> = {
    'CPU over the size': [
      'cpu',
      { realised: OVER },
      'Replayed hour by hour, use was above the size 7.1% of the time (0.4% of the work), on 12 of 13 days, worst 2026-11-03: 12% of the day; the policy allows 5% of the time.',
    ],
    'memory over the size': [
      'memory',
      { realised: { ...OVER, daysHit: 1, share: 1 / 13 } },
      'the peak was above the size on 1 of 13 days, worst 2026-11-03: 12% above the size; the policy allows 1% of pod-days. By themselves, so few days show 27% of pod-days at best (90% sure); the margin rests on',
    ],
    'a promise that is refuted': [
      'cpu',
      { realised: OVER, supported: { risk: 0.1, isAttainable: false } },
      'That refutes the promise; the strictest risk that it does not refute is 10%.',
    ],
    'a promise that is refuted with all looser ones': [
      'cpu',
      { realised: OVER, supported: { risk: undefined, isAttainable: false } },
      'That refutes the promise, and every looser one up to 10%.',
    ],
    'a margin of the fleet': [
      'memory',
      estimated('memory', { marginBasis: 'Fleet' }),
      'the margin rests on what the containers of the policy needed.',
    ],
    'a factor for short history in place of a margin': [
      'memory',
      estimated('memory', { margin: 1, youthFactor: 1.2 }),
      'show 16% of pod-days at best (90% sure). ',
    ],
    'the cadence Tracking': [
      'cpu',
      estimated('cpu', { cadence: 'Tracking' }),
      ' of what the next hour is expected to use, by 14 days, 0.3, × 1.06 = 0.3.',
    ],
  };
  for (const [what, [resource, changes, want]] of Object.entries(evidence)) {
    it(`${what} says so`, () => {
      const text = `${explainedWith(resource, changes)} `;
      assert.ok(text.includes(want), text);
    });
  }

  it('days that show the promise by themselves says nothing of what they lack', () => {
    const realised = { ...OVER, days: 400, daysHit: 0, share: 0 };
    assert.doesNotMatch(explainedWith('memory', { realised }), /By themselves/);
  });

  it('a container that broke both promises fits its field', () => {
    const recommendation = recommendedFor(busy);
    const broken = { realised: OVER, supported: { risk: 0.1, isAttainable: false } };
    const { cpu, memory } = recommendation.resources;
    const text = explain(
      {
        ...recommendation,
        evidence: { ...recommendation.evidence, behaviour: 'Batch' },
        resources: {
          cpu: { ...cpu, ...broken, decision: { ...cpu.decision, hold: 'Throttled' } },
          memory: { ...memory, ...broken, decision: { ...memory.decision, hold: 'RiskNotKept' } },
        },
      },
      WORDING,
    );
    assert.match(text, /^CPU use comes in runs, with little between them\. CPU: p9/);
    assert.match(text, /Held: the promise of the policy is broken beyond chance/);
    assert.ok(text.length <= 1024, `${text.length}`);
  });

  it('an amount that is a little higher than what is wanted now says so', () => {
    // 100m × 1.06, less than a twentieth below what was in force the day before.
    const text = explain(recommendedFor(aContainer()), WORDING);
    assert.match(text, /× 1\.06 = 10[67]m; 1(09|10)m stays\./);
  });

  it('anything has no NaN, undefined or Infinity in it', () => {
    const amount = fc.option(fc.constantFrom(0, 0.001, 1, 64, 2 ** 40), { nil: undefined });
    const size = fc.record({ cpu: amount, memory: amount }).map(({ cpu, memory }) => ({
      ...(cpu !== undefined && { cpu }),
      ...(memory !== undefined && { memory }),
    }));
    const usage = fc.record({
      cpu: fc.array(fc.constantFrom(0, 1e-6, 0.2, 1e4), { maxLength: 3 }),
      peak: fc.option(fc.constantFrom(0, 1, 2 ** 45), { nil: undefined }),
      oomKills: fc.constantFrom(0, 0, 1),
      throttledShare: fc.constantFrom(0, 0.5),
    });
    const anything = fc.record({
      history: fc.array(usage, { maxLength: 5 }),
      requests: size,
      limits: size,
      risk: fc.constantFrom(0.0001, 0.001, 0.02, 0.5),
      halfLifeSeconds: fc.constantFrom(3600, 90 * DAY_SECONDS),
    });
    fc.assert(
      fc.property(anything, ({ history, requests, limits, risk, halfLifeSeconds }) => {
        const container = aContainer()
          .under({ cpu: { risk }, memory: { risk }, halfLifeSeconds })
          .requesting(requests)
          .limitedTo(limits)
          .with(days(history.length, (ago) => history[ago - 1] ?? {}));
        for (const each of recommended([container])) {
          const text = explain(each, WORDING);
          assert.doesNotMatch(text, /NaN|undefined|Infinity|null/);
          assert.match(text, /^(CPU [a-z ,]+\. )?CPU: .+\.$/);
        }
      }),
    );
  });
});
