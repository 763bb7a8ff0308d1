// The made-up set: what docs/risk.md says of each trouble, held against the real core hour by hour over four weeks.
import assert from 'node:assert/strict';
import { holds, type ContainerRecommendation } from '../../src/recommend/recommend.ts';
import { DAY_SECONDS as DAY, type Resource } from '../../src/recommend/usage.ts';
import {
  dailyBurst,
  killedForMemory,
  levelShift,
  redeployed,
  slowLeak,
  steady,
  throttled,
  weeklyBurst,
  withCounterResets,
  withGap,
} from '../support/synthetic-scenes.ts';
import { HOUR, shareOver, STEP, walk, type Look } from '../support/synthetic.ts';

const MI = 2 ** 20;
const WEEK = 7 * DAY;
const RISKS = [
  { cpuRisk: '5%', risk: 0.05 },
  { cpuRisk: '2%', risk: 0.02 },
  { cpuRisk: '1%', risk: 0.01 },
] as const;

function between(looks: readonly Look[], from: number, to = Infinity): readonly Look[] {
  return looks.filter(({ seconds }) => seconds > from && seconds <= to);
}

function lookAt(looks: readonly Look[], seconds: number): Look {
  return looks.find((look) => look.seconds === seconds) ?? assert.fail(`no look at ${seconds}`);
}

/** Amounts that were recommended, of looks that had one to give. */
function amounts(looks: readonly Look[], resource: Resource): readonly number[] {
  return looks.flatMap((look) => look[resource] ?? []);
}

function lowest(looks: readonly Look[], resource: Resource): number {
  return Math.min(...amounts(looks, resource));
}

function highest(looks: readonly Look[], resource: Resource): number {
  return Math.max(...amounts(looks, resource));
}

function reasons(looks: readonly Look[], resource: Resource): readonly string[] {
  const all = looks.flatMap(({ recommendation }) => holds(recommendation));
  return [...new Set(all.filter((hold) => hold.resource === resource).map(({ reason }) => reason))];
}

/** A walk that several tests look at. */
function once(make: () => readonly Look[]): () => readonly Look[] {
  let made: readonly Look[] | undefined;
  return () => (made ??= make());
}

function clampsOf({ clamps }: ContainerRecommendation): readonly string[] {
  return clamps.map(({ clamp, resource }) => `${clamp} ${resource}`);
}

