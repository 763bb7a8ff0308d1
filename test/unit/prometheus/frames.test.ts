import assert from 'node:assert/strict';
import fc from 'fast-check';
import { crc32c } from '../../../src/prometheus/crc32c.ts';
import { PrometheusError } from '../../../src/prometheus/prometheuserror.ts';
import { FrameReader } from '../../../src/prometheus/frames.ts';
import { frameOf } from '../../support/frames.ts';

/** The frames that come out when the bytes arrive in parts of these sizes, over and over. */
function read(bytes: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  const reader = new FrameReader((frame) => frames.push(Uint8Array.from(frame)));
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  reader.end();
  return frames;
}

const payloads = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 6 });
const partSizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 });

describe('frames of a streamed answer', () => {
  it('come out whole, whatever the parts in which they arrive', () => {
    fc.assert(
      fc.property(payloads, partSizes, (frames, sizes) => {
        assert.deepEqual(read(Buffer.concat(frames.map(frameOf)), sizes), frames);
      }),
    );
  });

  it('are an error when the last one is cut', () => {
    fc.assert(
      fc.property(payloads, partSizes, fc.integer({ min: 1, max: 4 }), (frames, sizes, cut) => {
        fc.pre(frames.length > 0);
        const bytes = Buffer.concat(frames.map(frameOf));
        const { reason, message } = failureOf(() => read(bytes.subarray(0, -cut), sizes));
        assert.equal(reason, 'PrometheusAnswerInvalid');
        assert.match(message, /cut short/);
      }),
    );
  });

  it('are an error when one bit is not what it was', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        (payload, at, bit) => {
          const bytes = frameOf(payload);
          const broken = bytes.length - 1 - (at % payload.length);
          bytes[broken] = (bytes[broken] ?? 0) ^ (1 << bit);
          assert.match(failureOf(() => read(bytes, [64])).message, /wrong checksum/);
        },
      ),
    );
  });

  it('are refused above 32 MiB, before anything is held', () => {
    const bytes = Uint8Array.of(0x81, 0x80, 0x80, 0x10, 0, 0, 0, 0);
    const failure = failureOf(() => read(bytes, [64]));
    assert.deepEqual([failure.reason, failure.tooLarge], ['PrometheusOverloaded', true]);
  });

  it('are refused when their length does not end', () => {
    const bytes = new Uint8Array(20).fill(0xff);
    assert.match(failureOf(() => read(bytes, [3])).message, /without a length/);
  });
});

function failureOf(run: () => unknown): PrometheusError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof PrometheusError, String(error));
    return error;
  }
  assert.fail('nothing was thrown');
}

describe('CRC-32C', () => {
  // RFC 3720, appendix B.4.
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  for (const [what, bytes, sum] of [
    ['nothing', new Uint8Array(0), 0],
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['ascending bytes', ascending, 0x46dd794e],
    ['descending bytes', ascending.toReversed(), 0x113fdb5c],
    ['digits', Buffer.from('123456789'), 0xe3069283],
  ] as const) {
    it(`of ${what} is as published`, () => {
      assert.equal(crc32c(bytes), sum);
    });
  }
});
