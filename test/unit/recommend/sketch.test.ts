import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { CODES } from '../../../src/recommend/buckets.ts';
import { ByteReader, ByteWriter } from '../../../src/recommend/bytes.ts';
import { readSketch, Sketch, writeSketch } from '../../../src/recommend/sketch.ts';

interface Sample {
  readonly gap: number;
  readonly count: number;
}

/** Small numbers as nearly all are, and now and then one that takes many bits. */
function numbers(most: number): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.nat(3) },
    { weight: 2, arbitrary: fc.nat(Math.min(most, 70)) },
    { weight: 1, arbitrary: fc.nat(most) },
  );
}

const samples = fc.array(fc.record({ gap: numbers(CODES - 1), count: numbers(2 ** 32 - 2) }), {
  minLength: 1,
  maxLength: 150,
});

function sketchOf(from: readonly Sample[]): Sketch {
  const sketch = new Sketch();
  let code = -1;
  for (const { gap, count } of from) {
    code += gap + 1;
    if (code >= CODES) break;
    sketch.codes[sketch.size] = code;
    sketch.counts[sketch.size] = count + 1;
    sketch.size += 1;
  }
  return sketch;
}

function listed({ codes, counts, size }: Sketch): readonly (readonly [number, number])[] {
  return Array.from({ length: size }, (_, i) => [codes[i] ?? NaN, counts[i] ?? NaN]);
}

describe('The CPU samples of an hour, written and read', () => {
  it('are the same again, whatever follows them', () => {
    const read = new Sketch();
    const property = fc.property(samples, fc.uint8Array({ maxLength: 8 }), (given, after) => {
      const sketch = sketchOf(given);
      const writer = new ByteWriter();
      writeSketch(writer, sketch);
      writer.copy(after, 0, after.length);
      readSketch(new ByteReader().open(writer.result()), read);
      assert.deepEqual(listed(read), listed(sketch));
    });
    fc.assert(property, { numRuns: 5000 });
  });

  it('give some numbers, and do not fail, where bytes are damaged', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const read = new Sketch();
      readSketch(new ByteReader().open(bytes), read);
      assert.ok(read.size <= CODES);
    });
    fc.assert(property, { numRuns: 2000 });
  });
});