describe('a made-up container', function () {
  this.timeout(60_000);

  const untroubled = once(() => walk(steady, { isDaily: true }));

  describe('with a burst each Monday from 09:00 to 13:00', () => {
    const strict = once(() => walk(weeklyBurst, { cpuRisk: '2%' }));
    for (const { cpuRisk, risk } of RISKS) {
      it(`keeps ${cpuRisk}: the first hour of each burst goes over, and hardly a sample after it`, () => {
        const looks = cpuRisk === '2%' ? strict() : walk(weeklyBurst, { cpuRisk });
        for (const week of [1, 2, 3]) {
          const monday = week * WEEK;
          const burst = between(looks, monday + 9 * HOUR, monday + 13 * HOUR);
          const [first = NaN, ...rest] = burst.map(({ over }) => over);
          assert.equal(first, HOUR / STEP);
          assert.ok(rest.reduce((sum, over) => sum + over, 0) <= 1);
          assert.ok(shareOver(between(looks, monday, monday + WEEK)) <= risk);
        }
      });
    }

    it('goes over for all of the burst where the size of Sunday stays for the week', () => {
      const { cpu = 0 } = lookAt(strict(), 3 * WEEK);
      const steps = Array.from({ length: WEEK / STEP }, (_, step) => 3 * WEEK + step * STEP);
      const sizes = { requests: {}, limits: {} };
      const over = steps.filter((time) =>
        weeklyBurst(time, sizes).some(({ cores = 0 }) => cores > cpu),
      );
      assert.equal(over.length, (4 * HOUR) / STEP);
      assert.ok(over.length / steps.length > 0.02);
    });
  });

  describe('with a burst each night from 02:00 to 02:30, 2.1 % of the time', () => {
    it('stays below the burst at 5 %, which has room for it', () => {
      const looks = between(walk(dailyBurst, { cpuRisk: '5%' }), WEEK);
      assert.ok(highest(looks, 'cpu') < 0.3);
      assert.ok(Math.abs(shareOver(looks) - 0.5 / 24) < 0.001);
    });

    it('is partly over at 2 %, and keeps it', () => {
      const looks = between(walk(dailyBurst, { cpuRisk: '2%' }), WEEK);
      assert.ok(highest(looks, 'cpu') > 0.7);
      const share = shareOver(looks);
      assert.ok(share > 0.01 && share <= 0.02, `${share}`);
    });

    it('is sized for the burst at 1 %', () => {
      const looks = between(walk(dailyBurst, { cpuRisk: '1%' }), WEEK);
      assert.ok(lowest(looks, 'cpu') > 0.7);
      assert.ok(shareOver(looks) <= 0.01);
    });
  });

  describe('that uses 2.5 times as much from one afternoon on', () => {
    const shift = 2 * WEEK + 12.5 * HOUR;
    const balanced = once(() => walk(levelShift(shift, 2.5)));
    for (const { cpuRisk, risk } of RISKS) {
      it(`is raised after its first whole hour at ${cpuRisk}, and stays within the risk`, () => {
        const looks = cpuRisk === '5%' ? balanced() : walk(levelShift(shift, 2.5), { cpuRisk });
        const midnight = shift + 11.5 * HOUR;
        assert.ok(lowest(between(looks, shift + HOUR, midnight - HOUR), 'cpu') > 0.55);
        assert.equal(shareOver(between(looks, shift + 1.5 * HOUR, midnight)), 0);
        assert.ok(shareOver(between(looks, WEEK)) <= risk);
      });
    }

    it('has its memory raised within the hour', () => {
      const looks = balanced();
      assert.ok((lookAt(looks, shift + 0.5 * HOUR).memory ?? 0) > 500 * MI);
      assert.equal(
        between(looks, shift + 0.5 * HOUR).filter((look) => look.isMemoryOver).length,
        0,
      );
    });
  });

  describe('that uses 0.4 times as much from one noon on', () => {
    const shift = 10 * DAY + 12 * HOUR;

    const balanced = once(() => walk(levelShift(shift, 0.4), { isDaily: true }));

    it('is lowered once the old level counts for less than the risk: after 7 to 14 days', () => {
      for (const { cpuRisk } of RISKS) {
        const looks =
          cpuRisk === '5%' ? balanced() : walk(levelShift(shift, 0.4), { cpuRisk, isDaily: true });
        const { cpu = 0 } = lookAt(looks, 10 * DAY);
        assert.ok(lowest(between(looks, shift, shift + WEEK), 'cpu') >= cpu, cpuRisk);
        assert.ok(highest(between(looks, shift + 2 * WEEK), 'cpu') < cpu / 2, cpuRisk);
      }
    });

    it('has its memory lowered once its old peaks are 14 days old', () => {
      const looks = balanced();
      const { memory = 0 } = lookAt(looks, 10 * DAY);
      assert.ok(lowest(between(looks, shift, shift + 2 * WEEK), 'memory') >= memory);
      assert.ok(highest(between(looks, shift + 15 * DAY), 'memory') < memory / 2);
    });
  });

  describe('whose memory leaks 4 % a day', () => {
    const leaking = once(() => between(walk(slowLeak), WEEK));

    it('is raised ahead of its use, and never lowered', () => {
      const looks = leaking();
      const requests = amounts(looks, 'memory');
      assert.deepEqual(
        requests,
        requests.toSorted((a, b) => a - b),
      );
      assert.equal(looks.filter(({ isMemoryOver }) => isMemoryOver).length, 0);
    });

    it('has room for the leak of two days and more at all times', () => {
      for (const look of leaking()) {
        const [use] = slowLeak(look.seconds + 2 * DAY, { requests: {}, limits: {} });
        assert.ok((look.memory ?? 0) > (use?.bytes ?? Infinity), `at ${look.seconds}`);
      }
    });
  });

  it('is recommended the same as ever after a redeploy', () => {
    const releases = redeployed(steady, [10 * DAY + 5 * HOUR, 20 * DAY + 7.5 * HOUR]);
    const often = walk(releases, { isDaily: true });
    const targets = (looks: readonly Look[]) => looks.map(({ cpu, memory }) => [cpu, memory]);
    assert.deepEqual(targets(often), targets(untroubled()));
    assert.equal(often.at(-1)?.recommendation.evidence.days, 14);
  });

  describe('that is not scraped for three days', () => {
    const [from, to] = [2 * WEEK, 2 * WEEK + 3 * DAY];
    const unseen = once(() => walk(withGap(levelShift(to, 0.5), from, to), { isDaily: true }));

    it('is held as it was, and says why', () => {
      const before = lookAt(unseen(), from);
      const gap = between(unseen(), from + 2 * HOUR, to);
      for (const resource of ['cpu', 'memory'] as const) {
        assert.deepEqual([...new Set(amounts(gap, resource))], [before[resource]]);
        assert.deepEqual(reasons(gap, resource), ['HistoryStale']);
      }
    });

    it('is not lowered in the week after, though it uses half from then on', () => {
      const before = lookAt(unseen(), from);
      const after = between(unseen(), to, to + WEEK - HOUR);
      assert.ok(lowest(after, 'cpu') >= (before.cpu ?? Infinity));
      assert.ok(lowest(after, 'memory') >= (before.memory ?? Infinity));
      assert.ok(lowest(between(unseen(), to + WEEK), 'cpu') < 0.6 * (before.cpu ?? 0));
    });
  });

  it('is sized past the resets of its CPU counter: they are neither a spike nor a zero', () => {
    const times = Array.from({ length: 28 * 4 }, (_, quarter) => quarter * 6 * HOUR + 77);
    const plain = untroubled().at(-1);
    const reset = walk(withCounterResets(steady, times), { isDaily: true }).at(-1);
    assert.equal(reset?.cpu, plain?.cpu);
    assert.equal(reset?.recommendation.resources.cpu.realised?.daysHit, 0);
  });

  describe('that its CPU limit throttled for two days', () => {
    const [from, to] = [10 * DAY, 12 * DAY];
    const sizes = { requests: { cpu: 0.3 }, limits: { cpu: 0.5 } };
    const limited = once(() => walk(throttled(from, to), { sizes, isDaily: true }));

    it('is raised to its limit at least, and not lowered while a throttled day is in the window', () => {
      const looks = limited();
      const held = between(looks, from + 2 * HOUR, to + 2 * WEEK - HOUR);
      assert.ok(lowest(held, 'cpu') >= 0.5, `${lowest(held, 'cpu')}`);
      const late = between(looks, to + 9 * DAY, to + 2 * WEEK - HOUR);
      assert.deepEqual(reasons(late, 'cpu'), ['Throttled']);
    });

    it('is lowered in the day after', () => {
      assert.ok(highest(between(limited(), to + 15 * DAY), 'cpu') < 0.3);
    });
  });

  describe('that is killed for memory again and again', () => {
    const from = 10 * DAY;
    const killed = killedForMemory(from, 900 * MI);
    const atLimit = (bytes: number) => ({
      requests: { memory: bytes },
      limits: { memory: bytes },
    });

    const small = once(() => walk(killed, { sizes: atLimit(256 * MI), isDaily: true }));

    for (const limit of [256 * MI, 384 * MI]) {
      it(`is asked a fifth and 100 MiB more than a limit of ${limit / MI} MiB, but not more and more`, () => {
        const walked =
          limit === 256 * MI ? small() : walk(killed, { sizes: atLimit(limit), isDaily: true });
        const looks = between(walked, from + HOUR);
        assert.ok(lowest(looks, 'memory') >= Math.max(1.2 * limit, limit + 100 * MI));
        assert.ok(highest(looks, 'memory') < 2 * limit);
      });
    }

    it('is raised no further once it is not killed any more, where the raise is applied', () => {
      const applied = { sizes: atLimit(256 * MI), isDaily: true, isApplied: true };
      const looks = between(walk(killed, applied), from + 8 * DAY);
      assert.ok(lowest(looks, 'memory') >= 900 * MI);
      assert.equal(lowest(looks, 'memory'), highest(looks, 'memory'));
      assert.ok(highest(looks, 'memory') < 2.1 * 900 * MI);
    });

    it('is not asked more than the policy allows, and says so', () => {
      const memoryBounds = { min: undefined, max: 300 * MI };
      const looks = walk(killed, { sizes: atLimit(256 * MI), memoryBounds, isDaily: true });
      for (const { memory, recommendation } of between(looks, from + HOUR)) {
        assert.equal(memory, 300 * MI);
        assert.ok(clampsOf(recommendation).includes('Bounds memory'));
      }
    });

    it('is known by its kills and not by its peaks: the evidence counts as low', () => {
      assert.equal(small().at(-1)?.recommendation.evidence.confidence, 'Low');
    });
  });
});
