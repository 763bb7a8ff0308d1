import protobuf from 'protobufjs/minimal.js';
import { ChunkList } from './chunklist.ts';
import { invalidAnswer, PrometheusError } from './prometheuserror.ts';
import type { LabelMatcher } from './queries.ts';

/**
 * Series that the matchers select, with their samples of the time from `fromMs` to `toMs`, both included; Infinity is the
 * last time that there is on the wire.
 */
export interface ReadQuery {
  readonly matchers: readonly LabelMatcher[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** The highest number of 64 bits with a sign, as it is written. */
const LAST_MS = { low: -1, high: 0x7fff_ffff, unsigned: false } as const;

/** `prompb.LabelMatcher.Type`. */
const MATCHER_TYPES: Readonly<Record<LabelMatcher['operator'], number>> = {
  '=': 0,
  '!=': 1,
  '=~': 2,
  '!~': 3,
};
/** `prompb.ReadRequest.ResponseType`. */
const STREAMED_XOR_CHUNKS = 1;
/** `prompb.Chunk.Encoding`. */
const XOR = 1;
/** Native histograms, of integers and of floats: a metric of that kind may bear any name. */
const HISTOGRAMS: ReadonlySet<number> = new Set([2, 3]);

/** Tags of fields that hold bytes, texts or messages: number × 8 + 2; numbers have × 8 + 0. */
const tag = (field: number, kind: 'Bytes' | 'Number'): number =>
  field * 8 + (kind === 'Bytes' ? 2 : 0);

/** `prompb.ReadRequest` for an answer in streamed chunks. */
export function encodeReadRequest(queries: readonly ReadQuery[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const { matchers, fromMs, toMs } of queries) {
    writer.uint32(tag(1, 'Bytes')).fork();
    writer.uint32(tag(1, 'Number')).int64(fromMs);
    writer.uint32(tag(2, 'Number')).int64(toMs === Infinity ? LAST_MS : toMs);
    for (const { label, operator, value } of matchers) {
      writer.uint32(tag(3, 'Bytes')).fork();
      writer.uint32(tag(1, 'Number')).int32(MATCHER_TYPES[operator]);
      writer.uint32(tag(2, 'Bytes')).string(label).uint32(tag(3, 'Bytes')).string(value).ldelim();
    }
    writer.ldelim();
  }
  return writer.uint32(tag(2, 'Number')).int32(STREAMED_XOR_CHUNKS).finish();
}

/** A part of a series: its chunks may go on in the next frame, under the same labels. */
export interface ReadSeries {
  /** Which query of the request it answers. */
  readonly query: number;
  readonly labels: ReadonlyMap<string, string>;
  /** Chunks in XOR encoding, in ascending order of time; they lie in the frame's own bytes. Histograms are left out. */
  readonly chunks: ChunkList;
}

/** Reads a `prompb.ChunkedReadResponse`. Throws a PrometheusError for bytes that are none, and for samples that it cannot read. */
export function eachSeriesOf(frame: Uint8Array, visit: (series: ReadSeries) => void): void {
  const parts: ReadSeries[] = [];
  try {
    const reader = protobuf.Reader.create(frame);
    const bodies: Uint8Array[] = [];
    let query = 0;
    while (reader.pos < reader.len) {
      const field = reader.uint32();
      // The number of the query comes after its series.
      if (field === tag(1, 'Bytes')) bodies.push(reader.bytes());
      else if (field === tag(2, 'Number')) query = Number(reader.int64());
      else reader.skipType(field & 7);
    }
    for (const body of bodies) parts.push(decodeSeries(body, query));
  } catch (cause) {
    if (cause instanceof PrometheusError) throw cause;
    throw invalidAnswer('a frame that is not a ChunkedReadResponse', cause);
  }
  for (const part of parts) visit(part);
}

function decodeSeries(body: Uint8Array, query: number): ReadSeries {
  const reader = protobuf.Reader.create(body);
  const labels = new Map<string, string>();
  const chunks = new ChunkList(body);
  while (reader.pos < reader.len) {
    const field = reader.uint32();
    if (field === tag(1, 'Bytes')) decodeLabel(reader, labels);
    else if (field === tag(2, 'Bytes')) decodeChunk(reader, chunks);
    else reader.skipType(field & 7);
  }
  return { query, labels, chunks };
}

function decodeLabel(reader: protobuf.Reader, labels: Map<string, string>): void {
  const end = reader.uint32() + reader.pos;
  let name = '';
  let value = '';
  while (reader.pos < end) {
    const field = reader.uint32();
    if (field === tag(1, 'Bytes')) name = reader.string();
    else if (field === tag(2, 'Bytes')) value = reader.string();
    else reader.skipType(field & 7);
  }
  labels.set(name, value);
}

/** Passes over histograms. The times that a chunk states are those of its samples. */
function decodeChunk(reader: protobuf.Reader, chunks: ChunkList): void {
  const end = reader.uint32() + reader.pos;
  let encoding = 0;
  let [dataBegin, dataEnd] = [0, 0];
  while (reader.pos < end) {
    const field = reader.uint32();
    if (field === tag(3, 'Number')) encoding = reader.int32();
    else if (field === tag(4, 'Bytes')) {
      const length = reader.size();
      dataBegin = reader.pos;
      dataEnd = dataBegin + length;
      reader.skip(length);
    } else reader.skipType(field & 7);
  }
  if (HISTOGRAMS.has(encoding)) return;
  // Left out, it would look as if there was no use at all.
  if (encoding !== XOR) throw invalidAnswer(`chunks in encoding ${encoding}, which is not known`);
  chunks.add(dataBegin, dataEnd);
}
