/** Castagnoli's polynomial, bits reversed; `node:zlib` knows another one only. */
const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256 words: table k has the checksum of a byte with k zero bytes after it. */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? POLYNOMIAL : 0);
    tables[byte] = sum;
  }
  for (let i = 256; i < tables.length; i++) {
    const shorter = tables[i - 256] ?? 0;
    tables[i] = (shorter >>> 8) ^ (tables[shorter & 0xff] ?? 0);
  }
  return tables;
}

/** CRC-32C of the bytes, 0 to 2^32 - 1; eight bytes at a time. */
export function crc32c(bytes: Uint8Array): number {
  const eights = bytes.length - (bytes.length % 8);
  let sum = -1;
  let at = 0;
  for (; at < eights; at += 8) {
    sum ^=
      byteAt(bytes, at) |
      (byteAt(bytes, at + 1) << 8) |
      (byteAt(bytes, at + 2) << 16) |
      (byteAt(bytes, at + 3) << 24);
    sum =
      entry(7, sum) ^
      entry(6, sum >>> 8) ^
      entry(5, sum >>> 16) ^
      entry(4, sum >>> 24) ^
      entry(3, byteAt(bytes, at + 4)) ^
      entry(2, byteAt(bytes, at + 5)) ^
      entry(1, byteAt(bytes, at + 6)) ^
      entry(0, byteAt(bytes, at + 7));
  }
  for (; at < bytes.length; at++) sum = (sum >>> 8) ^ entry(0, sum ^ byteAt(bytes, at));
  return ~sum >>> 0;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

/** By the lowest byte. */
function entry(table: number, bits: number): number {
  return TABLES[256 * table + (bits & 0xff)] ?? 0;
}
