import type { ActingOptions } from './actor.ts';
import type { ClusterView, ClusterWriter, Clock, EventSink, Log, UsageSource } from './ports.ts';
import type { Written } from './reconcile.ts';
import type { Territory } from './territory.ts';
import type { UsageStore } from './usagestore.ts';

/** What a controller needs of the world. */
export interface ControllerOptions {
  readonly view: ClusterView;
  readonly writer: ClusterWriter;
  readonly source: UsageSource;
  readonly events: EventSink;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** False as soon as this instance must not write any more. */
  readonly isLeader: () => boolean;
  /** Where several instances share the cluster; all of it unless stated. */
  readonly territory?: Territory;
  readonly refreshSeconds: number;
  /** Where usage is kept over restarts; nowhere unless given. */
  readonly usageStore?: UsageStore | undefined;
  readonly acting: ActingOptions;
  readonly onReconciled: (result: Written | 'Failed') => void;
}
