const FLOAT = new Float32Array(1);
const FLOAT_BITS = new Uint32Array(FLOAT.buffer);
const DROPPED_BITS = 8;

/** What is less loses bits as a float of 32 bits, down to nothing at all. */
const LEAST_SHORTENED = 2 ** -120;

/**
 * The nearest number that three bytes hold: a float of 32 bits without the last 8, of which 16 bits count. Off by 2^-16
 * of itself at most; what is next to 0 stays as it is.
 */
export function shortened(value: number): number {
  if (Math.abs(value) < LEAST_SHORTENED) return value;
  FLOAT[0] = value;
  const half = 1 << (DROPPED_BITS - 1);
  FLOAT_BITS[0] = (((FLOAT_BITS[0] ?? 0) + half) >>> DROPPED_BITS) << DROPPED_BITS;
  return FLOAT[0];
}

/** The three bytes of a number as a whole one; undefined where it has more. */
export function shortBits(value: number): number | undefined {
  FLOAT[0] = value;
  const bits = FLOAT_BITS[0] ?? 0;
  const isShort = Object.is(FLOAT[0], value) && bits % 2 ** DROPPED_BITS === 0;
  return isShort ? bits >>> DROPPED_BITS : undefined;
}

export function numberOfShortBits(bits: number): number {
  FLOAT_BITS[0] = bits << DROPPED_BITS;
  return FLOAT[0] ?? NaN;
}
