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
  const known = new Map<number, Map<number, Margin>>();
  // Each day is asked for several risks in a row.
  let past = { day: NaN, falling: [] as readonly number[] };
  return (risk, day) => {
    const ofDay = known.get(day) ?? new Map<number, Margin>();
    if (ofDay.size === 0) known.set(day, ofDay);
    const found = ofDay.get(risk);
    if (found !== undefined) return found;
    if (day !== past.day) past = { day, falling: before(falling, day) };
    const margin = fitMargin(risk, past.falling);
    ofDay.set(risk, margin);
    return margin;
  };
}

function before(falling: readonly DayExcess[], day: number): readonly number[] {
  return falling.filter((each) => each.day < day).map(({ excess }) => excess);
}
