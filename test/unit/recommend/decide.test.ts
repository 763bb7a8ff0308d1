import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Decision } from '../../../src/recommend/decide.ts';
import type { HoldReason } from '../../../src/recommend/hold.ts';
import type { PodInput } from '../../../src/recommend/recommend.ts';
import { RESOURCES, type Resource, type UsageDay } from '../../../src/recommend/usage.ts';
import {
  aContainer,
  day,
  days,
  GI,
  HOUR_SECONDS,
  MI,
  NOW,
  recommendedFor,
  type ContainerBuilder,
} from '../../support/builders.ts';

function decided(
  resource: Resource,
  container: ContainerBuilder,
  around?: Partial<PodInput>,
): Decision {
  return recommendedFor(container, around).resources[resource].decision;
}

/**
 * 100m and 100Mi over 14 days: 100m × 1.06 is 106m, and up to a twentieth more is not lowered: 110m in steps of 5m.
 * The peak × 1.1275 is 113Mi.
 */
const CPU_WANTED = 0.11;
const MEMORY_WANTED = 113 * MI;

const big = aContainer().requesting({ cpu: 2, memory: 2 * GI });
const small = aContainer().requesting({ cpu: 0.02, memory: 20 * MI });

interface HoldCase {
  readonly resource: Resource;
  readonly container: ContainerBuilder;
  readonly around?: Partial<PodInput>;
  readonly want: HoldReason;
}

const staleBy = (seconds: number) => ({ lastSampleSeconds: day(0).startSeconds - seconds });

const holds: Readonly<Record<string, HoldCase>> = {
  'no usage': { resource: 'cpu', container: big.with([]), want: 'NoHistory' },
  'usage of memory only, for CPU': {
    resource: 'cpu',
    container: big.with(days(14, { cpu: [] })),
    want: 'NoHistory',
  },
  'usage from before the window only': {
    resource: 'memory',
    container: big.with([day(20), day(19)]),
    want: 'NoHistory',
  },
  'less than the minimum': {
    resource: 'cpu',
    container: big.with(days(1, { cpuCoverage: 0.99 })),
    want: 'HistoryTooShort',
  },
  'less than a minimum of a week in seven days with gaps': {
    resource: 'memory',
    container: big
      .under({ minimumSeconds: 7 * 86_400 })
      .with(days(7, (ago) => ({ memoryCoverage: ago === 3 ? 0.9 : 1 }))),
    want: 'HistoryTooShort',
  },
  'a last sample of more than two hours ago': {
    resource: 'cpu',
    container: big.with(days(14), staleBy(2 * HOUR_SECONDS + 1)),
    want: 'HistoryStale',
  },
  'half the days that the last recommendation rested on': {
    resource: 'cpu',
    container: big.previously('cpu', 1).with(days(7)),
    want: 'HistoryShrank',
  },
  'one day less than the last recommendation rested on': {
    resource: 'memory',
    container: big.previously('memory', GI).with(days(13)),
    want: 'HistoryShrank',
  },
  'one day of 90 less than the last recommendation rested on': {
    resource: 'memory',
    container: big
      .under({ windowSeconds: 90 * 86_400 })
      .previously('memory', GI, { coveredDays: 90 })
      .with(days(90).filter((_, index) => index !== 40)),
    want: 'HistoryShrank',
  },
  'throttling within the window': {
    resource: 'cpu',
    container: big.with(days(14, (ago) => ({ throttledShare: ago === 14 ? 0.051 : 0 }))),
    want: 'Throttled',
  },
  'an OOM kill within the window': {
    resource: 'memory',
    container: big.with(days(14, (ago) => ({ oomKills: ago === 14 ? 1 : 0 }))),
    want: 'OOMKilled',
  },
  'an OOM kill that only the pods tell of': {
    resource: 'memory',
    container: big.oomKilled(14 * 86_400 - 1),
    want: 'OOMKilled',
  },
  'a peak at the memory limit': {
    resource: 'memory',
    container: big
      .limitedTo({ memory: 2 * GI })
      .under({ memory: { risk: 0.5 } })
      .with(days(14, (ago) => ({ peak: ago === 2 ? 0.98 * 2 * GI : 100 * MI }))),
    want: 'AtMemoryLimit',
  },
  'an autoscaler on CPU': {
    resource: 'cpu',
    container: big,
    around: { autoscaled: ['cpu'] },
    want: 'HPAOwnsCPU',
  },
  'an autoscaler on memory': {
    resource: 'memory',
    container: big,
    around: { autoscaled: ['memory'] },
    want: 'HPAOwnsMemory',
  },
  'a policy that forbids lowering': {
    resource: 'cpu',
    container: big.under({ cpu: { mayDecrease: false } }),
    want: 'DecreaseNotAllowed',
  },
};

