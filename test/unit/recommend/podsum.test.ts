import assert from 'node:assert/strict';
import type { Clamp, Draft, LimitRangeItem } from '../../../src/recommend/draft.ts';
import { clampSum, clampToPodRange } from '../../../src/recommend/podsum.ts';
import type { Amounts } from '../../../src/recommend/usage.ts';

const NONE = { min: undefined, max: undefined };
const UNBOUND = { cpu: NONE, memory: NONE };

/** A container that was sized to so much CPU. */
function sized(request: number, limit?: number, change: Partial<Draft> = {}): Draft {
  return {
    name: 'main',
    isSized: true,
    current: { requests: { cpu: 1 }, limits: {} },
    requests: { cpu: request },
    limits: limit === undefined ? {} : { cpu: limit },
    keepsLimit: { cpu: false, memory: false },
    isHeld: { cpu: false, memory: false },
    bounds: UNBOUND,
    guardrails: UNBOUND,
    clamps: [],
    ...change,
  };
}

function range(type: LimitRangeItem['type'], change: Partial<LimitRangeItem>): LimitRangeItem {
  const none = { min: {}, max: {}, default: {}, defaultRequest: {}, maxLimitRequestRatio: {} };
  return { type, ...none, ...change };
}

function sumTo(
  most: number | undefined,
  drafts: readonly Draft[],
  limitRanges: readonly LimitRangeItem[] = [],
): readonly Draft[] {
  const bound = { clamp: 'NodeAllocatable', resource: 'cpu', field: 'request', most } as const;
  return clampSum(drafts, limitRanges, bound);
}

function cpu(drafts: readonly Draft[]): (readonly (number | undefined)[])[] {
  return drafts.map(({ requests, limits }) => [requests.cpu, limits.cpu]);
}

function text({ clamp, field, from, to }: Clamp): string {
  return `${clamp} ${field} ${from ?? 'none'} → ${to ?? 'none'}`;
}

function steps(drafts: readonly Draft[]): string[] {
  return drafts.flatMap(({ clamps }) => clamps.map(text));
}

describe('a sum over the containers of a pod', () => {
  it('that is at most what there is changes nothing', () => {
    const drafts = [sized(1), sized(3)];
    assert.equal(sumTo(4, drafts), drafts);
    assert.equal(sumTo(undefined, drafts), drafts);
  });

  it('that is over it takes the same share from each', () => {
    const got = sumTo(2, [sized(1), sized(3)]);
    assert.deepEqual(cpu(got), [
      [0.5, undefined],
      [1.5, undefined],
    ]);
    assert.deepEqual(steps(got), [
      'NodeAllocatable request 1 → 0.5',
      'NodeAllocatable request 3 → 1.5',
    ]);
  });

  it('is rounded down, since more would be too much', () => {
    // 1.0 x 1.5 / 1.97 = 0.761 and 0.97 x 1.5 / 1.97 = 0.7386.
    assert.deepEqual(cpu(sumTo(1.5, [sized(1), sized(0.97)])), [
      [0.76, undefined],
      [0.73, undefined],
    ]);
  });

  it('counts what is not sized and takes nothing from it', () => {
    const other = sized(2, undefined, { isSized: false });
    assert.deepEqual(cpu(sumTo(3, [sized(2), other, sized(2)])), [
      [0.5, undefined],
      [2, undefined],
      [0.5, undefined],
    ]);
  });

  it('leaves what has a bound there as long as others can give way', () => {
    const bounds = { ...UNBOUND, cpu: { min: 1.8, max: undefined } };
    assert.deepEqual(cpu(sumTo(3, [sized(2, undefined, { bounds }), sized(2)])), [
      [1.8, undefined],
      [1.2, undefined],
    ]);
  });

  it('goes under bounds before it gives up', () => {
    const bounds = { ...UNBOUND, cpu: { min: 1.8, max: undefined } };
    const bound = sized(2, undefined, { bounds });
    assert.deepEqual(cpu(sumTo(3, [bound, bound])), [
      [1.5, undefined],
      [1.5, undefined],
    ]);
  });

  it('does not go under a LimitRange, and leaves all as it is when that is too much', () => {
    const limitRange = range('Container', { min: { cpu: 1.6 } });
    const drafts = [sized(2), sized(2)];
    assert.equal(sumTo(3, drafts, [limitRange]), drafts);
    assert.deepEqual(cpu(sumTo(3.2, drafts, [limitRange])), [
      [1.6, undefined],
      [1.6, undefined],
    ]);
  });

  it('does not go under a request that is held', () => {
    const held = sized(2, undefined, {
      current: { requests: { cpu: 1.9 }, limits: {} },
      isHeld: { cpu: true, memory: false },
    });
    assert.deepEqual(cpu(sumTo(3, [held, sized(2)])), [
      [1.9, undefined],
      [1.1, undefined],
    ]);
  });

  it('takes a limit that is the request along', () => {
    const got = sumTo(1, [sized(2, 2)]);
    assert.deepEqual(cpu(got), [[1, 1]]);
    assert.deepEqual(steps(got), ['NodeAllocatable request 2 → 1', 'NodeAllocatable limit 2 → 1']);
  });

  it('leaves another limit where no ratio binds it', () => {
    assert.deepEqual(cpu(sumTo(1, [sized(2, 5)])), [[1, 5]]);
    const limitRange = range('Container', { maxLimitRequestRatio: { cpu: 5 } });
    assert.deepEqual(cpu(sumTo(1, [sized(2, 5)], [limitRange])), [[1, 5]]);
  });

  it('takes another limit down to the ratio that binds it, to a readable amount', () => {
    const limitRange = range('Container', { maxLimitRequestRatio: { cpu: 2.02 } });
    const got = sumTo(1, [sized(2, 4)], [limitRange]);
    assert.deepEqual(cpu(got), [[1, 2]]);
    assert.deepEqual(steps(got), ['NodeAllocatable request 2 → 1', 'LimitRangeRatio limit 4 → 2']);
  });
});

