import { DAY_BINS } from './grid.ts';
import { leastSamples, scoredBins, type Protocol } from './protocol.ts';
import type { Row } from './walk.ts';

/** What the rows of one series realised, over the bins that are scored. Shares are 0 to 1. */
export interface SeriesScore {
  /** Observed bins. */
  readonly bins: number;
  /** Share of observed time with use over the request. */
  readonly ex: number;
  /** Use over the request / use. */
  readonly vol: number;
  /** Mean request / mean use; at least half, so that giving a series up does not pay. */
  readonly cost: number;
  /** Steps of more than 10 % a week. */
  readonly changesPerWeek: number;
  /** Share over the request in the worst period (a day; 6 h of a short series) with at least half its samples. */
  readonly worstDay: number;
  /** Periods with at least half their samples, and those of them that were over the request at all. */
  readonly days: number;
  readonly daysHit: number;
  /** Weeks with at least half their samples, and the share over the request in each. */
  readonly weeks: readonly number[];
  readonly meanRequest: number;
  readonly meanUse: number;
}

const LEAST_COST = 0.5;
const WORTH_COUNTING = Math.log(1.1) + 1e-9;

interface Sums {
  count: number;
  over: number;
  use: number;
  useOver: number;
  request: number;
}

/** What was realised in all, by period and by week. */
interface Tally {
  readonly total: Sums;
  readonly periods: ReadonlyMap<number, Sums>;
  readonly weeks: ReadonlyMap<number, Sums>;
  /** From the first scored bin to the last. */
  readonly days: number;
}

/**
 * Scores the rows of a series. A bin is judged against the row that it lies in; a value that is just met is not over.
 * Undefined when no bin can be scored, or nothing was used.
 */
export function scoreSeries(
  values: Float64Array,
  rows: readonly Row[],
  { protocol, stepSeconds }: { readonly protocol: Protocol; readonly stepSeconds: number },
): SeriesScore | undefined {
  const { total, periods, weeks, days } = tally(values, rows, protocol);
  if (total.count === 0 || total.use <= 0) return undefined;
  const least = leastSamples(stepSeconds, protocol);
  const leastOfWeek = (least / protocol.periodBins) * WEEK_BINS;
  const counted = enough([...periods.values()], least);
  return {
    bins: total.count,
    ex: total.over / total.count,
    vol: total.useOver / total.use,
    cost: Math.max(total.request / total.use, LEAST_COST),
    changesPerWeek: (changes(rows) / Math.max(days, 1)) * 7,
    worstDay: Math.max(...counted.map(({ over, count }) => over / count)),
    days: counted.length,
    daysHit: counted.filter(({ over }) => over > 0).length,
    weeks: enough([...weeks.values()], leastOfWeek).map(({ over, count }) => over / count),
    meanRequest: total.request / total.count,
    meanUse: total.use / total.count,
  };
}

const WEEK_BINS = 7 * DAY_BINS;

function tally(values: Float64Array, rows: readonly Row[], protocol: Protocol): Tally {
  const total = emptySums();
  const periods = new Map<number, Sums>();
  const weeks = new Map<number, Sums>();
  const scored = scoredBins(values, protocol);
  const from = scored[0] ?? 0;
  let last = from;
  let at = 0;
  for (const bin of scored) {
    while (at < rows.length && (rows[at]?.toBin ?? 0) <= bin) at += 1;
    const row = rows[at];
    if (row === undefined || row.fromBin > bin) continue;
    const use = values[bin] ?? NaN;
    last = bin;
    add(total, use, row.amount);
    add(sumsAt(periods, Math.floor(bin / protocol.periodBins)), use, row.amount);
    add(sumsAt(weeks, Math.floor((bin - from) / WEEK_BINS)), use, row.amount);
  }
  return { total, periods, weeks, days: (last - from + 1) / DAY_BINS };
}

function emptySums(): Sums {
  return { count: 0, over: 0, use: 0, useOver: 0, request: 0 };
}

function sumsAt(blocks: Map<number, Sums>, index: number): Sums {
  let sums = blocks.get(index);
  if (sums === undefined) blocks.set(index, (sums = emptySums()));
  return sums;
}

function add(sums: Sums, use: number, request: number): void {
  sums.count += 1;
  sums.use += use;
  sums.request += request;
  if (use <= request) return;
  sums.over += 1;
  sums.useOver += use - request;
}

/** Blocks with enough samples; all of them where none has enough. */
function enough(blocks: readonly Sums[], least: number): readonly Sums[] {
  const full = blocks.filter(({ count }) => count >= least);
  return full.length > 0 ? full : blocks;
}

function changes(rows: readonly Row[]): number {
  let count = 0;
  for (let i = 1; i < rows.length; i++) {
    const step = Math.abs(Math.log((rows[i]?.amount ?? 1) / (rows[i - 1]?.amount ?? 1)));
    if (step > WORTH_COUNTING) count += 1;
  }
  return count;
}

/** What a fleet realised; each series counts the same. */
export interface PooledScore {
  readonly series: number;
  /** Share of the series that kept the risk: CPU by `ex`, memory by breaches per day. */
  readonly keep: number;
  readonly ex: number;
  readonly vol: number;
  /** Geometric mean. */
  readonly cost: number;
  /** Mean of 1 - mean use / mean request. */
  readonly slack: number;
  readonly changesPerWeek: number;
  /** Mean over the series. */
  readonly worstDay: number;
  /** Mean over the series of the share of days that were over the request at all. */
  readonly breachPerDay: number;
  /** Share of all series-weeks with `ex` at most the risk. */
  readonly weeksKept: number;
  readonly days: number;
  readonly daysHit: number;
}

const ROUNDING = 1e-12;

export function breachPerDay({ daysHit, days }: SeriesScore): number {
  return daysHit / days;
}

/** Pools at least one series. `rate` is what the risk is about: `ex` for CPU, breaches per day for memory. */
export function pooled(
  scores: readonly SeriesScore[],
  risk: number,
  rate: (score: SeriesScore) => number,
): PooledScore {
  const mean = (of: (score: SeriesScore) => number) =>
    scores.reduce((sum, score) => sum + of(score), 0) / scores.length;
  const isKept = (share: number) => (share <= risk + ROUNDING ? 1 : 0);
  const weeks = scores.flatMap((score) => score.weeks);
  return {
    series: scores.length,
    keep: mean((score) => isKept(rate(score))),
    ex: mean(({ ex }) => ex),
    vol: mean(({ vol }) => vol),
    cost: Math.exp(mean(({ cost }) => Math.log(cost))),
    slack: mean(({ cost }) => 1 - 1 / cost),
    changesPerWeek: mean((score) => score.changesPerWeek),
    worstDay: mean((score) => score.worstDay),
    breachPerDay: mean(breachPerDay),
    weeksKept: weeks.reduce((sum, week) => sum + isKept(week), 0) / weeks.length,
    days: scores.reduce((sum, { days }) => sum + days, 0),
    daysHit: scores.reduce((sum, { daysHit }) => sum + daysHit, 0),
  };
}
