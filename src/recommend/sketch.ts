/**
 * A histogram of CPU use with logarithmic buckets: any quantile comes back within RELATIVE_ERROR of the true
 * value, whatever the distribution, and two sketches merge exactly by adding counts.
 * The scheme is that of DDSketch (Masson, Rim and Lee, VLDB 2019), without its collapsing: the range is bounded
 * instead, since no container uses less than SMALLEST_CORES or more than LARGEST_CORES in earnest.
 */
export const RELATIVE_ERROR = 0.01;
const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);

/** Use at or below this counts as idle and comes back as 0. */
export const SMALLEST_CORES = 1e-5;
export const LARGEST_CORES = 1e5;

const FIRST_BUCKET = bucketOf(SMALLEST_CORES);
const LAST_BUCKET = bucketOf(LARGEST_CORES);

export interface CpuSketch {
  /** Bucket number of counts[0]; without meaning when counts is empty. */
  readonly firstBucket: number;
  readonly counts: Float64Array;
  /** Samples at or below SMALLEST_CORES. */
  readonly idleCount: number;
  readonly totalCount: number;
  /** Sum of all samples in cores; over totalCount it is the exact mean. */
  readonly sum: number;
}

function bucketOf(cores: number): number {
  return Math.ceil(Math.log(cores) / LOG_GAMMA);
}

/** The value that stands for a bucket: at most RELATIVE_ERROR from each value in it. */
function bucketCores(bucket: number): number {
  return (2 * GAMMA ** bucket) / (GAMMA + 1);
}

/**
 * Sketches samples in cores. Negative and non-finite values are not samples and are left out; zero is idle.
 * The order of the samples does not matter.
 */
export function sketchOf(samples: Iterable<number>): CpuSketch {
  const counts = new Map<number, number>();
  let idleCount = 0;
  let totalCount = 0;
  let sum = 0;
  for (const cores of samples) {
    if (!Number.isFinite(cores) || cores < 0) continue;
    totalCount += 1;
    sum += cores;
    if (cores <= SMALLEST_CORES) {
      idleCount += 1;
      continue;
    }
    const bucket = Math.min(LAST_BUCKET, Math.max(FIRST_BUCKET, bucketOf(cores)));
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return { ...denseCounts(counts), idleCount, totalCount, sum };
}

function denseCounts(
  counts: ReadonlyMap<number, number>,
): Pick<CpuSketch, 'firstBucket' | 'counts'> {
  if (counts.size === 0) return { firstBucket: 0, counts: new Float64Array(0) };
  const buckets = [...counts.keys()];
  const firstBucket = Math.min(...buckets);
  const dense = new Float64Array(Math.max(...buckets) - firstBucket + 1);
  for (const [bucket, count] of counts) dense[bucket - firstBucket] = count;
  return { firstBucket, counts: dense };
}

/** Share of the samples above `cores`, 0 to 1; the bucket that holds `cores` counts as not above. 0 when empty. */
export function shareAbove(sketch: CpuSketch, cores: number): number {
  if (sketch.totalCount === 0) return 0;
  const from = cores <= SMALLEST_CORES ? FIRST_BUCKET : bucketOf(cores) + 1;
  let above = 0;
  for (let i = Math.max(0, from - sketch.firstBucket); i < sketch.counts.length; i++) {
    above += sketch.counts[i] ?? 0;
  }
  return above / sketch.totalCount;
}

/** A sketch and how much each of its samples weighs. */
export interface WeightedSketch {
  readonly sketch: CpuSketch;
  readonly weight: number;
}

/**
 * For each share p (0 to 1), in ascending order, the value at or under which that share of the weight lies, in
 * cores: the inverse of the weighted empirical distribution (R's type 1), rounded to the value that stands for its
 * bucket. p = 0 gives the lowest bucket that holds a sample, p = 1 the highest.
 * Undefined when there is no sample with a positive weight.
 */
export function weightedQuantiles(
  parts: readonly WeightedSketch[],
  shares: readonly number[],
): readonly number[] | undefined {
  const used = parts.filter(({ sketch, weight }) => sketch.totalCount > 0 && weight > 0);
  if (used.length === 0) return undefined;
  const { firstBucket, weights, idle, total } = mergeWeights(used);
  const values: number[] = [];
  let bucket = -1;
  let seen = idle;
  let value = 0;
  for (const p of shares) {
    // A hair less, so that the rounding error of the sum never asks for more than there is; the highest sample
    // counts, however little it weighs.
    const wanted = p < 1 ? p * total * (1 - 1e-12) : Infinity;
    while ((seen < wanted || seen === 0) && bucket + 1 < weights.length) {
      bucket += 1;
      const weight = weights[bucket] ?? 0;
      if (weight === 0) continue;
      seen += weight;
      value = bucketCores(firstBucket + bucket);
    }
    values.push(value);
  }
  return values;
}

interface MergedWeights {
  readonly firstBucket: number;
  readonly weights: Float64Array;
  readonly idle: number;
  readonly total: number;
}

function mergeWeights(parts: readonly WeightedSketch[]): MergedWeights {
  const filled = parts.filter(({ sketch }) => sketch.counts.length > 0);
  const firstBucket = Math.min(...filled.map(({ sketch }) => sketch.firstBucket));
  const end = Math.max(...filled.map(({ sketch }) => sketch.firstBucket + sketch.counts.length));
  const weights = new Float64Array(filled.length === 0 ? 0 : end - firstBucket);
  let idle = 0;
  let total = 0;
  for (const { sketch, weight } of parts) {
    const offset = sketch.firstBucket - firstBucket;
    for (let i = 0; i < sketch.counts.length; i++) {
      const added = (sketch.counts[i] ?? 0) * weight;
      weights[offset + i] = (weights[offset + i] ?? 0) + added;
    }
    idle += sketch.idleCount * weight;
    total += sketch.totalCount * weight;
  }
  return { firstBucket, weights, idle, total };
}
