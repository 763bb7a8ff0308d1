import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  STEADY_TAILS,
  TailCurve,
  TailPlace,
  TRACKING_TAILS,
} from '../../../src/recommend/levels.ts';

/** One value for each tail that Steady keeps, rising by a tenth towards the maximum. */
const RISING = Float64Array.from(STEADY_TAILS, (_, i) => i / 10);

function logAtTail(tail: number, tails: readonly number[], logs: Float64Array): number {
  const curve = new TailCurve(tails);
  curve.logs.fill(-Infinity).set(logs.subarray(0, tails.length));
  curve.filled();
  return curve.logAt(tail, new TailPlace());
}

function near(got: number, want: number): void {
  assert.ok(Math.abs(got - want) < 1e-12, `${got} is not ${want}`);
}

describe('the value at a tail', () => {
  it('is the one that is kept for it', () => {
    for (const [i, tail] of STEADY_TAILS.slice(0, -1).entries()) {
      near(logAtTail(tail, STEADY_TAILS, RISING), i / 10);
    }
  });

  it('is in proportion between two, by the logarithm of the tail', () => {
    // sqrt(0.1 x 0.01) is half of the way from 0.1 to 0.01.
    const logs = Float64Array.of(2, 5);
    near(logAtTail(Math.sqrt(0.001), [0.1, 0.01], logs), 3.5);
    // And 0.1^(3/4) x 0.01^(1/4) a quarter of it.
    near(logAtTail(0.1 ** 0.75 * 0.01 ** 0.25, [0.1, 0.01], logs), 2.75);
  });

  it('is that of the widest tail for all that are wider', () => {
    near(logAtTail(0.5, STEADY_TAILS, RISING), 0);
  });

  it('is the maximum from one in two thousand on', () => {
    near(logAtTail(0.0005, STEADY_TAILS, RISING), 1);
    near(logAtTail(0.0001, STEADY_TAILS, RISING), 1);
    near(logAtTail(0.0001, TRACKING_TAILS, RISING), 1);
    assert.ok(logAtTail(0.001, STEADY_TAILS, RISING) < 1);
  });

  it('does not fall towards a stricter tail', () => {
    const tails = [0.1, 0.05, 0.01];
    near(logAtTail(0.01, tails, Float64Array.of(1, 3, 2)), 3);
    near(logAtTail(0.02, tails, Float64Array.of(1, 3, 2)), 3);
  });

  it('does not come from what is not known', () => {
    // Halfway to 0.01 from a tail without a value there is nothing to be in proportion to.
    near(logAtTail(0.03, [0.1, 0.01], Float64Array.of(-Infinity, 4)), 4);
    assert.equal(logAtTail(0.03, [0.1, 0.01], Float64Array.of()), -Infinity);
  });

  it('rises as the tail gets stricter', () => {
    const tail = fc.double({ min: 1e-5, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(tail, tail, fc.float64Array({ minLength: 11, noNaN: true }), (a, b, logs) => {
        const [strict, loose] = [Math.min(a, b), Math.max(a, b)];
        const at = (each: number) => logAtTail(each, STEADY_TAILS, logs.map(Math.atan));
        assert.ok(at(strict) >= at(loose) - 1e-12);
      }),
    );
  });
});

describe('a bound of the value at a tail', () => {
  it('is no less than it', () => {
    const curve = new TailCurve(STEADY_TAILS);
    const logs = fc.array(
      fc.oneof(fc.double({ min: -20, max: 14, noNaN: true }), fc.constant(-Infinity)),
      {
        minLength: STEADY_TAILS.length,
        maxLength: STEADY_TAILS.length,
      },
    );
    const tail = fc.oneof(
      fc.double({ min: 0.0005, max: 0.2, noNaN: true }),
      fc.constantFrom(0.2, 0.05, 0.0005),
    );
    fc.assert(
      fc.property(logs, tail, (values, at) => {
        curve.logs.set(values);
        curve.filled();
        assert.ok(curve.logAtMost(at) >= curve.logAt(at, new TailPlace()));
      }),
    );
  });
});
