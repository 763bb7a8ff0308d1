/** Where decoded samples go: the same index of both arrays is one sample. */
export interface SampleBuffer {
  /** Unix milliseconds. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** The bits of `values`, as pairs of words. */
  readonly words: Int32Array;
}

/** The header of a chunk counts its samples in 16 bits. */
const MOST_SAMPLES = 0xffff;

/** Holds any one chunk: 1.5 MB, to be used again for each. */
export function sampleBuffer(samples = MOST_SAMPLES): SampleBuffer {
  const values = new Float64Array(samples);
  return { times: new Float64Array(samples), values, words: new Int32Array(values.buffer) };
}

/** A chunk that does not hold what its header promises. */
export class ChunkError extends Error {
  override readonly name = 'ChunkError';
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
/** Which of a pair of words is the upper half of a double. */
const HIGH = IS_LITTLE_ENDIAN ? 1 : 0;
const LOW = 1 - HIGH;

/** What one sample takes at most, beyond the end of a chunk that was cut: 68 bits of time, 77 of value, in words. */
const PADDING_WORDS = 8;

/**
 * Decodes a chunk of Prometheus' XOR encoding, which is the bytes or a part of them, into the buffer from its beginning;
 * says how many samples it holds, which is 0 to 65,535. All bits of values are kept, those of NaNs too. Throws a
 * ChunkError for a chunk that was cut short or that no encoder writes.
 */
export type DecodeXor = (
  bytes: Uint8Array,
  into: SampleBuffer,
  begin?: number,
  end?: number,
) => number;

/** Each decoder holds a copy of the chunk at hand, so that one of them decodes one chunk at a time. */
export function createXorDecoder(): DecodeXor {
  // One for all chunks: there are tens of thousands a second.
  const loaded: LoadedChunk = { words: new Int32Array(256), begin: 0, end: 0, count: 0 };
  return (bytes, into, begin = 0, end = bytes.length) => {
    if (end - begin < 2) throw new ChunkError('a chunk without a header');
    const count = ((bytes[begin] ?? 0) << 8) | (bytes[begin + 1] ?? 0);
    if (count > into.times.length) throw new ChunkError(`a chunk of ${count} samples`);
    if (count === 0) return 0;
    const needed = ((end - begin) >>> 2) + 1 + PADDING_WORDS;
    if (loaded.words.length < needed) loaded.words = new Int32Array(2 * needed);
    loaded.begin = begin;
    loaded.end = end;
    loaded.count = count;
    loadWords(bytes, loaded);
    decodeSamples(bytes, loaded, into);
    return count;
  };
}

interface LoadedChunk {
  /** The bytes of the chunk. */
  words: Int32Array;
  /** Where it is among the bytes that it was given in. */
  begin: number;
  end: number;
  count: number;
}

/** As big-endian words with zeros after them, so that any 32 bits are two shifts away. */
function loadWords(bytes: Uint8Array, { words, begin, end }: LoadedChunk): void {
  const whole = (end - begin) >>> 2;
  for (let i = 0, at = begin; i < whole; i++, at += 4) {
    words[i] =
      ((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0);
  }
  let last = 0;
  for (let at = begin + whole * 4, shift = 24; at < end; at++, shift -= 8) {
    last |= (bytes[at] ?? 0) << shift;
  }
  words[whole] = last;
  words.fill(0, whole + 1, whole + 1 + PADDING_WORDS);
}

/** The 32 bits from a position. */
function peek(words: Int32Array, bit: number): number {
  const at = bit >>> 5;
  const shift = bit & 31;
  // Shifting by 32 is shifting by 0, hence in two steps.
  return ((words[at] ?? 0) << shift) | (((words[at + 1] ?? 0) >>> 1) >>> (31 - shift));
}

/**
 * The first sample stands in full, the second as a difference; from there on `decodeRest` goes by second differences
 * of time, and by the bits in which a value differs from the one before.
 */
function decodeSamples(bytes: Uint8Array, loaded: LoadedChunk, into: SampleBuffer): void {
  const { words, begin, end, count } = loaded;
  const firstEnd = readVarint(bytes, begin + 2, end);
  const first = numberAt(VARINT, 0);
  if (firstEnd + 8 > end) throw cutShort();
  const time = first % 2 === 0 ? first / 2 : -(first + 1) / 2;
  const valueAt = (firstEnd - begin) * 8;
  into.times[0] = time;
  into.words[HIGH] = peek(words, valueAt);
  into.words[LOW] = peek(words, valueAt + 32);
  if (count === 1) return;
  const deltaEnd = readVarint(bytes, firstEnd + 8, end);
  into.times[1] = time + numberAt(VARINT, 0);
  decodeRest(loaded, into, (deltaEnd - begin) * 8);
}

/** From the value of the second sample on, whose time and the difference to the first were read. */
// One loop with all its state in locals: calls in it, or state in objects, cost half of its speed.
function decodeRest(loaded: LoadedChunk, into: SampleBuffer, secondAt: number): void {
  const { words, begin, end: chunkEnd, count } = loaded;
  const { times, words: out } = into;
  let bit = secondAt;
  let time = numberAt(times, 1);
  let delta = numberAt(VARINT, 0);
  let high = wordAt(out, HIGH);
  let low = wordAt(out, LOW);
  let window = 0;
  for (let i = 1; i < count; i++) {
    if (i > 1) {
      const head = peek(words, bit);
      const zeros = Math.clz32(head);
      // Two zeros are a sample as far from the one before as that was, and of the same value: of some series all are.
      if (zeros > 1) {
        const end = Math.min(count, i + (zeros >>> 1));
        repeatLast(into, i, end, delta);
        time += delta * (end - i);
        bit += 2 * (end - i);
        i = end - 1;
        continue;
      }
      const ones = Math.clz32(~head);
      if (ones === 0) {
        bit += 1;
      } else if (ones < 4) {
        const size = 11 + 3 * ones;
        delta += signed((head << (ones + 1)) >>> (32 - size), size);
        bit += ones + 1 + size;
      } else {
        delta += peek(words, bit + 4) * 2 ** 32 + (peek(words, bit + 36) >>> 0);
        bit += 68;
      }
      time += delta;
      times[i] = time;
    }
    const control = peek(words, bit);
    if (control >= 0) {
      bit += 1;
    } else {
      bit += 2;
      if ((control & 0x40000000) !== 0) {
        bit += 11;
        window = (control << 2) >>> 21;
      }
      // The bits that differ lie as they do in the value when read from `leading` bits before them.
      const aligned = bit - (window >>> 6);
      high ^= peek(words, aligned) & wordAt(HIGH_MASKS, window);
      low ^= peek(words, aligned + 32) & wordAt(LOW_MASKS, window);
      bit += wordAt(SIGNIFICANT, window);
    }
    out[2 * i + HIGH] = high;
    out[2 * i + LOW] = low;
  }
  // Behind the end there are zeros, which are samples like the last one: so it is enough to look once.
  if (bit > (chunkEnd - begin) * 8) throw cutShort();
  if (!Number.isSafeInteger(time)) throw new ChunkError('a chunk with times beyond 2^53 ms');
}

/** Samples of the same value as the one before them, each `delta` after the other. */
function repeatLast(
  { times, words }: SampleBuffer,
  from: number,
  end: number,
  delta: number,
): void {
  const high = wordAt(words, 2 * (from - 1) + HIGH);
  const low = wordAt(words, 2 * (from - 1) + LOW);
  let time = times[from - 1] ?? 0;
  for (let i = from; i < end; i++) {
    time += delta;
    times[i] = time;
    words[2 * i + HIGH] = high;
    words[2 * i + LOW] = low;
  }
}

/**
 * Where values differ: five bits say how many bits before are the same, six how many differ, 0 being 64. By these
 * eleven bits: how many differ, and masks of them.
 */
const WINDOWS = 2048;
const SIGNIFICANT = new Int32Array(WINDOWS);
const HIGH_MASKS = new Int32Array(WINDOWS);
const LOW_MASKS = new Int32Array(WINDOWS);
/** No chunk is as long: what differs in more than the 64 bits of a value runs beyond the end. */
const IMPOSSIBLE = 2 ** 24;

for (let window = 0; window < WINDOWS; window++) {
  const leading = window >>> 6;
  const significant = window & 63 || 64;
  const isPossible = leading + significant <= 64;
  SIGNIFICANT[window] = isPossible ? significant : IMPOSSIBLE;
  const mask = isPossible
    ? ((1n << BigInt(significant)) - 1n) << BigInt(64 - leading - significant)
    : 0n;
  HIGH_MASKS[window] = Number(mask >> 32n);
  LOW_MASKS[window] = Number(mask & 0xffffffffn);
}

function numberAt(numbers: Float64Array, at: number): number {
  return numbers[at] ?? 0;
}

function wordAt(words: Int32Array, at: number): number {
  return words[at] ?? 0;
}

/** As Prometheus reads it: the value in the middle counts as positive. */
function signed(value: number, size: number): number {
  return value > 1 << (size - 1) ? value - (1 << size) : value;
}

/** What was read last. */
const VARINT = new Float64Array(1);

/** Seven bits a byte, the lowest first; beyond 2^53 the value is not exact, and no time. Says where it ends. */
function readVarint(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  let scale = 1;
  for (let at = from; at < from + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined || at >= end) throw cutShort();
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (value > Number.MAX_SAFE_INTEGER) break;
      VARINT[0] = value;
      return at + 1;
    }
    scale *= 128;
  }
  throw new ChunkError('a chunk with times beyond 2^53 ms');
}

function cutShort(): ChunkError {
  return new ChunkError('a chunk that was cut short, or is none');
}
