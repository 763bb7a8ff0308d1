import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HistoryFold } from '../../../src/recommend/history.ts';
import { leakSince } from '../../../src/recommend/leak.ts';

const START = 1_799_971_200;
const HOUR = 3600;
const MI = 2 ** 20;

/** Hourly peaks in MiB, from a midnight on; NaN is an hour without a sample. */
function suspected(hours: number, peakOf: (hour: number) => number, ago = 0): number | undefined {
  const fold = new HistoryFold(HOUR);
  for (let hour = 0; hour < hours; hour++) {
    fold.addMemory('a', START + hour * HOUR, peakOf(hour) * MI);
  }
  const history = fold.history();
  assert.ok(history);
  const since = leakSince(history, { nowSeconds: START + (hours + ago) * HOUR });
  return since === undefined ? undefined : (since - START) / HOUR;
}

const jitter = (hour: number) => 1 + 0.008 * Math.sin(hour * 12.9898);

describe('a suspected leak', () => {
  it('is memory that grows hour by hour for a day', () => {
    assert.equal(
      suspected(27, (hour) => 100 + hour),
      2,
    );
    assert.equal(
      suspected(48, (hour) => 100 + 2 * hour),
      1,
    );
  });

  it('is seen through noise', () => {
    assert.notEqual(
      suspected(60, (hour) => (100 + 2 * hour) * jitter(hour)),
      undefined,
    );
  });

  it('begins where growth began, and not before', () => {
    assert.equal(
      suspected(96, (hour) => 100 + 2 * Math.max(0, hour - 48)),
      49,
    );
  });

  it('begins anew with a fall of a third', () => {
    const sawtooth = (hour: number) => 100 + 3 * (hour % 40);
    assert.equal(suspected(40, sawtooth), 0);
    assert.equal(suspected(60, sawtooth), undefined);
    assert.equal(suspected(80, sawtooth), 40);
  });

  it('stays since the same hour while it goes on', () => {
    const sinces = [30, 40, 60].map((hours) => suspected(hours, (hour) => 100 + 2 * hour));
    assert.deepEqual(sinces, [1, 1, 1]);
  });

  const HARMLESS: Readonly<Record<string, readonly [number, (hour: number) => number]>> = {
    'a plateau': [72, () => 100],
    'a plateau with noise': [72, (hour) => 100 * jitter(hour)],
    'a wave of a day': [240, (hour) => 100 + 50 * Math.sin((hour * Math.PI) / 12)],
    'the rising half of a wave': [66, (hour) => 100 + 50 * Math.sin((hour * Math.PI) / 12)],
    'a step up': [72, (hour) => (hour < 40 ? 100 : 180)],
    'three steps up': [72, (hour) => 100 + 30 * Math.floor(hour / 20)],
    'a cache that fills in a day and levels off': [
      72,
      (hour) => 100 + 200 * (1 - Math.exp(-hour / 10)),
    ],
    'a cache that is nearly full': [26, (hour) => 100 + 200 * (1 - Math.exp(-hour / 8))],
    'growth that ended a few hours ago': [72, (hour) => 100 + 2 * Math.min(hour, 65)],
    'growth by less than a tenth': [30, (hour) => 100 + 0.3 * hour],
    'growth for less than a day': [20, (hour) => 100 + 5 * hour],
    'a sawtooth that falls by less than a third': [72, (hour) => 200 + 5 * (hour % 10)],
  };

  for (const [what, [hours, peakOf]] of Object.entries(HARMLESS)) {
    it(`is not ${what}`, () => {
      assert.equal(suspected(hours, peakOf), undefined);
    });
  }

  it('is not said of what was not seen of late, or in part', () => {
    const grows = (hour: number) => 100 + 2 * hour;
    assert.equal(suspected(48, grows, 3), undefined);
    assert.equal(
      suspected(48, (hour) => (hour > 30 && hour < 40 ? NaN : grows(hour))),
      undefined,
    );
    assert.notEqual(
      suspected(48, (hour) => (hour === 35 ? NaN : grows(hour))),
      undefined,
    );
  });

  it('leaves out the hour that is not over', () => {
    const grows = (hour: number) => (hour === 47 ? 1 : 100 + 2 * hour);
    assert.equal(suspected(48, grows, -0.5), 1);
  });

  it('is said of any even growth that is fast enough, and lasts', () => {
    const base = fc.integer({ min: 20, max: 4000 });
    const perHour = fc.double({ min: 0.005, max: 0.2, noNaN: true });
    fc.assert(
      fc.property(base, perHour, fc.integer({ min: 32, max: 200 }), (from, rate, hours) => {
        const since = suspected(hours, (hour) => from * (1 + rate * hour));
        assert.ok(since !== undefined && since <= 5);
      }),
    );
  });
});
