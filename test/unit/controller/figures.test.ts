import assert from 'node:assert/strict';
import { calibrate } from '../../../src/controller/calibration.ts';
import type {
  ContainerOutcome,
  ResourceOutcome,
} from '../../../src/controller/containeroutcome.ts';
import { figuresOf, figuresOfNumbers, numbersOf, sumOf } from '../../../src/controller/figures.ts';

const UNJUDGED = { cpu: 'TooLittleData', memory: 'TooLittleData' } as const;

function resource(i: number): ResourceOutcome {
  const isJudged = i % 5 !== 0;
  return {
    promised: 0.01 * (1 + (i % 3)),
    judged: isJudged
      ? { isLive: i % 2 === 0, days: 7 + i, share: 0.001 * i, isKeeping: i % 4 !== 0 }
      : undefined,
    isCutShort: i % 7 === 0,
    requested: 1 + i / 8,
    recommended: 0.5 + i / 16,
    curve: [1, 2, 3, 4, 5].map((level) => level * i),
  };
}

const containers: readonly ContainerOutcome[] = Array.from({ length: 40 }, (_, i) => ({
  cpu: resource(i),
  memory: resource(i + 3),
  excesses: [],
}));

describe('the figures of a policy', () => {
  it('come to the same from the parts of several shards as from the whole', () => {
    const parts = [0, 1, 2].map((shard) =>
      figuresOf(containers.filter((_, index) => index % 3 === shard)),
    );
    const handed = parts.map((part) => figuresOfNumbers(numbersOf(part)));
    const sum = sumOf(handed.map((part) => part ?? assert.fail()));
    const whole = calibrate(figuresOf(containers), 0.95, UNJUDGED);
    const merged = calibrate(sum, 0.95, UNJUDGED);
    for (const each of ['cpu', 'memory'] as const) {
      assert.equal(merged[each].verdict, whole[each].verdict);
      assert.equal(merged[each].judged, whole[each].judged);
      for (const field of ['kept', 'promised', 'realised', 'requested', 'recommended'] as const) {
        const [a = 0, b = 0] = [merged[each][field], whole[each][field]];
        assert.ok(Math.abs(a - b) <= 1e-7 * Math.abs(b), `${each} ${field}: ${a}, ${b}`);
      }
    }
  });

  it('are a small object', () => {
    assert.ok(JSON.stringify(numbersOf(figuresOf(containers))).length < 600);
  });

  it('are not taken from what is something else', () => {
    const numbers = numbersOf(figuresOf(containers));
    for (const bad of [[], numbers.slice(1), numbers.with(3, -1), numbers.with(0, NaN)]) {
      assert.equal(figuresOfNumbers(bad), undefined);
    }
  });
});