describe('a request is not lowered on', () => {
  for (const [what, { resource, container, around, want }] of Object.entries(holds)) {
    it(what, () => {
      const { request, hold } = decided(resource, container, around);
      const { current, previous } = container.input;
      assert.equal(hold, want);
      assert.equal(request, previous[resource]?.request ?? current.requests[resource]);
    });
  }

  it('the other resource goes on where only one is held', () => {
    const throttled = big.with(days(14, { throttledShare: 0.5 }));
    assert.deepEqual(decided('memory', throttled).request, MEMORY_WANTED);
    assert.equal(decided('memory', throttled).hold, undefined);
    const killed = big.with(days(14, { oomKills: 1 }));
    assert.equal(decided('cpu', killed).request, CPU_WANTED);
    assert.equal(decided('cpu', big, { autoscaled: ['memory'] }).request, CPU_WANTED);
  });
});

const lowered: Readonly<Record<string, ContainerBuilder>> = {
  'of exactly the minimum': big.with(days(1)),
  'whose last sample is two hours old': big.with(days(14), staleBy(2 * HOUR_SECONDS)),
  'a twentieth of which is gone': big
    .previously('cpu', 2)
    .with(days(14, { cpuCoverage: 0.951, memoryCoverage: 0.951 })),
  'that a shorter window cuts': big
    .previously('cpu', 2)
    .under({ windowSeconds: 7 * 86_400 })
    .with(days(7)),
  'that was throttled in a twentieth of the periods': big.with(days(14, { throttledShare: 0.05 })),
  'with an OOM kill before the window': big.oomKilled(14 * 86_400 + 1),
  'with a peak just under the limit': big
    .limitedTo({ memory: 2 * GI })
    .with(days(14, (ago) => ({ peak: ago === 2 ? 0.97 * 2 * GI : 100 * MI }))),
};

describe('a request is lowered on evidence', () => {
  for (const [what, container] of Object.entries(lowered)) {
    it(what, () => {
      const { resources } = recommendedFor(container);
      assert.equal(resources.cpu.decision.hold, undefined);
      assert.equal(resources.memory.decision.hold, undefined);
      assert.ok((resources.cpu.decision.request ?? 9) < 2);
    });
  }
});

describe('evidence that was there and is lost', () => {
  const midnight = (ago: number) => day(ago).startSeconds;

  it('holds until as much is new as is missing', () => {
    // Seven days ago 14 days were known, and all were lost: 14 - 7 days would still be in the window.
    const at = (newDays: number) =>
      decided(
        'cpu',
        big.previously('cpu', 1, { lastSampleSeconds: midnight(newDays + 1) }).with(days(newDays)),
      ).hold;
    assert.equal(at(5), 'HistoryShrank');
    assert.equal(at(6), 'HistoryShrank');
    assert.equal(at(7), undefined);
  });

  it('goes on to be what the request rests on, so that the next look holds as well', () => {
    const { cpu } = recommendedFor(
      big.previously('cpu', 1, { lastSampleSeconds: midnight(0) }).with(days(2)),
    ).resources;
    assert.equal(cpu.coveredDays, 2);
    assert.equal(cpu.restsOnDays, 14);
  });

  it('is still expected where nothing is found at all', () => {
    const { cpu } = recommendedFor(big.previously('cpu', 1).with([])).resources;
    assert.equal(cpu.restsOnDays, 14);
  });

  it('is no more than what is covered where nothing is missing', () => {
    const { cpu } = recommendedFor(big).resources;
    assert.equal(cpu.restsOnDays, 14);
    assert.equal(recommendedFor(big.with(days(3))).resources.cpu.restsOnDays, 3);
  });
});

describe('the raise after an OOM kill', () => {
  const killed = small.requesting({ memory: 256 * MI }).limitedTo({ memory: 256 * MI });
  const raised = (container: ContainerBuilder) => decided('memory', container).request;

  it('is from the limit that killed', () => {
    assert.equal(raised(killed.oomKilled(60)), 356 * MI);
  });

  it('does not grow with a limit that was raised since', () => {
    const kill = { seconds: NOW - 60, limitBytes: 256 * MI };
    const resized = killed
      .limitedTo({ memory: 356 * MI })
      .oomKilled(60)
      .previously('memory', 356 * MI, { oomKill: kill });
    assert.equal(raised(resized), 356 * MI);
    const counted = resized.with(days(14, { oomKills: 1 }));
    assert.equal(raised(counted), 356 * MI);
  });

  it('grows with another kill at the limit that was raised', () => {
    const kill = { seconds: NOW - 7200, limitBytes: 256 * MI };
    const again = killed
      .limitedTo({ memory: 356 * MI })
      .oomKilled(60)
      .previously('memory', 356 * MI, { oomKill: kill });
    assert.equal(raised(again), 456 * MI);
  });

  it('is forgotten when the kill leaves the window', () => {
    const kill = { seconds: NOW - 14 * 86_400 - 1, limitBytes: 256 * MI };
    const { hold } = decided('memory', killed.previously('memory', 356 * MI, { oomKill: kill }));
    assert.equal(hold, undefined);
  });
});

