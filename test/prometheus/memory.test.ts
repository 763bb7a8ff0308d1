import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import protobuf from 'protobufjs/minimal.js';
import type { SourceOptions } from '../../src/prometheus/source.ts';
import { startFaulty } from '../support/faulty-prometheus.ts';
import { frameOf } from '../support/frames.ts';
import type { ReadOnce } from '../support/read-once.ts';
import { answerEmpty, startStub, type StubPrometheus } from '../support/stub-prometheus.ts';
import { bitsOf, encodeXor } from '../support/xor-encoder.ts';

const SCRIPT = fileURLToPath(new URL('../support/read-once.ts', import.meta.url));
const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** An answer of 64 MiB is let in, as pieces and as one text. */
const MOST_GROWTH = 300 * MIB;

const STREAMED = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse';
/** Of one frame: an hour of the container that is asked for, and pods that were matched and not meant. */
const OTHER_PODS = 600;

/** A `prompb.ChunkedReadResponse` of about a mebibyte. */
function fullFrame(): Uint8Array {
  const writer = protobuf.Writer.create();
  const toMs = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  const samples = Array.from({ length: 60 }, (_, minute) => ({
    timeMs: toMs - (60 - minute) * 60_000,
    // A tenth of a core.
    bits: bitsOf(minute * 6),
  }));
  const bytes = encodeXor(samples);
  const chunk = { minMs: toMs - 3_600_000, maxMs: toMs, bytes };
  writeSeries(writer, 'web-1', [chunk]);
  const padding = Array.from({ length: 8 }, () => chunk);
  for (let pod = 0; pod < OTHER_PODS; pod++) writeSeries(writer, `other-${pod}`, padding);
  return writer.finish();
}

interface WrittenChunk {
  readonly minMs: number;
  readonly maxMs: number;
  readonly bytes: Uint8Array;
}

function writeSeries(writer: protobuf.Writer, pod: string, chunks: readonly WrittenChunk[]): void {
  const name = 'container_cpu_usage_seconds_total';
  writer.uint32(0x0a).fork();
  for (const [label, value] of Object.entries({
    __name__: name,
    container: 'web',
    namespace: 'shop',
    pod,
  })) {
    writer.uint32(0x0a).fork().uint32(0x0a).string(label).uint32(0x12).string(value).ldelim();
  }
  for (const { minMs, maxMs, bytes } of chunks) {
    writer.uint32(0x12).fork().uint32(0x08).int64(minMs).uint32(0x10).int64(maxMs);
    writer.uint32(0x18).int32(1).uint32(0x22).bytes(bytes).ldelim();
  }
  writer.ldelim();
}

/** In a process of its own, whose memory can be told from that of the server. */
async function readOnce(options: SourceOptions): Promise<ReadOnce> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [SCRIPT, JSON.stringify(options)]);
  return JSON.parse(stdout) as ReadOnce;
}

describe('memory while Prometheus answers too much', function () {
  this.timeout(120_000);
  let stub: StubPrometheus;
  let restBytes = 0;
  let sent = 0;
  before(async () => {
    stub = await startStub();
    restBytes = (await readOnce({ url: stub.url })).peakBytes;
  });
  after(() => stub.stop());
  beforeEach(() => {
    sent = 0;
  });

  function answerReads(pathEnd: string, answer: (response: ServerResponse) => void): void {
    stub.answering = (request, response) => {
      const { pathname } = new URL(request.url ?? '', stub.url);
      if (pathname.endsWith(pathEnd)) answer(response);
      else answerEmpty(request, response);
    };
  }

  /** A gigabyte of blanks, one part after another, as fast as they are read. */
  async function flood(response: ServerResponse, part: Buffer, bytes = GIB): Promise<void> {
    function* parts(): Generator<Buffer> {
      for (let left = bytes; left >= part.length; left -= part.length) {
        sent += part.length;
        yield part;
      }
    }
    // The one who asked goes away in between.
    await pipeline(Readable.from(parts()), response).catch(() => undefined);
  }

  const bounded = ({ reasons, peakBytes }: ReadOnce): void => {
    const growth = Math.round((peakBytes - restBytes) / MIB);
    assert.deepEqual(reasons, ['PrometheusOverloaded']);
    assert.ok(growth < MOST_GROWTH / MIB, `${growth} MiB more than at rest`);
  };

  it('is bounded for an answer of a gigabyte', async () => {
    answerReads('/query_range', (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      void flood(response, Buffer.alloc(64 * 1024, ' '));
    });
    bounded(await readOnce({ url: stub.url }));
    // It is asked for in halves, down to one pod at one time.
    assert.ok(sent < 12 * 80 * MIB, `${Math.round(sent / MIB)} MiB were sent`);
  });

  for (const [encoding, pack] of [
    ['gzip', (text: Buffer) => gzipSync(text)],
    ['br', (text: Buffer) => brotliCompressSync(text)],
  ] as const) {
    it(`is bounded for a gigabyte that comes as a few bytes of ${encoding}`, async () => {
      const bomb = pack(Buffer.alloc(GIB, ' '));
      assert.ok(bomb.length < 2 * MIB);
      answerReads('/query_range', (response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(bomb);
      });
      bounded(await readOnce({ url: stub.url }));
    });
  }

  it('is bounded for a stream with a frame of a gigabyte', async () => {
    answerReads('/read', (response) => {
      response.writeHead(200, { 'content-type': STREAMED });
      // The length of the frame, as a varint of 2^30.
      response.write(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 1, 2, 3, 4]));
      void flood(response, Buffer.alloc(64 * 1024, 0));
    });
    bounded(await readOnce({ url: stub.url, reader: 'remote-read' }));
    assert.ok(sent < 100 * MIB);
  });

  it('is bounded for a stream of a gigabyte of frames that are as they have to be', async () => {
    const faulty = await startFaulty(stub.url);
    stub.answering = answerEmpty;
    const frame = Buffer.from(frameOf(fullFrame()));
    faulty.breakCalls('read', (response) => {
      response.writeHead(200, { 'content-type': STREAMED });
      // Just under the longest stream that is taken.
      return flood(response, frame, GIB - frame.length);
    });
    const { reasons, containers, peakBytes } = await readOnce({
      url: faulty.url,
      reader: 'remote-read',
    });
    await faulty.stop();
    assert.deepEqual(reasons, []);
    assert.deepEqual(containers, ['web']);
    assert.ok(sent > 0.99 * GIB, `${Math.round(sent / MIB)} MiB were sent`);
    const growth = Math.round((peakBytes - restBytes) / MIB);
    // One frame is held, and what the collector of garbage has not got to yet.
    assert.ok(growth < MOST_GROWTH / MIB, `${growth} MiB more than at rest`);
  });

  it('is bounded for an error of a gigabyte', async () => {
    answerReads('/read', (response) => {
      response.writeHead(400, { 'content-type': 'text/plain' });
      void flood(response, Buffer.alloc(64 * 1024, 'x'));
    });
    const { reasons, messages, peakBytes } = await readOnce({
      url: stub.url,
      reader: 'remote-read',
    });
    assert.deepEqual(reasons, ['PrometheusRefused']);
    assert.ok(messages.every((message) => message.length < 400));
    assert.ok(peakBytes - restBytes < MOST_GROWTH);
  });
});
