import protobuf from 'protobufjs/minimal.js';
import { crc32c } from '../../src/prometheus/crc32c.ts';

/** A frame of a streamed answer: length, checksum, payload. */
export function frameOf(payload: Uint8Array): Uint8Array {
  const length = protobuf.Writer.create().uint32(payload.length).finish();
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(payload));
  return Buffer.concat([length, checksum, payload]);
}
