import type { ChunkList } from './chunklist.ts';
import { createXorDecoder, sampleBuffer } from './xor.ts';

/** Of the chunk that was decoded last. Decoding is synchronous, so that one buffer serves all readings of a thread. */
export const SAMPLES = sampleBuffer();

const decodeXor = createXorDecoder();

/** Decodes a chunk into `SAMPLES`, from their beginning; says how many it holds. Throws a ChunkError. */
export function decodeChunk(chunks: ChunkList, index: number): number {
  return decodeXor(chunks.bytes, SAMPLES, chunks.beginOf(index), chunks.endOf(index));
}
