import type { Resource } from '../../recommend/usage.ts';
import type { SortedWindow } from './window.ts';

export const PEER_NAMES = ['vpa', 'krr', 'autopilot', 'crane', 'attune', 'max'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** What can be turned: a percentile (0 to 1) of what the rule looks at, times a margin (1 is none). */
export interface Knob {
  readonly percentile: number;
  readonly margin: number;
}

/**
 * Another recommender's published rule, without its floors, its rounding to quantities and its limits on change:
 * the replay asks what the rule's idea costs, and a floor hides that in small containers.
 */
export interface Peer {
  readonly name: PeerName;
  readonly shipped: Readonly<Record<Resource, Knob>>;
  /** The rule as shipped, for people. */
  readonly says: Readonly<Record<Resource, string>>;
  /**
   * For each percentile, in ascending order, the amount before the margin, in the trace's unit. Undefined without a
   * sample in the part of the window that the rule looks at: what it said last then stands.
   */
  estimate(
    window: SortedWindow,
    resource: Resource,
    percentiles: readonly number[],
  ): Float64Array | undefined;
}
