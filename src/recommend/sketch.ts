import { CODES } from './buckets.ts';
import { MOST_BITS, PEEKED_BITS, type ByteReader, type ByteWriter } from './bytes.ts';
import {
  GAMMA,
  GAP_AT,
  LARGEST_OF_PAIR,
  LENGTH_AT,
  lengthIn,
  LONGEST_RUN,
  lookedUpIn,
  MOST_PAIR_BITS,
  NO_PAIR,
  numberIn,
  PAIR_BITS,
  wordAt,
  type Code,
} from './codepairs.ts';

/** The CPU samples of an hour: the codes that they have, ascending, and how many samples have each. */
export class Sketch {
  readonly codes = new Uint16Array(CODES);
  readonly counts = new Uint32Array(CODES);
  size = 0;

  get samples(): number {
    let sum = 0;
    for (let i = 0; i < this.size; i++) sum += this.counts[i] ?? 0;
    return sum;
  }
}

const MOST = 2 ** 32 - 1;

/** Of the codes three bits of a byte tell that of the gaps, five that of the counts. */
const LARGEST_GAP_RICE = 6;
const LARGEST_COUNT_RICE = 24;
const GAMMA_OF_GAPS: Code = 7;
const GAMMA_OF_COUNTS: Code = 31;

/** Numbers that are to be written, and which way they are shortest. One is used for one hour after the other. */
class Numbers {
  readonly values = new Uint32Array(CODES);
  readonly #largestRice: Code;
  readonly #gamma: Code;
  #size = 0;
  #sum = 0;
  #gammaBits = 0;

  constructor(largestRice: Code, gamma: Code) {
    this.#largestRice = largestRice;
    this.#gamma = gamma;
  }

  /** Takes over what was put into `values`: how many, their sum, and what they take as gamma numbers. */
  take(size: number, sum: number, gammaBits: number): void {
    this.#size = size;
    this.#sum = sum;
    this.#gammaBits = gammaBits;
  }

