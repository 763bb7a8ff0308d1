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
