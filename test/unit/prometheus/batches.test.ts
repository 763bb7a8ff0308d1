import assert from 'node:assert/strict';
import fc from 'fast-check';
import { halves, planBatches, timeRanges, type Part } from '../../../src/prometheus/batches.ts';

const workload = { namespace: 'shop', kind: 'Deployment', name: 'web' } as const;

function part(pods: number, startSeconds: number, endSeconds: number): Part {
  return {
    pods: Array.from({ length: pods }, (_, i) => ({
      namespace: 'shop',
      name: `web-${i}`,
      workload: 'shop/Deployment/web',
    })),
    range: { startSeconds, endSeconds, stepSeconds: 300 },
  };
}

/** All (pod, time) that a part asks for. */
function points({ pods, range }: Part): readonly string[] {
  const found: string[] = [];
  for (const { name } of pods) {
    for (let t = range.startSeconds; t <= range.endSeconds; t += range.stepSeconds) {
      found.push(`${name}@${t}`);
    }
  }
  return found;
}

describe('batches of pods', () => {
  it('hold about 4 MB of samples each and every pod once', () => {
    // 120,000 points / (4,032 steps × 2 containers) = 14 pods that live through two weeks.
    const pods = Array.from({ length: 100 }, (_, i) => `web-${i}`);
    const batches = planBatches([{ workload, pods, key: 'k', livePods: 100 }], 4032);
    assert.deepEqual(
      batches.map((batch) => batch.pods.length),
      [14, 14, 14, 14, 14, 14, 14, 2],
    );
    assert.deepEqual(
      batches.flatMap((batch) => batch.pods.map(({ name }) => name)),
      pods,
    );
  });

  it('count a former pod for less, since it shared the window with others', () => {
    const pods = Array.from({ length: 340 }, (_, i) => `report-${i}`);
    const batches = planBatches([{ workload, pods, key: 'k', livePods: 0 }], 4032);
    assert.equal(batches.length, 1);
  });

  it('are halved without losing or repeating a point, down to one pod at one time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (pods, steps) => {
        const whole = part(pods, 300, 300 * steps);
        const smaller = halves(whole);
        if (smaller === undefined) {
          assert.equal(pods * steps, 1);
          return;
        }
        assert.deepEqual(smaller.flatMap(points).sort(), points(whole).toSorted());
        for (const half of smaller) assert.ok(points(half).length > 0);
      }),
    );
  });
});

describe('time ranges', () => {
  it('are the multiples of the step after the start and up to the end', () => {
    assert.deepEqual(timeRanges(600, 1500, 300), [
      { startSeconds: 900, endSeconds: 1500, stepSeconds: 300 },
    ]);
    assert.deepEqual(timeRanges(601, 1499, 300), [
      { startSeconds: 900, endSeconds: 1200, stepSeconds: 300 },
    ]);
  });

  it('are none when no multiple lies in the window', () => {
    assert.deepEqual(timeRanges(600, 899, 300), []);
  });

  it('stay under the 11,000 steps that Prometheus answers at once', () => {
    const ranges = timeRanges(0, 25_000 * 300, 300);
    const steps = ranges.map((range) => (range.endSeconds - range.startSeconds) / 300 + 1);
    assert.deepEqual(steps, [10_000, 10_000, 5000]);
    assert.deepEqual(
      ranges.map((range) => range.startSeconds),
      [300, 10_001 * 300, 20_001 * 300],
    );
  });
});
