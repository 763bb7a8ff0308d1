import { PEEKED_BITS } from './bytes.ts';

/** Longer runs of ones are written as a number of 32 bits. */
export const LONGEST_RUN = 20;

/**
 * How whole numbers are written, of which small ones take few bits: as Rice numbers of a parameter, or as Elias' gamma
 * numbers, which take rare large ones better.
 */
export type Code = number;
export const GAMMA: Code = -1;

/** Bits that the number takes of which these are the first. */
export function lengthIn(bits: number, code: Code): number {
  const run = Math.clz32(~bits);
  return run + 1 + (code === GAMMA ? run : code);
}

/** The number of which these are the first bits; -1 where it has more than can be looked at in one go. */
export function numberIn(bits: number, code: Code): number {
  const run = Math.clz32(~bits);
  const rest = code === GAMMA ? run : code;
  if (run >= LONGEST_RUN || run + 1 + rest > PEEKED_BITS) return -1;
  // Shifting by 32 is shifting by 0, hence in two steps.
  const low = ((bits << (run + 1)) >>> 1) >>> (31 - rest);
  return code === GAMMA ? (1 << run) + low - 1 : (run << code) + low;
}

/** 0 beyond the end. */
export function wordAt(words: Uint32Array, at: number): number {
  return words[at] ?? 0;
}

/** So many bits are looked up at once: most gaps with the count behind them take fewer. */
export const PAIR_BITS = 11;
/** What is looked up for what is no pair: the last word of the tables, which is 0. */
export const NO_PAIR = 2 ** PAIR_BITS;
export const MOST_PAIR_BITS = 15;
/** A pair as it is looked up: by how much the code grows, how many bits that takes, and how many samples the code has. */
export const LARGEST_OF_PAIR = 0xfff;
export const LENGTH_AT = 12;
export const GAP_AT = 16;

/** Most pairs are so short that there are up to three in as many bits. */
const MOST_AT_ONCE = 3;
const LARGEST_OF_SEVERAL = 15;

/** By the bits that they begin with. */
interface LookedUp {
  /**
   * From the lowest bits on, four each: gap, count, gap, count, gap, count, how many bits they take, and how many pairs
   * they are; 0 where not even one is such.
   */
  readonly several: Uint32Array;
  /** What a gap and a count come to; 0 where these are not all bits that they take. */
  readonly one: Uint32Array;
}

/** By how both are written; made when first asked for. */
const LOOKED_UP: (LookedUp | undefined)[] = [];

export function lookedUpIn(gapCode: Code, countCode: Code): LookedUp {
  const key = (gapCode + 1) * 32 + countCode + 1;
  return (LOOKED_UP[key] ??= {
    several: tableOf((bits) => severalIn(bits, gapCode, countCode)),
    one: tableOf((bits) => pairIn(bits, PAIR_BITS, gapCode, countCode)),
  });
}

/** By the first of 32 bits. */
function tableOf(valueOf: (bits: number) => number): Uint32Array {
  return Uint32Array.from({ length: NO_PAIR + 1 }, (_, begin) =>
    begin === NO_PAIR ? 0 : valueOf(begin << (32 - PAIR_BITS)),
  );
}

/** Of the first `known` bits. */
function pairIn(bits: number, known: number, gapCode: Code, countCode: Code): number {
  const gapLength = lengthIn(bits, gapCode);
  if (gapLength >= known) return 0;
  const rest = bits << gapLength;
  const length = gapLength + lengthIn(rest, countCode);
  if (length > known) return 0;
  const grown = numberIn(bits, gapCode) + 1;
  return (grown << GAP_AT) | (length << LENGTH_AT) | (numberIn(rest, countCode) + 1);
}

function severalIn(bits: number, gapCode: Code, countCode: Code): number {
  let [pairs, length, found] = [0, 0, 0];
  while (found < MOST_AT_ONCE) {
    const pair = pairIn(bits << length, PAIR_BITS - length, gapCode, countCode);
    const [gap, count] = [pair >>> GAP_AT, pair & LARGEST_OF_PAIR];
    if (pair === 0 || gap > LARGEST_OF_SEVERAL || count > LARGEST_OF_SEVERAL) break;
    pairs |= (gap | (count << 4)) << (8 * found);
    length += (pair >>> LENGTH_AT) & MOST_PAIR_BITS;
    found += 1;
  }
  return found === 0 ? 0 : pairs | (length << 24) | (found << 28);
}
