import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeCall, KubeConnection } from './connection.ts';
import { asError, isKubeError } from './errors.ts';
import {
  heldLease,
  readLease,
  releasedLease,
  withAnnotations,
  type LeaseRecord,
} from './lease-record.ts';
import { microTime } from './micro-time.ts';
import { collectionPath, objectPath, type ObjectAddress } from './paths.ts';

interface LeaseTiming {
  /** After so long without a renewal, as others saw it, they take over. */
  readonly durationMs: number;
  /** After so long without a renewal the leader itself stops leading; shorter than `durationMs`. */
  readonly renewDeadlineMs: number;
  readonly renewMs: number;
  /** Between the looks of one who waits: the longest that a lease given back stays unused. */
  readonly lookMs: number;
}

interface LeaderElectionOptions {
  readonly connection: KubeConnection;
  readonly namespace: string;
  readonly name: string;
  /** Host name and a random part unless stated; two candidates must never share one. */
  readonly identity?: string;
  /** What else the lease is to say, asked for before each renewal; what others wrote there stays. */
  readonly annotations?: () => Readonly<Record<string, string>>;
  /** The lease now says what `annotations` gave last. */
  readonly onRenewed?: () => void;
  readonly onElected: () => void;
  /** `reason` is a sentence for the log. Not called by `stop`. */
  readonly onLost: (reason: string) => void;
  readonly onError: (error: Error) => void;
  readonly timing?: Partial<LeaseTiming>;
}

const TIMING: LeaseTiming = {
  durationMs: 15_000,
  renewDeadlineMs: 10_000,
  renewMs: 2_000,
  lookMs: 1_000,
};

const SHORTEST_MS = 100;

/**
 * Leader election over a Lease of coordination.k8s.io/v1. Whether another's lease has run out is judged by how long
 * *we* have seen it unchanged, and whether our own holds by when *we* sent the last renewal that was accepted, so
 * clocks that differ between nodes do no harm.
 */
