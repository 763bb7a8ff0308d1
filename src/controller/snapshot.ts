import type { Calibration } from './calibration.ts';
import type { Outcome } from './compose.ts';

/** What a metrics endpoint shows of the controller. */
export interface ControllerSnapshot {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly usage: { readonly wanted: number; readonly failing: number; readonly unread: number };
  readonly queueDepth: number;
  /** By policy key. */
  readonly calibrations: ReadonlyMap<string, Calibration>;
  /** Savings stop in the whole cluster. */
  readonly isBreakerOpen: boolean;
}
