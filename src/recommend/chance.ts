import { bisect, gammaln } from 'simple-statistics';

/** Bounds of a rate, 0 to 1. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Rates are found to this many decimals. */
const TOLERANCE = 1e-12;
const MOST_STEPS = 60;

/** What is left of a tail once a term is this small beside the sum of those before it. */
const NEGLIGIBLE = 1e-17;

/** Natural logarithms of the chance that one trial hits, and that it does not. */
interface Odds {
  readonly hit: number;
  readonly miss: number;
}

/**
 * Chance of at most `hits` in `trials` that each hit at `rate`, independent of each other: the lower tail of the
 * binomial distribution. Exact to 1e-8 for 1e5 trials and more; it takes about 10 √trials steps. Throws a RangeError
 * where hits and trials are no whole numbers with hits ≤ trials, or rate is none from 0 to 1.
 */
export function chanceOfAtMost(hits: number, trials: number, rate: number): number {
  assertCounts(hits, trials);
  assertShare('rate', rate);
  return lowerTail(hits, trials, { hit: Math.log(rate), miss: Math.log1p(-rate) });
}

/** Chance of at least `hits`: the upper tail. Misses are counted instead, so that a small chance keeps its digits. */
export function chanceOfAtLeast(hits: number, trials: number, rate: number): number {
  assertCounts(hits, trials);
  assertShare('rate', rate);
  return lowerTail(trials - hits, trials, { hit: Math.log1p(-rate), miss: Math.log(rate) });
}

/**
 * The rates that `hits` of `trials` do not refute at `level`, two-sided: the interval of Clopper and Pearson
 * (Biometrika 26, 1934), which covers the true rate at least that often. 0 of n begins at 0, n of n ends at 1, and
 * no trial leaves 0 to 1. Throws a RangeError on counts as `chanceOfAtMost` does, and on a level that is not between
 * 0 and 1.
 */
export function clopperPearson(hits: number, trials: number, level: number): Interval {
  assertCounts(hits, trials);
  assertLevel('level', level);
  const tail = (1 - level) / 2;
  return { low: lowest(hits, trials, tail), high: highest(hits, trials, tail) };
}

/**
 * The highest rate that `hits` of `trials` do not refute at `confidence`, one-sided: with 0 of n at 90 %, about
 * 2.3 / n. 1 without a trial. Throws a RangeError as `clopperPearson` does.
 */
export function upperRate(hits: number, trials: number, confidence: number): number {
  assertCounts(hits, trials);
  assertLevel('confidence', confidence);
  return highest(hits, trials, 1 - confidence);
}

function lowest(hits: number, trials: number, tail: number): number {
  if (hits === 0) return 0;
  const find = () => rateWhere((rate) => chanceOfAtLeast(hits, trials, rate) - tail);
  return known(`low ${hits} ${trials} ${tail}`, find);
}

function highest(hits: number, trials: number, tail: number): number {
  if (hits === trials) return 1;
  const find = () => rateWhere((rate) => chanceOfAtMost(hits, trials, rate) - tail);
  return known(`high ${hits} ${trials} ${tail}`, find);
}

function rateWhere(isZero: (rate: number) => number): number {
  return bisect(isZero, 0, 1, MOST_STEPS, TOLERANCE);
}

/** Bounds that were found, by what was asked: each takes a hundred tails, and windows of days ask for few. */
const RATES = new Map<string, number>();
const MOST_RATES = 10_000;

function known(asked: string, find: () => number): number {
  const rate = RATES.get(asked) ?? find();
  if (RATES.size >= MOST_RATES) RATES.clear();
  RATES.set(asked, rate);
  return rate;
}

/** Adds from `most` away from the mean, where each term is smaller than the one before. */
function lowerTail(most: number, trials: number, odds: Odds): number {
  if (most === trials) return 1;
  if (odds.hit === -Infinity) return 1;
  if (odds.miss === -Infinity || most < 0) return 0;
  if (most > trials * Math.exp(odds.hit)) {
    return 1 - lowerTail(trials - most - 1, trials, { hit: odds.miss, miss: odds.hit });
  }
  const perHit = Math.exp(odds.miss - odds.hit);
  let term = 1;
  let sum = 1;
  for (let hits = most; hits > 0 && term > NEGLIGIBLE * sum; hits--) {
    term *= (hits / (trials - hits + 1)) * perHit;
    sum += term;
  }
  return Math.min(1, sum * Math.exp(logChance(most, trials, odds)));
}

function logChance(hits: number, trials: number, { hit, miss }: Odds): number {
  const ways = gammaln(trials + 1) - gammaln(hits + 1) - gammaln(trials - hits + 1);
  return ways + hits * hit + (trials - hits) * miss;
}

function assertCounts(hits: number, trials: number): void {
  if (!Number.isSafeInteger(hits) || !Number.isSafeInteger(trials) || hits < 0 || hits > trials) {
    throw new RangeError(`${hits} of ${trials} is no count of hits in trials`);
  }
}

function assertShare(name: string, share: number): void {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`${name} ${share} is not from 0 to 1`);
}

function assertLevel(name: string, level: number): void {
  if (!(level > 0 && level < 1)) throw new RangeError(`${name} ${level} is not between 0 and 1`);
}
