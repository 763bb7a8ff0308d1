import { ByteReader, ByteWriter } from '../recommend/bytes.ts';
import { numberOfShortBits, shortBits } from '../recommend/shortnumbers.ts';

/** Where the walks over the usage of a workload's containers stood when today began, by container. */
export interface KeptWalks {
  /** Undefined where nothing is kept of the container. */
  walkOf(container: string): Float64Array | undefined;
  keepWalk(container: string, walked: Float64Array): void;
}

const WRITER = new ByteWriter();
const READER = new ByteReader();

const NUMBER = new Float64Array(1);
const BYTES = new Uint8Array(NUMBER.buffer);

/** The largest that takes fewer bytes as a varint. */
const LARGEST_WHOLE = 2 ** 49 - 1;

/** About half of the numbers of a walk are counts and times. */
function isWhole(value: number): boolean {
  return Number.isInteger(value) && value <= LARGEST_WHOLE && (value > 0 || Object.is(value, 0));
}

/** How a number is written. */
const WHOLE = 0;
const SHORT = 1;
const LONG = 2;
const KIND_BITS = 2;

/** Whole numbers under this take no more than what is short. */
const SMALL_WHOLE = 2 ** 21;

function kindOf(value: number): number {
  if (value < SMALL_WHOLE && isWhole(value)) return WHOLE;
  if (shortBits(value) !== undefined) return SHORT;
  return isWhole(value) ? WHOLE : LONG;
}

/** How many, how each is written, and each: of 14 days some 1 kB, two fifths of what it is unpacked. */
export function packWalk(walked: Float64Array): Uint8Array {
  WRITER.clear();
  WRITER.varint(walked.length);
  for (const value of walked) WRITER.bits(kindOf(value), KIND_BITS);
  WRITER.endBits();
  for (const value of walked) {
    const kind = kindOf(value);
    if (kind === WHOLE) WRITER.varint(value);
    else if (kind === SHORT) writeShort(shortBits(value) ?? 0);
    else writeLong(value);
  }
  return WRITER.result();
}

function writeShort(bits: number): void {
  WRITER.byte(bits >>> 16);
  WRITER.byte((bits >>> 8) & 255);
  WRITER.byte(bits & 255);
}

function writeLong(value: number): void {
  NUMBER[0] = value;
  WRITER.copy(BYTES, 0, BYTES.length);
}

/** The same numbers again, of what `packWalk` gave. */
export function unpackWalk(packed: Uint8Array): Float64Array {
  READER.open(packed);
  const walked = new Float64Array(READER.varint());
  const kindsAt = READER.at;
  READER.at += Math.ceil((walked.length * KIND_BITS) / 8);
  for (let i = 0; i < walked.length; i++) {
    const kinds = packed[kindsAt + (i >>> 2)] ?? 0;
    walked[i] = readNumber((kinds >>> (6 - KIND_BITS * (i & 3))) & 3);
  }
  return walked;
}

function readNumber(kind: number): number {
  if (kind === WHOLE) return READER.varint();
  if (kind === SHORT) {
    return numberOfShortBits((READER.byte() << 16) | (READER.byte() << 8) | READER.byte());
  }
  for (let at = 0; at < BYTES.length; at++) BYTES[at] = READER.byte();
  return NUMBER[0] ?? NaN;
}
