import type { Actor } from '../../../src/controller/actor.ts';
import type { LiveUsage } from '../../../src/controller/changeports.ts';
import type { KnownFleet } from '../../../src/controller/fleets.ts';
import type { Pod, UsageFailure } from '../../../src/controller/ports.ts';
import { reconcileWorkload, type Reconciled } from '../../../src/controller/reconcile.ts';
import { ALONE } from '../../../src/recommend/fleet.ts';
import { DAY_SECONDS, type UsageHistory } from '../../../src/recommend/usage.ts';
import { aHistory, day, days, GI, MI, NOW, type DayOf } from '../../support/builders.ts';
import { MemoryActing, type Asked } from './memoryacting.ts';
import { aPod, aPodContainer, aPolicy, aWorkload, MemoryCluster } from './memorycluster.ts';

export const KEY = 'shop/Deployment/cart';
export const NAME = 'deployment-cart';
const signal = new AbortController().signal;

/** A look that showed nothing. */
export const SILENT = {
  memoryBytes: undefined,
  cpuCores: undefined,
  cpuSinceSeconds: undefined,
  throttledShare: undefined,
  throttledSinceSeconds: undefined,
  oomKilledSeconds: undefined,
};

/** A pod of the Deployment cart with the sizes of its template, and a limit where one is given. */
export function cartPod(name: string, change: Partial<Pod> = {}, memoryLimit?: number): Pod {
  const limits = memoryLimit === undefined ? {} : { memory: memoryLimit };
  const main = aPodContainer('main', { requests: { cpu: 1, memory: GI }, limits });
  return aPod(name, { containers: [main], ...change });
}

/**
 * The Deployment cart with two pods of 1 core and 1Gi, of which a fortnight shows 100m and 100Mi, under a policy that
 * resizes in place. What is asked of the API server is carried out at once, and seen at once.
 */
export class ActingWorld {
  readonly cluster = new MemoryCluster();
  readonly acting = new MemoryActing();
  /** Writes and calls, in order. */
  readonly log: string[] = [];
  now = NOW;
  usage: UsageHistory | undefined = aHistory(days(14));
  failure: UsageFailure | undefined;
  isRead = true;
  fleet: KnownFleet = { ...ALONE, isComplete: true };
  /** What the container of each pod does now; undefined: nobody has looked. */
  live: Partial<LiveUsage> | undefined = { memoryBytes: 100 * MI, cpuCores: 0.1 };
  actor: Actor;

  constructor(spec: object = {}) {
    this.cluster.add(aWorkload('cart'), aPolicy('own', { mode: 'InPlace', ...spec }));
    this.cluster.podsOf.set(KEY, [cartPod('cart-1'), cartPod('cart-2')]);
    this.cluster.onWrite = (name) => this.log.push(`write ${name}`);
    this.acting.onCall = ({ call, pod }) => this.log.push(`${call} ${pod}`);
    this.acting.onTaken = (asked) => this.#carryOut(asked);
    this.actor = this.#anew();
  }

  /** As another instance takes over: what is known comes from the cluster. */
  restart(): void {
    this.actor = this.#anew();
  }

  reconcile(key = KEY): Promise<Reconciled> {
    return reconcileWorkload(
      key,
      {
        view: this.cluster,
        writer: this.cluster,
        clock: { nowSeconds: () => this.now },
        actor: this.actor,
        usageOf: () => ({
          containers: new Map(this.isRead && this.usage ? [['main', this.usage]] : []),
          failure: this.failure,
          isRead: this.isRead,
        }),
        fleetOf: () => this.fleet,
      },
      signal,
    );
  }

  pods(key = KEY): readonly Pod[] {
    return this.cluster.podsOf.get(key) ?? [];
  }

  setPods(...pods: readonly Pod[]): void {
    this.cluster.podsOf.set(KEY, pods);
  }

  change(name: string, change: Partial<Pod>, key = KEY): void {
    const pods = this.pods(key).map((pod) => (pod.name === name ? { ...pod, ...change } : pod));
    this.cluster.podsOf.set(key, pods);
  }

  /** The container was killed for memory just now. */
  kill(name: string): void {
    const { containers } = this.pods().find((pod) => pod.name === name) ?? { containers: [] };
    const times = { restartedSeconds: this.now, oomKilledSeconds: this.now, restarts: 1 };
    this.change(name, { containers: containers.map((each) => ({ ...each, ...times })) });
  }

  get status() {
    return this.cluster.statusOf(NAME);
  }

  get state(): string | undefined {
    return this.status?.summary?.status;
  }

  /** Requests that are recommended. */
  get target() {
    return this.status?.containers?.[0]?.target?.requests;
  }

  get history() {
    return this.status?.history ?? [];
  }

  condition(type: string) {
    return this.status?.conditions?.find((each) => each.type === type);
  }

  /** As much use as before has been seen up to now. */
  seen(what: DayOf = {}): void {
    const passed = Math.floor((this.now - NOW) / DAY_SECONDS);
    const last = Array.from({ length: 14 }, (_, index) => day(14 - index - passed, what));
    this.usage = aHistory(last, { lastSampleSeconds: this.now });
  }

  /** Empties the log and gives what was in it. */
  told(): readonly string[] {
    return this.log.splice(0);
  }

  #anew(): Actor {
    const look = (atSeconds: number) =>
      this.live &&
      new Map([['main', { ...SILENT, atSeconds, cpuSinceSeconds: atSeconds - 15, ...this.live }]]);
    return this.acting.actor(
      this.cluster,
      () => this.now,
      () => Array.from({ length: 21 }, (_, index) => look(this.now - 15 * index)),
    );
  }

  #carryOut({ call, pod: name, containers }: Asked): void {
    for (const [key, pods] of this.cluster.podsOf) {
      const pod = pods.find((each) => each.name === name);
      if (pod === undefined) continue;
      if (call === 'evict') this.change(name, { isTerminating: true, running: false }, key);
      if (call === 'resize') this.change(name, resized(pod, containers), key);
    }
  }
}

function resized(pod: Pod, patched: Asked['containers']): Partial<Pod> {
  return {
    resourceVersion: String(Number(pod.resourceVersion) + 1),
    generation: pod.generation + 1,
    observedGeneration: pod.generation + 1,
    containers: pod.containers.map((container) => {
      const to = patched.find(({ name }) => name === container.name)?.to;
      return to === undefined ? container : { ...container, ...to, actual: to };
    }),
  };
}

/** What the first container of each pod asks for. */
export function requests(world: ActingWorld, key = KEY) {
  return world.pods(key).map(({ containers: [main] }) => main?.requests);
}