  /** The code that they are shortest in, nearly: of Rice's parameters that for their mean is looked at. */
  shortest(): Code {
    const { values } = this;
    const size = this.#size;
    const fit = Math.floor(Math.log2((this.#sum / size) * Math.LN2 + 0.5));
    const rice = Math.min(Math.max(fit, 0), this.#largestRice);
    let riceBits = size * (1 + rice);
    for (let i = 0; i < size; i++) {
      const run = (values[i] ?? 0) >>> rice;
      riceBits += run >= LONGEST_RUN ? LONGEST_RUN + 31 - rice : run;
    }
    return this.#gammaBits < riceBits ? this.#gamma : rice;
  }
}

const GAPS = new Numbers(LARGEST_GAP_RICE, GAMMA_OF_GAPS);
const COUNTS = new Numbers(LARGEST_COUNT_RICE, GAMMA_OF_COUNTS);

/**
 * Writes a sketch of at least one code. Between two codes stands how far they lie apart, and after each its count:
 * 60 samples in 60 buckets take 15 bytes, or 19 with what goes before them. No hour of n samples takes more than n
 * numbers of 53 bits.
 */
export function writeSketch(writer: ByteWriter, sketch: Sketch): void {
  const { size } = sketch;
  readNumbers(sketch);
  const gapCode = GAPS.shortest();
  const countCode = COUNTS.shortest();
  writer.varint(size);
  writer.varint(sketch.codes[0] ?? 0);
  writer.byte((gapCode << 5) | countCode);
  const gapsIn = gapCode === GAMMA_OF_GAPS ? GAMMA : gapCode;
  const countsIn = countCode === GAMMA_OF_COUNTS ? GAMMA : countCode;
  const gaps = GAPS.values;
  const counts = COUNTS.values;
  writeNumber(writer, counts[0] ?? 0, countsIn);
  for (let i = 1; i < size; i++) {
    writeNumber(writer, gaps[i] ?? 0, gapsIn);
    writeNumber(writer, counts[i] ?? 0, countsIn);
  }
  writer.endBits();
}

/** All in one go, since this is done for each hour: the first code has no gap before it. */
function readNumbers({ codes, counts, size }: Sketch): void {
  const gapValues = GAPS.values;
  const countValues = COUNTS.values;
  let before = (codes[0] ?? 0) - 1;
  let [gapSum, gapBits, countSum, countBits] = [0, 0, 0, 0];
  for (let i = 0; i < size; i++) {
    const code = codes[i] ?? 0;
    const gap = code - before - 1;
    const count = Math.min((counts[i] ?? 0) - 1, MOST);
    before = code;
    gapValues[i] = gap;
    countValues[i] = count;
    gapSum += gap;
    countSum += count;
    gapBits += gammaBits(gap);
    countBits += gammaBits(count);
  }
  GAPS.take(size, gapSum, gapBits);
  COUNTS.take(size, countSum, countBits);
}

function gammaBits(number: number): number {
  return 2 * bitsOf(number + 1) - 1;
}

/** Bits of a whole number from 1 on. */
function bitsOf(number: number): number {
  return number >= 2 ** 32 ? 33 : 32 - Math.clz32(number);
}

/** A run of ones, a zero and the rest, in one go where that is 24 bits or less, as nearly always. */
function writeNumber(writer: ByteWriter, number: number, code: Code): void {
  const isGamma = code === GAMMA;
  const bits = isGamma ? bitsOf(number + 1) - 1 : code;
  const run = isGamma ? bits : number >>> code;
  if (run >= LONGEST_RUN) {
    writeLong(writer, number);
    return;
  }
  const ones = ((1 << run) - 1) << 1;
  const rest = (isGamma ? number + 1 : number) & ((1 << bits) - 1);
  if (run + 1 + bits <= MOST_BITS) writer.bits((ones << bits) | rest, run + 1 + bits);
  else {
    writer.bits(ones, run + 1);
    writer.bits(rest, bits);
  }
}

function writeLong(writer: ByteWriter, number: number): void {
  writer.bits(2 ** LONGEST_RUN - 1, LONGEST_RUN);
  writer.bits(number >>> 16, 16);
  writer.bits(number & 0xffff, 16);
}

/** How many codes follow. */
export function sketchSize(reader: ByteReader): number {
  return Math.min(reader.varint(), CODES);
}

/** Reads what `writeSketch` wrote, and perhaps some bytes after it. */
export function readSketch(reader: ByteReader, sketch: Sketch): void {
  sketch.size = readCodes(reader, sketch, 0);
}

/** What is written beyond the end of a sketch while it is read. */
export const CODES_BEYOND = 2;

/**
 * The same into arrays that are shared, from `begin` on; returns the end. Where they have room, up to CODES_BEYOND of
 * what stands behind the end is written over.
 */
export function readCodes(
  reader: ByteReader,
  { codes, counts }: Pick<Sketch, 'codes' | 'counts'>,
  begin: number,
): number {
  const size = sketchSize(reader);
  let code = reader.varint();
  const told = reader.byte();
  const gapCode = told >>> 5 === GAMMA_OF_GAPS ? GAMMA : told >>> 5;
  const countCode = countCodeOf(told & 31);
  const { several, one } = lookedUpIn(gapCode, countCode);
  const end = begin + size;
  // All that changes with each number is at hand here: this is where unpacking takes its time.
  const { bytes } = reader;
  let { at } = reader;
  let bits = 0;
  let bitCount = 0;
  // Gap, count, gap and so on; the first code has no gap before it.
  for (let i = begin; i < end; i++) {
    for (; bitCount < PEEKED_BITS; bitCount += 8) bits |= (bytes[at++] ?? 0) << (24 - bitCount);
    const first = i === begin ? NO_PAIR : bits >>> (32 - PAIR_BITS);
    const pairs = wordAt(several, first);
    if (pairs !== 0) {
      // Where there are fewer than three the gap of the rest is 0, and what is written for it is written over, or comes
      // after the last.
      code += pairs & 15;
      codes[i] = code;
      counts[i] = (pairs >>> 4) & 15;
      code += (pairs >>> 8) & 15;
      codes[i + 1] = code;
      counts[i + 1] = (pairs >>> 12) & 15;
      code += (pairs >>> 16) & 15;
      codes[i + 2] = code;
      counts[i + 2] = (pairs >>> 20) & 15;
      const length = (pairs >>> 24) & 15;
      bits <<= length;
      bitCount -= length;
      i += (pairs >>> 28) - 1;
      continue;
    }
    const pair = wordAt(one, first);
    let count = pair & LARGEST_OF_PAIR;
    if (pair !== 0) {
      code += pair >>> GAP_AT;
      const length = (pair >>> LENGTH_AT) & MOST_PAIR_BITS;
      bits <<= length;
      bitCount -= length;
    } else {
      reader.bitPosition = 8 * at - bitCount;
      if (i > begin) code += readNumber(reader, gapCode) + 1;
      count = readNumber(reader, countCode) + 1;
      const bit = reader.bitPosition & 7;
      at = reader.bitPosition >> 3;
      bits = (bytes[at++] ?? 0) << (24 + bit);
      bitCount = 8 - bit;
    }
    codes[i] = code;
    counts[i] = count;
  }
  reader.at = at;
  return end;
}

/** One number, of whatever length. */
function readNumber(reader: ByteReader, code: Code): number {
  const bits = reader.peek();
  const number = numberIn(bits, code);
  if (number < 0) return readInParts(reader, code);
  reader.pass(lengthIn(bits, code));
  return number;
}

function countCodeOf(told: number): Code {
  return told === GAMMA_OF_COUNTS ? GAMMA : Math.min(told, LARGEST_COUNT_RICE);
}

/** A number of which more is to be read than can be looked at in one go. */
function readInParts(reader: ByteReader, code: Code): number {
  const run = Math.min(Math.clz32(~reader.peek()), LONGEST_RUN);
  if (run === LONGEST_RUN) {
    reader.pass(run);
    return reader.take(16) * 2 ** 16 + reader.take(16);
  }
  reader.pass(run + 1);
  if (code === GAMMA) return 2 ** run + reader.take(run) - 1;
  return run * 2 ** code + reader.take(code);
}
