import { ownerOf } from './rendezvous.ts';

/** Which namespaces an instance works on while it holds its Lease: those of shard `index` of `shards`. */
export interface Claim {
  readonly index: number;
  readonly shards: number;
  /** When its process began, in milliseconds: where two counts of shards meet, the later one goes before. */
  readonly epoch: number;
}

/** What the Lease of another instance says. */
export interface Peer extends Claim {
  /** Claims for which it has stopped writing, by `claimId`. */
  readonly yieldsTo: readonly string[];
  /** By policy key: its part of what a policy is judged by. */
  readonly figures: ReadonlyMap<string, readonly number[]>;
}

/** `2/3@1790000000000`. */
export function claimId({ index, shards, epoch }: Claim): string {
  return `${index}/${shards}@${epoch}`;
}

/** Undefined for a text that is none. */
export function parseClaim(id: string): Claim | undefined {
  const [, index, shards, epoch] = /^(\d{1,4})\/(\d{1,4})@(\d{1,15})$/.exec(id) ?? [];
  if (index === undefined || shards === undefined || epoch === undefined) return undefined;
  const claim = { index: Number(index), shards: Number(shards), epoch: Number(epoch) };
  return claim.index < claim.shards ? claim : undefined;
}

/** `undefined`: what is in no namespace. */
export function isClaimed({ index, shards }: Claim, namespace: string | undefined): boolean {
  return ownerOf(namespace, shards) === index;
}

/** Those of another count of shards that go before: to them the instance hands over. */
export function firstOf(self: Claim, peers: readonly Peer[]): readonly Peer[] {
  return peers.filter((peer) => peer.shards !== self.shards && goesBefore(peer, self));
}

/** Those of another count that come after and still write: the instance waits for them. */
export function awaitedOf(self: Claim, peers: readonly Peer[]): readonly Peer[] {
  const id = claimId(self);
  return peers.filter(
    (peer) => peer.shards !== self.shards && goesBefore(self, peer) && !peer.yieldsTo.includes(id),
  );
}

/** Of any two claims with different counts exactly one goes before, so that both sides agree on it. */
function goesBefore(one: Claim, other: Claim): boolean {
  return one.epoch === other.epoch ? one.shards > other.shards : one.epoch > other.epoch;
}
