import type { Resource } from '../recommend/usage.ts';
import type { Decisions } from './peers/decisions.ts';
import type { Knob, Peer } from './peers/peer.ts';

const PERCENTILES = [
  0.5, 0.6, 0.66, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.993,
  0.995, 0.997, 0.998, 0.999, 0.9995, 1,
] as const;
/** Beyond the maximum only a margin is left to turn. */
const MARGINS_ON_MAXIMUM = [1.15, 1.3, 1.5, 2, 3, 5] as const;
const MARGINS = [
  0.6, 0.8, 0.9, 0.95, 1, 1.02, 1.05, 1.08, 1.1, 1.12, 1.15, 1.2, 1.3, 1.4, 1.5, 1.75, 2, 2.5, 3, 4,
  6, 10,
] as const;

/** A request under half the mean use saves nothing more: giving up a series must not pay. */
const LEAST_COST = 0.5;
/** A rate that is met to the last bit is met. */
const TOUCH = 1e-12;

/**
 * The settings over which a rule is turned, in ascending order of what it then asks for, the shipped one among them.
 * CPU: the percentile, then a margin on its maximum. Memory, and a rule that is a maximum as shipped: the margin.
 */
export function sweepKnobs(peer: Peer, resource: Resource): readonly Knob[] {
  const { percentile, margin } = peer.shipped[resource];
  if (resource === 'memory' || percentile === 1) {
    return MARGINS.map((turned) => ({ percentile, margin: turned }));
  }
  return [
    ...PERCENTILES.map((turned) => ({ percentile: turned, margin })),
    ...MARGINS_ON_MAXIMUM.map((more) => ({ percentile: 1, margin: margin * more })),
  ];
}

/** How one series fared, one number for each knob. */
export interface SeriesSweep {
  /** Share of the observed time above the request, 0 to 1. */
  readonly ex: Float64Array;
  /** Natural logarithm of mean request over mean use. */
  readonly logCost: Float64Array;
  /** Share of the days, 0 to 1, with any use above the request. */
  readonly breach: Float64Array;
}

/** Days in which use above the request is looked for. */
export interface BreachDays {
  /** Length of such a day in bins, counted from the series' start. */
  readonly periodBins: number;
  /** A day with fewer samples is not counted, unless none has as many. */
  readonly leastSamples: number;
}

/**
 * Scores all knobs of a rule on one series in one pass, from the first decision on. The amounts of a decision must
 * ascend with the knob, as those of sweepKnobs do. Undefined when nothing was used there, or when the rule had not
 * spoken by the first sample.
 */
export function sweepSeries(
  values: Float64Array,
  decisions: Decisions,
  { periodBins, leastSamples }: BreachDays,
): SeriesSweep | undefined {
  const tally = new Tally(decisions, leastSamples);
  const { firstBin, everyBins } = decisions.schedule;
  for (let bin = firstBin; bin < values.length;) {
    const decision = Math.floor((bin - firstBin) / everyBins);
    const day = Math.floor(bin / periodBins);
    const end = Math.min(
      values.length,
      firstBin + (decision + 1) * everyBins,
      (day + 1) * periodBins,
    );
    tally.add(decision, day, values.subarray(bin, end));
    bin = end;
  }
  return tally.result();
}

class Tally {
  readonly #amounts: Float64Array;
  readonly #knobs: number;
  readonly #leastSamples: number;
  /** By number of knobs whose request is exceeded: how many samples, and how many days at worst. */
  readonly #samplesOver: Float64Array;
  readonly #daysOver: Float64Array;
  readonly #thinDaysOver: Float64Array;
  readonly #requested: Float64Array;
  #used = 0;
  #day = -1;
  #daySamples = 0;
  #dayWorst = 0;

  constructor({ amounts, knobs }: Decisions, leastSamples: number) {
    this.#amounts = amounts;
    this.#knobs = knobs.length;
    this.#leastSamples = leastSamples;
    this.#samplesOver = new Float64Array(knobs.length + 1);
    this.#daysOver = new Float64Array(knobs.length + 1);
    this.#thinDaysOver = new Float64Array(knobs.length + 1);
    this.#requested = new Float64Array(knobs.length);
  }

  add(decision: number, day: number, values: Float64Array): void {
    if (day !== this.#day) this.#closeDay();
    this.#day = day;
    const line = this.#amounts.subarray(decision * this.#knobs, (decision + 1) * this.#knobs);
    let samples = 0;
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      samples += 1;
      this.#used += value;
      const over = countBelow(line, value);
      this.#samplesOver[over] = (this.#samplesOver[over] ?? 0) + 1;
      this.#dayWorst = Math.max(this.#dayWorst, over);
    }
    this.#daySamples += samples;
    for (let k = 0; samples > 0 && k < this.#knobs; k++) {
      this.#requested[k] = (this.#requested[k] ?? 0) + samples * (line[k] ?? NaN);
    }
  }

