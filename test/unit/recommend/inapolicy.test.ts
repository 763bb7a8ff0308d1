import assert from 'node:assert/strict';
import { fleetMargins } from '../../../src/recommend/fleet.ts';
import { holds } from '../../../src/recommend/recommend.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { aContainer, days, GI, MI, NOW, recommendedFor } from '../../support/builders.ts';

/** A fleet that has shown 200 container-days before the window of NOW, none over its peaks. */
const FLEET = fleetMargins(
  Array.from({ length: 200 }, () => ({ day: NOW / DAY_SECONDS - 30, excess: 0 })),
);

const ASKING_FOR_MUCH = { cpu: 2, memory: 4 * GI };

describe('a container of a policy whose promise is broken', () => {
  const container = aContainer()
    .with(days(14))
    .requesting(ASKING_FOR_MUCH)
    .limitedTo({ memory: 4 * GI });

  it('is lowered while the promise is kept', () => {
    const got = recommendedFor(container);
    assert.deepEqual(holds(got), []);
    assert.ok((got.target?.requests.cpu ?? NaN) < 0.2);
    assert.ok((got.target?.requests.memory ?? NaN) < 200 * MI);
  });

  it('is not lowered in what the promise is broken of, and says why', () => {
    const got = recommendedFor(container, { notKept: ['cpu'] });
    assert.deepEqual(holds(got), [{ resource: 'cpu', reason: 'RiskNotKept' }]);
    assert.equal(got.target?.requests.cpu, 2);
    assert.ok((got.target.requests.memory ?? NaN) < 200 * MI);
  });

  it('is raised all the same', () => {
    const small = container.requesting({ cpu: 0.01, memory: MI }).limitedTo({ memory: MI });
    const got = recommendedFor(small, { notKept: ['cpu', 'memory'] });
    assert.deepEqual(holds(got), []);
    assert.ok((got.target?.requests.cpu ?? 0) >= 0.1);
    assert.ok((got.target?.requests.memory ?? 0) >= 100 * MI);
  });
});

describe('what a recommendation rests on', () => {
  const basis = (count: number, fleet: Parameters<typeof recommendedFor>[1] = {}) =>
    recommendedFor(aContainer().with(days(count)), fleet).evidence.basis;

  it('is the prior before a week of history, whatever the fleet has shown', () => {
    assert.equal(basis(6), 'Prior');
    assert.equal(basis(6, { marginOf: FLEET }), 'Prior');
  });

  it('is its own history from a week on, and the fleet where that gives the margin', () => {
    assert.equal(basis(7), 'OwnHistory');
    assert.equal(basis(7, { marginOf: FLEET }), 'Fleet');
  });

  it('is its own history where only one resource has a week of it', () => {
    const of = days(14, (ago) => (ago > 3 ? { peak: undefined } : {}));
    assert.equal(recommendedFor(aContainer().with(of)).evidence.basis, 'OwnHistory');
    assert.equal(recommendedFor(aContainer().with(of)).evidence.days, 14);
  });

  it('is the most pods that ran at once on any day', () => {
    const of = days(14, (ago) => ({ pods: ago === 5 ? 7 : 2 }));
    assert.equal(recommendedFor(aContainer().with(of)).evidence.pods, 7);
    assert.equal(recommendedFor(aContainer().with([])).evidence.pods, 0);
  });
});

describe('what other risks would ask for', () => {
  it('rises towards stricter ones, and stands beside both resources', () => {
    const of = days(14, (ago) => ({ cpu: [0.1, 0.2, 0.4], peak: (100 + ago) * MI }));
    const { resources } = recommendedFor(aContainer().with(of));
    for (const { levels } of [resources.cpu, resources.memory]) {
      const amounts = levels.map(({ amount }) => amount);
      assert.equal(amounts.length, 5);
      assert.deepEqual(
        amounts,
        amounts.toSorted((a, b) => a - b),
      );
    }
  });

  it('is not known without a sample', () => {
    const { resources } = recommendedFor(aContainer().with([]));
    assert.deepEqual([resources.cpu.levels, resources.memory.levels], [[], []]);
    assert.equal(resources.cpu.supported, undefined);
  });
});

describe('a size that a bound cuts short', () => {
  it('is told apart from one that is as the evidence asks', () => {
    const of = (max: number | undefined) =>
      recommendedFor(
        aContainer()
          .with(days(14))
          .under({ memory: { bounds: { min: undefined, max }, limit: { strategy: 'None' } } }),
      ).resources;
    assert.equal(of(undefined).memory.isCutShort, false);
    assert.equal(of(90 * MI).memory.isCutShort, true);
    assert.equal(of(90 * MI).cpu.isCutShort, false);
    // Each day's peak of 100Mi is over 90Mi.
    assert.equal(of(90 * MI).memory.realised?.share, 1);
    assert.equal(of(undefined).memory.realised?.share, 0);
  });

  it('is judged for memory by the limit, above a request that is less', () => {
    const { resources } = recommendedFor(
      aContainer()
        .with(days(14))
        .requesting({ memory: 50 * MI })
        .limitedTo({ memory: 500 * MI })
        .under({
          memory: { bounds: { min: undefined, max: 60 * MI }, limit: { strategy: 'Keep' } },
        }),
    );
    assert.equal(resources.memory.isCutShort, false);
  });
});
