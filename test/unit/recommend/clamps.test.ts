import assert from 'node:assert/strict';
import { clampPod, type ClampContext } from '../../../src/recommend/clamps.ts';
import type { Clamp, Draft, LimitRangeItem } from '../../../src/recommend/draft.ts';
import { qosClass } from '../../../src/recommend/qos.ts';
import type { Amounts, Resource } from '../../../src/recommend/usage.ts';
import { GI, MI } from '../../support/builders.ts';

const NONE = { min: undefined, max: undefined };
const UNBOUND = { cpu: NONE, memory: NONE };

function draft(change: Partial<Draft> = {}): Draft {
  return {
    name: 'main',
    isSized: true,
    current: { requests: { cpu: 1, memory: GI }, limits: {} },
    requests: { cpu: 0.5, memory: 512 * MI },
    limits: {},
    keepsLimit: { cpu: false, memory: false },
    isHeld: { cpu: false, memory: false },
    bounds: UNBOUND,
    guardrails: UNBOUND,
    clamps: [],
    ...change,
  };
}

function item(change: Partial<LimitRangeItem>): LimitRangeItem {
  return {
    type: 'Container',
    min: {},
    max: {},
    default: {},
    defaultRequest: {},
    maxLimitRequestRatio: {},
    ...change,
  };
}

function around(limitRanges: readonly LimitRangeItem[] = [], largestNode?: Amounts): ClampContext {
  return { limitRanges, largestNode };
}

interface Case {
  readonly of: Partial<Draft>;
  readonly limitRange?: Partial<LimitRangeItem>;
  readonly limited?: readonly Resource[];
  readonly want: { readonly requests?: Amounts; readonly limits?: Amounts };
  readonly wantClamps: readonly string[];
}

function text({ clamp, resource, field, from, to }: Clamp): string {
  return `${clamp} ${resource} ${field} ${from ?? 'none'} → ${to ?? 'none'}`;
}

