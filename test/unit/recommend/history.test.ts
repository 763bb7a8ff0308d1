import assert from 'node:assert/strict';
import fc from 'fast-check';
import { codeOf } from '../../../src/recommend/buckets.ts';
import { dayStart, HistoryFold } from '../../../src/recommend/history.ts';
import { cpuOfHour } from '../../../src/recommend/hours.ts';
import { DAY_SECONDS, type UsageDay, type UsageHistory } from '../../../src/recommend/usage.ts';
import { HOUR_SECONDS, MI, NOW } from '../../support/builders.ts';
import { samplesOfHour } from '../../support/hourcpu.ts';

const STEP = 300;

function folded(fill: (fold: HistoryFold) => void): UsageHistory {
  const fold = new HistoryFold(STEP);
  fill(fold);
  const history = fold.history();
  assert.ok(history !== undefined);
  return history;
}

function samplesOf({ hours }: UsageDay): number {
  return hours.cpu.reduce((sum, hour) => sum + (hour?.samples ?? 0), 0);
}

/** Amounts of an hour, each as often as it was sampled, to the nearest percent. */
function amountsOf({ hours }: UsageDay, hour: number): readonly number[] {
  return samplesOfHour(cpuOfHour(hours, hour)).map((cores) => Math.round(cores * 20) / 20);
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
      got.map((day) => [day.startSeconds, samplesOf(day)]),
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
    assert.deepEqual(amountsOf(got, 0), []);
    assert.deepEqual(amountsOf(got, 1), [1, 3]);
    assert.deepEqual(amountsOf(got, 23), [2]);
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
    assert.equal(samplesOf(got[0]), 288);
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
    assert.deepEqual(samplesOfHour(got[0]?.hours.cpu[0]), [0]);
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
      assert.ok(history?.days[0] !== undefined);
      assert.equal(samplesOf(history.days[0]), 1);
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
    assert.deepEqual(got[0]?.signals, { oomKills: 3, restarts: 2, throttledShare: 13107 / 65535 });
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

  it('is the same of rows of steps as of their samples one by one', () => {
    const amount = fc.oneof(
      { weight: 4, arbitrary: fc.double({ min: 0, max: 1e12, noNaN: true }) },
      fc.constantFrom(NaN, -1, Infinity),
    );
    const row = fc.record({
      pod: fc.constantFrom('a', 'b'),
      skipped: fc.integer({ min: 0, max: 200 }),
      amounts: fc.array(amount, { maxLength: 300 }),
    });
    const steps = fc.constantFrom(5, 15, 45, 60, 300, 3600, 7200);
    fc.assert(
      fc.property(steps, fc.array(row, { minLength: 1, maxLength: 3 }), (step, rows) => {
        const [inRows, oneByOne] = [new HistoryFold(step), new HistoryFold(step)];
        for (const { pod, skipped, amounts } of rows) {
          const first = Math.ceil(NOW / step) + skipped;
          const window = {
            fromSeconds: (first - 1) * step,
            toSeconds: (first + amounts.length) * step,
            stepSeconds: step,
          };
          const open = inRows.ofPod(pod);
          for (const stepRow of [open.cpuRow(window), open.memoryRow(window)]) {
            stepRow.raise(first, Float64Array.from(amounts), amounts.length);
            stepRow.fold();
          }
          for (const [i, each] of amounts.entries()) {
            oneByOne.addCpu(pod, (first + i) * step - 1, each);
            oneByOne.addMemory(pod, (first + i) * step - 1, each);
          }
        }
        assert.deepEqual(inRows.packed(), oneByOne.packed());
      }),
    );
  });

  it('has the highest of several series in each step of a row', () => {
    const fold = new HistoryFold(STEP);
    const first = NOW / STEP + 1;
    const row = fold
      .ofPod('a')
      .cpuRow({ fromSeconds: NOW, toSeconds: NOW + 4 * STEP, stepSeconds: STEP });
    row.raise(first - 1, Float64Array.of(9, 1, 3), 3);
    row.raise(first, Float64Array.of(2, 2, NaN, 4, 9), 5);
    assert.equal(fold.packed(), undefined);
    row.fold();
    const hour = fold.history()?.days[0]?.hours.cpu[0] ?? assert.fail('nothing was folded');
    const { begin, end, codes, counts } = hour;
    assert.deepEqual([...codes.subarray(begin, end)], [2, 3, 4].map(codeOf));
    assert.deepEqual([...counts.subarray(begin, end)], [1, 1, 1]);
  });

  it('has nothing of what another one left behind', () => {
    const fill = (fold: HistoryFold) => {
      fold.addCpu('a', NOW + 2 * HOUR_SECONDS, 0.5);
      fold.addMemory('a', NOW + 40 * HOUR_SECONDS, 5 * MI);
      return fold.packed();
    };
    const alone = fill(new HistoryFold(STEP));
    const busy = new HistoryFold(STEP);
    for (let at = NOW; at < NOW + 3 * DAY_SECONDS; at += STEP) {
      for (const pod of ['a', 'b']) {
        busy.addCpu(pod, at, 2);
        busy.addMemory(pod, at, 9 * MI);
      }
      busy.addSignals(at, { oomKills: 1, restarts: 2, throttledShare: 0.5 });
    }
    assert.ok(busy.packed() !== undefined);
    busy.end();
    assert.deepEqual(fill(new HistoryFold(STEP)), alone);
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
