import assert from 'node:assert/strict';
import fc from 'fast-check';
import { packHours } from '../../../src/recommend/hours.ts';
import { judgeKept, resizeKept, startKept, type Kept } from '../../../src/recommend/kept.ts';
import { DAY_SECONDS, type Amounts, type UsageHistory } from '../../../src/recommend/usage.ts';
import { aHistory, day, HOUR_SECONDS, MI, NOW, type DayOf } from '../../support/builders.ts';

const SIZES: Amounts = { cpu: 0.5, memory: 200 * MI };

/** Days that begin at NOW. */
function following(...of: readonly DayOf[]): UsageHistory | undefined {
  return aHistory(of.map((what, index) => day(-index, what)));
}

function after(days: number, history: UsageHistory | undefined, from = startKept(NOW)): Kept {
  return judgeKept(from, SIZES, { history, nowSeconds: NOW + days * DAY_SECONDS });
}

function close(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

describe('what becomes of a recommended size', () => {
  it('counts CPU samples over it, hour by hour', () => {
    const { cpu, toSeconds } = after(1, following({ cpu: [0.1, 0.4, 0.6, 0.7] }));
    close(cpu.over / cpu.samples, 0.5);
    assert.ok(cpu.hours > 23 && cpu.hours < 24);
    assert.equal(toSeconds, NOW + DAY_SECONDS);
  });

  it('counts a day of memory once, whatever it had over the size', () => {
    const history = following({ peak: 201 * MI }, { peak: 100 * MI }, { peak: 200 * MI });
    const { memory } = after(3, history);
    assert.equal(memory.today, 'Unseen');
    assert.ok(memory.days > 2.8 && memory.days < 3);
    assert.ok(memory.daysHit > 0.9 && memory.daysHit < 1);
  });

  it('knows of a day that is not over only what it has seen', () => {
    const half = (what: DayOf) => ({ ...what, cpuCoverage: 0.5, memoryCoverage: 0.5 });
    assert.equal(after(0.5, following(half({ peak: 300 * MI }))).memory.today, 'Over');
    assert.equal(after(0.5, following(half({}))).memory.today, 'Under');
    assert.equal(after(0.5, following(half({}))).memory.days, 0);
  });

  it('begins with the first hour that begins after it was recommended', () => {
    const from = startKept(NOW + 90 * 60);
    assert.equal(from.sinceSeconds, NOW + 2 * HOUR_SECONDS);
    const { cpu } = judgeKept(from, SIZES, {
      history: following({}),
      nowSeconds: NOW + 3 * HOUR_SECONDS,
    });
    assert.equal(cpu.hours, 1);
  });

  it('leaves out hours without a sample, and resources without a size', () => {
    const { cpu, memory } = after(2, following({ cpu: [], peak: undefined }, {}));
    assert.ok(cpu.hours > 23 && cpu.hours < 24);
    assert.equal(memory.days, 1);
    const unsized = judgeKept(startKept(NOW), {}, { history: following({}), nowSeconds: NOW * 2 });
    assert.deepEqual([unsized.cpu.samples, unsized.memory.days], [0, 0]);
  });

  it('waits for the samples of an hour to be in', () => {
    const history = aHistory([day(0)], { lastSampleSeconds: NOW + 5 * HOUR_SECONDS - 600 });
    assert.equal(after(1, history).toSeconds, NOW + 4 * HOUR_SECONDS);
    const none = startKept(NOW);
    assert.equal(after(1, undefined, none), none);
  });

  it('counts half after a fortnight', () => {
    const first = after(1, following({ cpu: [1], peak: 300 * MI }));
    const quiet = Array.from({ length: 14 }, (): DayOf => ({ cpu: [], peak: undefined }));
    const history = following({}, ...quiet, { cpu: [0.1] });
    const later = judgeKept(first, SIZES, { history, nowSeconds: NOW + 15 * DAY_SECONDS });
    close(later.cpu.over, first.cpu.over / 2);
    close(later.memory.daysHit, first.memory.daysHit / 2);
  });
});

describe('a size that changes', () => {
  const to = (hours: number, kept: Kept, sizes: Amounts) =>
    judgeKept(kept, sizes, {
      history: following({ cpu: [0.6] }),
      nowSeconds: NOW + hours * HOUR_SECONDS,
    });

  it('leaves the hour of the change to the size that stood at its beginning', () => {
    const raised = resizeKept(
      startKept(NOW),
      SIZES,
      { ...SIZES, cpu: 1 },
      NOW + 1.5 * HOUR_SECONDS,
    );
    const first = to(2, raised, { ...SIZES, cpu: 1 });
    assert.ok(first.cpu.over > 1.9);
    assert.equal(first.before, undefined);
    const second = to(4, first, { ...SIZES, cpu: 1 });
    close(second.cpu.samples - second.cpu.over, 1 + 2 ** (-1 / 336));
  });

  it('holds hours that are judged late against the lowest size since', () => {
    const up = { ...SIZES, cpu: 1 };
    const once = resizeKept(startKept(NOW), SIZES, up, NOW + HOUR_SECONDS);
    const twice = resizeKept(once, up, { ...SIZES, cpu: 2 }, NOW + 2 * HOUR_SECONDS);
    assert.deepEqual(twice.before, { untilSeconds: NOW + 2 * HOUR_SECONDS, sizes: SIZES });
    const gone = resizeKept(twice, {}, SIZES, NOW + 3 * HOUR_SECONDS);
    assert.deepEqual(gone.before?.sizes, {});
  });

  it('changes nothing when it is the same, or when all hours before are judged', () => {
    const kept = startKept(NOW);
    assert.equal(resizeKept(kept, SIZES, { ...SIZES }, NOW + HOUR_SECONDS), kept);
    assert.equal(resizeKept(kept, SIZES, { cpu: 9 }, NOW), kept);
  });
});

describe('judging', () => {
  const hour = fc.record({
    cpu: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
    peak: fc.option(fc.constantFrom(100 * MI, 200 * MI, 300 * MI), { nil: NaN }),
  });
  const usage = fc
    .array(fc.array(hour, { minLength: 24, maxLength: 24 }), { minLength: 1, maxLength: 4 })
    .map((of) =>
      aHistory(
        of.map((hours, index) => ({
          ...day(-index),
          hours: packHours(
            hours.map(({ cpu }) => cpu),
            hours.map(({ peak }) => peak),
          ),
        })),
      ),
    );
  const cuts = fc.array(fc.integer({ min: -3600, max: 4 * DAY_SECONDS }), { maxLength: 6 });

  it('in steps comes to the same as judging at once', () => {
    fc.assert(
      fc.property(usage, cuts, (history, times) => {
        const end = 4 * DAY_SECONDS;
        const at = (kept: Kept, time: number) =>
          judgeKept(kept, SIZES, { history, nowSeconds: NOW + time });
        const steps = [...times].sort((a, b) => a - b);
        const stepwise = [...steps, end].reduce(at, startKept(NOW));
        assert.deepEqual(stepwise, at(startKept(NOW), end));
      }),
    );
  });

  it('takes no hour twice, in whatever order it is asked for', () => {
    fc.assert(
      fc.property(usage, cuts, (history, times) => {
        let kept = startKept(NOW);
        for (const time of times) {
          const next = judgeKept(kept, SIZES, { history, nowSeconds: NOW + time });
          const passed = (next.toSeconds - kept.toSeconds) / HOUR_SECONDS;
          assert.ok(passed >= 0 && next.cpu.hours <= kept.cpu.hours + passed + 1e-9);
          assert.ok(next.memory.daysHit <= next.memory.days);
          assert.ok(next.cpu.over <= next.cpu.samples);
          kept = next;
        }
      }),
    );
  });
});
