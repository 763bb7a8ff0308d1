import { WORKLOAD_KINDS, type WorkloadKind } from '../controller/ports.ts';
import type { KeptUsage } from '../controller/usagestore.ts';
import { checkedUsage } from '../recommend/packed.ts';

const NUMBERS = 4;

/**
 * The usage of one workload as bytes: four numbers, the length of its name, `[namespace, kind, name, ...containers]` as
 * JSON, then for each container its length and its packed usage.
 */
export function encodeRecord(kept: KeptUsage): Buffer {
  const { ref, containers } = kept;
  const names = Buffer.from(
    JSON.stringify([ref.namespace, ref.kind, ref.name, ...containers.keys()]),
  );
  const head = Buffer.alloc(8 * NUMBERS + 4);
  head.writeDoubleLE(kept.windowSeconds, 0);
  head.writeDoubleLE(kept.readToSeconds, 8);
  head.writeDoubleLE(kept.nextGapsSeconds, 16);
  head.writeDoubleLE(kept.nextAllGapsSeconds, 24);
  head.writeUInt32LE(names.length, 8 * NUMBERS);
  const parts: Uint8Array[] = [head, names];
  for (const packed of containers.values()) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(packed.length);
    parts.push(length, packed);
  }
  return Buffer.concat(parts);
}

/** Undefined for bytes that no record has. */
export function decodeRecord(bytes: Buffer): KeptUsage | undefined {
  const headBytes = 8 * NUMBERS + 4;
  if (bytes.length < headBytes) return undefined;
  const namesEnd = headBytes + bytes.readUInt32LE(8 * NUMBERS);
  const names = namesOf(bytes.subarray(headBytes, namesEnd));
  if (names === undefined) return undefined;
  const containers = containersOf(bytes.subarray(namesEnd), names.containers);
  if (containers === undefined) return undefined;
  return {
    ref: names.ref,
    windowSeconds: bytes.readDoubleLE(0),
    readToSeconds: bytes.readDoubleLE(8),
    nextGapsSeconds: bytes.readDoubleLE(16),
    nextAllGapsSeconds: bytes.readDoubleLE(24),
    containers,
  };
}

function namesOf(
  bytes: Buffer,
): { readonly ref: KeptUsage['ref']; readonly containers: readonly string[] } | undefined {
  let names: unknown;
  try {
    names = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) return undefined;
  const [namespace, kind, name, ...containers] = names as readonly string[];
  if (namespace === undefined || name === undefined || !isKind(kind)) return undefined;
  return { ref: { namespace, kind, name }, containers };
}

function isKind(kind: string | undefined): kind is WorkloadKind {
  return WORKLOAD_KINDS.some((known) => known === kind);
}

function containersOf(
  bytes: Buffer,
  names: readonly string[],
): KeptUsage['containers'] | undefined {
  const containers = new Map<string, Uint8Array>();
  let at = 0;
  for (const name of names) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + bytes.readUInt32LE(at);
    const packed = end > bytes.length ? undefined : checkedUsage(bytes.subarray(at + 4, end));
    if (packed === undefined) return undefined;
    containers.set(name, packed);
    at = end;
  }
  return at === bytes.length ? containers : undefined;
}
