import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ALONE } from '../../../src/recommend/fleet.ts';
import { HistoryFold } from '../../../src/recommend/history.ts';
import { Peaks, PeakSize, priorMargin, type MemoryDecision } from '../../../src/recommend/peaks.ts';
import { size } from '../../../src/recommend/size.ts';
import { LEVELS } from '../../../src/recommend/sizing.ts';
import {
  DAY_SECONDS,
  RESOURCES,
  type Resource,
  type UsageDay,
} from '../../../src/recommend/usage.ts';
import {
  day,
  dayOfHours,
  days,
  estimated,
  HOUR_SECONDS,
  MI,
  NOW,
  settings,
  sized,
  type SettingsChange,
} from '../../support/builders.ts';

/** Buckets of the histogram are 2 % wide. */
const BUCKET = 0.02;

/** 1m to 1000m, once each: p95 is 950m. */
const RAMP = Array.from({ length: 1000 }, (_, i) => (i + 1) / 1000);

function assertNear(got: number, want: number, tolerance = BUCKET): void {
  assert.ok(Math.abs(got - want) <= want * (tolerance + 1e-9), `${got}, not ${want}`);
}

describe('the estimate of CPU', () => {
  it('is the quantile that leaves what may be planned for, with a margin and the factor of youth', () => {
    // 0.6 of 95 % of 2 % is 1.14 %, so p98.86; half a day is e^(0.4 × (2 - 1/7) / (6/7)) = 2.379; the margin is 1.06.
    const of = [day(1, { cpu: RAMP, cpuCoverage: 1 / 24 })];
    const got = estimated('cpu', of, { confidence: 0.98, cpu: { risk: 0.02 } });
    assertNear(got.quantile, 0.9886, 1e-9);
    assertNear(got.use, 0.9886);
    assertNear(got.youthFactor, 2.379, 1e-3);
    assertNear(got.wanted, 0.9886 * 1.06 * 2.379);
    assert.equal(got.amount, got.wanted);
    assert.equal(got.basis, 'Quantile');
  });

  it('allows more while nothing goes over', () => {
    // The most is twice the rate: 1.2 × 2 × 5 % = 12 % at a confidence of 90 %.
    assertNear(estimated('cpu', days(14)).quantile, 0.88, 1e-9);
    assertNear(estimated('cpu', days(14)).use, 0.1);
  });

  it('is stricter and has a larger margin while the budget is spent', () => {
    // Half of the samples over in each of ten hours: 5 hours, of which 0.5 % of some 290 hours are allowed.
    const rising = Array.from({ length: 10 }, (_, hour) => [0.1, 0.1 * 1.3 ** (hour + 1)]);
    const of = [...days(8).slice(0, -1), dayOfHours(1, rising)];
    const got = estimated('cpu', of, { cpu: { risk: 0.005 } });
    assert.equal(got.isSpent, true);
    assertNear(got.margin, 1.06 * 1.15, 1e-9);
    assertNear(got.use, 0.1 * 1.3 ** 10);
  });

  it('follows a level that shifted within the hour', () => {
    const of = [...days(8).slice(0, -1), dayOfHours(1, [[1, 0.9, 1, 1]])];
    const got = estimated('cpu', of);
    assert.equal(got.basis, 'Shift');
    assert.equal(got.use, 1);
    assertNear(got.amount, 1.06, 1e-9);
  });

  it('falls once a day, and by no less than a twentieth', () => {
    const fallen = dayOfHours(
      1,
      Array.from({ length: 24 }, () => [0.01]),
    );
    const of = [...days(8).slice(0, -1), fallen];
    const at = (hour: number) =>
      sized('cpu', of, {}, NOW - (24 - hour) * HOUR_SECONDS).estimate?.amount;
    // The decisions of a day are one lower: all of its hours have the amount of its beginning.
    assert.equal(at(2), at(23));
    const constant = sized('cpu', days(14)).estimate;
    assert.ok(constant !== undefined && constant.amount <= constant.wanted / 0.95);
  });

  it('does not look after its end', () => {
    const of = days(14);
    assert.deepEqual(sized('cpu', [...of, day(0, { cpu: [64] })]), sized('cpu', of));
  });

  it('waits for the end of an hour, unless it is the first', () => {
    const at = (of: readonly UsageDay[], hours: number) =>
      sized('cpu', of, {}, NOW + hours * HOUR_SECONDS).estimate;
    const spiked = [...days(14), day(0, { cpu: [2] })];
    assert.equal(at(spiked, 0.9)?.amount, at(days(14), 0)?.amount);
    assert.equal(at(spiked, 1)?.basis, 'Shift');
    assertNear(at([day(0, { cpu: [2] })], 0.1)?.use ?? 0, 2);
  });

  it('weighs by the samples that an hour has, so that a gap says nothing', () => {
    const gap = days(14, (ago) => ({ cpu: ago > 3 && ago < 9 ? [] : [0.1] }));
    assertNear(estimated('cpu', gap).use, 0.1);
    assert.equal(estimated('cpu', gap).coveredDays, 9);
  });

  it('is next to nothing where all samples are idle', () => {
    assert.ok(estimated('cpu', days(14, { cpu: [0] })).amount <= 1e-5);
  });

  it('is nothing without a sample', () => {
    assert.equal(sized('cpu', []).estimate, undefined);
    assert.equal(sized('cpu', days(3, { cpu: [] })).estimate, undefined);
  });
});

