import assert from 'node:assert/strict';
import { behaviourOf } from '../../../src/recommend/behaviour.ts';
import type { Cadence } from '../../../src/recommend/cadence.ts';
import { hourCpu } from '../../../src/recommend/hours.ts';
import { JudgedDays, Tally } from '../../../src/recommend/realised.ts';
import { Steady } from '../../../src/recommend/steady.ts';
import { Tracking } from '../../../src/recommend/tracking.ts';
import type { HourCpu } from '../../../src/recommend/usage.ts';
import { HOUR_SECONDS, NOW } from '../../support/builders.ts';
import { random } from '../../support/history-generator.ts';

const TIMES = 5;
const HOURS = 10 * 24;

interface Sampled {
  readonly cores: readonly number[];
  readonly weight: number;
}

/** A sample a minute, and in every third hour one of five minutes, of which each counts for five. */
function hours(coresAt: (hour: number, sample: number) => number): readonly Sampled[] {
  return Array.from({ length: HOURS }, (_, hour) => {
    const weight = hour % 3 === 0 ? TIMES : 1;
    return {
      cores: Array.from({ length: 60 / weight }, (_, i) => coresAt(hour, i * weight)),
      weight,
    };
  });
}

function hourOf(cores: readonly number[]): HourCpu {
  return hourCpu(cores) ?? assert.fail('an hour has samples');
}

/** By their weight, and as often as that. */
const WAYS: readonly ((hour: Sampled) => HourCpu)[] = [
  ({ cores, weight }) => ({ ...hourOf(cores), weight }),
  ({ cores, weight }) => hourOf(cores.flatMap((each) => new Array<number>(weight).fill(each))),
];

function assertSame(got: readonly (readonly number[])[]): void {
  const [one = [], other = []] = got;
  assert.equal(one.length, other.length);
  assert.ok(one.length > 0 && one.every(Number.isFinite));
  for (const [i, value] of one.entries()) {
    assert.ok(Math.abs(value - (other[i] ?? NaN)) <= 1e-9 * value, `${i}: ${value}, ${other[i]}`);
  }
}

describe('a sample of a coarser step', () => {
  // Coarse hours use more, so that what they count shows.
  const uneven = hours((hour, i) => (hour % 3 === 0 ? 2 : 0.5) * (1 + 0.3 * random(hour, i)));

  for (const [name, cadenceOf] of [
    ['Steady', () => new Steady({ risk: 0.05, confidence: 0.9 })],
    ['Tracking', () => new Tracking({ risk: 0.05, confidence: 0.9 })],
  ] as const) {
    it(`counts as often as it stands for a finer one with ${name}`, () => {
      const walked = WAYS.map((way) => {
        const cadence: Cadence = cadenceOf();
        let request: number | undefined;
        for (const [i, sampled] of uneven.entries()) {
          const startSeconds = NOW + i * HOUR_SECONDS;
          cadence.observe({ startSeconds, cpu: way(sampled), request });
          request = cadence.decide(startSeconds + HOUR_SECONDS, request)?.amount;
        }
        return cadence.levels().flatMap(({ amount, wanted, tail }) => [amount, wanted, tail]);
      });
      assertSame(walked);
    });
  }

  it('counts as often in what was realised', () => {
    const realised = WAYS.map((way) => {
      const days = new JudgedDays();
      const tally = new Tally(days);
      for (const [i, sampled] of uneven.entries()) {
        days.addCpu(NOW + i * HOUR_SECONDS, way(sampled));
        tally.addCpu(way(sampled), 2.2);
      }
      const { share, dayDeviation, worstDay, workOver } = tally.cpu() ?? assert.fail();
      return [share, dayDeviation, worstDay, workOver];
    });
    assertSame(realised);
  });

  it('counts as often for what the behaviour is', () => {
    // Of the samples 6 % are busy, of the time 4.4 %.
    const mostlyIdle = hours((hour, i) => (hour % 3 === 1 && i < 8 ? 1 : 0.01));
    const busyWhereFine = hours((hour, i) => (hour % 3 !== 0 && i % 2 === 0 ? 4.5 : 1));
    for (const each of [mostlyIdle, busyWhereFine, uneven]) {
      const [one, other] = WAYS.map((way) => behaviourOf(each.map(way)));
      assert.equal(one, other);
    }
    const unweighted = mostlyIdle.map(({ cores }) => hourOf(cores));
    const [weighted = []] = WAYS.map((way) => mostlyIdle.map(way));
    assert.deepEqual(
      [unweighted, weighted].map((each) => behaviourOf(each)),
      ['Batch', 'Idle'],
    );
  });
});