describe('a request is raised', () => {
  const missing: Readonly<Record<string, ContainerBuilder>> = {
    'by history that is too short': small.with([day(1, { cpuCoverage: 0.1, memoryCoverage: 0.1 })]),
    'by history that is stale': small.with(days(14), staleBy(24 * HOUR_SECONDS)),
    'by history that shrank': small
      .previously('cpu', 0.03)
      .previously('memory', 30 * MI)
      .with(days(2)),
    'while throttled or killed': small.with(days(14, { throttledShare: 0.9, oomKills: 1 })),
  };
  for (const [what, container] of Object.entries(missing)) {
    it(what, () => {
      for (const resource of RESOURCES) {
        const { request, hold } = decided(resource, container);
        const { current, previous } = container.input;
        assert.ok((request ?? 0) > (previous[resource]?.request ?? 0));
        assert.ok((request ?? 0) > (current.requests[resource] ?? 0));
        assert.equal(hold, undefined);
      }
    });
  }

  it('after an OOM kill by a fifth of the limit, or 100Mi where that is more', () => {
    const killed = (limit: number) =>
      decided(
        'memory',
        small.limitedTo({ memory: limit }).with(days(14, { peak: 10 * MI, oomKills: 1 })),
      ).request;
    assert.equal(killed(GI), 1232 * MI); // 1.2 × 1024 = 1228.8, in steps of 16
    assert.equal(killed(100 * MI), 200 * MI);
  });

  it('after an OOM kill, and is not called held where it was raised already', () => {
    const killed = small.limitedTo({ memory: GI }).with(days(14, { oomKills: 1 }));
    const again = decided('memory', killed.previously('memory', 1232 * MI));
    assert.deepEqual(
      [again.request, again.hold, again.basis],
      [1232 * MI, undefined, 'AfterOomKill'],
    );
  });

  it('after an OOM kill by what use asks for where that is more', () => {
    const container = small
      .limitedTo({ memory: 100 * MI })
      .with(days(14, { oomKills: 1, peak: GI }));
    assert.equal(decided('memory', container).request, 1168 * MI); // 1154.6 in steps of 16
  });

  it('unless the policy forbids raising', () => {
    const { request, hold } = decided('cpu', small.under({ cpu: { mayIncrease: false } }));
    assert.equal(request, 0.02);
    assert.equal(hold, 'IncreaseNotAllowed');
  });

  it('where lowering is forbidden', () => {
    assert.equal(decided('cpu', small.under({ cpu: { mayDecrease: false } })).hold, undefined);
  });
});

describe('what a censored request rests on', () => {
  it('is the higher one of what it is and what was recommended', () => {
    const throttled = days(14, { throttledShare: 0.5 });
    assert.equal(decided('cpu', big.previously('cpu', 1).with(throttled)).request, 2);
    assert.equal(decided('cpu', big.previously('cpu', 3).with(throttled)).request, 3);
  });

  it('is told of also where use asks for more', () => {
    assert.equal(decided('cpu', small.with(days(14, { throttledShare: 0.5 }))).isCensored, true);
    assert.equal(decided('cpu', big).isCensored, false);
    assert.equal(decided('memory', big.with(days(14, { oomKills: 1 }))).isCensored, true);
  });

  it('is nothing where there is no request, no recommendation and too little history', () => {
    const { request, hold } = decided('cpu', aContainer().with(days(1, { cpuCoverage: 0.5 })));
    assert.equal(request, undefined);
    assert.equal(hold, 'HistoryTooShort');
  });

  it('is the estimate where there is no request but history enough', () => {
    assert.equal(decided('cpu', aContainer()).request, CPU_WANTED);
    assert.equal(decided('memory', aContainer()).request, MEMORY_WANTED);
  });
});

