import assert from 'node:assert/strict';
import protobuf from 'protobufjs/minimal.js';
import {
  eachSeriesOf,
  encodeReadRequest,
  type ReadSeries,
} from '../../../src/prometheus/readwire.ts';

/** `prompb.Chunk.Encoding`. */
const XOR = 1;
const HISTOGRAM = 2;
const FLOAT_HISTOGRAM = 3;

/** A `prompb.ChunkedReadResponse` of one series, with a chunk in each of the encodings. */
function frame(encodings: readonly number[]): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(0x0a).fork();
  writer.uint32(0x0a).fork().uint32(0x0a).string('__name__').uint32(0x12).string('up').ldelim();
  for (const encoding of encodings) {
    writer.uint32(0x12).fork().uint32(0x08).int64(1).uint32(0x10).int64(2);
    writer.uint32(0x18).int32(encoding).uint32(0x22).bytes(Uint8Array.of(0, encoding)).ldelim();
  }
  return writer.ldelim().finish();
}

function seriesOf(bytes: Uint8Array): readonly ReadSeries[] {
  const found: ReadSeries[] = [];
  eachSeriesOf(bytes, (series) => found.push(series));
  return found;
}

describe('a request of a remote read', () => {
  it('ends with the last number of 64 bits where it has no end', () => {
    const request = encodeReadRequest([{ matchers: [], fromMs: 7, toMs: Infinity }]);
    const last = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert.deepEqual([...request], [0x0a, 12, 0x08, 7, 0x10, ...last, 0x10, 1]);
  });
});

describe('a frame of a remote read', () => {
  it('has labels and chunks, without those of histograms', () => {
    const [series, ...others] = seriesOf(frame([XOR, HISTOGRAM, FLOAT_HISTOGRAM, XOR]));
    assert.deepEqual(others, []);
    assert.deepEqual([...(series?.labels ?? [])], [['__name__', 'up']]);
    const { chunks } = series ?? assert.fail('there is none');
    const bytesOf = (i: number) => [...chunks.bytes.subarray(chunks.beginOf(i), chunks.endOf(i))];
    assert.deepEqual(
      Array.from({ length: chunks.length }, (_, i) => bytesOf(i)),
      [
        [0, XOR],
        [0, XOR],
      ],
    );
  });

  for (const encoding of [0, 4, 99]) {
    it(`is no answer with a chunk in encoding ${encoding}, rather than one without samples`, () => {
      assert.throws(() => seriesOf(frame([XOR, encoding])), {
        reason: 'PrometheusAnswerInvalid',
        message: `Prometheus answered chunks in encoding ${encoding}, which is not known`,
      });
    });
  }

  for (const [what, length] of [
    ['beyond the end', [0x7f]],
    ['of more than 32 bits', [0x82, 0x80, 0x80, 0x80, 0x10]],
  ] as const) {
    it(`is none with a chunk ${what}`, () => {
      const chunk = [0x18, XOR, 0x22, ...length, 0, XOR];
      const series = [0x12, chunk.length, ...chunk];
      assert.throws(() => seriesOf(Uint8Array.of(0x0a, series.length, ...series)), {
        reason: 'PrometheusAnswerInvalid',
        message: /a frame that is not a ChunkedReadResponse/,
      });
    });
  }

  it('is none where its bytes are no message', () => {
    assert.throws(() => seriesOf(Uint8Array.of(0x0a, 0xff, 0xff)), {
      reason: 'PrometheusAnswerInvalid',
      message: /a frame that is not a ChunkedReadResponse/,
    });
  });
});
