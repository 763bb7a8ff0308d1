import { CODES_BEYOND } from './sketch.ts';

/** Codes of CPU, and how many samples are of each. */
export interface CodeArrays {
  readonly codes: Uint16Array<ArrayBuffer>;
  readonly counts: Uint32Array<ArrayBuffer>;
}

/** Of a code and its count. */
const CODE_BYTES = 6;

/**
 * Memory of rooms that were given back. A history takes some hundred kilobytes, which are in the processor's caches
 * still when the next one is unpacked to them.
 */
const SPARE: ArrayBuffer[] = [];
const MOST_SPARE = 4;
/** Of workloads with hundreds of pods it is not kept. */
const LARGEST_SPARE = 2 ** 20;
/** What is so many times as large as is needed is left for a larger one. */
const LARGEST_WASTE = 8;

/** The smallest that is large enough. */
function takeSpare(bytes: number): ArrayBuffer | undefined {
  let found: ArrayBuffer | undefined;
  for (const each of SPARE) {
    const isSmaller = found === undefined || each.byteLength < found.byteLength;
    if (each.byteLength >= bytes && isSmaller) found = each;
  }
  if (found !== undefined && found.byteLength > LARGEST_WASTE * bytes) return undefined;
  if (found !== undefined) SPARE.splice(SPARE.indexOf(found), 1);
  return found;
}

/** So that what is given back is often large enough for another. */
function roundedSize(bytes: number): number {
  if (bytes > LARGEST_SPARE) return bytes;
  return 2 ** Math.ceil(Math.log2(Math.max(bytes, 1)));
}

/**
 * The arrays for CPU of some days, made when the first of them is unpacked. The last day has its own, since mostly it is
 * the only one that is; arrays for each day would leave as many to the garbage collector.
 */
export class CodeRoom {
  #size = 0;
  #arrays: CodeArrays | undefined;

  /** Takes in so many codes before the first is unpacked; says where they begin. */
  reserve(size: number): number {
    const begin = this.#size;
    this.#size += size + CODES_BEYOND;
    return begin;
  }

  /** Both in the same memory. */
  arrays(): CodeArrays {
    if (this.#arrays !== undefined) return this.#arrays;
    const size = this.#size;
    const buffer = takeSpare(size * CODE_BYTES) ?? new ArrayBuffer(roundedSize(size * CODE_BYTES));
    const counts = new Uint32Array(buffer, 0, size);
    this.#arrays = { counts, codes: new Uint16Array(buffer, size * 4, size) };
    return this.#arrays;
  }

  /** What was unpacked to the arrays is gone then. */
  giveBack(): void {
    const buffer = this.#arrays?.counts.buffer;
    this.#arrays = undefined;
    if (buffer === undefined || buffer.byteLength > LARGEST_SPARE) return;
    // Who holds hours of it still finds them empty, and not those of another container.
    SPARE.push(buffer.transfer());
    if (SPARE.length > MOST_SPARE) SPARE.shift();
  }
}
