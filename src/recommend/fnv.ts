/** FNV-1a, of 32 bits: http://www.isthe.com/chongo/tech/comp/fnv. Where a hash begins, before anything is taken in. */
export const FNV_BASIS = 0x811c9dc5;

const FNV_PRIME = 0x01000193;

/** The hash with another part taken in, of which 32 bits count. */
export function fnv(hash: number, part: number): number {
  return Math.imul(hash ^ part, FNV_PRIME);
}

/** Likewise with the bytes from `begin` to `end`. */
export function fnvOfBytes(hash: number, bytes: Uint8Array, begin: number, end: number): number {
  let taken = hash;
  for (let i = begin; i < end; i++) taken = fnv(taken, bytes[i] ?? 0);
  return taken;
}