const cases: Readonly<Record<string, Case>> = {
  'nothing where nothing binds': {
    of: { limits: { cpu: 1, memory: 512 * MI } },
    want: { requests: { cpu: 0.5, memory: 512 * MI }, limits: { cpu: 1, memory: 512 * MI } },
    wantClamps: [],
  },
  'a request up to the least that the policy allows': {
    of: { bounds: { ...UNBOUND, cpu: { min: 0.75, max: 4 } } },
    want: { requests: { cpu: 0.75, memory: 512 * MI } },
    wantClamps: ['Bounds cpu request 0.5 → 0.75'],
  },
  'a request down to the most that the policy allows': {
    of: { requests: { cpu: 5 }, bounds: { ...UNBOUND, cpu: { min: 0.75, max: 4 } } },
    want: { requests: { cpu: 4 } },
    wantClamps: ['Bounds cpu request 5 → 4'],
  },
  'what the policy allows down to the guardrails': {
    of: {
      requests: { cpu: 5 },
      bounds: { ...UNBOUND, cpu: { min: undefined, max: 4 } },
      guardrails: { ...UNBOUND, cpu: { min: undefined, max: 2 } },
    },
    want: { requests: { cpu: 2 } },
    wantClamps: ['Bounds cpu request 5 → 4', 'Guardrails cpu request 4 → 2'],
  },
  'a limit up to its request': {
    of: {
      requests: { memory: 100 * MI },
      limits: { memory: 100 * MI },
      bounds: { ...UNBOUND, memory: { min: 200 * MI, max: undefined } },
    },
    want: { requests: { memory: 200 * MI }, limits: { memory: 200 * MI } },
    wantClamps: [
      `Bounds memory request ${100 * MI} → ${200 * MI}`,
      `RequestAboveLimit memory limit ${100 * MI} → ${200 * MI}`,
    ],
  },
  'a request down to a limit that is kept': {
    of: {
      requests: { memory: 300 * MI },
      limits: { memory: 200 * MI },
      keepsLimit: { cpu: false, memory: true },
    },
    want: { requests: { memory: 200 * MI }, limits: { memory: 200 * MI } },
    wantClamps: [`RequestAboveLimit memory request ${300 * MI} → ${200 * MI}`],
  },
  'both up to the min of a LimitRange': {
    of: { requests: { cpu: 0.1 }, limits: { cpu: 0.2 } },
    limitRange: { min: { cpu: 0.25 } },
    want: { requests: { cpu: 0.25 }, limits: { cpu: 0.25 } },
    wantClamps: ['LimitRangeMin cpu request 0.1 → 0.25', 'LimitRangeMin cpu limit 0.2 → 0.25'],
  },
  'both down to the max of a LimitRange': {
    of: { requests: { cpu: 3 }, limits: { cpu: 6 } },
    limitRange: { max: { cpu: 2 } },
    want: { requests: { cpu: 2 }, limits: { cpu: 2 } },
    wantClamps: ['LimitRangeMax cpu request 3 → 2', 'LimitRangeMax cpu limit 6 → 2'],
  },
  'a request up to the ratio of a LimitRange': {
    of: { requests: { cpu: 0.1 }, limits: { cpu: 1 } },
    limitRange: { maxLimitRequestRatio: { cpu: 4 } },
    want: { requests: { cpu: 0.25 }, limits: { cpu: 1 } },
    wantClamps: ['LimitRangeRatio cpu request 0.1 → 0.25'],
  },
  'to a limit where a ratio asks for one': {
    of: { requests: { cpu: 0.1 } },
    limitRange: { maxLimitRequestRatio: { cpu: 4 } },
    want: { requests: { cpu: 0.1 }, limits: { cpu: 0.4 } },
    wantClamps: ['LimitRangeRatio cpu limit none → 0.4'],
  },
  'to the default limit that the API server would set': {
    of: { requests: { cpu: 0.1 } },
    limitRange: { default: { cpu: 0.5 } },
    want: { requests: { cpu: 0.1 }, limits: { cpu: 0.5 } },
    wantClamps: ['LimitRangeDefault cpu limit none → 0.5'],
  },
  'to the limit that is there where a quota counts limits': {
    of: { current: { requests: { cpu: 1 }, limits: { cpu: 2 } }, requests: { cpu: 0.5 } },
    limited: ['cpu'],
    want: { requests: { cpu: 0.5 }, limits: { cpu: 2 } },
    wantClamps: ['ResourceQuota cpu limit none → 2'],
  },
  'to the request where a quota counts limits and there was none, or one below it': {
    of: {
      current: { requests: { cpu: 1, memory: GI }, limits: { memory: 64 * MI } },
      limits: { cpu: 1 },
    },
    limited: ['memory'],
    want: { limits: { cpu: 1, memory: 512 * MI } },
    wantClamps: ['ResourceQuota memory limit none → 536870912'],
  },
  'the default limit before one for the quota': {
    of: { requests: { cpu: 0.5 } },
    limitRange: { default: { cpu: 1 } },
    limited: ['cpu'],
    want: { limits: { cpu: 1 } },
    wantClamps: ['LimitRangeDefault cpu limit none → 1'],
  },
  'a limit for the quota down to the max of a LimitRange': {
    of: { current: { requests: { cpu: 1 }, limits: { cpu: 4 } }, requests: { cpu: 0.5 } },
    limitRange: { max: { cpu: 2 } },
    limited: ['cpu'],
    want: { requests: { cpu: 0.5 }, limits: { cpu: 2 } },
    wantClamps: ['ResourceQuota cpu limit none → 2'],
  },
  'to the request where the default limit is below it': {
    of: { requests: { cpu: 2 } },
    limitRange: { default: { cpu: 0.5 } },
    want: { requests: { cpu: 2 }, limits: { cpu: 2 } },
    wantClamps: ['LimitRangeDefault cpu limit none → 2'],
  },
  'the pod to the max of a LimitRange for pods': {
    of: { requests: { cpu: 3 }, limits: { cpu: 6 } },
    limitRange: { type: 'Pod', max: { cpu: 4 } },
    want: { requests: { cpu: 3 }, limits: { cpu: 4 } },
    wantClamps: ['LimitRangePodMax cpu limit 6 → 4'],
  },
  'the pod to the min of a LimitRange for pods': {
    of: { requests: { cpu: 0.1 }, limits: { cpu: 0.2 } },
    limitRange: { type: 'Pod', min: { cpu: 0.3 } },
    want: { requests: { cpu: 0.3 }, limits: { cpu: 0.3 } },
    wantClamps: ['LimitRangePodMin cpu request 0.1 → 0.3', 'LimitRangePodMin cpu limit 0.2 → 0.3'],
  },
};

