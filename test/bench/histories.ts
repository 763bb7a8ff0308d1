import { HistoryFold } from '../../src/recommend/history.ts';
import type { PackedUsage } from '../../src/recommend/packed.ts';
import { stepsIn } from '../../src/recommend/rows.ts';
import { DAY_SECONDS } from '../../src/recommend/usage.ts';

/** A minute or five, as the reader has them. */
export interface HistoryShape {
  readonly days: number;
  readonly stepSeconds: number;
  /** When the history ends. */
  readonly toSeconds: number;
}

/** Random numbers from 0 to 1, the same for the same seed: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Samples of one container: a mean that follows the day, noise, and bursts now and then. */
export interface Samples {
  readonly times: Float64Array;
  readonly cores: Float64Array;
  readonly bytes: Float64Array;
}

export function simulatedSamples(
  seed: number,
  { days, stepSeconds, toSeconds }: HistoryShape,
): Samples {
  const random = randomOf(seed);
  const count = Math.floor((days * DAY_SECONDS) / stepSeconds);
  const samples: Samples = {
    times: new Float64Array(count),
    cores: new Float64Array(count),
    bytes: new Float64Array(count),
  };
  const mean = 0.02 * 50 ** random();
  const memory = 2 ** 26 * 2 ** (5 * random());
  const swing = 0.7 * random();
  let level = 1;
  for (let index = 0; index < count; index++) {
    const time = toSeconds - (count - 1 - index) * stepSeconds;
    const wave = Math.sin((2 * Math.PI * time) / DAY_SECONDS + seed);
    const burst = random() < 0.01 ? 1 + 3 * random() : 1;
    level += 0.02 * (1 - level) + 0.01 * (random() - 0.5);
    samples.times[index] = time;
    samples.cores[index] = mean * (1 + swing * wave) * (0.6 + 0.8 * random()) * burst;
    samples.bytes[index] = Math.round((memory * (level + 0.05 * wave)) / 4096) * 4096;
  }
  return samples;
}

/** Folds the samples of one pod, as a reader does. Throws where there is none. */
export function foldSamples({ times, cores, bytes }: Samples, stepSeconds: number): HistoryFold {
  const fold = new HistoryFold(stepSeconds);
  const pod = fold.ofPod('pod');
  const fromSeconds = times[0] ?? NaN;
  const count = times.length;
  const window = { fromSeconds, toSeconds: fromSeconds + count * stepSeconds, stepSeconds };
  const { first } = stepsIn(window);
  const rows = [
    [pod.cpuRow(window), cores],
    [pod.memoryRow(window), bytes],
  ] as const;
  for (const [row, amounts] of rows) {
    row.raise(first, amounts, count);
    row.fold();
  }
  return fold;
}

export function packedOf(fold: HistoryFold): PackedUsage {
  const packed = fold.packed();
  if (packed === undefined) throw new Error('the simulated samples came to no history');
  return packed;
}
