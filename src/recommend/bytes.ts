/** That are written or taken at once. */
export const MOST_BITS = 24;
export const PEEKED_BITS = 25;

/** Bytes that are written one after the other; grows as needed. */
export class ByteWriter {
  #bytes = new Uint8Array(16_384);
  #length = 0;
  /** Bits that do not fill a byte yet. */
  #bits = 0;
  #bitCount = 0;

  get length(): number {
    return this.#length;
  }

  /** Begins anew. */
  clear(): void {
    this.#length = 0;
    this.#bitCount = 0;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number from 0 to 2^53, in 7 bits a byte: small ones take one byte. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  copy(from: Uint8Array, begin: number, end: number): void {
    if (this.#length + end - begin > this.#bytes.length) this.#grow(end - begin);
    const bytes = this.#bytes;
    let at = this.#length;
    // Some twenty bytes at a time: a view of them would take longer.
    for (let i = begin; i < end; i++) bytes[at++] = from[i] ?? 0;
    this.#length = at;
  }

  /** All that another has written. */
  append(other: ByteWriter): void {
    this.copy(other.#bytes, 0, other.#length);
  }

  /** A value of `count` bits, MOST_BITS at most; `endBits` is to follow. */
  bits(value: number, count: number): void {
    if (this.#length + 4 > this.#bytes.length) this.#grow(4);
    const bits = (this.#bits << count) | value;
    let left = this.#bitCount + count;
    // At most seven are left over from before, so that 31 are not passed.
    while (left >= 8) {
      left -= 8;
      this.#bytes[this.#length++] = bits >>> left;
    }
    this.#bits = bits & ((1 << left) - 1);
    this.#bitCount = left;
  }

  /** Fills the last byte with zeros. */
  endBits(): void {
    if (this.#bitCount > 0) this.byte((this.#bits << (8 - this.#bitCount)) & 255);
    this.#bits = 0;
    this.#bitCount = 0;
  }

  /** What was written since the beginning: a copy. */
  result(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(atLeast: number): void {
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + atLeast));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}

/** Reads what a ByteWriter wrote. After the end there are zeros, so that nothing that is damaged makes it fail. */
export class ByteReader {
  bytes = new Uint8Array(0);
  at = 0;
  #bits = 0;
  #bitCount = 0;

  open(bytes: Uint8Array, at = 0): this {
    this.bytes = bytes as Uint8Array<ArrayBuffer>;
    this.at = at;
    return this;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  varint(): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      if (byte < 128) break;
      unit *= 128;
    }
    return value;
  }

  /** Bits before the next one, from the beginning on. */
  get bitPosition(): number {
    return 8 * this.at - this.#bitCount;
  }

  set bitPosition(position: number) {
    this.at = position >>> 3;
    this.#bits = 0;
    this.#bitCount = 0;
    this.take(position & 7);
  }

  /** The next 32 bits, of which the first PEEKED_BITS can be relied on; `pass` is to follow. */
  peek(): number {
    let count = this.#bitCount;
    if (count < PEEKED_BITS) {
      let bits = this.#bits;
      for (; count <= 24; count += 8) bits |= (this.bytes[this.at++] ?? 0) << (24 - count);
      this.#bits = bits;
      this.#bitCount = count;
    }
    return this.#bits;
  }

  /** Goes on behind the next bits, of which there are PEEKED_BITS at most. */
  pass(count: number): void {
    this.#bits <<= count;
    this.#bitCount -= count;
  }

  /** The next bits, MOST_BITS at most. */
  take(count: number): number {
    if (count === 0) return 0;
    const value = this.peek() >>> (32 - count);
    this.pass(count);
    return value;
  }
}
