import assert from 'node:assert/strict';
import fc from 'fast-check';
import { equivalentTarget } from '../../../src/recommend/autoscale.ts';

const POD = [
  { name: 'main', current: 1, recommended: 0.4 },
  { name: 'side', current: 0.2, recommended: 0.2 },
];
const metric = (utilization: number, container?: string) =>
  ({ resource: 'cpu', container, utilization }) as const;

describe('the target of an autoscaler after sizing', () => {
  it('is of all containers together', () => {
    const target = equivalentTarget(metric(0.5), POD);
    assert.ok(target);
    assert.equal(target.utilization.toFixed(9), '1.000000000');
    assert.equal(target.averageValue, 0.6);
  });

  it('is of one container where the metric names it', () => {
    assert.deepEqual(equivalentTarget(metric(0.5, 'main'), POD), {
      utilization: 1.25,
      averageValue: 0.5,
    });
  });

  it('is not there where a request is missing, nothing is recommended, or nobody has the name', () => {
    const without = (changed: object) => POD.map((each) => ({ ...each, ...changed }));
    assert.equal(equivalentTarget(metric(0.5), without({ current: undefined })), undefined);
    assert.equal(equivalentTarget(metric(0.5), without({ recommended: undefined })), undefined);
    assert.equal(equivalentTarget(metric(0.5), without({ recommended: 0 })), undefined);
    assert.equal(equivalentTarget(metric(0.5, 'other'), POD), undefined);
    assert.equal(equivalentTarget(metric(0.5), []), undefined);
  });

  it('needs the container that it names only', () => {
    const pod = [...POD, { name: 'init', current: undefined, recommended: undefined }];
    assert.equal(equivalentTarget(metric(0.5, 'main'), pod)?.utilization, 1.25);
  });

  it('is the same use per pod, whatever the requests', () => {
    const amount = fc.double({ min: 0.001, max: 64, noNaN: true });
    const container = fc.record({ name: fc.string(), current: amount, recommended: amount });
    const pod = fc.array(container, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(pod, fc.double({ min: 0.01, max: 3, noNaN: true }), (containers, share) => {
        const target = equivalentTarget(metric(share), containers);
        assert.ok(target);
        const after = containers.reduce((sum, { recommended }) => sum + recommended, 0);
        const use = target.utilization * after;
        assert.ok(Math.abs(use - target.averageValue) <= 1e-9 * use);
      }),
    );
  });
});
