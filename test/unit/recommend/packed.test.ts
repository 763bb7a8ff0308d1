import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HistoryFold } from '../../../src/recommend/history.ts';
import { cpuOfHour } from '../../../src/recommend/hours.ts';
import { mergePacked } from '../../../src/recommend/mergepacked.ts';
import { checkedUsage, spanOf, type PackedUsage } from '../../../src/recommend/packed.ts';
import { unpackUsage } from '../../../src/recommend/unpacked.ts';
import { DAY_SECONDS } from '../../../src/recommend/usage.ts';
import { HOUR_SECONDS, MI, NOW } from '../../support/builders.ts';
import { random } from '../../support/history-generator.ts';
import { samplesOfHour } from '../../support/hourcpu.ts';

interface Sample {
  readonly pod: string;
  readonly at: number;
  readonly cores: number;
  readonly bytes: number;
}

const SAMPLE = fc.record({
  pod: fc.constantFrom('a', 'b', 'c'),
  at: fc.integer({ min: 0, max: 3 * DAY_SECONDS }),
  cores: fc.oneof(
    fc.constant(0),
    fc.double({ min: 1e-8, max: 1000, noNaN: true }),
    fc.double({ min: 0.1, max: 0.2, noNaN: true }),
  ),
  bytes: fc.integer({ min: 0, max: 2 ** 45 }),
});
const SAMPLES = fc.array(SAMPLE, { minLength: 1, maxLength: 60 });

function packed(samples: readonly Sample[], stepSeconds = 60): PackedUsage {
  const fold = new HistoryFold(stepSeconds);
  for (const { pod, at, cores, bytes } of samples) {
    fold.addCpu(pod, NOW + at, cores);
    fold.addMemory(pod, NOW + at, bytes);
  }
  return fold.packed() ?? assert.fail('nothing was packed');
}

/** The samples of each hour since NOW in ascending order, as they were unpacked. */
function hoursOf(usage: PackedUsage): ReadonlyMap<number, readonly number[]> {
  const hours = new Map<number, readonly number[]>();
  for (const day of unpackUsage(usage).days) {
    for (let hour = 0; hour < 24; hour++) {
      const samples = samplesOfHour(cpuOfHour(day.hours, hour));
      const key = (day.startSeconds - NOW) / HOUR_SECONDS + hour;
      if (samples.length > 0) hours.set(key, samples);
    }
  }
  return hours;
}

/** A fortnight of a pod, with a sample each minute, noise of half of the use and some peaks. */
function fortnight(pods = 1): PackedUsage {
  const fold = new HistoryFold(60);
  for (let pod = 0; pod < pods; pod++) {
    const open = fold.ofPod(`pod-${pod}`);
    for (let minute = 0; minute < 14 * 1440; minute++) {
      const noise = random(pod, minute);
      const peak = noise > 0.98 ? 3 : 1;
      const daily = 1 + 0.5 * Math.sin((2 * Math.PI * minute) / 1440);
      open.addCpu(NOW + minute * 60, 0.2 * daily * (1 + noise / 2) * peak);
      open.addMemory(NOW + minute * 60, (200 + 50 * noise) * MI);
    }
  }
  return fold.packed() ?? assert.fail('nothing was packed');
}

