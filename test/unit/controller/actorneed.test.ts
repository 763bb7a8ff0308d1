import assert from 'node:assert/strict';
import { parseCpu } from '../../../src/api/quantity.ts';
import type { LiveUsage } from '../../../src/controller/changeports.ts';
import type { Pod } from '../../../src/controller/ports.ts';
import { aHistory, days, GI, MI, NOW } from '../../support/builders.ts';
import { ActingWorld, SILENT } from './actingworld.ts';
import type { Asked } from './memoryacting.ts';
import { aPod, aPodContainer, aWorkload } from './memorycluster.ts';

const LOOK_SECONDS = 15;
const LIMIT = 1;
/** What the containers would use if nothing held them down. */
const DEMAND = 1.05;

/**
 * Two Guaranteed pods of one core on a node with static CPUs, which resizes nothing in place. Of late they are throttled;
 * a fortnight of less says that they need less than they have. What is evicted comes again as new pods are sized.
 */
class StaticNodes {
  readonly world = new ActingWorld({
    mode: 'Recreate',
    limits: { cpu: { strategy: 'Headroom', headroom: '0%' } },
  });
  readonly comesAt: 'Eviction' | 'NextLook';
  readonly replacements: number[] = [];
  #gone = 0;

  constructor(comesAt: 'Eviction' | 'NextLook') {
    this.comesAt = comesAt;
    const { cluster, acting } = this.world;
    const sizes = { cpu: LIMIT, memory: GI };
    const [main] = aWorkload('cart').containers;
    cluster.add(
      aWorkload('cart', { containers: main ? [{ ...main, requests: sizes, limits: sizes }] : [] }),
    );
    this.world.setPods(made('cart-1', NOW - 90_000, LIMIT), made('cart-2', NOW - 90_000, LIMIT));
    this.world.usage = aHistory(days(14, { cpu: [0.7], peak: 900 * MI }));
    acting.onTaken = (asked) => this.#carryOut(asked);
    this.world.actor = acting.actor(
      cluster,
      () => this.world.now,
      (_, name) => this.#looks(name),
    );
  }

  async pass(seconds: number): Promise<void> {
    const until = this.world.now + seconds;
    while (this.world.now < until) {
      this.world.now += LOOK_SECONDS;
      await this.world.reconcile();
      const going = this.world.pods().filter(({ isTerminating }) => isTerminating);
      if (going.length > 0) await this.world.reconcile();
      for (const { name } of going) this.#replace(name);
    }
  }

  limits(): readonly (number | undefined)[] {
    return this.world.pods().map(({ containers: [main] }) => (main?.actual ?? main)?.limits.cpu);
  }

  #looks(name: string): readonly ReadonlyMap<string, LiveUsage>[] {
    const [main] = this.world.pods().find((pod) => pod.name === name)?.containers ?? [];
    const limit = (main?.actual ?? main)?.limits.cpu ?? Infinity;
    return Array.from({ length: 21 }, (_, index) => {
      const atSeconds = this.world.now - LOOK_SECONDS * index;
      const look: LiveUsage = {
        ...SILENT,
        atSeconds,
        cpuSinceSeconds: atSeconds - LOOK_SECONDS,
        memoryBytes: 900 * MI,
        cpuCores: Math.min(limit, DEMAND),
        throttledShare: limit < DEMAND ? 0.3 : 0,
        throttledSinceSeconds: atSeconds - 10,
      };
      return new Map([['main', look]]);
    });
  }

  #carryOut(asked: Asked): void {
    if (asked.call === 'resize') this.#refuse(asked);
    if (asked.call !== 'evict') return;
    if (this.comesAt === 'Eviction') this.#replace(asked.pod);
    else this.world.change(asked.pod, { isTerminating: true, running: false });
  }

  #refuse({ pod: name, containers: [change] }: Asked): void {
    const pod = this.world.pods().find((each) => each.name === name);
    const [main] = pod?.containers ?? [];
    if (pod === undefined || main === undefined || change === undefined) return;
    this.world.change(name, {
      generation: pod.generation + 1,
      observedGeneration: pod.generation + 1,
      resize: { state: 'Infeasible', message: 'static CPU manager', sinceSeconds: this.world.now },
      containers: [{ ...main, ...change.to, actual: change.from }],
    });
  }

  #replace(name: string): void {
    const cpu = parseCpu(this.world.status?.admission?.[0]?.requests?.cpu ?? String(LIMIT));
    this.replacements.push(cpu);
    this.#gone += 1;
    const others = this.world.pods().filter((pod) => pod.name !== name);
    this.world.setPods(...others, made(`cart-new-${this.#gone}`, this.world.now, cpu));
  }
}

function made(name: string, createdSeconds: number, cpu: number): Pod {
  const sizes = { cpu, memory: GI };
  return aPod(name, {
    createdSeconds,
    readinessSeconds: createdSeconds,
    qosClass: 'Guaranteed',
    containers: [aPodContainer('main', { requests: sizes, limits: sizes })],
  });
}

describe('pods in need that their node does not resize', () => {
  for (const comesAt of ['Eviction', 'NextLook'] as const) {
    it(`are replaced, one after the other, by pods that have more: at the ${comesAt}`, async () => {
      const nodes = new StaticNodes(comesAt);
      await nodes.pass(1800);
      // A throttled container gets half as much again: 1 × 1.5.
      assert.deepEqual(nodes.replacements, [1.5, 1.5]);
      assert.deepEqual(nodes.limits(), [1.5, 1.5]);
      const lanes = nodes.world.history.map(({ lane, method }) => `${lane} ${method}`);
      assert.deepEqual(lanes, ['Rescue Resize', 'Rescue Evict', 'Rescue Evict']);
    });
  }
});
