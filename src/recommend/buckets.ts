/** Buckets grow by 2 %: the value that stands for a bucket is at most 1 % from any in it. */
export const LOG_GROWTH = Math.log(1.02);

/** Amounts at or below this are as good as 0. */
export const LOG_SMALLEST = Math.log(1e-9);

/** Nothing uses more cores than this: what is above counts as this much. */
const LARGEST = 1e6;

const FIRST_BUCKET = Math.floor(LOG_SMALLEST / LOG_GROWTH);
const LAST_BUCKET = Math.floor(Math.log(LARGEST) / LOG_GROWTH);

/** Codes are 0 for nothing, and from 1 on the buckets from the smallest to the largest. */
export const CODES = LAST_BUCKET - FIRST_BUCKET + 2;

/** Stands for a missing sample where codes are listed. */
export const NO_CODE = 0xffff;

const LOWER_BOUNDS = Float64Array.from({ length: CODES + 1 }, (_, code) => lowerBound(code));

/** Which power of 1.02 a code begins at; for the codes from 1 on. */
export function bucketOfCode(code: number): number {
  return code - 1 + FIRST_BUCKET;
}

/** The cores that stand for each code: in its bucket as far from both ends in proportion. */
const CORES = Float64Array.from({ length: CODES }, (_, code) => {
  const from = LOWER_BOUNDS[code] ?? 0;
  const to = LOWER_BOUNDS[code + 1] ?? 0;
  return code === 0 ? 0 : (2 * from * to) / (from + to);
});

/** The least amount of a code, so that a logarithm taken of it lands in the same bucket. */
function lowerBound(code: number): number {
  if (code === 0) return 0;
  const bucket = bucketOfCode(code);
  let bound = Math.exp(bucket * LOG_GROWTH);
  while (Math.floor(Math.log(bound) / LOG_GROWTH) >= bucket) bound *= 1 - Number.EPSILON;
  while (Math.floor(Math.log(bound) / LOG_GROWTH) < bucket) bound *= 1 + Number.EPSILON;
  return bound;
}

/** So few that the table stays in the innermost cache: its steps are at most a fifth of a bucket. */
const MANTISSA_BITS = 8;
const BUCKETS_AN_OCTAVE = Math.LN2 / LOG_GROWTH;
/** Of each beginning of a mantissa, how many buckets it lies above its octave; never too many. */
const BUCKETS_WITHIN = Float64Array.from(
  { length: 2 ** MANTISSA_BITS },
  (_, mantissa) => Math.log2(1 + mantissa / 2 ** MANTISSA_BITS) * BUCKETS_AN_OCTAVE - 1e-6,
);
const OFFSET = 1 - FIRST_BUCKET;
const EXPONENT_BIAS = 1023;

const NUMBER = new Float64Array(1);
const WORDS = new Uint32Array(NUMBER.buffer);
/** Where the sign and the exponent are. */
const HIGH_WORD = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** The code of an amount in cores, at least 0 and finite. The same as by its logarithm, at a tenth of the time. */
export function codeOf(cores: number): number {
  if (cores < (LOWER_BOUNDS[2] ?? 0)) return cores <= SMALLEST ? 0 : 1;
  if (cores >= (LOWER_BOUNDS[CODES - 1] ?? 0)) return CODES - 1;
  NUMBER[0] = cores;
  const high = WORDS[HIGH_WORD] ?? 0;
  const octave = (high >>> 20) - EXPONENT_BIAS;
  const within = BUCKETS_WITHIN[(high >>> (20 - MANTISSA_BITS)) & (2 ** MANTISSA_BITS - 1)] ?? 0;
  const code = (octave * BUCKETS_AN_OCTAVE + within + OFFSET) | 0;
  return cores >= (LOWER_BOUNDS[code + 1] ?? Infinity) ? code + 1 : code;
}

const SMALLEST = Math.exp(LOG_SMALLEST);

/** The cores that stand for a code: at most 1 % from any amount that has it, above a billionth of a core. */
export function coresOfCode(code: number): number {
  return CORES[code] ?? 0;
}
