import type { Condition } from './recommendation.ts';

/** An observation before it is known when it came about. */
export interface Observation {
  readonly type: string;
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
}

const LONGEST_MESSAGE = 1024;

/**
 * Observations as conditions: lastTransitionTime moves only when the status flips, so that an unchanged state is the
 * same bytes. What is no longer observed is no longer there.
 */
export function conditionsOf(
  observations: readonly Observation[],
  before: readonly Condition[] | undefined,
  at: { readonly now: string; readonly generation?: number },
): Condition[] {
  return observations.map(({ type, status, reason, message }) => {
    const old = before?.find((each) => each.type === type);
    return {
      type,
      status,
      reason,
      message: message.slice(0, LONGEST_MESSAGE),
      lastTransitionTime: old?.status === status ? old.lastTransitionTime : at.now,
      ...(at.generation !== undefined && { observedGeneration: at.generation }),
    };
  });
}
