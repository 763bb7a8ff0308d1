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
  NUMBER[0] = cores;
  return codeOfNumber();
}

/**
 * Raises codes from `at` on to those of values in cores from `begin` to `end`, where they are higher or there was none
 * (NO_CODE). What is no amount is left out. Done here, since the values stay where they are: handed to a function each
 * would be boxed, which takes as long as all else.
 */
export function raiseCodes(
  codes: Uint16Array,
  at: number,
  { values, begin, end }: { values: Float64Array; begin: number; end: number },
): void {
  const shift = at - begin;
  for (let i = begin; i < end; i++) {
    // Of -0 it makes 0.
    NUMBER[0] = (values[i] ?? NaN) + 0;
    // Infinity, what is not a number, and what is negative has the bits of these, or higher ones.
    if ((WORDS[HIGH_WORD] ?? 0) >= BITS_OF_INFINITY) continue;
    const code = codeOfNumber();
    const before = codes[i + shift] ?? NO_CODE;
    if (before === NO_CODE || code > before) codes[i + shift] = code;
  }
}

const BITS_OF_INFINITY = 0x7ff00000;
const LAST_INNER = CODES - 3;

/** Of what is in NUMBER. */
function codeOfNumber(): number {
  const high = WORDS[HIGH_WORD] ?? 0;
  const within = BUCKETS_WITHIN[(high >>> (20 - MANTISSA_BITS)) & (2 ** MANTISSA_BITS - 1)] ?? 0;
  const code = (((high >>> 20) - EXPONENT_BIAS) * BUCKETS_AN_OCTAVE + within + OFFSET) | 0;
  if (code < 2 || code > LAST_INNER) return outerCode(code);
  return (NUMBER[0] ?? 0) >= (LOWER_BOUNDS[code + 1] ?? Infinity) ? code + 1 : code;
}

/** Near both ends, where there is no bucket beyond. */
function outerCode(code: number): number {
  const cores = NUMBER[0] ?? 0;
  if (cores < (LOWER_BOUNDS[2] ?? 0)) return cores <= SMALLEST ? 0 : 1;
  if (cores >= (LOWER_BOUNDS[CODES - 1] ?? 0)) return CODES - 1;
  return cores >= (LOWER_BOUNDS[code + 1] ?? Infinity) ? code + 1 : code;
}

const SMALLEST = Math.exp(LOG_SMALLEST);

/** The cores that stand for a code: at most 1 % from any amount that has it, above a billionth of a core. */
export function coresOfCode(code: number): number {
  return CORES[code] ?? 0;
}