describe('a number that moves a little', () => {
  const after = (previous: number, isSamePolicy = true) =>
    decided('memory', big.previously('memory', previous, { isSamePolicy })).request;

  it('stays as it was recommended last, down to a tenth below and up to 2 % above', () => {
    assert.equal(after(111 * MI), 111 * MI); // 113 is 1.8 % above
    assert.equal(after(110 * MI), MEMORY_WANTED); // 2.7 % above
    assert.equal(after(125 * MI), 125 * MI); // 9.6 % below
    assert.equal(after(126 * MI), MEMORY_WANTED); // 10.3 % below
  });

  it('is followed when the policy changed', () => {
    assert.equal(after(111 * MI, false), MEMORY_WANTED);
    assert.equal(after(125 * MI, false), MEMORY_WANTED);
  });
});

describe('a change that is not worth one', () => {
  const memoryFrom = (request: number, minimumChange: number) =>
    decided('memory', aContainer().requesting({ memory: request }).under({ minimumChange }));

  it('is a decrease of less than the minimum share', () => {
    // From 200Mi to 113Mi is 43.5 %.
    assert.equal(memoryFrom(200 * MI, 0.45).request, 200 * MI);
    assert.equal(memoryFrom(200 * MI, 0.45).isWithinMinimum, true);
    assert.equal(memoryFrom(200 * MI, 0.42).request, MEMORY_WANTED);
    assert.equal(memoryFrom(200 * MI, 0.42).isWithinMinimum, false);
  });

  it('is a decrease of less than 16Mi or 10m, whatever its share', () => {
    assert.equal(memoryFrom(128 * MI, 0).request, 128 * MI);
    assert.equal(memoryFrom(129 * MI, 0).request, MEMORY_WANTED);
    const cpuFrom = (cpu: number) => decided('cpu', aContainer().requesting({ cpu })).request;
    assert.equal(cpuFrom(0.119), 0.119);
    assert.equal(cpuFrom(0.121), CPU_WANTED);
  });

  it('is an increase only where it is below both, since a raise keeps the promise', () => {
    // From 100Mi to 113Mi: 13 % and 13Mi.
    assert.equal(memoryFrom(100 * MI, 0.12).request, MEMORY_WANTED);
    assert.equal(memoryFrom(100 * MI, 0.14).request, 100 * MI);
    // From 80Mi to 113Mi are more than 16Mi, however large the minimum.
    assert.equal(memoryFrom(80 * MI, 1).request, MEMORY_WANTED);
  });
});

describe('less data', () => {
  const history = fc.array(
    fc.record({
      cpu: fc.array(fc.double({ min: 0.001, max: 8, noNaN: true }), { minLength: 1, maxLength: 5 }),
      peak: fc.integer({ min: MI, max: 8 * GI }),
    }),
    { minLength: 14, maxLength: 14 },
  );
  const thinning = fc.array(fc.boolean(), { minLength: 14, maxLength: 14 });

  const full = (given: readonly { cpu: number[]; peak: number }[]) =>
    aContainer()
      .requesting({ cpu: 16, memory: 16 * GI })
      .with(days(14, (ago) => given[ago - 1] ?? {}));

  function assertNeverLower(before: ContainerBuilder, rest: readonly UsageDay[]): void {
    const recommendation = recommendedFor(before);
    let after = before.with(rest);
    for (const resource of RESOURCES) {
      const request = recommendation.target?.requests[resource];
      assert.ok(request !== undefined);
      after = after.previously(resource, request);
    }
    const { target } = recommendedFor(after);
    for (const resource of RESOURCES) {
      const was = recommendation.target?.requests[resource] ?? Infinity;
      assert.ok((target?.requests[resource] ?? 0) >= was, `${resource} fell`);
    }
  }

  it('of any days gives no lower request than was recommended on all of them', () => {
    fc.assert(
      fc.property(history, thinning, (given, isKept) => {
        const before = full(given);
        const rest = before.input.history?.days.filter((_, index) => isKept[index]) ?? [];
        assertNeverLower(before, rest);
      }),
    );
  });

  it('within days gives no lower request either', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 13 }), (given, count) => {
        const before = full(given);
        const rest = before.input.history?.days.map((each, index) =>
          index < count
            ? { ...each, cpuCoverage: 0.2, memoryCoverage: 0.2, memoryPeakBytes: MI }
            : each,
        );
        assertNeverLower(before, rest ?? []);
      }),
    );
  });

  it('lowers nothing from what is requested when there never was a recommendation', () => {
    const container = big.with(days(14), staleBy(3 * HOUR_SECONDS));
    assert.deepEqual(recommendedFor(container).target?.requests, { cpu: 2, memory: 2 * GI });
    assert.deepEqual(recommendedFor(big.with([])).target?.requests, { cpu: 2, memory: 2 * GI });
  });

  it('gives no zero where nothing is known', () => {
    assert.equal(recommendedFor(aContainer().with([])).target, undefined);
  });
});