/** Hour by hour up to now, in MiB; null is an hour without a sample. */
function hoursOfMemory(mebibytes: readonly (number | null)[]): readonly UsageDay[] {
  const fold = new HistoryFold(HOUR_SECONDS);
  for (const [hour, mib] of mebibytes.entries()) {
    const startSeconds = NOW - (mebibytes.length - hour) * HOUR_SECONDS;
    if (mib !== null) fold.addMemory('a', startSeconds, mib * MI);
  }
  return fold.history()?.days ?? [];
}

function decidedHourly(
  of: readonly UsageDay[],
  excess: number,
): Record<'amount' | 'wanted' | 'peak', number | undefined> {
  const [peaks, size] = [new Peaks(), new PeakSize()];
  let decision: MemoryDecision | undefined;
  for (const { startSeconds, hours } of of) {
    for (const [hour, bytes] of hours.memoryPeaks.entries()) {
      if (Number.isNaN(bytes)) continue;
      const begin = startSeconds + hour * HOUR_SECONDS;
      peaks.observePeak(begin, bytes);
      decision = size.decide(peaks, begin + HOUR_SECONDS, excess);
    }
  }
  return { amount: decision?.amount, wanted: decision?.wanted, peak: decision?.peak };
}

describe('the estimate of memory', () => {
  const peaks = days(14, (ago) => ({ peak: ago === 14 ? 400 * MI : 100 * MI }));

  it('is the highest peak with the margin of the risk', () => {
    // Equal peaks do not differ: the least spread is 0.1, and 1 % asks for 1.2 of it: e^0.12 = 1.1275.
    assertNear(estimated('memory', days(14)).amount, 100 * MI * Math.exp(0.12), 1e-9);
    assert.equal(estimated('memory', peaks).use, 400 * MI);
  });

  it('has a larger margin where daily peaks differ more', () => {
    const margin = (of: readonly UsageDay[]) => estimated('memory', of).margin;
    assert.ok(margin(peaks) > margin(days(14)));
  });

  it('does not depend on the confidence, which is about single containers', () => {
    const at = (confidence: number) => estimated('memory', peaks, { confidence }).amount;
    assert.equal(at(0.99), at(0.5));
  });

  it('is that of a decision at each hour', () => {
    const hourly = fc.array(fc.option(fc.integer({ min: 1, max: 2000 })), {
      maxLength: 300,
      size: 'max',
    });
    fc.assert(
      fc.property(hourly, (mebibytes) => {
        const of = hoursOfMemory(mebibytes);
        const decision = decidedHourly(of, priorMargin(0.1).excess);
        const got = sized('memory', of, { memory: { risk: 0.1 } }).estimate;
        const { amount, wanted, use: peak } = got ?? {};
        assert.deepEqual({ amount, wanted, peak }, decision);
      }),
    );
  });

  it('rises with a peak that meets the highest, by the margin of that day', () => {
    // The same peak each day but one. The day after that one asks for 3 % more than all others: too little to be lowered.
    const hourly = Array.from({ length: 14 * 24 }, (_, hour) =>
      hour % 24 === 1 && hour !== 11 * 24 + 1 ? 900 : 800,
    );
    const dearer = NOW / DAY_SECONDS - 2;
    const { amount } =
      size('memory', {
        days: hoursOfMemory(hourly),
        settings: settings({ memory: { risk: 0.1 } }),
        nowSeconds: NOW,
        runsToCompletion: false,
        marginOf: (_, day) => ({ excess: day === dearer ? 0.4 : 0.1, basis: 'Fleet' }),
      }).estimate ?? assert.fail();
    assert.ok(amount > 900 * MI * 1.035, String(amount / MI));
  });

  it('lets the highest peak fall out after 14 days', () => {
    const longer = days(16, (ago) => ({ peak: ago === 16 ? 400 * MI : 100 * MI }));
    assertNear(estimated('memory', longer).amount, 100 * MI * Math.exp(0.12), 1e-9);
  });

  it('has the factor of youth where that is more than the margin', () => {
    // Half a day at most, so 2.379; no day has ended, so that the spread is 0.6 and the margin e^0.72 = 2.05.
    const got = estimated('memory', [day(1, { memoryCoverage: 0.25 })]);
    assertNear(got.youthFactor, 2.379, 1e-3);
    assert.equal(got.margin, 1);
    assertNear(got.amount, 100 * MI * 2.379, 1e-3);
  });

  it('takes a missing peak for nothing', () => {
    assert.equal(sized('memory', days(3, { peak: undefined })).estimate, undefined);
  });
});

