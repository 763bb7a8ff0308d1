import { existsSync, readFileSync } from 'node:fs';
import { claimId, type Claim } from '../controller/claims.ts';
import type { Log } from '../controller/ports.ts';
import { Sharding } from '../controller/sharding.ts';
import type { KubeConnection } from '../kube/connection.ts';
import { LeaderElection } from '../kube/lease.ts';
import { annotationsOf, ShardLeases, shardLeaseName } from '../kube/shardleases.ts';
import type { Shard } from './shardflags.ts';

export interface LeadershipOptions {
  readonly connection: KubeConnection;
  readonly shard: Shard;
  readonly leaseNamespace: string;
  readonly leaseName: string;
  readonly log: Log;
  readonly onElected: () => void;
  /** Which namespaces are this instance's is known, or other than before. */
  readonly onTerritory: () => void;
  readonly onFigures: () => void;
  readonly onLost: () => void;
}

/** Whether this instance works, and on what: the Lease of its shard, and what the Leases of other shards say. */
export class Leadership {
  readonly election: LeaderElection;
  readonly sharding: Sharding;

  constructor(options: LeadershipOptions) {
    const { connection, shard, log, leaseNamespace: namespace, leaseName: base } = options;
    const self: Claim = { ...shard, epoch: Math.floor(performance.timeOrigin) };
    this.sharding = new Sharding({
      self,
      peers: new ShardLeases({ connection, namespace, base, self }),
      isWriting: (within) => connection.isWriting(within),
      onTerritory: () => {
        const { awaited } = this.sharding;
        if (awaited.length > 0) log.info({ shard: claimId(self), awaited }, 'others go before');
        options.onTerritory();
      },
      onFigures: options.onFigures,
      onError: (error) => log.warn({ err: error }, 'leases of other shards cannot be read'),
    });
    this.election = new LeaderElection({
      connection,
      namespace,
      name: shardLeaseName(base, self),
      annotations: () => annotationsOf(this.sharding.announcement()),
      onRenewed: () => this.sharding.said(),
      onElected: () => {
        log.info({ identity: this.election.identity, shard: claimId(self) }, 'leading');
        this.sharding.begin();
        options.onElected();
      },
      onLost: (reason) => {
        log.warn({ reason }, 'not leading any more');
        options.onLost();
        this.sharding.end();
      },
      onError: (error) => log.warn({ err: error }, 'lease'),
    });
  }

  /** Whether this instance leads and knows what others work on. False as soon as one of the two is too old. */
  isLeader(): boolean {
    return this.election.isLeader() && this.sharding.isFresh;
  }

  /** Whether objects of the namespace may be written now; undefined: those of no namespace. */
  mayWrite(namespace: string | undefined): boolean {
    return this.isLeader() && this.sharding.owns(namespace);
  }

  /** The Lease goes back as soon as nothing of ours writes any more, since others wait for it. */
  async stop(): Promise<void> {
    this.sharding.end();
    await this.election.stop();
  }
}

/** Undefined when this does not run in a pod. */
export function podNamespace(): string | undefined {
  const file = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}