describe('packed usage', () => {
  it('gives back each sample within 1 %', () => {
    fc.assert(
      fc.property(SAMPLES, (samples) => {
        const hours = hoursOf(packed(samples));
        const want = Map.groupBy(samples, ({ at }) => Math.floor(at / HOUR_SECONDS));
        assert.equal(hours.size, want.size);
        for (const [hour, of] of want) {
          const got = hours.get(hour) ?? [];
          const sorted = of.map(({ cores }) => cores).sort((a, b) => a - b);
          assert.equal(got.length, sorted.length);
          for (const [i, cores] of sorted.entries()) {
            assert.ok(Math.abs((got[i] ?? NaN) - cores) <= 0.01 * cores, `${cores} is ${got[i]}`);
          }
        }
      }),
    );
  });

  it('gives back each peak within 4 millionths, and never below', () => {
    fc.assert(
      fc.property(SAMPLES, (samples) => {
        const want = Map.groupBy(samples, ({ at }) => Math.floor(at / HOUR_SECONDS));
        for (const day of unpackUsage(packed(samples)).days) {
          for (const [hour, peak] of day.hours.memoryPeaks.entries()) {
            const key = (day.startSeconds - NOW) / HOUR_SECONDS + hour;
            const highest = Math.max(...(want.get(key)?.map(({ bytes }) => bytes) ?? [NaN]));
            const isWithin = peak >= highest && peak <= highest * (1 + 4e-6);
            assert.ok(Object.is(peak, highest) || isWithin, `${highest} is ${peak}`);
          }
        }
      }),
    );
  });

  it('does not depend on the order of the samples', () => {
    fc.assert(
      fc.property(SAMPLES, (samples) => {
        assert.deepEqual(packed(samples), packed(samples.toReversed()));
      }),
    );
  });

  it('does not depend on how many samples wait to be counted', () => {
    const many = Array.from({ length: 70_000 }, (_, i) => ({
      pod: `p${i % 7}`,
      at: (i * 37) % DAY_SECONDS,
      cores: (i % 100) / 10,
      bytes: i,
    }));
    const hours = hoursOf(packed(many));
    const samples = [...hours.values()].reduce((sum, hour) => sum + hour.length, 0);
    assert.equal(samples, 70_000);
    const want = many.filter(({ at }) => at < HOUR_SECONDS).length;
    assert.equal(hours.get(0)?.length, want);
  });

  it('takes 8 kB at most for a fortnight of minutes of a pod, and far less for each pod more', () => {
    const one = fortnight().length;
    assert.ok(one <= 8 * 1024, `${one} bytes`);
    const ten = fortnight(10).length;
    assert.ok(ten <= 3 * one, `${ten} bytes`);
  });

  it('takes 21 kB at most of a pod whatever it uses', () => {
    const fold = new HistoryFold(60);
    const open = fold.ofPod('a');
    for (let minute = 0; minute < 14 * 1440; minute++) {
      open.addCpu(NOW + minute * 60, Math.exp(-20 + 33 * random(1, minute)));
      open.addMemory(NOW + minute * 60, 2 ** (50 * random(2, minute)));
    }
    const { length } = fold.packed() ?? assert.fail();
    assert.ok(length <= 21_000, `${length} bytes`);
  });

  it('is not taken for valid when it is damaged, and no bytes make reading fail', () => {
    const whole = packed([{ pod: 'a', at: 5, cores: 1, bytes: 7 }]);
    assert.deepEqual(checkedUsage(whole), whole);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = whole.slice();
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        assert.equal(checkedUsage(damaged), undefined);
        unpackUsage(damaged);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(checkedUsage(bytes), undefined);
        unpackUsage(bytes.length < 29 ? new Uint8Array(29) : bytes);
      }),
    );
    for (let end = 0; end < whole.length; end++) {
      assert.equal(checkedUsage(whole.subarray(0, end)), undefined);
    }
  });
});

