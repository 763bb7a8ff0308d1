import assert from 'node:assert/strict';
import { limitFor, type LimitInput } from '../../../src/recommend/limits.ts';
import { aContainer, days, GI, MI, recommendedFor } from '../../support/builders.ts';

function limit(change: Partial<LimitInput>): number | undefined {
  return limitFor({
    resource: 'memory',
    rule: { strategy: 'None' },
    request: 512 * MI,
    current: { request: GI, limit: 2 * GI },
    isHeld: false,
    isUnknown: false,
    ...change,
  });
}

const cases: Readonly<Record<string, { of: Partial<LimitInput>; want: number | undefined }>> = {
  'is none by strategy None': { of: {}, want: undefined },
  'stays by strategy Keep': { of: { rule: { strategy: 'Keep' } }, want: 2 * GI },
  'stays none by strategy Keep': {
    of: { rule: { strategy: 'Keep' }, current: { request: GI, limit: undefined } },
    want: undefined,
  },
  'is the request by Headroom of 0 %': {
    of: { rule: { strategy: 'Headroom', headroom: 0 } },
    want: 512 * MI,
  },
  'is the request and a quarter by Headroom of 25 %': {
    of: { rule: { strategy: 'Headroom', headroom: 0.25 } },
    want: 640 * MI,
  },
  'is rounded up to a readable amount by Headroom': {
    of: { resource: 'cpu', request: 0.25, rule: { strategy: 'Headroom', headroom: 0.1 } },
    want: 0.28, // 0.275 in steps of 10m
  },
  'keeps its ratio to the request by Ratio': {
    of: { rule: { strategy: 'Ratio' } },
    want: GI,
  },
  'stays equal to the request by Ratio': {
    of: { rule: { strategy: 'Ratio' }, request: 513 * MI, current: { request: GI, limit: GI } },
    want: 513 * MI,
  },
  'stays by Ratio where there is no request to have a ratio to': {
    of: { rule: { strategy: 'Ratio' }, current: { request: undefined, limit: 2 * GI } },
    want: 2 * GI,
  },
  'stays by Ratio where the request is zero': {
    of: { rule: { strategy: 'Ratio' }, current: { request: 0, limit: 2 * GI } },
    want: 2 * GI,
  },
  'stays none by Ratio': {
    of: { rule: { strategy: 'Ratio' }, current: { request: GI, limit: undefined } },
    want: undefined,
  },
  'stays where there is no request to go with': {
    of: { rule: { strategy: 'Headroom', headroom: 0 }, request: undefined },
    want: 2 * GI,
  },
  'does not fall while its request is held': {
    of: { rule: { strategy: 'Headroom', headroom: 0 }, isHeld: true },
    want: 2 * GI,
  },
  'does not go away while its request is held': { of: { isHeld: true }, want: 2 * GI },
  'stays while too little is known for a first number': {
    of: { rule: { strategy: 'Headroom', headroom: 5 }, isHeld: true, isUnknown: true },
    want: 2 * GI,
  },
  'stays none while too little is known for a first number': {
    of: {
      rule: { strategy: 'Headroom', headroom: 0 },
      current: { request: GI, limit: undefined },
      isHeld: true,
      isUnknown: true,
    },
    want: undefined,
  },
  'may rise while its request is held': {
    of: { rule: { strategy: 'Headroom', headroom: 5 }, isHeld: true },
    want: 3 * GI,
  },
};

describe('a limit', () => {
  for (const [what, { of, want }] of Object.entries(cases)) {
    it(what, () => {
      assert.equal(limit(of), want);
    });
  }

  it('of memory does not fall while usage is not known', () => {
    const { target } = recommendedFor(
      aContainer()
        .requesting({ memory: GI })
        .limitedTo({ memory: 4 * GI })
        .with([]),
    );
    assert.deepEqual(target?.limits, { memory: 4 * GI });
  });

  it('of memory is not made up where no usage was ever known', () => {
    const learning = aContainer().requesting({ memory: GI });
    const limits = (container: typeof learning) => recommendedFor(container).target?.limits;
    assert.deepEqual(limits(learning.with([])), {});
    assert.deepEqual(limits(learning.with(days(1, { memoryCoverage: 0.5, peak: MI }))), {});
    // What was recommended before stays when usage is lost.
    assert.deepEqual(limits(learning.with([]).previously('memory', GI)), { memory: GI });
  });

  it('follows a request that goes down on evidence', () => {
    const { target } = recommendedFor(
      aContainer()
        .requesting({ cpu: 1, memory: GI })
        .limitedTo({ cpu: 4, memory: 4 * GI }),
    );
    assert.deepEqual(target?.limits, { memory: 113 * MI });
  });

  it('that is kept holds a raise of the request down, and says so', () => {
    const { target, clamps } = recommendedFor(
      aContainer()
        .requesting({ memory: 64 * MI })
        .limitedTo({ memory: 128 * MI })
        .under({ memory: { limit: { strategy: 'Keep' } } })
        .with(days(14, { peak: 500 * MI })),
    );
    assert.equal(target?.requests.memory, 128 * MI);
    assert.deepEqual(target.limits, { memory: 128 * MI });
    assert.deepEqual(
      clamps.map(({ clamp }) => clamp),
      ['RequestAboveLimit'],
    );
  });
});
