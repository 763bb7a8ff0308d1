import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dayStart, HistoryFold, mergeHistory } from '../../../src/recommend/history.ts';
import { cpuOfHour, packHours } from '../../../src/recommend/hours.ts';
import { DAY_SECONDS, type UsageHistory } from '../../../src/recommend/usage.ts';
import { aHistory, day, dayOfHours, days, HOUR_SECONDS, MI, NOW } from '../../support/builders.ts';

const STEP = 300;

function folded(fill: (fold: HistoryFold) => void): UsageHistory {
  const fold = new HistoryFold(STEP);
  fill(fold);
  const history = fold.history();
  assert.ok(history !== undefined);
  return history;
}

describe('folding samples into days', () => {
  it('begins a day at midnight UTC', () => {
    assert.equal(dayStart(NOW), NOW);
    assert.equal(dayStart(NOW - 1), NOW - DAY_SECONDS);
    const { days: got } = folded((fold) => {
      fold.addCpu('a', NOW - 1, 1);
      fold.addCpu('a', NOW, 2);
    });
    assert.deepEqual(
      got.map(({ startSeconds, hours }) => [startSeconds, hours.cpu.length]),
      [
        [NOW - DAY_SECONDS, 1],
        [NOW, 1],
      ],
    );
  });

  it('keeps samples and peaks by the hour, in ascending order', () => {
    const [got] = folded((fold) => {
      fold.addCpu('a', NOW + HOUR_SECONDS, 3);
      fold.addCpu('b', NOW + HOUR_SECONDS + 60, 1);
      fold.addCpu('a', NOW + DAY_SECONDS - 1, 2);
      fold.addMemory('a', NOW, 5);
      fold.addMemory('b', NOW, 9);
    }).days;
    assert.ok(got !== undefined);
    assert.deepEqual([...cpuOfHour(got.hours, 0)], []);
    assert.deepEqual([...cpuOfHour(got.hours, 1)], [1, 3]);
    assert.deepEqual([...cpuOfHour(got.hours, 23)], [2]);
    assert.deepEqual([...got.hours.memoryPeaks.slice(0, 2)], [9, NaN]);
  });

  it('covers the share of the day that has a sample, whatever the number of pods', () => {
    const { days: got } = folded((fold) => {
      for (let step = 0; step < 144; step++) {
        for (const pod of ['a', 'b']) fold.addCpu(pod, NOW + step * STEP, 0.1);
        if (step < 72) fold.addMemory('a', NOW + step * STEP, MI);
      }
    });
    assert.equal(got[0]?.cpuCoverage, 0.5);
    assert.equal(got[0].memoryCoverage, 0.25);
    assert.equal(got[0].hours.cpu.length, 288);
    assert.equal(got[0].pods, 2);
  });

  it('covers no more than the whole day when samples come closer than the step', () => {
    const { days: got } = folded((fold) => {
      for (let second = 0; second < DAY_SECONDS; second += 60) fold.addCpu('a', NOW + second, 1);
    });
    assert.equal(got[0]?.cpuCoverage, 1);
  });

  it('takes the highest peak of all pods', () => {
    const { days: got } = folded((fold) => {
      fold.addMemory('a', NOW, 5 * MI);
      fold.addMemory('b', NOW + 60, 9 * MI);
      fold.addMemory('a', NOW + 120, 7 * MI);
    });
    assert.equal(got[0]?.memoryPeakBytes, 9 * MI);
  });

  it('takes zero for a sample', () => {
    const { days: got } = folded((fold) => {
      fold.addCpu('a', NOW, 0);
      fold.addMemory('a', NOW, 0);
    });
    assert.deepEqual([...(got[0]?.hours.cpu ?? [])], [0]);
    assert.equal(got[0]?.memoryPeakBytes, 0);
  });

  for (const bad of [NaN, -1, Infinity, -Infinity]) {
    it(`takes ${bad} for a missing sample`, () => {
      const fold = new HistoryFold(STEP);
      fold.addCpu('a', NOW, bad);
      fold.addMemory('a', NOW, bad);
      assert.equal(fold.history(), undefined);
      fold.addCpu('a', NOW + STEP, 1);
      const history = fold.history();
      assert.equal(history?.days[0]?.hours.cpu.length, 1);
      assert.equal(history.days[0].memoryPeakBytes, undefined);
      assert.equal(history.days[0].memoryCoverage, 0);
      assert.equal(history.firstSampleSeconds, NOW + STEP);
    });
  }

  it('adds up kills and restarts, and keeps the highest throttled share', () => {
    const { days: got } = folded((fold) => {
      fold.addCpu('a', NOW, 1);
      fold.addSignals(NOW + 10, { oomKills: 1, restarts: 2, throttledShare: 0.2 });
      fold.addSignals(NOW + 20, { oomKills: 2, throttledShare: 0.1 });
    });
    assert.deepEqual(got[0]?.signals, { oomKills: 3, restarts: 2, throttledShare: 0.2 });
  });

  it('says nothing where only signals came, since no use was seen', () => {
    const fold = new HistoryFold(STEP);
    fold.addSignals(NOW, { restarts: 1 });
    assert.equal(fold.history(), undefined);
  });

  it('does not depend on the order of the samples', () => {
    const sample = fc.record({
      pod: fc.constantFrom('a', 'b'),
      at: fc.integer({ min: 0, max: 3 * DAY_SECONDS }),
      amount: fc.integer({ min: 0, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 40 }), (samples) => {
        const history = (of: typeof samples) =>
          folded((fold) => {
            for (const { pod, at, amount } of of) {
              fold.addCpu(pod, NOW + at, amount);
              fold.addMemory(pod, NOW + at, amount * MI);
            }
          });
        assert.deepEqual(history(samples), history([...samples].reverse()));
      }),
    );
  });

  it('knows the first and the last sample', () => {
    const { firstSampleSeconds, lastSampleSeconds } = folded((fold) => {
      fold.addMemory('a', NOW + HOUR_SECONDS, 1);
      fold.addCpu('a', NOW, 1);
      fold.addCpu('a', NOW + 60, 1);
    });
    assert.equal(firstSampleSeconds, NOW);
    assert.equal(lastSampleSeconds, NOW + HOUR_SECONDS);
  });
});

