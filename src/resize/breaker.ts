import { judgedSeconds } from './backoff.ts';
import type { ChangeRecord } from './changes.ts';

export interface BreakerRules {
  /** Share of judged changes that may go bad, 0 to 1. */
  readonly maxBadShare: number;
  /** With fewer judged ones their share says nothing. */
  readonly leastJudged: number;
  /** How far back changes count. */
  readonly windowSeconds: number;
}

export interface BreakerState {
  readonly isOpen: boolean;
  readonly judged: number;
  readonly bad: number;
  /** Whose outcome is from before this counts no more, so that it closes by itself then at the latest. */
  readonly closesAtSeconds: number | undefined;
}

/**
 * Whether savings stop cluster-wide: of the savings that were judged within the window, more went bad than may.
 * Outcomes up to `acknowledgedSeconds` do not count. An outcome from the future does: a clock that stepped back closes
 * nothing.
 */
export function breaker(
  records: readonly ChangeRecord[],
  rules: BreakerRules,
  at: { readonly nowSeconds: number; readonly acknowledgedSeconds: number | undefined },
): BreakerState {
  const from = Math.max(at.nowSeconds - rules.windowSeconds, at.acknowledgedSeconds ?? -Infinity);
  const judged = records.filter(
    (record) =>
      record.lane === 'Savings' &&
      (record.outcome === 'Fine' || record.outcome === 'TakenBack') &&
      judgedSeconds(record) > from,
  );
  const bad = judged.filter(({ outcome }) => outcome === 'TakenBack');
  const isOpen =
    judged.length >= rules.leastJudged && bad.length > rules.maxBadShare * judged.length;
  return {
    isOpen,
    judged: judged.length,
    bad: bad.length,
    closesAtSeconds: isOpen ? Math.max(...bad.map(judgedSeconds)) + rules.windowSeconds : undefined,
  };
}