describe('what would have been realised', () => {
  const realised = (resource: Resource, of: readonly UsageDay[], change: SettingsChange = {}) =>
    sized(resource, of, change).realised;

  it('is the share of the samples over what the hours before asked for', () => {
    // Half of 100 samples of one hour are over; the hours after it are sized for them.
    const half = Array.from({ length: 100 }, (_, i) => (i < 50 ? 0.1 : 1));
    const of = [day(4), day(3), day(2, { cpu: half }), day(1)];
    const got = realised('cpu', of);
    assert.deepEqual([got?.days, got?.daysHit, got?.share], [2, 1, 50 / (2400 + 24)]);
    assert.deepEqual([got?.worstDay, got?.worstDaySeconds], [50 / 2400, NOW - 2 * 86_400]);
  });

  it('is the share of the days with a peak over the size, each day once', () => {
    // 300Mi is over 100Mi × 1.13 once, 310Mi is not over what it asked for.
    const of = days(14, (ago) => ({ peak: (ago > 4 ? 100 : ago > 2 ? 300 : 310) * MI }));
    const got = realised('memory', of);
    assert.deepEqual([got?.days, got?.daysHit, got?.share], [13, 1, 1 / 13]);
    // 300Mi is more than twice the 112.75Mi of the day.
    assertNear(got?.worstDay ?? 0, 300 / 112.75 - 1, 1e-5);
    assert.equal(got?.worstDaySeconds, NOW - 4 * 86_400);
  });

  it('is known for other risks as well, which ask for no less where they are stricter', () => {
    const bursty = days(14, (ago) => ({
      cpu: Array.from({ length: 12 }, (_, i) => (i === 0 && ago % 3 === 0 ? 1 : 0.1 + i / 100)),
      peak: (100 + (ago % 4) * 30) * MI,
    }));
    for (const resource of RESOURCES) {
      const { levels } = sized(resource, bursty);
      assert.deepEqual(
        levels.map(({ risk }) => risk),
        LEVELS,
      );
      const amounts = levels.map(({ amount }) => amount);
      assert.deepEqual(
        amounts,
        amounts.toSorted((a, b) => a - b),
      );
      const judged = resource === 'cpu' ? 7 : 13;
      assert.ok(levels.every((level) => level.realised?.days === judged));
    }
  });

  it('is the same for a risk, whether it is promised or beside the promised one', () => {
    const of = days(14, (ago) => ({ peak: (100 + (ago % 4) * 30) * MI }));
    const beside = sized('memory', of).levels.find(({ risk }) => risk === 0.05);
    const promised = sized('memory', of, { memory: { risk: 0.05 } });
    assert.equal(promised.estimate?.amount, beside?.amount);
    assert.deepEqual(promised.realised, beside?.realised);
  });

  it('is judged from the minimum of history on', () => {
    assert.equal(realised('cpu', days(5), { minimumSeconds: 2 * 86_400 })?.days, 3);
    assert.equal(realised('cpu', days(5), { minimumSeconds: 5 * 86_400 }), undefined);
    assert.equal(realised('memory', days(5), { minimumSeconds: 2 * 86_400 })?.days, 3);
    // Of the first day the first hour is not judged, since nothing was recommended for it.
    for (const resource of RESOURCES) {
      assert.equal(
        realised(resource, days(5), { minimumSeconds: 0 })?.days,
        resource === 'cpu' ? 3 : 5,
      );
    }
  });

  it('leaves out the hour and the day that are not over', () => {
    const of = [...days(2), day(0, { cpu: [9], peak: 999 * MI })];
    const at = (resource: Resource, hours: number) =>
      sized(resource, of, {}, NOW + hours * HOUR_SECONDS).realised;
    assert.equal(at('cpu', 0.9)?.daysHit, 0);
    assert.equal(at('cpu', 1)?.daysHit, 1);
    assert.deepEqual([at('memory', 23)?.days, at('memory', 23)?.daysHit], [1, 0]);
    assert.deepEqual([at('memory', 24)?.days, at('memory', 24)?.daysHit], [2, 1]);
  });

  it('is nothing without history', () => {
    assert.equal(realised('cpu', []), undefined);
    assert.equal(realised('memory', days(1)), undefined);
  });
});

