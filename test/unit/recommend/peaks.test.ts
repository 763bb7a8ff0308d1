import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PeakMargin, Peaks, PeakSize } from '../../../src/recommend/peaks.ts';

const START = 1_600_000_000 - (1_600_000_000 % 86_400);
const GIB = 2 ** 30;

/** One value an hour; gives the request of each hour at a margin of `excess` spreads. */
function requests(hours: readonly number[], excess = 0.5): number[] {
  const peaks = new Peaks();
  const size = new PeakSize();
  return hours.map((bytes, i) => {
    const startSeconds = START + i * 3600;
    size.decide(peaks, startSeconds, excess);
    peaks.observe({ startSeconds, memory: Float64Array.of(bytes) });
    return size.amount ?? NaN;
  });
}

function excesses(dailyPeaks: readonly number[]): (number | undefined)[] {
  const peaks = new Peaks();
  return dailyPeaks.map((bytes, i) =>
    peaks.observe({ startSeconds: START + i * 86_400, memory: Float64Array.of(bytes) }),
  );
}

function constant(bytes: number, hours: number): number[] {
  return Array.from({ length: hours }, () => bytes);
}

describe('memory peaks', () => {
  it('are sized at once after a new peak', () => {
    const got = requests([...constant(GIB, 240), 2 * GIB, 2 * GIB]);
    assert.ok((got[240] ?? 0) < 1.2 * GIB);
    assert.ok((got[241] ?? 0) > 2 * GIB);
  });

  it('hold the request for 14 days after a peak, and no longer', () => {
    const got = requests([...constant(GIB, 240), 4 * GIB, ...constant(GIB, 16 * 24)]);
    assert.ok((got[240 + 13 * 24] ?? 0) > 4 * GIB);
    assert.ok((got.at(-1) ?? 0) < 1.3 * GIB);
  });

  it('are not lowered on what is missing', () => {
    const got = requests([...constant(4 * GIB, 24), ...constant(GIB, 240), ...constant(NaN, 480)]);
    for (const request of got.slice(266)) assert.ok(request >= (got[266] ?? NaN));
  });

  it('have no size before the first sample', () => {
    assert.equal(new Peaks().highest, undefined);
    assert.equal(new PeakSize().decide(new Peaks(), START, 1), undefined);
  });

  it('say how far a day lay over the days before it, in units of their spread', () => {
    const got = excesses([...constant(GIB, 7), 2 * GIB, GIB]);
    // Six days before it are the least that a day is held against.
    assert.ok(got.slice(0, 7).every((excess) => excess === undefined));
    // Constant peaks have the least spread, 0.1.
    assert.equal(got[7], 0);
    assert.ok(Math.abs((got[8] ?? 0) - Math.log(2) / 0.1) < 1e-9);
  });

  it('say nothing below the least request', () => {
    const tiny = constant(2 ** 20, 10);
    assert.ok(excesses([...tiny, 2 ** 22, 2 ** 20]).every((excess) => excess === undefined));
  });

  it('cost more where they differ more', () => {
    const wild = Array.from({ length: 240 }, (_, i) =>
      Math.floor(i / 24) % 2 === 0 ? GIB : GIB / 4,
    );
    assert.ok((requests(wild).at(-1) ?? 0) > 1.1 * (requests(constant(GIB, 240)).at(-1) ?? 0));
  });
});

describe('the margin on memory peaks', () => {
  it('is the least that would have kept the risk', () => {
    const margin = new PeakMargin(0.05);
    for (let i = 1; i <= 1000; i++) margin.add(i / 1000);
    // 0.95 x 5 % x 1001 - 1 = 46.5: 46 days may be over it, so it is the 47th from above.
    assert.equal(margin.excess(), 0.954);
  });

  it('is the prior where a fleet is too young, or too small for the risk', () => {
    const young = new PeakMargin(0.02);
    assert.equal(young.excess(), 0.75);
    const small = new PeakMargin(0.001);
    for (let i = 0; i < 500; i++) small.add(-1);
    assert.equal(small.excess(), 3.3);
  });

  it('does not fall under the maximum itself', () => {
    const margin = new PeakMargin(0.2);
    for (let i = 0; i < 200; i++) margin.add(-1);
    assert.equal(margin.excess(), 0);
  });

  it('never falls with a stricter risk', () => {
    const risks = fc.tuple(
      fc.double({ min: 0.001, max: 0.3, noNaN: true }),
      fc.double({ min: 1, max: 10, noNaN: true }),
    );
    const fleet = fc.array(fc.double({ min: -2, max: 3, noNaN: true }), {
      minLength: 300,
      maxLength: 400,
    });
    fc.assert(
      fc.property(risks, ([strict, times]) => {
        assert.ok(
          new PeakMargin(strict).excess() >= new PeakMargin(Math.min(0.5, strict * times)).excess(),
        );
      }),
    );
    fc.assert(
      fc.property(fleet, fc.constantFrom(0.05, 0.1, 0.2), (days, risk) => {
        const [strict, loose] = [new PeakMargin(risk), new PeakMargin(2 * risk)];
        for (const day of days) {
          strict.add(day);
          loose.add(day);
        }
        assert.ok(strict.excess() >= loose.excess());
      }),
    );
  });
});