export class LeaderElection {
  readonly identity: string;
  readonly #options: LeaderElectionOptions;
  readonly #timing: LeaseTiming;
  readonly #at: ObjectAddress;
  readonly #abort = new AbortController();
  #run: Promise<void> | undefined;
  #seen: LeaseRecord | undefined;
  #seenMs = 0;
  /** When the last accepted renewal was sent, by both clocks; undefined while another leads. */
  #renewed: Moment | undefined;
  #leading = false;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    this.identity = options.identity ?? `${hostname()}_${randomUUID()}`;
    const { namespace, name } = options;
    this.#at = { apiVersion: 'coordination.k8s.io/v1', plural: 'leases', namespace, name };
  }

  /**
   * Whether this process may act now. False as soon as the renew deadline has passed, also when the process was
   * paused meanwhile: ask right before each write, do not remember the answer.
   */
  isLeader(): boolean {
    return this.#renewed !== undefined && ageMs(this.#renewed) < this.#timing.renewDeadlineMs;
  }

  /** Who holds the lease, as last seen. */
  get holder(): string | undefined {
    return this.#seen?.holder;
  }

  start(): void {
    this.#run ??= this.#loop();
  }

  /** Ends the election and gives the lease back, so that another takes over at its next look. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#run;
    const held = this.isLeader() ? this.#seen : undefined;
    this.#renewed = undefined;
    this.#leading = false;
    if (held !== undefined) await this.#release(held);
  }

  async #loop(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      this.#noticeLoss('the lease was not renewed in time');
      await this.#round();
      this.#noticeLoss('the lease was not renewed in time');
      await this.#pause(this.#pauseMs());
    }
  }

  async #round(): Promise<void> {
    try {
      if (!this.#leading || this.#seen === undefined) this.#observe(await this.#get());
      if (this.#seen === undefined) await this.#create();
      else if (this.#mayHold(this.#seen)) await this.#hold(this.#seen);
    } catch (thrown) {
      this.#takeIn(asError(thrown));
    }
  }

  #takeIn(error: Error): void {
    if (this.#abort.signal.aborted) return;
    if (isKubeError(error, 'Conflict', 'AlreadyExists', 'NotFound')) {
      // Somebody else wrote or deleted the lease: look again before anything else.
      this.#seen = undefined;
      return;
    }
    this.#options.onError(error);
  }

  #observe(lease: LeaseRecord | undefined): void {
    if (lease?.resourceVersion !== this.#seen?.resourceVersion) this.#seenMs = performance.now();
    this.#seen = lease;
    if (lease === undefined || lease.holder === this.identity) return;
    this.#renewed = undefined;
    this.#noticeLoss(`${lease.holder ?? 'nobody'} holds the lease now`);
  }

  #mayHold(lease: LeaseRecord): boolean {
    if (lease.holder === undefined || lease.holder === this.identity) return true;
    const lastsMs = Math.max(lease.durationSeconds * 1000, this.#timing.durationMs);
    return performance.now() - this.#seenMs >= lastsMs;
  }

  async #get(): Promise<LeaseRecord | undefined> {
    try {
      return readLease(await this.#call({ method: 'GET', path: objectPath(this.#at) }));
    } catch (thrown) {
      if (isKubeError(thrown, 'NotFound')) return undefined;
      throw thrown;
    }
  }

  async #create(): Promise<void> {
    const { apiVersion, namespace, name } = this.#at;
    const sent = now();
    const body = {
      apiVersion,
      kind: 'Lease',
      metadata: { namespace, name, annotations: this.#options.annotations?.() ?? {} },
      spec: {
        holderIdentity: this.identity,
        leaseDurationSeconds: this.#durationSeconds(),
        leaseTransitions: 0,
        acquireTime: microTime(new Date()),
        renewTime: microTime(new Date()),
      },
    };
    const path = collectionPath(this.#at, namespace);
    this.#held(sent, readLease(await this.#call({ method: 'POST', path, body })));
  }

  async #hold(lease: LeaseRecord): Promise<void> {
    const sent = now();
    const held = heldLease(lease, this.identity, this.#durationSeconds(), new Date());
    const body = withAnnotations(held, this.#options.annotations?.() ?? {});
    this.#held(
      sent,
      readLease(await this.#call({ method: 'PUT', path: objectPath(this.#at), body })),
    );
  }

  #held(sent: Moment, lease: LeaseRecord): void {
    this.#seen = lease;
    this.#seenMs = performance.now();
    this.#renewed = sent;
    this.#guard(() => this.#options.onRenewed?.());
    // The answer may have come after the time that it was for, such as after a pause of the process.
    if (this.#leading || !this.isLeader() || this.#abort.signal.aborted) return;
    this.#leading = true;
    this.#guard(this.#options.onElected);
  }

  #noticeLoss(reason: string): void {
    if (!this.#leading || this.isLeader()) return;
    this.#leading = false;
    this.#renewed = undefined;
    this.#guard(() => this.#options.onLost(reason));
  }

  async #release(lease: LeaseRecord): Promise<void> {
    try {
      await this.#putReleased(lease).catch(async (thrown: unknown) => {
        // The renewal that stop() cut off may have been accepted all the same.
        if (!isKubeError(thrown, 'Conflict')) throw thrown;
        const current = readLease(await this.#send({ method: 'GET', path: objectPath(this.#at) }));
        if (current.holder === this.identity) await this.#putReleased(current);
      });
    } catch (cause) {
      // Then it runs out by itself.
      const { namespace, name } = this.#options;
      this.#options.onError(new Error(`give back lease ${namespace}/${name}`, { cause }));
    }
  }

  async #putReleased(lease: LeaseRecord): Promise<void> {
    const body = releasedLease(lease, new Date());
    await this.#send({ method: 'PUT', path: objectPath(this.#at), body });
  }

  #call(call: Pick<KubeCall, 'method' | 'path' | 'body'>): Promise<unknown> {
    return this.#send({ ...call, signal: this.#abort.signal });
  }

  #send(call: Pick<KubeCall, 'method' | 'path' | 'body' | 'signal'>): Promise<unknown> {
    // Half of the deadline leaves time for a second try.
    const deadlineMs = Math.min(this.#timing.renewDeadlineMs / 2, this.#leftMs());
    return this.#options.connection.request({ ...call, lane: 'Lease', retry: 'Never', deadlineMs });
  }

  /** Until the leadership ends without a renewal, so that neither a call nor a pause outlasts it. */
  #leftMs(): number {
    if (!this.#leading || this.#renewed === undefined) return Infinity;
    return Math.max(SHORTEST_MS, this.#timing.renewDeadlineMs - ageMs(this.#renewed));
  }

  #pauseMs(): number {
    const renews = this.#leading && this.#seen !== undefined;
    return Math.min(renews ? this.#timing.renewMs : this.#timing.lookMs, this.#leftMs());
  }

  #durationSeconds(): number {
    return Math.ceil(this.#timing.durationMs / 1000);
  }

  #guard(handler: () => void): void {
    try {
      handler();
    } catch (thrown) {
      this.#options.onError(asError(thrown));
    }
  }

  async #pause(waitMs: number): Promise<void> {
    try {
      await sleep(waitMs, undefined, { signal: this.#abort.signal });
    } catch (thrown) {
      if (!this.#abort.signal.aborted) throw thrown;
    }
  }
}

/**
 * One moment by two clocks: the monotonic one stands still while a virtual machine is suspended, the other may be
 * set. The larger age counts, so that the doubt is never in favour of leading.
 */
interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

function now(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

function ageMs(moment: Moment): number {
  return Math.max(performance.now() - moment.monotonicMs, Date.now() - moment.wallMs);
}
