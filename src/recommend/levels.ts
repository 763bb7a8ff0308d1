/** Tails of the quantiles that are kept at hand, from the widest to the maximum. */
export const STEADY_TAILS: readonly number[] = [
  0.2, 0.1, 0.07, 0.05, 0.03, 0.02, 0.015, 0.01, 0.005, 0.002, 0,
];
/** Tracking: a ratio is bounded by less than use itself, so that its maximum says little. */
export const TRACKING_TAILS: readonly number[] = [
  0.2, 0.1, 0.07, 0.05, 0.03, 0.02, 0.015, 0.01, 0.005, 0.002, 0.0005,
];

/** Where the maximum stands on the scale. */
const MAXIMUM_TAIL = 0.0005;

/** Where a tail lies among those that are kept; a risk asks for the same one hour after hour. */
export class TailPlace {
  tail = NaN;
  /** Of the widest tail that is no wider; as many as there are for none. */
  index = 0;
  /** It is kept itself, or stricter than all that are kept. */
  isKept = false;
  /** How far from the tail before that one it lies, 0 to 1, on the scale of the logarithm of the tail. */
  way = 1;

  find(tail: number, { ats, spans }: TailScale): void {
    let index = 0;
    while (index < ats.length && (ats[index] ?? 0) > tail) index += 1;
    this.tail = tail;
    this.index = index;
    this.isKept = index === ats.length || ats[index] === tail;
    const before = index === 0 ? 1 : (ats[index - 1] ?? 1);
    this.way = this.isKept ? 1 : Math.log(before / tail) / (spans[index] ?? 1);
  }
}

/** Where tails stand on the scale of their logarithms. */
class TailScale {
  readonly ats: readonly number[];
  /** How far each lies from the one before it, the first from 1. */
  readonly spans: readonly number[];

  constructor(tails: readonly number[]) {
    this.ats = tails.map((tail) => Math.max(tail, MAXIMUM_TAIL));
    this.spans = this.ats.map((at, i) => Math.log((this.ats[i - 1] ?? 1) / at));
  }
}

/**
 * The amounts that use is over for a share of the time, from logarithms of amounts at `tails`; in proportion between
 * two of them, on the scale of the logarithm of the tail. Values that fall towards stricter tails count as level: less
 * risk never asks for less.
 */
export class TailCurve {
  readonly tails: readonly number[];
  /** To be filled, one for each of `tails`; then `filled` is to be called. */
  readonly logs: Float64Array;
  readonly #scale: TailScale;

  constructor(tails: readonly number[]) {
    this.tails = tails;
    this.#scale = new TailScale(tails);
    this.logs = new Float64Array(tails.length);
  }

  /** Bytes of state. */
  get bytes(): number {
    return this.logs.byteLength;
  }

  filled(): void {
    const { logs } = this;
    let highest = -Infinity;
    for (let i = 0; i < logs.length; i++) {
      highest = Math.max(highest, logs[i] ?? -Infinity);
      logs[i] = highest;
    }
  }

  /** The natural logarithm of the amount at a tail; `place` is kept by who asks, for the next time. */
  logAt(tail: number, place: TailPlace): number {
    if (place.tail !== tail) place.find(tail, this.#scale);
    const { index, isKept, way } = place;
    const below = index === 0 ? -Infinity : (this.logs[index - 1] ?? -Infinity);
    const log = this.logs[index] ?? below;
    return isKept || below === -Infinity ? log : below + way * (log - below);
  }

  /** No less than `logAt`, and found in less time. */
  logAtMost(tail: number): number {
    const { ats } = this.#scale;
    let index = 0;
    while (index < ats.length - 1 && (ats[index] ?? 0) > tail) index += 1;
    return this.logs[index] ?? -Infinity;
  }

  amountAt(tail: number, place: TailPlace): number {
    return Math.exp(this.logAt(tail, place));
  }
}
