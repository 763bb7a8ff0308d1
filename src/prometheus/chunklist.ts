/** Chunks among the bytes of a message, without an object for each: of one container there are a thousand. */
export class ChunkList {
  readonly bytes: Uint8Array;
  /** Begin and end of each, by turns. */
  readonly #places: number[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get length(): number {
    return this.#places.length / 2;
  }

  add(begin: number, end: number): void {
    this.#places.push(begin, end);
  }

  beginOf(index: number): number {
    return this.#places[2 * index] ?? 0;
  }

  endOf(index: number): number {
    return this.#places[2 * index + 1] ?? 0;
  }
}
