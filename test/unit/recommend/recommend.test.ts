import assert from 'node:assert/strict';
import {
  aContainer,
  days,
  GI,
  HOUR_SECONDS,
  NOW,
  recommended,
  recommendedFor,
} from '../../support/builders.ts';

describe('the confidence in a recommendation', () => {
  const cases: readonly (readonly [number, string])[] = [
    [6, 'Low'],
    [7, 'Medium'],
    [13, 'Medium'],
    [14, 'High'],
  ];
  for (const [count, want] of cases) {
    it(`is ${want} after ${count} days`, () => {
      const { evidence } = recommendedFor(aContainer().with(days(count)));
      assert.equal(evidence.confidence, want);
      assert.equal(evidence.days, count);
    });
  }

  it('is High though scrapes failed for half a day of fourteen', () => {
    const of = days(14, (ago) => (ago === 3 ? { cpuCoverage: 0.5, memoryCoverage: 0.5 } : {}));
    assert.equal(recommendedFor(aContainer().with(of)).evidence.confidence, 'High');
  });

  it('is that of the resource that is known for less', () => {
    const of = days(14, (ago) => (ago > 6 ? { cpu: [] } : {}));
    assert.equal(recommendedFor(aContainer().with(of)).evidence.confidence, 'Low');
  });

  it('is Low where a limit held usage down', () => {
    const of = days(14, { throttledShare: 0.2 });
    assert.equal(recommendedFor(aContainer().with(of)).evidence.confidence, 'Low');
  });
});

describe('a pod', () => {
  it('has no recommendation for a container that is ignored, whose size counts all the same', () => {
    const big = aContainer().named('big').requesting({ cpu: 3 }).limitedTo({}).ignored();
    const got = recommended([big, aContainer().with(days(14, { cpu: [4] }))], {
      largestNode: { cpu: 4, memory: 8 * GI },
    });
    assert.deepEqual(
      got.map(({ name }) => name),
      ['main'],
    );
    assert.equal(got[0]?.target?.requests.cpu, 1);
  });

  it('gets the same recommendation each time', () => {
    const containers = [aContainer(), aContainer().named('other').with(days(3))];
    assert.deepEqual(recommended(containers), recommended(containers));
  });

  it('covers no more than the window, though a day of it began before', () => {
    const { resources } = recommendedFor(aContainer().with(days(15)), {
      nowSeconds: NOW - HOUR_SECONDS,
    });
    assert.equal(resources.cpu.coveredDays, 14);
  });
});
