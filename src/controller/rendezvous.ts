import { FNV_BASIS, fnv } from '../recommend/fnv.ts';

/**
 * Which of so many shards a namespace belongs to, from 0 on: the one with the highest score for it. A shard more takes
 * its even part of the namespaces and moves no other; `undefined`, what is in no namespace, is the first one's.
 */
export function ownerOf(namespace: string | undefined, shards: number): number {
  if (namespace === undefined) return 0;
  const seed = hashOf(namespace);
  let owner = 0;
  let highest = -1;
  for (let shard = 0; shard < shards; shard++) {
    const score = mixed(seed ^ mixed(shard + 1));
    if (score > highest) {
      highest = score;
      owner = shard;
    }
  }
  return owner;
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hashOf(text: string): number {
  let hash = FNV_BASIS;
  for (let i = 0; i < text.length; i++) hash = fnv(hash, text.charCodeAt(i));
  return hash;
}

/** Spreads what is alike over all 32 bits (the finalizer of MurmurHash3). */
function mixed(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
