import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { KeptUsage } from '../controller/usagestore.ts';
import { decodeRecord, encodeRecord } from './record.ts';

/** Why a file is not used. */
export type Unusable = 'damaged' | 'older' | 'newer' | 'foreign';

const MAGIC = Buffer.from('rightsize usage\n');
const FORMAT_VERSION = 1;
const IDENTITY_BYTES = 32;
/** Magic, version, identity and their checksum. */
const HEADER_BYTES = MAGIC.length + 4 + IDENTITY_BYTES + 4;
/** A length and a checksum go before each record; a length of 0 is the end, with the checksum of the whole file. */
const FRAME_BYTES = 8;
/** No workload's usage is as large as this. */
const MOST_RECORD_BYTES = 2 ** 28;
const PART_BYTES = 2 ** 20;

/** Writes a file from its beginning, a megabyte at a time. */
export async function writeUsage(
  file: FileHandle,
  identity: Uint8Array,
  usage: Iterable<KeptUsage>,
): Promise<void> {
  const writer = new PartWriter(file);
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(FORMAT_VERSION, MAGIC.length);
  header.set(identity, MAGIC.length + 4);
  header.writeUInt32LE(crc32(header.subarray(0, -4)), HEADER_BYTES - 4);
  await writer.write(header);
  for (const kept of usage) {
    const record = encodeRecord(kept);
    await writer.write(frame(record.length, crc32(record)));
    await writer.write(record);
  }
  await writer.write(frame(0, writer.checksum));
  await writer.end();
}

function frame(length: number, checksum: number): Buffer {
  const bytes = Buffer.alloc(FRAME_BYTES);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(checksum, 4);
  return bytes;
}

class PartWriter {
  readonly #file: FileHandle;
  #parts: Uint8Array[] = [];
  #waiting = 0;
  /** Of all that was written. */
  checksum = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.checksum = crc32(bytes, this.checksum);
    this.#parts.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting >= PART_BYTES) await this.end();
  }

  /** Writes what waits. */
  async end(): Promise<void> {
    const parts = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#waiting = 0;
    let at = 0;
    while (at < parts.length) {
      const { bytesWritten } = await this.#file.write(parts, at, parts.length - at);
      at += bytesWritten;
    }
  }
}

/** Reads a file, whole or, with the reason, not at all. Rejects where the file cannot be read. */
export async function readUsage(
  file: FileHandle,
  identity: Uint8Array,
): Promise<readonly KeptUsage[] | Unusable> {
  const reader = new PartReader(file);
  const header = await reader.read(HEADER_BYTES);
  const problem = header === undefined ? 'damaged' : headerProblem(header, identity);
  if (problem !== undefined) return problem;
  const usage: KeptUsage[] = [];
  for (;;) {
    const { checksum } = reader;
    const next = await reader.read(FRAME_BYTES);
    if (next?.readUInt32LE(0) === 0) {
      const isWhole = next.readUInt32LE(4) === checksum && (await reader.read(1)) === undefined;
      return isWhole ? usage : 'damaged';
    }
    const kept = next && (await readRecord(reader, next));
    if (kept === undefined) return 'damaged';
    usage.push(kept);
  }
}

/** Undefined for a record that is not whole. */
async function readRecord(reader: PartReader, frame: Buffer): Promise<KeptUsage | undefined> {
  const length = frame.readUInt32LE(0);
  const record = length > MOST_RECORD_BYTES ? undefined : await reader.read(length);
  if (record === undefined || crc32(record) !== frame.readUInt32LE(4)) return undefined;
  return decodeRecord(record);
}

function headerProblem(header: Buffer, identity: Uint8Array): Unusable | undefined {
  const isOurs = header.subarray(0, MAGIC.length).equals(MAGIC);
  if (!isOurs) return 'damaged';
  const version = header.readUInt32LE(MAGIC.length);
  const isWhole = crc32(header.subarray(0, -4)) === header.readUInt32LE(HEADER_BYTES - 4);
  if (!isWhole) return 'damaged';
  if (version !== FORMAT_VERSION) return version < FORMAT_VERSION ? 'older' : 'newer';
  const of = header.subarray(MAGIC.length + 4, MAGIC.length + 4 + IDENTITY_BYTES);
  return of.equals(identity) ? undefined : 'foreign';
}

class PartReader {
  readonly #file: FileHandle;
  readonly #part = Buffer.alloc(PART_BYTES);
  #begin = 0;
  #end = 0;
  /** Of all that was read. */
  checksum = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** A copy of the next bytes; undefined where there are fewer. */
  async read(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#begin === this.#end && !(await this.#fill())) return undefined;
      const end = Math.min(this.#end, this.#begin + missing);
      parts.push(Buffer.from(this.#part.subarray(this.#begin, end)));
      missing -= end - this.#begin;
      this.#begin = end;
    }
    const bytes = Buffer.concat(parts);
    this.checksum = crc32(bytes, this.checksum);
    return bytes;
  }

  async #fill(): Promise<boolean> {
    const { bytesRead } = await this.#file.read(this.#part, 0, PART_BYTES);
    this.#begin = 0;
    this.#end = bytesRead;
    return bytesRead > 0;
  }
}
