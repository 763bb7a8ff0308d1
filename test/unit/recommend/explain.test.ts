import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WORDING } from '../../../src/controller/status.ts';
import { explain, type Wording } from '../../../src/recommend/explain.ts';
import type { PodInput } from '../../../src/recommend/recommend.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import {
  aContainer,
  day,
  days,
  GI,
  MI,
  recommended,
  recommendedFor,
  settings,
  type ContainerBuilder,
} from '../../support/builders.ts';

/** One digit, so that the 1 % of the sketch does not show. */
const ROUGH: Wording = {
  ...WORDING,
  amount: (resource, amount) =>
    resource === 'cpu' ? String(Number(amount.toPrecision(1))) : WORDING.amount(resource, amount),
};

function explained(container: ContainerBuilder, around: Partial<PodInput> = {}): string {
  const { settings: own = settings() } = container.input;
  return explain(recommendedFor(container, around), own, ROUGH);
}

/** p90 is 0.1, p95 and p98 are 0.3 cores. */
const USE = Array.from({ length: 100 }, (_, i) => (i < 92 ? 0.1 : 0.3));
const busy = aContainer()
  .requesting({ cpu: 1, memory: GI })
  .with(days(14, { cpu: USE }));

const MEMORY =
  'Memory: the highest peak of 14 days, 100Mi, × 1.10 = 110Mi. ' +
  'Each day sized from the days before it, the peak was above the size on 0 of 13 days; the policy allows 1% of pod-days.';

interface Case {
  readonly container: ContainerBuilder;
  readonly around?: Partial<PodInput>;
  readonly want: string;
}

const cases: Readonly<Record<string, Case>> = {
  'a fortnight of use, at a level of the prior': {
    container: busy,
    want: `CPU: p95 of 14 days (half-life 3 days), 0.3, × 1.12 = 0.3. Each day sized from the days before it, use was above the size 0% of the time; the policy allows 5%. ${MEMORY}`,
  },
  'a risk between two levels': {
    container: busy.under({ confidence: 0.95 }),
    want: `CPU: of 14 days (half-life 3 days), between p95 0.3 × 1.12 and p98 0.3 × 1.18 = 0.3. Each day sized from the days before it, use was above the size 0% of the time; the policy allows 5%. ${MEMORY}`,
  },
  'history that is too short': {
    container: busy.with([day(1, { cpu: USE, cpuCoverage: 0.25, memoryCoverage: 0.01 })]),
    want:
      'CPU: p95 of 6 hours (half-life 3 days), 0.3, × 1.12 × 1.2 for short history = 0.4. ' +
      'Held: history is still shorter than history.minimum, so it is not lowered. ' +
      'Memory: the highest peak of 1 hour, 100Mi, × 1.10 × 1.2 for short history = 132Mi. ' +
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
      container: busy.previously('memory', 108 * MI),
      want: 'The last recommendation stays, since the difference is small.',
    },
    'a change that is too small': {
      container: busy.requesting({ memory: 111 * MI }),
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
      want: "memory request 110Mi → 256Mi: the namespace's LimitRange min.",
    },
    'the level that asks for the most, where a stricter one asks for less': {
      // p99.5 × 1.1 is less than p98 × 1.18.
      container: busy.under({ cpu: { risk: 0.01 } }),
      want: 'CPU: p98 of 14 days (half-life 3 days), 0.3, × 1.18 = 0.4.',
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
        const own = settings({ cpu: { risk }, memory: { risk }, halfLifeSeconds });
        const container = aContainer()
          .under({ cpu: { risk }, memory: { risk }, halfLifeSeconds })
          .requesting(requests)
          .limitedTo(limits)
          .with(days(history.length, (ago) => history[ago - 1] ?? {}));
        for (const each of recommended([container])) {
          const text = explain(each, own, WORDING);
          assert.doesNotMatch(text, /NaN|undefined|Infinity|null/);
          assert.match(text, /^CPU: .+\.$/);
        }
      }),
    );
  });
});