describe('the LimitRange of a pod', () => {
  const inRange = (drafts: readonly Draft[], pod: { min?: Amounts; max?: Amounts }) =>
    clampToPodRange(drafts, 'cpu', [range('Pod', pod)]);

  it('binds the sum of limits, none below its request', () => {
    const got = inRange([sized(1, 2), sized(1.5, 2)], { max: { cpu: 3 } });
    assert.deepEqual(cpu(got), [
      [1, 1.5],
      [1.5, 1.5],
    ]);
    assert.deepEqual(steps(got), [
      'LimitRangePodMax limit 2 → 1.5',
      'LimitRangePodMax limit 2 → 1.5',
    ]);
  });

  it('binds limits of different size in proportion, down to the request', () => {
    assert.deepEqual(cpu(inRange([sized(0.1, 1), sized(2, 3)], { max: { cpu: 2.5 } })), [
      [0.1, 0.5],
      [2, 2],
    ]);
  });

  it('raises the first container by what the pod lacks', () => {
    const got = inRange([sized(0.5), sized(0.5)], { min: { cpu: 2 } });
    assert.deepEqual(cpu(got), [
      [1.5, undefined],
      [0.5, undefined],
    ]);
    assert.deepEqual(steps(got), ['LimitRangePodMin request 0.5 → 1.5']);
  });

  it('raises the next by what the first may not take', () => {
    const got = clampToPodRange([sized(0.5), sized(0.5), sized(0.5)], 'cpu', [
      range('Pod', { min: { cpu: 2.5 } }),
      range('Container', { max: { cpu: 1.25 } }),
    ]);
    assert.deepEqual(cpu(got), [
      [1.25, undefined],
      [0.75, undefined],
      [0.5, undefined],
    ]);
  });

  it('raises a limit that would be under its request, and no other', () => {
    const got = inRange([sized(0.5, 0.75), sized(0.5, 0.75)], { min: { cpu: 1.5 } });
    assert.deepEqual(cpu(got), [
      [1, 1],
      [0.5, 0.75],
    ]);
    assert.deepEqual(cpu(inRange([sized(0.5, 4)], { min: { cpu: 1.5 } })), [[1.5, 4]]);
  });

  it('raises nothing where the pod asks for enough, nor what is not sized', () => {
    const drafts = [sized(1), sized(1)];
    assert.deepEqual(inRange(drafts, { min: { cpu: 2 } }), drafts);
    const other = sized(0.5, undefined, { isSized: false });
    assert.deepEqual(cpu(inRange([other, sized(0.5)], { min: { cpu: 2 } })), [
      [0.5, undefined],
      [1.5, undefined],
    ]);
  });

  it('gives no request to a container without one', () => {
    const none = sized(0, undefined, { requests: {} });
    assert.deepEqual(cpu(inRange([none, sized(0.5)], { min: { cpu: 2 } })), [
      [undefined, undefined],
      [2, undefined],
    ]);
  });
});
