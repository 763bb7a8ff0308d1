import fc from 'fast-check';
import { bitsOf, STALE_BITS, type RawSample } from './xor-encoder.ts';

/** Values that counters, gauges and broken exporters give, as bits. */
const anyBits: fc.Arbitrary<bigint> = fc.oneof(
  fc.double().map(bitsOf),
  fc.integer({ min: 0, max: 1000 }).map((count) => bitsOf(count)),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308).map(bitsOf),
  fc.constant(STALE_BITS),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);

/** What the second sample of a pair comes after, in ms: a steady scrape, jitter, gaps, the limits of the encoding. */
const step: fc.Arbitrary<number> = fc.oneof(
  fc.constant(60_000),
  fc.integer({ min: 59_990, max: 60_010 }),
  fc.integer({ min: 1, max: 100 }),
  fc.constantFrom(68_191, 68_192, 68_193, 125_535, 125_536, 125_537, 584_287, 584_288, 584_289),
  fc.integer({ min: 1, max: 4 * 3_600_000 }),
);

/** A counter that only grows, and now and then begins again at zero. */
const counterBits = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.double({ min: 0, max: 1e6, noNaN: true }) },
      fc.constant(-1),
    ),
    {
      minLength: 1,
      maxLength: 150,
    },
  )
  .map((rises) => {
    let count = 0;
    return rises.map((rise) => bitsOf((count = rise < 0 ? 0 : count + rise)));
  });

const valueRuns: fc.Arbitrary<readonly bigint[]> = fc.oneof(
  fc.array(anyBits, { minLength: 1, maxLength: 150 }),
  counterBits,
  fc
    .tuple(anyBits, fc.integer({ min: 1, max: 150 }))
    .map(([bits, n]) => Array<bigint>(n).fill(bits)),
);

/** Samples in ascending order of time, from the first time on. */
export function rawSeries(firstMs: fc.Arbitrary<number>): fc.Arbitrary<readonly RawSample[]> {
  return fc.tuple(firstMs, valueRuns).chain(([first, run]) =>
    fc.array(step, { minLength: run.length, maxLength: run.length }).map((steps) => {
      let timeMs = first;
      return run.map((bits, index) => {
        if (index > 0) timeMs += steps[index] ?? 0;
        return { timeMs, bits };
      });
    }),
  );
}