describe('clamping takes', () => {
  for (const [what, { of, limitRange, limited, want, wantClamps }] of Object.entries(cases)) {
    it(what, () => {
      const [got] = clampPod([draft(of)], {
        ...around(limitRange ? [item(limitRange)] : []),
        limited,
      });
      assert.ok(got !== undefined);
      assert.deepEqual(got.clamps.map(text), wantClamps);
      if (want.requests) assert.deepEqual(got.requests, want.requests);
      assert.deepEqual(got.limits, want.limits ?? {});
    });
  }

  it('every LimitRange of the namespace together', () => {
    const items = [
      item({ default: { cpu: 8 } }),
      item({ max: { cpu: 4 } }),
      item({ maxLimitRequestRatio: { cpu: 2 } }),
    ];
    const [got] = clampPod([draft({ requests: { cpu: 0.5 } })], around(items));
    assert.deepEqual(got?.limits, { cpu: 4 });
    assert.deepEqual(got.requests, { cpu: 2 });
  });

  it('the LimitRange before the policy, since the API server refuses anything else', () => {
    const bounds = { ...UNBOUND, cpu: { min: undefined, max: 1 } };
    const [got] = clampPod([draft({ bounds })], around([item({ min: { cpu: 2 } })]));
    assert.equal(got?.requests.cpu, 2);
  });
});

describe('a pod that the largest node cannot hold', () => {
  const pair = (first: Partial<Draft> = {}, second: Partial<Draft> = {}) => [
    draft({ requests: { cpu: 3 }, ...first }),
    draft({ name: 'other', requests: { cpu: 1 }, ...second }),
  ];
  const cores = (drafts: readonly Draft[]) => drafts.map(({ requests }) => requests.cpu);

  it('is scaled down in proportion', () => {
    assert.deepEqual(cores(clampPod(pair(), around([], { cpu: 2 }))), [1.5, 0.5]);
    assert.deepEqual(cores(clampPod(pair(), around([], { cpu: 4 }))), [3, 1]);
  });

  it('keeps its limits, and those that are the request follow it', () => {
    const drafts = pair({ limits: { cpu: 3 } }, { limits: { cpu: 5 } });
    const got = clampPod(drafts, around([], { cpu: 2 }));
    assert.deepEqual(
      got.map(({ limits }) => limits.cpu),
      [1.5, 5],
    );
  });

  it('leaves what is not sized as it is', () => {
    const sidecar = { isSized: false };
    assert.deepEqual(cores(clampPod(pair({}, sidecar), around([], { cpu: 2 }))), [1, 1]);
  });

  it('keeps the LimitRange, and takes more from where there is room', () => {
    const context = around([item({ min: { cpu: 0.8 } })], { cpu: 2 });
    assert.deepEqual(cores(clampPod(pair(), context)), [1.2, 0.8]);
  });

  it('keeps the bounds of the policy as long as others can give way', () => {
    const bounds = { ...UNBOUND, cpu: { min: 0.8, max: undefined } };
    assert.deepEqual(cores(clampPod(pair({}, { bounds }), around([], { cpu: 2 }))), [1.2, 0.8]);
    const all = pair({ bounds: { ...UNBOUND, cpu: { min: 3, max: undefined } } }, { bounds });
    assert.deepEqual(cores(clampPod(all, around([], { cpu: 2 }))), [1.5, 0.5]);
  });

  it('brings a limit down with the request where a ratio asks for it', () => {
    const context = around([item({ maxLimitRequestRatio: { cpu: 2 } })], { cpu: 1 });
    const [got] = clampPod([draft({ requests: { cpu: 2 }, limits: { cpu: 4 } })], context);
    assert.deepEqual([got?.requests, got?.limits], [{ cpu: 1 }, { cpu: 2 }]);
  });

  it('is left alone where nothing can make it fit', () => {
    assert.deepEqual(
      cores(clampPod(pair({}, { isSized: false }), around([], { cpu: 0.5 }))),
      [3, 1],
    );
  });
});

