import snappy from 'snappyjs';
import type { ChunkList } from './chunklist.ts';
import { invalidAnswer } from './prometheuserror.ts';
import { FrameReader } from './frames.ts';
import { selectorOf } from './queries.ts';
import { eachSeriesOf, encodeReadRequest, type ReadQuery, type ReadSeries } from './readwire.ts';
import type { StreamClient, Streamed } from './stream.ts';

const STREAMED = 'application/x-streamed-protobuf';

const HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-read-version': '0.1.0',
};

/** Takes the body of a streamed answer, as `StreamClient` hands it on. */
export interface ReadSink {
  /** A part is lent until it returns; no other comes before a promise of it is kept. */
  take(part: Uint8Array): Promise<void> | undefined;
  /** The body has come whole. What is thrown here or in `take` is a failure of the call. */
  end(): Promise<void> | undefined;
  /** That were taken so far. */
  readonly samples: number;
}

/** Prometheus' `POST /api/v1/read`, with the answer in streamed chunks. */
export interface RemoteReader {
  /** Asks once, without trying again. Rejects with a PrometheusError, after parts may have been taken, or on abort. */
  read(queries: readonly ReadQuery[], sink: ReadSink, signal: AbortSignal): Promise<Streamed>;
}

export function createRemoteReader(client: StreamClient): RemoteReader {
  return {
    read(queries, sink, signal) {
      const call = {
        path: 'read',
        selectors: queries.map(({ matchers }) => selectorOf('', matchers)),
        headers: HEADERS,
        data: Buffer.from(snappy.compress(encodeReadRequest(queries))),
        checkKind,
        take: (part: Uint8Array) => sink.take(part),
        samples: () => sink.samples,
        end: () => sink.end(),
      };
      return client.post(call, signal);
    },
  };
}

/** Servers that do not stream answer with all samples at once, which is dear for them. */
function checkKind(contentType: string): void {
  if (!contentType.startsWith(STREAMED)) throw invalidAnswer('a remote read without streaming');
}

/**
 * Hands on each part of a series as it arrives, lent until `visit` returns: queries in their order, and of each query
 * series after series, so that the parts of one series come in a row. Memory holds one frame.
 */
export class SeriesSink implements ReadSink {
  readonly #frames: FrameReader;
  #samples = 0;

  constructor(visit: (series: ReadSeries) => void) {
    this.#frames = new FrameReader((frame) =>
      eachSeriesOf(frame, (series) => {
        this.#samples += samplesIn(series.chunks);
        visit(series);
      }),
    );
  }

  get samples(): number {
    return this.#samples;
  }

  /** Throws a PrometheusError for what is no streamed answer. */
  take(part: Uint8Array): undefined {
    this.#frames.push(part);
  }

  /** Throws a PrometheusError when the body ended within a frame. */
  end(): undefined {
    this.#frames.end();
  }
}

/** A chunk begins with their number, in two bytes. */
function samplesIn(chunks: ChunkList): number {
  const { bytes } = chunks;
  let samples = 0;
  for (let i = 0; i < chunks.length; i++) {
    const at = chunks.beginOf(i);
    if (chunks.endOf(i) - at >= 2) samples += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }
  return samples;
}