describe('runs to completion', () => {
  it('stand for the time since the run before', () => {
    // An hour each night for 14 days: 13 × 24 + 1 hours, so that they are no longer young.
    const input = {
      settings: settings(),
      nowSeconds: NOW,
      days: days(14, { cpuCoverage: 1 / 24 }),
      marginOf: ALONE.marginOf,
    };
    const young = size('cpu', { ...input, runsToCompletion: false }).estimate;
    const grown = size('cpu', { ...input, runsToCompletion: true }).estimate;
    assert.ok((young?.youthFactor ?? 1) > 2);
    assert.equal(grown?.youthFactor, 1);
  });
});

describe('every sizing', () => {
  const cores = fc.double({ min: 0.001, max: 8, noNaN: true });
  const usage = fc.record({
    cpu: fc.array(cores, { minLength: 1, maxLength: 4 }),
    peak: fc.integer({ min: MI, max: 4096 * MI }),
  });
  const history = fc.array(usage, { minLength: 3, maxLength: 14 });
  const risk = fc.double({ min: 0.0001, max: 0.5, noNaN: true });
  const confidence = fc.double({ min: 0.5, max: 0.99, noNaN: true });
  const resource = fc.constantFrom<Resource>('cpu', 'memory');
  const ofDays = (given: readonly { cpu: readonly number[]; peak: number }[]) =>
    days(given.length, (ago) => given[ago - 1] ?? {});

  // A budget that was spent otherwise asks for something else: what is compared is what the same use asks for.
  it('of memory asks for no less at less risk', () => {
    fc.assert(
      fc.property(history, risk, risk, (given, a, b) => {
        const wanted = (each: number) =>
          estimated('memory', ofDays(given), { memory: { risk: each } }).wanted;
        return wanted(Math.min(a, b)) >= wanted(Math.max(a, b)) * (1 - 1e-12);
      }),
    );
  });

  /** Later days use less, so that little or nothing goes over. */
  const falling = history.map((given) =>
    given.toSorted((a, b) => Math.max(...a.cpu) - Math.max(...b.cpu)),
  );
  const keeping = (given: readonly { cpu: number[]; peak: number }[], change: SettingsChange) => {
    const { estimate, realised } = sized('cpu', ofDays(given), { minimumSeconds: 0, ...change });
    fc.pre(realised?.share === 0);
    return estimate?.wanted ?? 0;
  };

  it('of CPU asks for no less at less risk, while nothing goes over', () => {
    fc.assert(
      fc.property(falling, risk, risk, (given, a, b) => {
        const strict = keeping(given, { cpu: { risk: Math.min(a, b) } });
        return strict >= keeping(given, { cpu: { risk: Math.max(a, b) } }) * (1 - 1e-12);
      }),
    );
  });

  it('of CPU asks for no less at more confidence, while nothing goes over', () => {
    fc.assert(
      fc.property(falling, risk, confidence, confidence, (given, at, a, b) => {
        const more = keeping(given, { confidence: Math.max(a, b), cpu: { risk: at } });
        const less = keeping(given, { confidence: Math.min(a, b), cpu: { risk: at } });
        return more >= less * (1 - 1e-12);
      }),
    );
  });

  it('grows with use by the same factor', () => {
    const samples = fc.array(cores, { minLength: 1, maxLength: 20 });
    // Whole buckets, since a sample that changes its place within one moves the quantiles beside it.
    const factor = fc.integer({ min: -100, max: 100 }).map((buckets) => 1.02 ** buckets);
    fc.assert(
      fc.property(samples, factor, (each, k) => {
        const of = (use: readonly number[]) => estimated('cpu', days(9, { cpu: use })).wanted;
        assertNear(of(each.map((one) => one * k)), of(each) * k, 2 * BUCKET);
      }),
    );
  });

  it('is finite and not negative', () => {
    fc.assert(
      fc.property(history, resource, risk, (given, which, at) => {
        const { amount } = estimated(which, ofDays(given), {
          cpu: { risk: at },
          memory: { risk: at },
        });
        return Number.isFinite(amount) && amount >= 0;
      }),
    );
  });

  it('of earlier hours knows nothing of later ones', () => {
    fc.assert(
      fc.property(history, fc.nat(), usage, resource, (given, at, other, which) => {
        const of = ofDays(given);
        const cut = 1 + (at % (of.length - 1));
        const until = NOW - (of.length - cut) * 86_400 + 5 * HOUR_SECONDS;
        const changed = of.map((each, index) => {
          if (index < cut) return each;
          const later = day(of.length - index, other);
          return index > cut ? later : { ...later, hours: mixed(each, later) };
        });
        const { estimate: one, realised: first } = sized(which, of, {}, until);
        const { estimate: two, realised: second } = sized(which, changed, {}, until);
        assert.deepEqual({ ...one, coveredDays: 0 }, { ...two, coveredDays: 0 });
        assert.deepEqual(first, second);
      }),
    );
  });

  /** The first five hours of one day and the rest of another. */
  function mixed(before: UsageDay, after: UsageDay) {
    const cpu = before.hours.cpu.map((use, hour) => (hour < 5 ? use : after.hours.cpu[hour]));
    const peaks = before.hours.memoryPeaks.map((peak, hour) =>
      hour < 5 ? peak : (after.hours.memoryPeaks[hour] ?? NaN),
    );
    return { cpu, memoryPeaks: peaks };
  }
});
