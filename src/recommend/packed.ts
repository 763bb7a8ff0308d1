import { ByteReader, ByteWriter } from './bytes.ts';
import { FNV_BASIS, fnvOfBytes } from './fnv.ts';
import { HourHead, readHead, writeHead } from './hourrecord.ts';
import { HOUR_SECONDS } from './hours.ts';
import { readCodes, readSketch, sketchSize, writeSketch, type Sketch } from './sketch.ts';

/**
 * The usage of one container class, in one array of bytes: hour by hour the CPU samples as counts of buckets of 2 %,
 * the memory peak, what was covered, pods and signals. 14 days with a sample a minute of one pod take 5 to 9 kB, and no
 * more than 21 kB; with many pods an hour takes a byte or two for each bucket that is used. Hours can be
 * replaced one by one. It carries a version and a checksum.
 */
export type PackedUsage = Uint8Array;

/** What goes for all of a container's hours. */
export interface PackedSpan {
  readonly firstSampleSeconds: number;
  readonly lastSampleSeconds: number;
  /** Time between samples in the last reading. */
  readonly stepSeconds: number;
}

/**
 * Gives the memory of usage back at once, where it is by itself; it has no bytes any more. Thousands are merged at a
 * time, and would pile up until garbage is collected.
 */
export function release({ buffer }: PackedUsage): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

const VERSION = 1;
const CHECKSUM_AT = 1;
const SPAN_AT = 5;
const HEADER_BYTES = SPAN_AT + 3 * 8;

/** Hours since 1970 that may be written: up to the year 3000. */
const MOST_HOURS = 9_100_000;

/** Writes hours in ascending order. One is used for many containers, one after the other. */
export class UsageWriter {
  readonly #all = new ByteWriter();
  readonly #record = new ByteWriter();
  #nextHour = -1;

  begin(): void {
    this.#all.clear();
    for (let i = 0; i < HEADER_BYTES; i++) this.#all.byte(0);
    this.#nextHour = -1;
  }

  /** Writes an hour, given as hours since 1970, with its sketch where the head says that there is one. */
  hour(hour: number, head: HourHead, sketch: Sketch): void {
    this.#record.clear();
    writeHead(this.#record, head);
    if (head.hasCpu) writeSketch(this.#record, sketch);
    this.#beginHour(hour, this.#record.length);
    this.#all.append(this.#record);
  }

  /** Takes over an hour as it was written. */
  copy(hour: number, bytes: Uint8Array, begin: number, end: number): void {
    this.#beginHour(hour, end - begin);
    this.#all.copy(bytes, begin, end);
  }

  #beginHour(hour: number, length: number): void {
    if (this.#nextHour === -1) this.#all.varint(hour);
    else if (hour > this.#nextHour) {
      this.#all.byte(0);
      this.#all.varint(hour - this.#nextHour);
    }
    this.#nextHour = hour + 1;
    this.#all.varint(length);
  }

  /** Undefined when no hour was written. */
  end(span: PackedSpan): PackedUsage | undefined {
    if (this.#nextHour === -1) return undefined;
    const bytes = this.#all.result();
    const view = new DataView(bytes.buffer);
    bytes[0] = VERSION;
    view.setFloat64(SPAN_AT, span.firstSampleSeconds);
    view.setFloat64(SPAN_AT + 8, span.lastSampleSeconds);
    view.setFloat64(SPAN_AT + 16, span.stepSeconds);
    view.setUint32(CHECKSUM_AT, checksum(bytes, SPAN_AT));
    return bytes;
  }
}

/** Walks over the hours of packed usage, in ascending order. */
export class HourCursor {
  /** Hours since 1970; Infinity after the last. */
  hour = Infinity;
  /** Where the record of the hour is in `bytes`. */
  begin = 0;
  end = 0;
  readonly head = new HourHead();
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #reader = new ByteReader();
  #at = 0;
  #nextHour = 0;

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Stands on the first hour then. Undefined has none. */
  open(bytes: PackedUsage | undefined): this {
    this.#bytes = bytes ?? new Uint8Array(0);
    this.#reader.open(this.#bytes, HEADER_BYTES);
    this.#nextHour = this.#reader.varint();
    this.#at = this.#reader.at;
    this.next();
    return this;
  }

  /** Stands on one record, as `begin` told it earlier: its hour is not known then, and `next` must not be called. */
  standOn(bytes: PackedUsage, begin: number): void {
    this.#bytes = bytes;
    this.#reader.open(bytes, begin);
    this.hour = NaN;
    this.begin = begin;
  }

  next(): void {
    const reader = this.#reader;
    reader.at = this.#at;
    let length = 0;
    while (!reader.isAtEnd && length === 0) {
      length = reader.varint();
      if (length === 0) this.#nextHour += reader.varint();
    }
    if (length === 0 || reader.at + length > this.#bytes.length || this.#nextHour > MOST_HOURS) {
      this.hour = Infinity;
      return;
    }
    this.hour = this.#nextHour++;
    this.begin = reader.at;
    this.end = reader.at + length;
    this.#at = this.end;
  }

  /** Reads everything of the hour but its CPU samples into `head`. */
  readHead(): HourHead {
    this.#reader.at = this.begin;
    readHead(this.#reader, this.head);
    return this.head;
  }

  /** How many codes the sketch has; to be called in place of `readSketch`. */
  sketchSize(): number {
    return sketchSize(this.#reader);
  }

  /** To be called after `readHead`, and where that says that there are CPU samples. */
  readSketch(into: Sketch): void {
    readSketch(this.#reader, into);
  }

  /** In place of `readSketch`: into arrays that are shared, from `begin` on; returns the end. */
  readCodes(into: Pick<Sketch, 'codes' | 'counts'>, begin: number): number {
    return readCodes(this.#reader, into, begin);
  }
}

/** Undefined for bytes that were not written by this version, or are damaged: a copy that may be relied on otherwise. */
export function checkedUsage(bytes: Uint8Array): PackedUsage | undefined {
  if (bytes.length <= HEADER_BYTES || bytes[0] !== VERSION) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const isWhole = view.getUint32(CHECKSUM_AT) === checksum(bytes, SPAN_AT);
  return isWhole ? new Uint8Array(bytes) : undefined;
}

export function spanOf(bytes: PackedUsage): PackedSpan {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    firstSampleSeconds: view.getFloat64(SPAN_AT),
    lastSampleSeconds: view.getFloat64(SPAN_AT + 8),
    stepSeconds: view.getFloat64(SPAN_AT + 16),
  };
}

/** Begin of an hour that is given as hours since 1970, in unix seconds. */
export function hourStart(hour: number): number {
  return hour * HOUR_SECONDS;
}

/** FNV-1a with a last mixing, so that each bit of the bytes moves half of its own. */
function checksum(bytes: Uint8Array, from: number): number {
  let hash = fnvOfBytes(FNV_BASIS, bytes, from, bytes.length);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
