import protobuf from 'protobufjs/minimal.js';
import snappy from 'snappyjs';
import type { RawSample } from './xor-encoder.ts';

export interface WrittenSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** In ascending order of time. */
  readonly samples: readonly RawSample[];
}

const SAMPLES_PER_REQUEST = 2000;

/**
 * Writes the series into a Prometheus that receives remote writes. All bits of values arrive, which JSON and text
 * would lose of NaNs. Samples go out in the order of time over all series, since the server takes none that is much
 * older than the newest.
 */
export async function writeRemotely(url: string, series: readonly WrittenSeries[]): Promise<void> {
  const all = series
    .flatMap(({ labels, samples }) => samples.map((sample) => ({ labels, sample })))
    .sort((a, b) => a.sample.timeMs - b.sample.timeMs);
  for (let at = 0; at < all.length; at += SAMPLES_PER_REQUEST) {
    const writer = protobuf.Writer.create();
    for (const { labels, sample } of all.slice(at, at + SAMPLES_PER_REQUEST)) {
      writeSeries(writer, labels, sample);
    }
    await postWrite(url, snappy.compress(writer.finish()));
  }
}

/** A `prompb.TimeSeries` of one sample. */
function writeSeries(
  writer: protobuf.Writer,
  labels: WrittenSeries['labels'],
  { timeMs, bits }: RawSample,
): void {
  writer.uint32(0x0a).fork();
  for (const [name, value] of Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))) {
    writer.uint32(0x0a).fork().uint32(0x0a).string(name).uint32(0x12).string(value).ldelim();
  }
  writer.uint32(0x12).fork().uint32(0x09).fixed64(String(bits));
  writer.uint32(0x10).int64(timeMs).ldelim().ldelim();
}

/** Sends a packed `prompb.WriteRequest`. */
export async function postWrite(url: string, body: Uint8Array): Promise<void> {
  const response = await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    },
    body: Buffer.from(body),
  });
  if (!response.ok) throw new Error(`remote write: ${response.status} ${await response.text()}`);
}
