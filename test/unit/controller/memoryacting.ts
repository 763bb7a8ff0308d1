import { Actor, type ActingOptions } from '../../../src/controller/actor.ts';
import type {
  ChangeMade,
  EvictionAnswer,
  LiveReading,
  LiveUsage,
  Permission,
  PodChanger,
  ResizeAnswer,
} from '../../../src/controller/changeports.ts';
import { Ledger, type LedgerRules } from '../../../src/controller/ledger.ts';
import type { PodKnowledge } from '../../../src/controller/podstate.ts';
import type { ChangeRecord } from '../../../src/resize/changes.ts';
import type { PatchedContainer } from '../../../src/resize/podplan.ts';
import { NOW } from '../../support/builders.ts';
import type { MemoryCluster } from './memorycluster.ts';
import { MemoryTemplates } from './memorytemplates.ts';

/** What was asked of the API server, in order. */
export interface Asked {
  readonly call: 'resize' | 'evict' | 'dry-run' | 'dry-evict';
  readonly pod: string;
  readonly containers: readonly PatchedContainer[];
}

export const RULES: LedgerRules = {
  maxPodsPerHour: 1000,
  breaker: { maxBadShare: 0.1, leastJudged: 5, windowSeconds: 3600 },
};

/** A change of one pod from 1 core to 750m that was made at NOW and is watched. */
export function aRecord(change: Partial<ChangeRecord>): ChangeRecord {
  return {
    atSeconds: NOW,
    lane: 'Savings',
    method: 'Resize',
    pods: 1,
    containers: [
      {
        name: 'main',
        from: { requests: { cpu: 1 }, limits: {} },
        to: { requests: { cpu: 0.75 }, limits: {} },
      },
    ],
    why: 'less is recommended',
    outcome: 'Watching',
    before: { pods: 1, oomKilled: 0, restarted: 0, notReady: 0, throttled: 0 },
    ...change,
  };
}

/** The world that is acted on: it takes every change, unless something else is set. */
export class MemoryActing implements PodChanger {
  readonly asked: Asked[] = [];
  readonly made: ChangeMade[] = [];
  readonly forbidden = new Set<Permission>();
  live = new Map<string, ReadonlyMap<string, LiveUsage>>();
  /** In turn, for the dry run and the real call; the last holds on. */
  answers: readonly ResizeAnswer[] = [{ kind: 'Accepted' }];
  readonly templates = new MemoryTemplates();
  eviction: EvictionAnswer = { kind: 'Accepted' };
  rules = RULES;
  /** Called before each call is answered; throws where there is to be no answer. */
  onCall: (asked: Asked) => void = () => undefined;
  /** Called after a call was taken, as the server carries it out. */
  onTaken: (asked: Asked) => void = () => undefined;
  readonly events: string[] = [];
  #next = 0;

  async resize(
    pod: { readonly name: string },
    containers: readonly PatchedContainer[],
    { isDryRun }: { readonly isDryRun: boolean },
  ): Promise<ResizeAnswer> {
    const asked: Asked = { call: isDryRun ? 'dry-run' : 'resize', pod: pod.name, containers };
    const answer = this.answers[Math.min(this.#next++, this.answers.length - 1)];
    return this.#answer(asked, answer ?? { kind: 'Accepted' });
  }

  async evict(
    pod: { readonly name: string },
    { isDryRun }: { readonly isDryRun: boolean },
  ): Promise<EvictionAnswer> {
    const call = isDryRun ? 'dry-evict' : 'evict';
    return this.#answer({ call, pod: pod.name, containers: [] }, this.eviction);
  }

  #answer<T extends { readonly kind: string }>(asked: Asked, answer: T): Promise<T> {
    return new Promise((resolve) => {
      this.asked.push(asked);
      this.onCall(asked);
      if (answer.kind === 'Accepted') this.onTaken(asked);
      resolve(answer);
    });
  }

  get options(): ActingOptions {
    return {
      changer: this,
      templates: this.templates,
      reader: this.templates,
      permissions: { may: (permission) => Promise.resolve(!this.forbidden.has(permission)) },
      live: {
        readNow: (): Promise<LiveReading> =>
          Promise.resolve({ pods: this.live, failure: undefined }),
      },
      sink: { changed: (change) => this.made.push(change) },
      ownNamespace: 'rightsize-system',
      lookSeconds: 15,
      rules: this.rules,
    };
  }

  /** An actor over a cluster, as a term of leadership begins with it. */
  actor(
    cluster: MemoryCluster,
    nowSeconds: () => number,
    looksAt: (namespace: string, pod: string) => PodKnowledge['live'] = () => [],
  ): Actor {
    const quiet = () => undefined;
    return new Actor({
      ...this.options,
      view: cluster,
      clock: { nowSeconds },
      events: { record: ({ reason }) => this.events.push(reason) },
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      isLeader: () => true,
      ledger: new Ledger(cluster, this.rules),
      looksAt,
      lookSoon: quiet,
    });
  }
}
