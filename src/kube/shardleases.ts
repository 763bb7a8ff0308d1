import { GROUP } from '../api/group.ts';
import { claimId, parseClaim, type Claim, type Peer } from '../controller/claims.ts';
import type { Announcement, PeerSource } from '../controller/sharding.ts';
import type { KubeConnection } from './connection.ts';
import { listAt, objectAt, requiredText, textsAt, type Json } from './json.ts';
import { readLease } from './lease-record.ts';
import { collectionPath } from './paths.ts';

const SHARD = `${GROUP}/shard`;
const YIELDS_TO = `${GROUP}/yields-to`;
const FIGURES = `${GROUP}/figures`;

const DURATION_MS = 15_000;
const DEADLINE_MS = 5_000;

/** One that says nothing of shards, as of a version that knows of none, works on everything. */
const ALL_OF_IT: Claim = { index: 0, shards: 1, epoch: 0 };

/** `rightsize` for one that shares with nobody, else `rightsize-shard-2`. */
export function shardLeaseName(base: string, { index, shards }: Claim): string {
  return shards === 1 ? base : `${base}-shard-${index}`;
}

/** What an instance says of itself, as annotations of its Lease. */
export function annotationsOf({ self, yieldsTo, figures }: Announcement): Record<string, string> {
  return {
    [SHARD]: self,
    [YIELDS_TO]: yieldsTo.join(','),
    [FIGURES]: figures.size === 0 ? '' : JSON.stringify(Object.fromEntries(figures)),
  };
}

interface ShardLeasesOptions {
  readonly connection: KubeConnection;
  readonly namespace: string;
  /** Of the Lease that an instance has alone; those of shards begin with it. */
  readonly base: string;
  readonly self: Claim;
}

interface Seen {
  readonly resourceVersion: string;
  readonly sinceMs: number;
}

/** The Leases of the other shards. One runs out when we have seen it unchanged for as long as it lasts, by our own clock. */
export class ShardLeases implements PeerSource {
  readonly #options: ShardLeasesOptions;
  readonly #seen = new Map<string, Seen>();

  constructor(options: ShardLeasesOptions) {
    this.#options = options;
  }

  reset(): void {
    this.#seen.clear();
  }

  async live(signal: AbortSignal): Promise<readonly Peer[]> {
    const { connection, namespace, base, self } = this.#options;
    const answer = await connection.request({
      method: 'GET',
      path: collectionPath({ apiVersion: 'coordination.k8s.io/v1', plural: 'leases' }, namespace),
      lane: 'Lease',
      retry: 'Never',
      deadlineMs: DEADLINE_MS,
      signal,
    });
    const own = shardLeaseName(base, self);
    return listAt(answer, 'items').flatMap((item) => {
      const name = requiredText(objectAt(item, 'metadata'), 'name');
      if (name === own || !isOfFamily(name, base) || !this.#isHeld(name, item)) return [];
      return [peerOf(item)];
    });
  }

  #isHeld(name: string, item: Json): boolean {
    const { holder, durationSeconds, resourceVersion } = readLease(item);
    const before = this.#seen.get(name);
    const seen =
      before?.resourceVersion === resourceVersion
        ? before
        : { resourceVersion, sinceMs: performance.now() };
    this.#seen.set(name, seen);
    const lastsMs = Math.max(durationSeconds * 1000, DURATION_MS);
    return holder !== undefined && performance.now() - seen.sinceMs < lastsMs;
  }
}

function isOfFamily(name: string, base: string): boolean {
  return name === base || (name.startsWith(`${base}-shard-`) && /-\d{1,4}$/.test(name));
}

function peerOf(item: Json): Peer {
  const annotations = textsAt(objectAt(item, 'metadata'), 'annotations');
  const claim = parseClaim(annotations[SHARD] ?? '') ?? ALL_OF_IT;
  const yieldsTo = (annotations[YIELDS_TO] ?? '').split(',').flatMap((id) => {
    const yielded = parseClaim(id);
    return yielded === undefined ? [] : [claimId(yielded)];
  });
  return { ...claim, yieldsTo, figures: figuresOf(annotations[FIGURES]) };
}

/** What cannot be read says nothing. */
function figuresOf(text: string | undefined): Peer['figures'] {
  if (text === undefined || text === '') return new Map();
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return new Map();
  }
  if (typeof read !== 'object' || read === null) return new Map();
  const isNumbers = (value: unknown): value is readonly number[] =>
    Array.isArray(value) && value.every((each) => typeof each === 'number');
  return new Map(
    Object.entries(read).flatMap(([key, value]) => (isNumbers(value) ? [[key, value]] : [])),
  );
}