  #closeDay(): void {
    if (this.#daySamples > 0) {
      const days = this.#daySamples >= this.#leastSamples ? this.#daysOver : this.#thinDaysOver;
      days[this.#dayWorst] = (days[this.#dayWorst] ?? 0) + 1;
    }
    this.#daySamples = 0;
    this.#dayWorst = 0;
  }

  result(): SeriesSweep | undefined {
    this.#closeDay();
    if (!(this.#used > 0) || !this.#requested.every(Number.isFinite)) return undefined;
    const days = this.#daysOver.some((count) => count > 0) ? this.#daysOver : this.#thinDaysOver;
    return {
      ex: shareAbove(this.#samplesOver),
      breach: shareAbove(days),
      logCost: this.#requested.map((sum) => Math.log(Math.max(sum / this.#used, LEAST_COST))),
    };
  }
}

/** How many of the ascending amounts the value exceeds. */
function countBelow(amounts: Float64Array, value: number): number {
  let count = 0;
  while (count < amounts.length && value > (amounts[count] ?? NaN)) count += 1;
  return count;
}

/** From counts by number of knobs exceeded, for each knob the share of all that exceeded it. */
function shareAbove(counts: Float64Array): Float64Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const shares = new Float64Array(counts.length - 1);
  let above = 0;
  for (let k = shares.length - 1; k >= 0; k--) {
    above += counts[k + 1] ?? 0;
    shares[k] = above / total;
  }
  return shares;
}

/** A promise at which two rules are compared. */
export type Promised =
  /** The share `target` of the series is above its request at most the share `risk` of the time. */
  | { readonly kind: 'keep'; readonly risk: number; readonly target: number }
  /** Mean over the series of the time above the request. */
  | { readonly kind: 'ex'; readonly target: number }
  /** Mean over the series of the days with use above the request. */
  | { readonly kind: 'breach'; readonly target: number };

export interface CostAtPromise {
  /** Geometric mean over the series of mean request over mean use. */
  readonly cost: number;
  /** False when no knob gets there: the cost is then that of the best point. */
  readonly reached: boolean;
}

/**
 * What a rule costs when its one knob is set, with hindsight, so that the fleet gets what is promised: its cheapest
 * points, interpolated linearly in the logarithm of the cost; rates are taken as -log(rate + 1e-5).
 * NaN without a series.
 */
export function costAtPromise(series: readonly SeriesSweep[], promised: Promised): CostAtPromise {
  const points = pointsOf(series, promised);
  const frontier = cheapest(points);
  const best = frontier.at(-1);
  if (best === undefined) return { cost: NaN, reached: false };
  const target = promised.kind === 'keep' ? promised.target : strictness(promised.target);
  return {
    cost: Math.exp(interpolate(frontier, target)),
    reached: target <= best.promise + 1e-9,
  };
}

interface Point {
  /** Larger is stricter. */
  readonly promise: number;
  readonly logCost: number;
}

function strictness(rate: number): number {
  return -Math.log(rate + 1e-5);
}

function pointsOf(series: readonly SeriesSweep[], promised: Promised): readonly Point[] {
  const knobs = series[0]?.logCost.length ?? 0;
  return Array.from({ length: knobs }, (_, k) => ({
    promise: promiseAt(series, promised, k),
    logCost: mean(series, ({ logCost }) => logCost[k] ?? NaN),
  }));
}

function promiseAt(series: readonly SeriesSweep[], promised: Promised, knob: number): number {
  switch (promised.kind) {
    case 'keep':
      return mean(series, ({ ex }) => Number((ex[knob] ?? NaN) <= promised.risk + TOUCH));
    case 'ex':
      return strictness(mean(series, ({ ex }) => ex[knob] ?? NaN));
    case 'breach':
      return strictness(mean(series, ({ breach }) => breach[knob] ?? NaN));
  }
}

function mean(series: readonly SeriesSweep[], of: (one: SeriesSweep) => number): number {
  return series.reduce((sum, one) => sum + of(one), 0) / series.length;
}

/** The points that no cheaper point matches, in ascending order of promise and of cost. */
function cheapest(points: readonly Point[]): readonly Point[] {
  const frontier: Point[] = [];
  const sorted = [...points].sort((a, b) => a.logCost - b.logCost || b.promise - a.promise);
  for (const point of sorted) {
    if (point.promise > (frontier.at(-1)?.promise ?? -Infinity) + TOUCH) frontier.push(point);
  }
  return frontier;
}

/** At the ends, the end's own cost. */
function interpolate(frontier: readonly Point[], target: number): number {
  const next = frontier.findIndex(({ promise }) => promise >= target);
  const above = frontier[next] ?? frontier.at(-1);
  const below = frontier[next - 1];
  if (above === undefined) return NaN;
  if (next === -1 || below === undefined) return above.logCost;
  const share = (target - below.promise) / (above.promise - below.promise);
  return below.logCost + share * (above.logCost - below.logCost);
}
