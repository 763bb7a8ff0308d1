import { asJson, numberAt, objectAt, requiredText, textAt, textsAt, type Json } from './json.ts';
import { microTime } from './micro-time.ts';

/** What a Lease says about who leads. */
export interface LeaseRecord {
  /** Undefined when the last leader has given the lease back. */
  readonly holder: string | undefined;
  readonly durationSeconds: number;
  readonly transitions: number;
  /** Changes with every write, so an unchanged one means that nobody has renewed. */
  readonly resourceVersion: string;
  /** Everything else that stands in the object, to be written back as it was. */
  readonly raw: Json;
}

/** Throws on something that is not a Lease. */
export function readLease(answer: unknown): LeaseRecord {
  const raw = asJson(answer);
  const spec = objectAt(raw, 'spec');
  const holder = textAt(spec, 'holderIdentity');
  return {
    holder: holder === '' ? undefined : holder,
    durationSeconds: numberAt(spec, 'leaseDurationSeconds') ?? 0,
    transitions: numberAt(spec, 'leaseTransitions') ?? 0,
    resourceVersion: requiredText(objectAt(raw, 'metadata'), 'resourceVersion'),
    raw,
  };
}

/** The object to write when `identity` takes the lease over or renews it; the resource version guards the write. */
export function heldLease(
  before: LeaseRecord,
  identity: string,
  durationSeconds: number,
  now: Date,
): Json {
  const taken = before.holder !== identity;
  return withSpec(before, {
    holderIdentity: identity,
    leaseDurationSeconds: durationSeconds,
    leaseTransitions: before.transitions + (taken ? 1 : 0),
    renewTime: microTime(now),
    ...(taken ? { acquireTime: microTime(now) } : {}),
  });
}

/** The object to write when the leader steps down, so that nobody has to wait for it to expire. */
export function releasedLease(before: LeaseRecord, now: Date): Json {
  // The API wants a duration of at least a second; without a holder it says nothing.
  return withSpec(before, {
    holderIdentity: undefined,
    leaseDurationSeconds: 1,
    renewTime: microTime(now),
  });
}

/** The object with these annotations beside those that it has. */
export function withAnnotations(lease: Json, annotations: Readonly<Record<string, string>>): Json {
  const metadata = objectAt(lease, 'metadata');
  return {
    ...lease,
    metadata: { ...metadata, annotations: { ...textsAt(metadata, 'annotations'), ...annotations } },
  };
}

function withSpec(before: LeaseRecord, changes: Json): Json {
  return { ...before.raw, spec: { ...objectAt(before.raw, 'spec'), ...changes } };
}
