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
export function fleetMargins(excesses: Iterable<DayExcess>): MarginOf {
  const falling = new FallingExcesses(excesses);
  const known = new Map<number, Map<number, Margin>>();
  // Each day is asked for several risks in a row.
  let past = { day: NaN, falling: new Float64Array(0) };
  return (risk, day) => {
    const ofDay = known.get(day) ?? new Map<number, Margin>();
    if (ofDay.size === 0) known.set(day, ofDay);
    const found = ofDay.get(risk);
    if (found !== undefined) return found;
    if (day !== past.day) past = { day, falling: falling.before(day) };
    const margin = fitMargin(risk, past.falling);
    ofDay.set(risk, margin);
    return margin;
  };
}

/** Those of a fleet, from the highest to the lowest: eight for each of thousands of containers, held until the next fit. */
class FallingExcesses {
  readonly #days: Float64Array;
  readonly #excesses: Float64Array<ArrayBuffer>;

  constructor(excesses: Iterable<DayExcess>) {
    const days: number[] = [];
    const values: number[] = [];
    for (const { day, excess } of excesses) {
      days.push(day);
      values.push(excess);
    }
    const order = Uint32Array.from(values.keys());
    order.sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
    this.#days = Float64Array.from(order, (index) => days[index] ?? 0);
    this.#excesses = Float64Array.from(order, (index) => values[index] ?? 0);
  }

  before(day: number): Float64Array<ArrayBuffer> {
    // Without `filter`, which makes an object of each number on its way.
    const past = new Float64Array(this.#excesses.length);
    let count = 0;
    for (let i = 0; i < past.length; i++) {
      if ((this.#days[i] ?? 0) < day) past[count++] = this.#excesses[i] ?? 0;
    }
    return past.subarray(0, count);
  }
}
