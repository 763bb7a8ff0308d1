import snappy from 'snappyjs';
import { invalidAnswer } from './failure.ts';
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

/** Prometheus' `POST /api/v1/read`, with the answer in streamed chunks. */
export interface RemoteReader {
  /**
   * Asks once, without trying again. Each part of a series is handed on as it arrives, and is lent until `visit`
   * returns: queries in their order, and of each query series after series, so that the parts of one series come in a
   * row. Memory holds one frame. Rejects with a PrometheusError, after parts may have been handed on, or on abort.
   */
  read(
    queries: readonly ReadQuery[],
    visit: (series: ReadSeries) => void,
    signal: AbortSignal,
  ): Promise<Streamed>;
}

export function createRemoteReader(client: StreamClient): RemoteReader {
  return {
    read(queries, visit, signal) {
      let samples = 0;
      const visitCounted = (series: ReadSeries): void => {
        for (const chunk of series.chunks) samples += samplesInChunk(chunk);
        visit(series);
      };
      const frames = new FrameReader((frame) => eachSeriesOf(frame, visitCounted));
      const call = {
        path: 'read',
        selectors: queries.map(({ matchers }) => selectorOf('', matchers)),
        headers: HEADERS,
        data: Buffer.from(snappy.compress(encodeReadRequest(queries))),
        checkKind,
        take: (part: Uint8Array) => frames.push(part),
        samples: () => samples,
        end: () => frames.end(),
      };
      return client.post(call, signal);
    },
  };
}

/** Servers that do not stream answer with all samples at once, which is dear for them. */
function checkKind(contentType: string): void {
  if (!contentType.startsWith(STREAMED)) throw invalidAnswer('a remote read without streaming');
}

/** A chunk begins with their number, in two bytes. */
function samplesInChunk(chunk: Uint8Array): number {
  return ((chunk[0] ?? 0) << 8) | (chunk[1] ?? 0);
}
