/** A sample with its value as the 64 bits of a double, so that each NaN is itself. */
export interface RawSample {
  readonly timeMs: number;
  readonly bits: bigint;
}

/** The value by which Prometheus says that a series has ended. */
export const STALE_BITS = 0x7ff0000000000002n;

export function bitsOf(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;
}

/** Encodes samples as Prometheus' XORAppender does, one bit after the other. */
export function encodeXor(samples: readonly RawSample[]): Uint8Array {
  const out = new BitWriter();
  let before = { timeMs: 0, delta: 0, bits: 0n };
  let window = { leading: 0xff, trailing: 0 };
  out.write(BigInt(samples.length), 16);
  samples.forEach(({ timeMs, bits }, index) => {
    const delta = timeMs - before.timeMs;
    if (index === 0) {
      out.varint(timeMs >= 0 ? 2n * BigInt(timeMs) : -2n * BigInt(timeMs) - 1n);
      out.write(bits, 64);
    } else {
      if (index === 1) out.varint(BigInt(delta));
      else writeDeltaOfDelta(out, delta - before.delta);
      window = writeXor(out, before.bits ^ bits, window);
    }
    before = { timeMs, delta, bits };
  });
  return out.bytes();
}

function writeDeltaOfDelta(out: BitWriter, change: number): void {
  if (change === 0) {
    out.write(0n, 1);
    return;
  }
  const kinds = [
    [0b10n, 2, 14],
    [0b110n, 3, 17],
    [0b1110n, 4, 20],
  ] as const;
  for (const [prefix, prefixBits, bits] of kinds) {
    if (change >= -(2 ** (bits - 1) - 1) && change <= 2 ** (bits - 1)) {
      out.write(prefix, prefixBits);
      out.write(BigInt.asUintN(bits, BigInt(change)), bits);
      return;
    }
  }
  out.write(0b1111n, 4);
  out.write(BigInt.asUintN(64, BigInt(change)), 64);
}

interface XorWindow {
  readonly leading: number;
  readonly trailing: number;
}

function writeXor(out: BitWriter, xor: bigint, window: XorWindow): XorWindow {
  if (xor === 0n) {
    out.write(0n, 1);
    return window;
  }
  const text = xor.toString(2).padStart(64, '0');
  const leading = Math.min(31, text.indexOf('1'));
  const trailing = 63 - text.lastIndexOf('1');
  if (window.leading !== 0xff && leading >= window.leading && trailing >= window.trailing) {
    out.write(0b10n, 2);
    out.write(xor >> BigInt(window.trailing), 64 - window.leading - window.trailing);
    return window;
  }
  const significant = 64 - leading - trailing;
  out.write(0b11n, 2);
  out.write(BigInt(leading), 5);
  out.write(BigInt(significant % 64), 6);
  out.write(xor >> BigInt(trailing), significant);
  return { leading, trailing };
}

class BitWriter {
  readonly #bytes: number[] = [];
  #bits = 0;

  write(value: bigint, bits: number): void {
    for (let bit = bits - 1; bit >= 0; bit--) this.#push(Number((value >> BigInt(bit)) & 1n));
  }

  varint(value: bigint): void {
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) this.write((rest & 0x7fn) | 0x80n, 8);
    this.write(rest, 8);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #push(bit: number): void {
    if (this.#bits % 8 === 0) this.#bytes.push(0);
    const last = this.#bytes.length - 1;
    this.#bytes[last] = (this.#bytes[last] ?? 0) | (bit << (7 - (this.#bits % 8)));
    this.#bits++;
  }
}
