import { fitMargin, priorMargin, type Margin } from './peaks.ts';
import type { DayExcess, MarginOf } from './sizing.ts';
import type { Resource } from './usage.ts';

/** What the containers of a policy say together, of use to each of them. */
export interface FleetView {
  /** Resources whose promise the policy does not keep now, so that they are not lowered. */
  readonly notKept: readonly Resource[];
  readonly marginOf: MarginOf;
}

/** For a container whose fleet is not known: the margin of the prior on every day. */
export const ALONE: FleetView = { notKept: [], marginOf: priorMargin };

/**
 * The margins on memory peaks that the days of a fleet's containers ask for. Of a day only what lies before it counts,
 * so that a replay sees nothing of what was to come.
 */
export function fleetMargins(excesses: readonly DayExcess[]): MarginOf {
  const falling = excesses.toSorted((a, b) => b.excess - a.excess);
  const known = new Map<string, Margin>();
  return (risk, day) => {
    const key = `${risk}/${day}`;
    const margin = known.get(key) ?? fitMargin(risk, before(falling, day));
    known.set(key, margin);
    return margin;
  };
}

function before(falling: readonly DayExcess[], day: number): readonly number[] {
  return falling.filter((each) => each.day < day).map(({ excess }) => excess);
}
