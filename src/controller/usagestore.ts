import type { PackedUsage } from '../recommend/packed.ts';
import type { WorkloadRef } from './ports.ts';

/** What is known of a workload's usage, and up to when. */
export interface KeptUsage {
  readonly ref: WorkloadRef;
  readonly windowSeconds: number;
  /** End of the last good reading. */
  readonly readToSeconds: number;
  /** When gaps are to be read next: those of the last days, and all of them. */
  readonly nextGapsSeconds: number;
  readonly nextAllGapsSeconds: number;
  /** By container. */
  readonly containers: ReadonlyMap<string, PackedUsage>;
}

/** Keeps usage over restarts. It saves reading only: without it, and whenever it cannot be relied on, all is read again. */
export interface UsageStore {
  /** What was saved last, whole or nothing at all; never rejects. */
  load(): Promise<readonly KeptUsage[]>;
  /**
   * Replaces what was saved; each is to be read before the next is asked for. What cannot be written is said by the store
   * itself; never rejects.
   */
  save(usage: Iterable<KeptUsage>): Promise<void>;
}
