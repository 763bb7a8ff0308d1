import type { FleetMember } from './fleetview.ts';
import type { Figures } from './meter.ts';

export const WINDOW_DAYS = 14;
/** Refreshes that are done and averaged, an hour each. */
export const REFRESHES = 6;

export type PartName = 'floor' | 'ours' | 'krr';

/** What a part of the benchmark is to do, in a process of its own. */
export interface Task {
  readonly part: PartName;
  readonly url: string;
  readonly serverPid: number;
  readonly fleet: readonly FleetMember[];
  /** The window of the first reading. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly reader: 'auto' | 'query-range';
  /** Containers that KRR's queries are sent for; the figures are scaled up to all. */
  readonly krrSample: number;
}

/** What a part says of itself; `floor` and `ours` give two. */
export interface PartResult {
  readonly row: 'floor' | 'floor-hour' | 'cold' | 'refresh' | 'krr';
  readonly figures: Figures;
  readonly note: string;
  /** After all was let go that can be: what is kept of each container. */
  readonly keptBytesPerContainer?: number;
}

export type PartMessage =
  | { readonly kind: 'Progress'; readonly text: string }
  /** The server is to take in the hour that ends at the time; `TAKEN_IN` answers. */
  | { readonly kind: 'Hour'; readonly toSeconds: number }
  | { readonly kind: 'Result'; readonly result: PartResult };

export const TAKEN_IN = 'TakenIn';

/** Has the server take in the hour that ends at the time. */
export type TakeIn = (toSeconds: number) => Promise<void>;

export type Say = (message: PartMessage) => void;