describe('merging what is read again', () => {
  const FROM = NOW - 14 * DAY_SECONDS;
  const hour = (at: number, cores: readonly number[], stepSeconds = 300): PackedUsage => {
    const fold = new HistoryFold(stepSeconds);
    for (const [i, amount] of cores.entries()) {
      fold.addCpu('a', NOW + at * HOUR_SECONDS + i * stepSeconds, amount);
      fold.addMemory('a', NOW + at * HOUR_SECONDS + i * stepSeconds, amount * MI);
    }
    return fold.packed() ?? assert.fail();
  };
  const times = (count: number, cores: number) => Array.from({ length: count }, () => cores);
  const rounded = (usage: PackedUsage | undefined, at = 0) =>
    (usage &&
      hoursOf(usage)
        .get(at)
        ?.map((cores) => Math.round(cores * 20) / 20)) ??
    [];
  const merged = (old: PackedUsage | undefined, fresh: PackedUsage | undefined, from = FROM) =>
    mergePacked(old, fresh, from);

  it('is the same when it is read again, and again', () => {
    fc.assert(
      fc.property(SAMPLES, SAMPLES, (before, after) => {
        const [old, fresh] = [packed(before), packed([...before, ...after])];
        const once = merged(old, fresh) ?? assert.fail();
        assert.deepEqual(merged(once, fresh), once);
        assert.deepEqual(hoursOf(once), hoursOf(fresh));
      }),
    );
  });

  it('is either of the two where the other is missing, and nothing of nothing', () => {
    const usage = packed([{ pod: 'a', at: 5, cores: 1, bytes: 7 }]);
    assert.deepEqual(merged(usage, undefined), usage);
    assert.deepEqual(merged(undefined, usage), usage);
    assert.equal(merged(undefined, undefined), undefined);
  });

  it('puts an hour that was read again in place of the old one, and leaves the others', () => {
    const old = merged(hour(0, times(12, 1)), hour(1, times(6, 2)));
    const got = merged(old, hour(1, times(12, 3)));
    assert.deepEqual(rounded(got, 0), times(12, 1));
    assert.deepEqual(rounded(got, 1), times(12, 3));
  });

  it('keeps an hour that the fresh reading lost samples of, and its coverage', () => {
    const got = merged(hour(0, times(12, 2)), hour(0, times(11, 1))) ?? assert.fail();
    assert.deepEqual(rounded(got), times(12, 2));
    assert.equal(unpackUsage(got).days[0]?.cpuCoverage, 1 / 24);
  });

  it('keeps the higher peak of an hour, whichever has it', () => {
    const [high, low] = [hour(0, times(12, 2)), hour(0, times(12, 1))];
    for (const got of [merged(high, low), merged(low, high)]) {
      assert.ok(got !== undefined);
      assert.equal(unpackUsage(got).days[0]?.memoryPeakBytes, 2 * MI);
    }
    assert.deepEqual(rounded(merged(high, low)), times(12, 1));
  });

  it('takes minutes in place of five minutes', () => {
    const got = merged(hour(0, times(12, 1)), hour(0, times(60, 2), 60));
    assert.deepEqual(rounded(got), times(60, 2));
  });

  it('does not take five minutes in place of minutes, whose peaks they smooth', () => {
    const got = merged(hour(0, times(60, 2), 60), hour(0, times(12, 1)));
    assert.deepEqual(rounded(got), times(60, 2));
  });

  it('takes five minutes where they are clearly more than the minutes there were', () => {
    const got = merged(hour(0, times(20, 2), 60), hour(0, times(12, 1)));
    assert.deepEqual(rounded(got), times(12, 1));
  });

  it('weighs an hour by its time, not by how often it was sampled', () => {
    const got = merged(hour(0, times(12, 1)), hour(1, times(60, 2), 60)) ?? assert.fail();
    const [day] = unpackUsage(got).days;
    const weights = [0, 1].map((each) => {
      const { samples, weight } = cpuOfHour(day?.hours ?? assert.fail(), each) ?? assert.fail();
      return samples * weight;
    });
    assert.deepEqual(weights, [60, 60]);
  });

  it('does not forget kills, restarts and throttling that a later reading does not tell of', () => {
    const fold = new HistoryFold(300);
    fold.addCpu('a', NOW, 1);
    fold.addSignals(NOW, { oomKills: 2, restarts: 1, throttledShare: 1 });
    const got = merged(fold.packed(), hour(0, times(12, 1))) ?? assert.fail();
    assert.deepEqual(unpackUsage(got).days[0]?.signals, {
      oomKills: 2,
      restarts: 1,
      throttledShare: 1,
    });
  });

  it('lets days go that ended before the window, and says where history begins', () => {
    const old = merged(hour(0, [1]), hour(30, [1]));
    const got = merged(old, undefined, NOW + DAY_SECONDS) ?? assert.fail();
    assert.deepEqual([...hoursOf(got).keys()], [30]);
    assert.equal(spanOf(got).firstSampleSeconds, NOW + DAY_SECONDS);
    assert.equal(spanOf(got).lastSampleSeconds, NOW + 30 * HOUR_SECONDS);
    assert.equal(merged(old, undefined, NOW + 2 * DAY_SECONDS), undefined);
  });
});