describe('the QoS class', () => {
  const guaranteed = {
    requests: { cpu: 1, memory: GI },
    limits: { cpu: 1, memory: GI },
  };
  const burstable = { requests: { cpu: 1, memory: GI }, limits: { cpu: 2, memory: GI } };
  const sizes = { cpu: 0.5, memory: 512 * MI };

  it('of a Guaranteed pod stays Guaranteed', () => {
    const [got] = clampPod(
      [draft({ current: guaranteed, requests: sizes, limits: { memory: GI } })],
      around(),
    );
    assert.deepEqual(got?.limits, sizes);
    assert.deepEqual(got.clamps.map(text), [
      'QoSClass cpu limit none → 0.5',
      `QoSClass memory limit ${GI} → ${512 * MI}`,
    ]);
  });

  it('of a Burstable pod does not become Guaranteed: the CPU limit goes up by a step', () => {
    const [got] = clampPod(
      [draft({ current: burstable, requests: sizes, limits: sizes })],
      around(),
    );
    assert.deepEqual(got?.limits, { cpu: 0.51, memory: 512 * MI });
    assert.deepEqual(got.requests, sizes);
  });

  it('is kept by a memory limit where the CPU limit may not go up', () => {
    const [got] = clampPod(
      [draft({ current: burstable, requests: sizes, limits: sizes })],
      around([item({ max: { cpu: 0.5 } })]),
    );
    assert.deepEqual(got?.limits, { cpu: 0.5, memory: 528 * MI });
  });

  it('is kept by a lower request where no limit may go up', () => {
    const [got] = clampPod(
      [draft({ current: burstable, requests: sizes, limits: sizes })],
      around([item({ type: 'Pod', max: sizes })]),
    );
    assert.deepEqual(got?.limits, sizes);
    assert.deepEqual(got.requests, { cpu: 0.49, memory: 512 * MI });
  });

  it('of a BestEffort pod may become any', () => {
    const [got] = clampPod(
      [draft({ current: { requests: {}, limits: {} }, requests: sizes, limits: sizes })],
      around(),
    );
    assert.deepEqual(got?.limits, sizes);
  });

  it('counts a zero as nothing, and a request that is left out as its limit', () => {
    assert.equal(qosClass([{ requests: {}, limits: {} }]), 'BestEffort');
    assert.equal(qosClass([{ requests: { cpu: 0 }, limits: { memory: 0 } }]), 'BestEffort');
    assert.equal(qosClass([{ requests: {}, limits: sizes }]), 'Guaranteed');
    assert.equal(qosClass([{ requests: sizes, limits: sizes }]), 'Guaranteed');
    assert.equal(qosClass([{ requests: { cpu: 0.5 }, limits: { cpu: 0.5 } }]), 'Burstable');
    assert.equal(qosClass([guaranteed, { requests: {}, limits: {} }]), 'Burstable');
  });
});
