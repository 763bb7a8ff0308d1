import {
  awaitedOf,
  claimId,
  firstOf,
  isClaimed,
  parseClaim,
  type Claim,
  type Peer,
} from './claims.ts';
import { figuresOfNumbers, numbersOf, type Figures } from './figures.ts';
import type { Territory } from './territory.ts';

/** The Leases of the other instances that share the work. */
export interface PeerSource {
  /** Forgets since when each is silent, as at the beginning of a term. */
  reset(): void;
  /**
   * What those say that are held and not silent for as long as a Lease lasts, read from the API server itself and not
   * from a cache. Rejects where they cannot be read.
   */
  live(signal: AbortSignal): Promise<readonly Peer[]>;
}

interface ShardingOptions {
  readonly self: Claim;
  readonly peers: PeerSource;
  /** Whether a write in one of these namespaces is on its way. */
  readonly isWriting: (within: (namespace: string | undefined) => boolean) => boolean;
  /** Other namespaces than before are this instance's. */
  readonly onTerritory: () => void;
  /** Others tell other figures. */
  readonly onFigures: () => void;
  readonly onError: (error: Error) => void;
}

/** What an instance says in its Lease. */
export interface Announcement {
  readonly self: string;
  readonly yieldsTo: readonly string[];
  readonly figures: ReadonlyMap<string, readonly number[]>;
}

/** No longer than a Lease is renewed for: who was paused looks again before it writes. */
const LOOK_HOLDS_MS = 10_000;
const LOOK_EVERY_MS = 2_000;
/** Of so many policies figures are told, so that a Lease stays small. */
const MOST_POLICIES = 32;

interface Look {
  readonly sent: Moment;
  readonly peers: readonly Peer[];
  /** Whose namespaces this instance leaves alone. */
  readonly others: readonly Claim[];
}

/**
 * Which namespaces are this instance's, where several share a cluster. Each says in its Lease how many shards it knows
 * of, and only then looks at what the Leases of the others say: of two that begin at once one at least sees the other.
 * Where another count of shards is still at work, the later one waits for the earlier one's namespaces until that one
 * says that it has stopped there, or has been silent for as long as a Lease lasts.
 */
export class Sharding implements Territory {
  readonly #options: ShardingOptions;
  readonly #figures = new Map<string, Figures>();
  readonly #owned = new Map<string | undefined, boolean>();
  #abort: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #look: Look | undefined;
  /** What our Lease may say that we yield to: what it said last, and what was sent since without an answer. */
  #said = new Set<string>();
  #saying: readonly string[] = [];

  constructor(options: ShardingOptions) {
    this.#options = options;
  }

  get shards(): number {
    return this.#options.self.shards;
  }

  /** The Leases of the others were read in this term, and not long ago: whatever is owned may be written. */
  get isFresh(): boolean {
    return this.#look !== undefined && ageMs(this.#look.sent) < LOOK_HOLDS_MS;
  }

  /** Of namespaces that this instance leaves alone since others are at work there, those others. */
  get awaited(): readonly string[] {
    return (this.#look?.others ?? []).map(claimId);
  }

  /** As of the last look. */
  owns(namespace: string | undefined): boolean {
    const known = this.#owned.get(namespace);
    if (known !== undefined) return known;
    const look = this.#look;
    const owns =
      look !== undefined &&
      isClaimed(this.#options.self, namespace) &&
      !look.others.some((other) => isClaimed(other, namespace));
    this.#owned.set(namespace, owns);
    return owns;
  }

  /** To be called when the Lease is held: from then on others can see that it is. */
  begin(): void {
    this.end();
    this.#options.peers.reset();
    this.#abort = new AbortController();
    void this.#round(this.#abort.signal);
  }

  /** To be called when the Lease is lost or given back. */
  end(): void {
    this.#abort?.abort();
    clearTimeout(this.#timer);
    this.#take(undefined);
  }

  /** What is to be written to the Lease now; `said` tells when it stands there. */
  announcement(): Announcement {
    const { self, isWriting } = this.#options;
    const first = firstOf(self, this.#look?.peers ?? []);
    this.#saying = first
      .filter((peer) => !isWriting((namespace) => isClaimed(peer, namespace)))
      .map(claimId);
    for (const id of this.#saying) this.#said.add(id);
    const figures = [...this.#figures].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, MOST_POLICIES);
    return {
      self: claimId(self),
      yieldsTo: this.#saying,
      figures: new Map(figures.map(([key, each]) => [key, numbersOf(each)])),
    };
  }

  said(): void {
    this.#said = new Set(this.#saying);
  }

  publish(policyKey: string, figures: Figures | undefined): void {
    if (figures === undefined) this.#figures.delete(policyKey);
    else this.#figures.set(policyKey, figures);
  }

  figuresOfOthers(policyKey: string): readonly Figures[] | undefined {
    const ofCount = this.#look?.peers.filter(({ shards }) => shards === this.shards) ?? [];
    const byIndex = new Map(ofCount.map((peer) => [peer.index, peer.figures.get(policyKey)]));
    byIndex.delete(this.#options.self.index);
    const figures = [...byIndex.values()].flatMap((numbers) => {
      const known = numbers && figuresOfNumbers(numbers);
      return known === undefined ? [] : [known];
    });
    return figures.length === this.shards - 1 ? figures : undefined;
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { self, peers, onError } = this.#options;
    const sent = now();
    // What may stand in our Lease when the look begins holds until one that begins after it is gone from there.
    const yielded = [...this.#said].flatMap((id) => parseClaim(id) ?? []);
    try {
      const live = await peers.live(signal);
      if (signal.aborted) return;
      const others = [...yielded, ...firstOf(self, live), ...awaitedOf(self, live)];
      this.#take({ sent, peers: live, others });
    } catch (thrown) {
      if (signal.aborted) return;
      onError(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
    this.#timer = setTimeout(() => void this.#round(signal), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  #take(look: Look | undefined): void {
    const before = this.isFresh ? this.#look : undefined;
    const { onTerritory, onFigures } = this.#options;
    this.#look = look;
    if (othersText(look) !== othersText(before)) {
      this.#owned.clear();
      onTerritory();
    }
    if (figuresText(look) !== figuresText(before)) onFigures();
  }
}

function othersText(look: Look | undefined): string | undefined {
  return look && [...new Set(look.others.map(claimId))].sort().join();
}

function figuresText(look: Look | undefined): string {
  return JSON.stringify(look?.peers.map(({ index, figures }) => [index, [...figures]]) ?? []);
}

/** By the monotonic clock, which stands still while a virtual machine is suspended, and by the other, which may be set. */
interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

function now(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

function ageMs({ monotonicMs, wallMs }: Moment): number {
  return Math.max(performance.now() - monotonicMs, Date.now() - wallMs);
}
