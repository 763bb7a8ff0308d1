import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatCpu, formatMemory, parseCpu, parseMemory } from '../../../src/api/quantity.ts';
import { roundReadable } from '../../../src/recommend/rounding.ts';
import type { Resource } from '../../../src/recommend/usage.ts';
import { GI, MI } from '../../support/builders.ts';

const cases: readonly (readonly [Resource, number, number])[] = [
  ['cpu', 0, 0.001],
  ['cpu', 0.0001, 0.001],
  ['cpu', 0.0123, 0.013],
  ['cpu', 0.0501, 0.051],
  ['cpu', 0.1, 0.1],
  ['cpu', 0.101, 0.105],
  ['cpu', 0.235, 0.235],
  ['cpu', 0.251, 0.26],
  ['cpu', 0.3, 0.3],
  ['cpu', 1.01, 1.05],
  ['cpu', 4.01, 4.1],
  ['memory', 0, MI],
  ['memory', 1, MI],
  ['memory', 100.2 * MI, 101 * MI],
  ['memory', 129 * MI, 132 * MI],
  ['memory', 513 * MI, 528 * MI],
  ['memory', 3 * GI + 1, 3 * GI + 64 * MI],
  ['memory', 9 * GI + 1, 9.25 * GI],
];

const amounts: Readonly<Record<Resource, fc.Arbitrary<number>>> = {
  cpu: fc.double({ min: -4, max: 3, noNaN: true }).map((exponent) => 10 ** exponent),
  memory: fc.double({ min: 4, max: 13, noNaN: true }).map((exponent) => 10 ** exponent),
};
const SMALLEST_STEP: Readonly<Record<Resource, number>> = { cpu: 0.001, memory: MI };

describe('rounding', () => {
  for (const [resource, amount, want] of cases) {
    it(`takes ${amount} of ${resource} to ${want}`, () => {
      assert.equal(roundReadable(resource, amount), want);
    });
  }

  for (const resource of ['cpu', 'memory'] as const) {
    it(`of ${resource} goes up by at most 5 %, or one step where that is more`, () => {
      fc.assert(
        fc.property(amounts[resource], (amount) => {
          const rounded = roundReadable(resource, amount);
          assert.ok(rounded >= amount * (1 - 1e-9), `${rounded} is below ${amount}`);
          const most = Math.max(amount * 1.05, amount + SMALLEST_STEP[resource]);
          assert.ok(rounded <= most * (1 + 1e-9), `${rounded} is far above ${amount}`);
        }),
      );
    });

    it(`of ${resource} down goes down by at most 5 %, and never to nothing`, () => {
      fc.assert(
        fc.property(amounts[resource], (amount) => {
          const rounded = roundReadable(resource, amount, 'down');
          assert.ok(rounded > 0);
          assert.ok(rounded <= Math.max(amount * (1 + 1e-9), SMALLEST_STEP[resource]));
          assert.ok(rounded >= amount * 0.95 - SMALLEST_STEP[resource]);
        }),
      );
    });

    it(`leaves alone what is rounded ${resource}`, () => {
      fc.assert(
        fc.property(amounts[resource], (amount) => {
          const rounded = roundReadable(resource, amount);
          assert.equal(roundReadable(resource, rounded), rounded);
          assert.equal(roundReadable(resource, rounded, 'down'), rounded);
        }),
      );
    });
  }

  it('gives amounts that are quantities without a remainder', () => {
    fc.assert(
      fc.property(amounts.cpu, amounts.memory, (cores, bytes) => {
        const cpu = roundReadable('cpu', cores);
        assert.equal(parseCpu(formatCpu(cpu)), cpu);
        const memory = roundReadable('memory', bytes);
        assert.equal(parseMemory(formatMemory(memory)), memory);
      }),
    );
  });

  it('never makes more of less', () => {
    fc.assert(
      fc.property(amounts.cpu, amounts.cpu, (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        assert.ok(roundReadable('cpu', less) <= roundReadable('cpu', more));
      }),
    );
  });
});
