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

/** The state of a walk as numbers, to go on from later. One writer is used for one walk after the other. */
export class StateWriter {
  #numbers = new Float64Array(1024);
  #end = 0;

  begin(): this {
    this.#end = 0;
    return this;
  }

  number(value: number): void {
    this.#makeRoom(1);
    this.#numbers[this.#end++] = value;
  }

  /** How many is not told: to be written before them where it is not known. */
  numbers(values: ArrayLike<number>): void {
    this.#makeRoom(values.length);
    this.#numbers.set(values, this.#end);
    this.#end += values.length;
  }

  /** What was written since the beginning: a copy. */
  result(): Float64Array {
    return this.#numbers.slice(0, this.#end);
  }

  #makeRoom(count: number): void {
    if (this.#end + count <= this.#numbers.length) return;
    const numbers = new Float64Array(Math.max(2 * this.#numbers.length, this.#end + count));
    numbers.set(this.#numbers.subarray(0, this.#end));
    this.#numbers = numbers;
  }
}

/** Reads numbers in the order in which a StateWriter took them. */
export class StateReader {
  readonly #numbers: Float64Array;
  #at = 0;

  constructor(numbers: Float64Array) {
    this.#numbers = numbers;
  }

  number(): number {
    return this.#numbers[this.#at++] ?? NaN;
  }

  /** A copy. */
  numbers(count: number): Float64Array<ArrayBuffer> {
    const begin = this.#at;
    this.#at += count;
    return Float64Array.from(this.#numbers.subarray(begin, this.#at));
  }
}
