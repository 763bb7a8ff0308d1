import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isWorthwhile, leakCeiling, rescueAmount, steppedDown } from '../../../src/resize/step.ts';
import { MI } from './builders.ts';

describe('steps', () => {
  it('takes away a quarter where more is to go', () => {
    assert.equal(steppedDown('cpu', { from: 1, to: 0.1 }, 0.25), 0.75);
    assert.equal(steppedDown('memory', { from: 1024 * MI, to: 100 * MI }, 0.25), 768 * MI);
  });

  it('goes all the way where it is within a step', () => {
    assert.equal(steppedDown('cpu', { from: 1, to: 0.8 }, 0.25), 0.8);
  });

  it('goes on where a readable value is out of reach', () => {
    assert.equal(steppedDown('memory', { from: 9216 * MI, to: 100 * MI }, 0.01), 9124 * MI);
  });

  it('never takes more than the step, nor passes the target, and does not rise', () => {
    const amount = fc.integer({ min: 1, max: 100_000 }).map((millis) => millis / 1000);
    fc.assert(
      fc.property(amount, amount, fc.double({ min: 0.01, max: 1, noNaN: true }), (a, b, step) => {
        const [to = 0, from = 0] = [a, b].toSorted((x, y) => x - y);
        const stepped = steppedDown('cpu', { from, to }, step);
        assert.ok(stepped <= from && stepped >= to);
        assert.ok(stepped >= from * (1 - step) * (1 - 1e-12));
      }),
    );
  });

  it('lowers nothing by less than the minimum, 10m or 16Mi', () => {
    assert.equal(isWorthwhile('cpu', { from: 1, to: 0.91 }, 0.1), false);
    assert.equal(isWorthwhile('cpu', { from: 1, to: 0.9 }, 0.1), true);
    assert.equal(isWorthwhile('cpu', { from: 0.02, to: 0.011 }, 0.1), false);
    assert.equal(isWorthwhile('memory', { from: 40 * MI, to: 25 * MI }, 0.1), false);
    assert.equal(isWorthwhile('memory', { from: 40 * MI, to: 24 * MI }, 0.1), true);
  });

  it('raises by less where it is a tenth, or 10m', () => {
    assert.equal(isWorthwhile('cpu', { from: 0.02, to: 0.025 }, 0.1), true);
    assert.equal(isWorthwhile('cpu', { from: 2, to: 2.05 }, 0.1), true);
    assert.equal(isWorthwhile('cpu', { from: 2, to: 2.001 }, 0.1), false);
    assert.equal(isWorthwhile('cpu', { from: 0, to: 0 }, 0.1), false);
  });

  it('rescues memory by a fifth or 100Mi, and to twice at most', () => {
    const killed = { resource: 'memory', cause: 'OOMKilled', cpuCores: undefined } as const;
    assert.equal(rescueAmount({ ...killed, from: 1000 * MI }), 1200 * MI);
    assert.equal(rescueAmount({ ...killed, from: 64 * MI }), 128 * MI);
    assert.equal(rescueAmount({ ...killed, from: 200 * MI }), 300 * MI);
  });

  it('rescues CPU to above its use where that was measured, blindly where a limit hides it', () => {
    const cpu = { resource: 'cpu', from: 1 } as const;
    const over = { ...cpu, cause: 'OverCpuBudget' } as const;
    assert.equal(rescueAmount({ ...over, cpuCores: 1.2 }), 1.35);
    assert.equal(rescueAmount({ ...over, cpuCores: 9 }), 2);
    assert.equal(rescueAmount({ ...over, cpuCores: undefined }), 1.5);
    assert.equal(rescueAmount({ ...over, cpuCores: 0.1 }), 1);
    assert.equal(rescueAmount({ ...cpu, cause: 'Throttled', cpuCores: 1 }), 1.5);
  });

  it('gives a leak a quarter more and never less than it had', () => {
    assert.equal(leakCeiling(400 * MI), 500 * MI);
    assert.equal(leakCeiling(MI), MI);
  });
});
