import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ChunkError, createXorDecoder, sampleBuffer } from '../../../src/prometheus/xor.ts';
import { rawSeries } from '../../support/raw-series.ts';
import { bitsOf, encodeXor, type RawSample } from '../../support/xor-encoder.ts';

const decode = createXorDecoder();
const buffer = sampleBuffer();

function decoded(bytes: Uint8Array, begin?: number, end?: number): readonly RawSample[] {
  const count = decode(bytes, buffer, begin, end);
  const bits = new BigUint64Array(buffer.values.buffer);
  return Array.from({ length: count }, (_, i) => ({
    timeMs: buffer.times[i] ?? NaN,
    bits: bits[i] ?? 0n,
  }));
}

const anySeries = rawSeries(fc.integer({ min: -(2 ** 42), max: 2 ** 42 }));

const anyBytes = fc.uint8Array({ maxLength: 40 });

describe('decoding of XOR chunks', () => {
  it('gives back what was encoded, bit for bit', () => {
    fc.assert(
      fc.property(anySeries, (samples) => {
        assert.deepEqual(decoded(encodeXor(samples)), samples);
      }),
      { numRuns: 500 },
    );
  });

  it('does not read beyond its chunk', () => {
    fc.assert(
      fc.property(anySeries, anyBytes, anyBytes, (samples, before, after) => {
        const chunk = encodeXor(samples);
        const whole = Buffer.concat([before, chunk, after]);
        const [begin, end] = [before.length, before.length + chunk.length];
        assert.deepEqual(decoded(whole.subarray(begin, end)), samples);
        assert.deepEqual(decoded(whole, begin, end), samples);
      }),
    );
  });

  it('refuses a chunk that was cut anywhere', () => {
    fc.assert(
      fc.property(
        anySeries,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (samples, share) => {
          const chunk = encodeXor(samples);
          const end = Math.floor(chunk.length * share);
          assert.throws(() => decode(chunk.subarray(0, end), buffer), ChunkError);
          // What is missing stands behind it.
          assert.throws(() => decode(chunk, buffer, 0, end), ChunkError);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes any bytes for a chunk or throws, and then decodes the next one', () => {
    const good = encodeXor([{ timeMs: 1_000, bits: bitsOf(1) }]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          decode(bytes, buffer);
        } catch (error) {
          assert.ok(error instanceof ChunkError, String(error));
        }
        assert.deepEqual(decoded(good), [{ timeMs: 1_000, bits: bitsOf(1) }]);
      }),
      { numRuns: 500 },
    );
  });

  it('holds the largest chunk that there can be', () => {
    const samples = Array.from({ length: 65_535 }, (_, i) => ({
      timeMs: i * 15_000,
      bits: bitsOf(i / 7),
    }));
    assert.deepEqual(decoded(encodeXor(samples)), samples);
  });

  it('finds nothing in a chunk of no samples', () => {
    assert.equal(decode(Uint8Array.of(0, 0), buffer), 0);
  });

  for (const [what, chunk, message] of [
    ['no header', [], /without a header/],
    [
      'a value of more than 64 bits',
      [0, 2, 0, ...Array<number>(8).fill(0), 60, 0xff, 0xff, 0xff],
      /or is none/,
    ],
    [
      'a time that no clock shows',
      [0, 1, ...Array<number>(9).fill(0xff), 1, ...Array<number>(8).fill(0)],
      /beyond 2\^53/,
    ],
  ] as const) {
    it(`refuses a chunk with ${what}`, () => {
      assert.throws(() => decode(Uint8Array.from(chunk), buffer), message);
    });
  }
});