describe('merging a fresh reading into history', () => {
  const from = NOW - 14 * DAY_SECONDS;
  const merged = (old: UsageHistory | undefined, fresh: UsageHistory | undefined, at = from) =>
    mergeHistory(old, fresh, at);

  const firstHour = (history: UsageHistory | undefined) => {
    const [first] = history?.days ?? [];
    return first === undefined ? [] : [...cpuOfHour(first.hours, 0)];
  };

  it('puts a day that was read again in place of the old one', () => {
    const old = aHistory([day(1, { cpu: [1], cpuCoverage: 0.3 })]);
    const fresh = aHistory([day(1, { cpu: [1, 2], cpuCoverage: 0.6 })]);
    assert.deepEqual(firstHour(merged(old, fresh)), [1, 2]);
    assert.equal(merged(old, fresh)?.days[0]?.cpuCoverage, 0.6);
  });

  it('keeps the hours of a day that the fresh reading lost', () => {
    const old = aHistory([day(1, { cpu: [3, 3], cpuCoverage: 0.6, peak: 9 * MI })]);
    const fresh = aHistory([day(1, { cpu: [1, 1], cpuCoverage: 0.3, peak: 5 * MI })]);
    const [got] = merged(old, fresh)?.days ?? [];
    assert.deepEqual(firstHour(merged(old, fresh)), [1, 1]);
    assert.deepEqual(got && [...cpuOfHour(got.hours, 12)], [3, 3]);
    assert.equal(got?.cpuCoverage, 0.6);
    assert.equal(got.memoryPeakBytes, 9 * MI);
  });

  it('keeps a day of which the fresh reading lost pods, though the hours are all there', () => {
    const old = aHistory([day(1, { cpu: [1, 1, 5, 5], peak: 9 * MI, pods: 2 })]);
    const fresh = aHistory([day(1, { cpu: [1, 1], peak: 5 * MI, pods: 1 })]);
    const [got] = merged(old, fresh)?.days ?? [];
    assert.deepEqual(firstHour(merged(old, fresh)), [1, 1, 5, 5]);
    assert.equal(got?.memoryPeakBytes, 9 * MI);
    assert.equal(got.pods, 2);
  });

  it('takes each hour that was read again, but those that lost samples', () => {
    const old = aHistory([dayOfHours(1, [[1, 1], [2, 2], [3], []])]);
    const fresh = aHistory([dayOfHours(1, [[5, 5], [6], [], [7]])]);
    const [got] = merged(old, fresh)?.days ?? [];
    assert.ok(got !== undefined);
    const hours = [0, 1, 2, 3, 4].map((hour) => [...cpuOfHour(got.hours, hour)]);
    assert.deepEqual(hours, [[5, 5], [2, 2], [3], [7], []]);
  });

  it('keeps the higher peak of each hour', () => {
    const peaks = (...bytes: readonly number[]) => {
      const all = Float64Array.from({ length: 24 }, (_, hour) => bytes[hour] ?? NaN);
      return aHistory([{ ...day(1), hours: packHours([], all) }]);
    };
    const [got] = merged(peaks(3, 3, NaN, 3), peaks(1, 5, 2, NaN))?.days ?? [];
    assert.deepEqual([...(got?.hours.memoryPeaks.slice(0, 5) ?? [])], [3, 5, 2, 3, NaN]);
  });

  it('takes a higher peak and kills from a reading that is otherwise poorer', () => {
    const old = aHistory([day(1, { peak: 5 * MI, cpuCoverage: 0.6 })]);
    const fresh = aHistory([day(1, { peak: 9 * MI, cpuCoverage: 0.2, oomKills: 1 })]);
    const [got] = merged(old, fresh)?.days ?? [];
    assert.equal(got?.memoryPeakBytes, 9 * MI);
    assert.equal(got.signals.oomKills, 1);
    assert.equal(got.cpuCoverage, 0.6);
  });

  it('does not forget kills and throttling that a later reading does not tell of', () => {
    const old = aHistory([day(1, { oomKills: 2, throttledShare: 0.4 })]);
    const [got] = merged(old, aHistory([day(1)]))?.days ?? [];
    assert.deepEqual(got?.signals, { oomKills: 2, restarts: 0, throttledShare: 0.4 });
  });

  it('takes a day with a sample or two less, as a cut at its edge costs', () => {
    const samples = (count: number) => Array.from({ length: count }, () => 1);
    const old = aHistory([day(1, { cpu: samples(288) })]);
    const fresh = aHistory([day(1, { cpu: [...samples(286), 7], cpuCoverage: 287 / 288 })]);
    assert.equal(firstHour(merged(old, fresh)).length, 287);
  });

  it('lets old days fall out when they ended before the window', () => {
    const old = aHistory(days(3));
    assert.equal(merged(old, undefined, NOW - 2 * DAY_SECONDS)?.days.length, 2);
    assert.equal(merged(old, undefined, NOW - 2 * DAY_SECONDS - 1)?.days.length, 3);
    assert.equal(merged(old, undefined, NOW), undefined);
  });

  it('keeps days in order, and the first and last sample of both', () => {
    const old = aHistory([day(3), day(2)]);
    const fresh = aHistory([day(1), day(4)].reverse());
    const got = merged(old, fresh);
    assert.deepEqual(
      got?.days.map(({ startSeconds }) => (NOW - startSeconds) / DAY_SECONDS),
      [4, 3, 2, 1],
    );
    assert.equal(got.firstSampleSeconds, NOW - 4 * DAY_SECONDS);
    assert.equal(got.lastSampleSeconds, NOW - STEP);
  });

  it('says that history begins where its first day does, once older days are gone', () => {
    const got = merged(aHistory(days(5)), undefined, NOW - 2 * DAY_SECONDS);
    assert.equal(got?.firstSampleSeconds, NOW - 2 * DAY_SECONDS);
  });

  it('is either of the two where the other is missing, and nothing of nothing', () => {
    const history = aHistory(days(2));
    assert.deepEqual(merged(history, undefined), history);
    assert.deepEqual(merged(undefined, history), history);
    assert.equal(merged(undefined, undefined), undefined);
  });
});
