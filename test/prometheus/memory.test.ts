import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { SourceOptions } from '../../src/prometheus/source.ts';
import type { ReadOnce } from '../support/read-once.ts';
import { answerEmpty, startStub, type StubPrometheus } from '../support/stub-prometheus.ts';

const SCRIPT = fileURLToPath(new URL('../support/read-once.ts', import.meta.url));
const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** An answer of 64 MiB is let in, as pieces and as one text. */
const MOST_GROWTH = 300 * MIB;

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
  async function flood(response: ServerResponse, part: Buffer): Promise<void> {
    function* parts(): Generator<Buffer> {
      for (let left = GIB; left > 0; left -= part.length) {
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
    const streamed = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse';
    answerReads('/read', (response) => {
      response.writeHead(200, { 'content-type': streamed });
      // The length of the frame, as a varint of 2^30.
      response.write(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 1, 2, 3, 4]));
      void flood(response, Buffer.alloc(64 * 1024, 0));
    });
    bounded(await readOnce({ url: stub.url, reader: 'remote-read' }));
    assert.ok(sent < 100 * MIB);
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
