import assert from 'node:assert/strict';
import { unattainable } from '../../../src/controller/unattainable.ts';
import type { Clamp } from '../../../src/recommend/draft.ts';
import type { Realised } from '../../../src/recommend/realised.ts';
import type { ContainerRecommendation } from '../../../src/recommend/recommend.ts';
import type { Resource } from '../../../src/recommend/usage.ts';
import { aContainer, GI, recommendedFor } from '../../support/builders.ts';

const REALISED: Realised = {
  days: 14,
  share: 0.071,
  daysHit: 4,
  dayDeviation: 0.01,
  worstDay: 0.12,
  worstDaySeconds: Date.UTC(2026, 10, 3) / 1000,
  workOver: 0.004,
};

interface Broken {
  readonly name: string;
  readonly resources: readonly Resource[];
  readonly risk: number | undefined;
}

/** The promise of the resources is refuted; `risk` is what is supported. */
function broken({ name, resources, risk }: Broken): ContainerRecommendation {
  const recommendation = recommendedFor(aContainer().requesting({ cpu: 1, memory: GI }));
  const of = (resource: Resource) => ({
    ...recommendation.resources[resource],
    realised: REALISED,
    supported: { risk, isAttainable: !resources.includes(resource) },
  });
  return { ...recommendation, name, resources: { cpu: of('cpu'), memory: of('memory') } };
}

function messageOf(...recommendations: readonly ContainerRecommendation[]): string | undefined {
  return unattainable(recommendations)[0]?.message;
}

describe('the condition RiskUnattainable', () => {
  it('is not there while every promise is attainable, or nothing is known', () => {
    assert.deepEqual(unattainable([broken({ name: 'web', resources: [], risk: 0.05 })]), []);
    const { resources, ...others } = broken({ name: 'web', resources: ['cpu'], risk: 0.05 });
    const unknown = { ...resources.cpu, supported: undefined };
    assert.deepEqual(unattainable([{ ...others, resources: { ...resources, cpu: unknown } }]), []);
  });

  it('names container, promise, what was realised, what is supported and what to write', () => {
    assert.deepEqual(unattainable([broken({ name: 'web', resources: ['cpu'], risk: 0.1 })]), [
      {
        type: 'RiskUnattainable',
        status: 'True',
        reason: 'CPURiskUnattainable',
        message:
          'web: CPU use was above the size 7.1% of the time, on 4 of 14 days; the policy allows 5%. ' +
          'The strictest risk that this does not refute is 10%: write riskTolerance.cpu.maxTimeOverRequest: "10%" for it under containers of the policy, or set bounds.minAllowed.',
      },
    ]);
  });

  it('speaks of days for memory', () => {
    const [condition] = unattainable([broken({ name: 'db', resources: ['memory'], risk: 0.05 })]);
    assert.equal(condition?.reason, 'MemoryRiskUnattainable');
    assert.match(
      condition.message,
      /^db: memory was above the size on 4 of 14 days; the policy allows 1%\. /,
    );
    assert.match(condition.message, /riskTolerance\.memory\.maxPodDaysOverLimit: "5%"/);
  });

  it('points to the worst day where no risk is supported', () => {
    assert.match(
      messageOf(broken({ name: 'web', resources: ['cpu'], risk: undefined })) ?? '',
      /This refutes every risk up to 10%: set bounds\.minAllowed for it, and look at its worst day \(2026-11-03: 12% of the day\)\.$/,
    );
  });

  it('points to the bound that cuts the size short', () => {
    const clamps: readonly Clamp[] = [
      { clamp: 'RequestAboveLimit', resource: 'memory', field: 'request', from: GI, to: 1 },
      { clamp: 'Bounds', resource: 'cpu', field: 'request', from: 0.1, to: 0.05 },
    ];
    const target = { requests: { cpu: 0.05 }, limits: {} };
    const cut = { ...broken({ name: 'web', resources: ['cpu'], risk: 0.1 }), clamps, target };
    assert.match(
      messageOf(cut) ?? '',
      /A bound cuts the size short \(CPU request 100m → 50m: the policy's bounds\): move that, or allow more risk\.$/,
    );
  });

  it('does not blame a bound that leaves what the evidence asks for', () => {
    const clamps: readonly Clamp[] = [
      { clamp: 'Bounds', resource: 'cpu', field: 'request', from: 4, to: 2 },
    ];
    const target = { requests: { cpu: 2 }, limits: {} };
    const held = { ...broken({ name: 'web', resources: ['cpu'], risk: 0.1 }), clamps, target };
    assert.match(messageOf(held) ?? '', /The strictest risk that this does not refute is 10%/);
  });

  it('tells of three and counts the others, within what a condition takes', () => {
    const names = ['a', 'b', 'c'].map((letter) => letter.repeat(63));
    const all = names.map((name) =>
      broken({ name, resources: ['cpu', 'memory'], risk: undefined }),
    );
    const message = messageOf(...all) ?? '';
    assert.match(message, /And 3 more; see containers\.$/);
    assert.ok(message.length <= 1024, `${message.length}`);
  });
});
