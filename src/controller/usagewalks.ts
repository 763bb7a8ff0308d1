import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** Where the walks over the usage of a workload's containers stood when today began, by container. */
export interface KeptWalks {
  /** Undefined where nothing is kept of the container. */
  walkOf(container: string): Float64Array | undefined;
  keepWalk(container: string, walked: Float64Array): void;
}

/** What is packed is some 2 kB: the room that is usual for more takes twice as long to get as packing does. */
const SMALL = { windowBits: 12, chunkSize: 4096 };
/** The quickest saves nearly as much as the best. */
const QUICKEST = { ...SMALL, level: 1, memLevel: 5 };

/** Some 1.5 kB, two thirds of what it is unpacked. */
export function packWalk({ buffer, byteOffset, byteLength }: Float64Array): Uint8Array {
  return deflateRawSync(new Uint8Array(buffer, byteOffset, byteLength), QUICKEST);
}

export function unpackWalk(packed: Uint8Array): Float64Array {
  return new Float64Array(Uint8Array.from(inflateRawSync(packed, SMALL)).buffer);
}
