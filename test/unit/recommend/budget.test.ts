import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RiskBudget } from '../../../src/recommend/budget.ts';

function close(got: number, want: number): void {
  assert.ok(Math.abs(got - want) < 1e-6, `${got} is not ${want}`);
}

describe('a risk budget', () => {
  it('plans for its aim while nothing is observed', () => {
    // 0.95 x 2 % x (0 + 120) / 120, of which 0.6 is planned for.
    close(new RiskBudget(0.02, 0.6).demand().tail, 0.6 * 0.95 * 0.02);
  });

  it('is spent by a day over the request, and asks for more than the thinnest tail', () => {
    const budget = new RiskBudget(0.02, 0.6);
    for (let hour = 0; hour < 24; hour++) budget.observe(1);
    const demand = budget.demand();
    assert.equal(demand.isSpent, true);
    close(demand.tail, 0.0005);
    close(demand.margin, 1.06 * 1.15);
  });

  it('gives back what is saved, at most twice the risk at a time', () => {
    const budget = new RiskBudget(0.02, 1);
    for (let hour = 0; hour < 10_000; hour++) budget.observe(0);
    close(budget.demand().tail, 0.04);
  });

  it('halves what was exceeded after 14 days', () => {
    const budget = new RiskBudget(0.02, 1);
    budget.observe(1);
    for (let hour = 0; hour < 14 * 24; hour++) budget.observe(0);
    // The sum of a geometric series of 337 hours in which the first weighs one half.
    const decay = 2 ** (-1 / 336);
    close(budget.realised ?? NaN, 0.5 / ((1 - decay ** 337) / (1 - decay)));
  });

  it('does not state what was realised before the first hour', () => {
    assert.equal(new RiskBudget(0.02, 1).realised, undefined);
  });

  it('never allows more to a stricter risk', () => {
    const risks = fc.tuple(
      fc.double({ min: 0.001, max: 0.2, noNaN: true }),
      fc.double({ min: 1, max: 10, noNaN: true }),
    );
    const hours = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 300 });
    fc.assert(
      fc.property(risks, hours, ([strict, times], shares) => {
        const strictest = new RiskBudget(strict, 0.7);
        const loosest = new RiskBudget(strict * times, 0.7);
        for (const share of shares) {
          strictest.observe(share);
          loosest.observe(share);
        }
        assert.ok(strictest.demand().tail <= loosest.demand().tail + 1e-15);
      }),
    );
  });
});
