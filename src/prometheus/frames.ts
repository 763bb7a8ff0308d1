import { crc32c } from './crc32c.ts';
import { invalidAnswer, PrometheusError } from './prometheuserror.ts';

/** Prometheus closes a frame at 1 MiB unless told otherwise; so much more is not a frame of ours. */
const LARGEST_FRAME_BYTES = 32 * 1024 * 1024;

/** Before a frame: its length as a varint, of which 5 bytes are more than enough, and 4 bytes of checksum. */
const LONGEST_LENGTH = 5;
const CHECKSUM_BYTES = 4;

/**
 * Cuts the body of a streamed answer into frames, however its bytes arrive. At most one frame is held at a time.
 */
export class FrameReader {
  readonly #take: (frame: Uint8Array) => void;
  readonly #head = new Uint8Array(LONGEST_LENGTH + CHECKSUM_BYTES);
  #headBytes = 0;
  /** Of the frame under way; undefined between frames. */
  #frame: { readonly length: number; readonly checksum: number } | undefined;
  #held = new Uint8Array(0);
  #heldBytes = 0;

  /** A frame is lent: it holds good until `take` returns. */
  constructor(take: (frame: Uint8Array) => void) {
    this.#take = take;
  }

  /** Throws a PrometheusError for a frame that is too large, or whose checksum is not that of its bytes. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      at = this.#frame === undefined ? this.#pushHead(bytes, at) : this.#pushBody(bytes, at);
    }
  }

  /** Throws a PrometheusError when the body ended within a frame. */
  end(): void {
    if (this.#frame !== undefined || this.#headBytes > 0) {
      throw invalidAnswer('a body that was cut short');
    }
  }

  #pushHead(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length && this.#frame === undefined) {
      this.#head[this.#headBytes++] = bytes[at++] ?? 0;
      this.#frame = this.#openFrame();
    }
    return at;
  }

  /** Undefined while the head is not complete. */
  #openFrame(): { readonly length: number; readonly checksum: number } | undefined {
    const lengthBytes =
      this.#head.subarray(0, this.#headBytes).findIndex((byte) => byte < 0x80) + 1;
    if (lengthBytes === 0) {
      if (this.#headBytes < LONGEST_LENGTH) return undefined;
      throw invalidAnswer('a frame without a length');
    }
    if (this.#headBytes < lengthBytes + CHECKSUM_BYTES) return undefined;
    const length = this.#head
      .subarray(0, lengthBytes)
      .reduceRight((sum, byte) => sum * 128 + (byte & 0x7f), 0);
    if (length > LARGEST_FRAME_BYTES) {
      const message = `Prometheus answered in a frame of ${length} bytes`;
      throw new PrometheusError('PrometheusOverloaded', message, { tooLarge: true });
    }
    this.#headBytes = 0;
    const checksum = new DataView(this.#head.buffer).getUint32(lengthBytes);
    if (length === 0) this.#close(this.#held.subarray(0, 0), checksum);
    return length === 0 ? undefined : { length, checksum };
  }

  /** A frame that arrived in one piece is not copied. */
  #pushBody(bytes: Uint8Array, from: number): number {
    if (this.#frame === undefined) return from;
    const { length, checksum } = this.#frame;
    const missing = length - this.#heldBytes;
    const part = bytes.subarray(from, from + missing);
    if (part.length === length) {
      this.#close(part, checksum);
      return from + length;
    }
    if (this.#held.length < length) this.#held = new Uint8Array(length);
    this.#held.set(part, this.#heldBytes);
    this.#heldBytes += part.length;
    if (part.length === missing) this.#close(this.#held.subarray(0, length), checksum);
    return from + part.length;
  }

  #close(frame: Uint8Array, checksum: number): void {
    this.#frame = undefined;
    this.#heldBytes = 0;
    if (crc32c(frame) !== checksum) throw invalidAnswer('a frame with a wrong checksum');
    this.#take(frame);
  }
}
