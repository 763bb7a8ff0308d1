/** Prints how many samples one core decodes and folds a second: `node test/bench/decode.ts`. */
import { HistoryFold } from '../../src/recommend/history.ts';
import { crc32c } from '../../src/prometheus/crc32c.ts';
import { PeakFold, RateFold } from '../../src/prometheus/rawfold.ts';
import { createXorDecoder, sampleBuffer } from '../../src/prometheus/xor.ts';
import { bitsOf, encodeXor } from '../support/xor-encoder.ts';

const SAMPLES_PER_CHUNK = 120;
const CHUNKS = 168;
const ROUNDS = 100;
const RUNS = 9;

/** 14 days at 60 s of one series, as Prometheus packs it. */
function chunksOf(valueAt: (index: number) => number, jitterMs: number): readonly Uint8Array[] {
  return Array.from({ length: CHUNKS }, (_, chunk) =>
    encodeXor(
      Array.from({ length: SAMPLES_PER_CHUNK }, (_unused, i) => {
        const index = chunk * SAMPLES_PER_CHUNK + i;
        return {
          timeMs: index * 60_000 + ((index * 7919) % (jitterMs + 1)),
          bits: bitsOf(valueAt(index)),
        };
      }),
    ),
  );
}

/** Between 0 and 1, and the same in each run. */
function noise(index: number): number {
  return ((Math.imul(index + 1, 0x9e3779b1) >>> 8) % 10_000) / 10_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function measure(title: string, samples: number, run: () => void): void {
  run();
  const rates = Array.from({ length: RUNS }, () => {
    const started = performance.now();
    run();
    return samples / 1e3 / (performance.now() - started);
  });
  const range = `${Math.min(...rates).toFixed(1)} to ${Math.max(...rates).toFixed(1)}`;
  console.log(
    `${title.padEnd(46)} ${median(rates).toFixed(1).padStart(6)} M samples/s  (${range})`,
  );
}

const decode = createXorDecoder();
const buffer = sampleBuffer();
let cpuSeconds = 0;
const kinds = {
  'memory, whole pages, steady scrape': chunksOf(
    (i) => 2 ** 27 + 4096 * Math.floor(1000 * noise(i)),
    0,
  ),
  'CPU counter, all bits, steady scrape': chunksOf((i) => (cpuSeconds += 6 * noise(i)), 0),
  'CPU counter, all bits, jitter of 20 ms': chunksOf((i) => (cpuSeconds += 6 * noise(i)), 20),
  'a constant': chunksOf(() => 1, 0),
};
for (const [title, chunks] of Object.entries(kinds)) {
  measure(`decode ${title}`, ROUNDS * CHUNKS * SAMPLES_PER_CHUNK, () => {
    for (let round = 0; round < ROUNDS; round++) {
      for (const chunk of chunks) decode(chunk, buffer);
    }
  });
}

/** Decoded once and folded over and over, as a CPU counter and as memory, into bins of a minute. */
const counter = kinds['CPU counter, all bits, jitter of 20 ms'].map((chunk) => {
  const own = sampleBuffer(SAMPLES_PER_CHUNK);
  decode(chunk, own);
  return own;
});
const window = { fromSeconds: 0, toSeconds: CHUNKS * SAMPLES_PER_CHUNK * 60, stepSeconds: 60 };
for (const [title, Fold] of Object.entries({ RateFold, PeakFold })) {
  measure(`fold into bins of a minute, ${title}`, ROUNDS * CHUNKS * SAMPLES_PER_CHUNK, () => {
    for (let round = 0; round < ROUNDS; round++) {
      const pod = new HistoryFold(60).ofPod('pod');
      const row = Fold === RateFold ? pod.cpuRow(window) : pod.memoryRow(window);
      const fold = new Fold(row, 60);
      for (const samples of counter) fold.take(samples, SAMPLES_PER_CHUNK);
      fold.end();
    }
  });
}
const frame = new Uint8Array(2 ** 20).map((_, i) => Math.floor(256 * noise(i)));
measure('CRC-32C of frames of 1 MiB (bytes)', 100 * frame.length, () => {
  for (let round = 0; round < 100; round++) crc32c(frame);
});
