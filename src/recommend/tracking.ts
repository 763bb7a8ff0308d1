import {
  isFresh,
  LoweringTimes,
  youthFactor,
  type Cadence,
  type CadenceDecision,
  type CadenceSettings,
  type LevelDecision,
  type ObservedHour,
} from './cadence.ts';
import { DecayedHistogram } from './histogram.ts';
import { coresAt, highestCores, isListed } from './hours.ts';
import { Ladder } from './ladder.ts';
import { TailCurve, TRACKING_TAILS } from './levels.ts';
import { CANDIDATES, LevelPredictors } from './predictors.ts';
import { DAY_SECONDS } from './usage.ts';

const HALF_LIFE_HOURS = 3 * 24;
const DECAY = 2 ** (-1 / HALF_LIFE_HOURS);

/** What a single ratio weighs after 14 days; it is then forgotten as a maximum. */
const FORGOTTEN_WEIGHT = 2 ** (-14 / 3);

/** At most eight lowerings a day: one each hour would save less than 1 % more, for a sixth more changes. */
const LOWERING_SECONDS = 3 * 3600;

const BAND = { raiseAbove: 1.02, lowerBelow: 0.8 };

/** Another candidate is taken when it would have cost less than this multiple of the present one. */
const WORTH_SWITCHING = 0.95;

/** The hour's samples: what is left of it once missing ones are out. */
interface HourUse {
  readonly sum: number;
  readonly count: number;
  readonly maximum: number;
}

/**
 * The opt-in cadence: the request follows a level that is expected for the next hour, times what use was to that
 * level before. Which level costs least is chosen once a day, at each quantile apart, from the past only.
 * State: 22 histograms of 1 to 4 kB and 1.5 kB.
 */
export class Tracking implements Cadence {
  readonly #ladder: Ladder;
  readonly #predictors = new LevelPredictors();
  readonly #ratios = CANDIDATES.map(() => new DecayedHistogram(HALF_LIFE_HOURS));
  readonly #levelSums = new Float64Array(CANDIDATES.length);
  readonly #chosen = new Uint8Array(TRACKING_TAILS.length);
  readonly #levels = new Float64Array(CANDIDATES.length);
  readonly #quantiles = CANDIDATES.map(() => new Float64Array(TRACKING_TAILS.length));
  readonly #curve = new TailCurve(TRACKING_TAILS);
  readonly #lowering = new LoweringTimes(LOWERING_SECONDS);
  #observedHours = 0;
  #lastSeconds = -Infinity;
  #chosenDay = -Infinity;

  constructor(settings: CadenceSettings) {
    this.#ladder = new Ladder(settings, BAND);
  }

  get bytes(): number {
    const arrays = [this.#levelSums, this.#chosen, this.#levels, ...this.#quantiles];
    const histograms = this.#ratios.reduce((sum, ratio) => sum + ratio.bytes, 0);
    const own = arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return histograms + own + this.#predictors.bytes + this.#curve.bytes + this.#ladder.bytes + 32;
  }

  levels(): readonly LevelDecision[] {
    return this.#ladder.levels();
  }

  observe(hour: ObservedHour): void {
    this.#ladder.observe(hour);
    const use = useOf(hour);
    if (use.count === 0) return;
    // The first hour has no past from which a level could be expected.
    if (this.#observedHours > 0) this.#observeRatios(hour, use.count);
    this.#predictors.observe(hour.startSeconds, use.sum / use.count, use.maximum);
    this.#observedHours += 1;
    this.#lastSeconds = hour.startSeconds + 3600;
  }

  #observeRatios(hour: ObservedHour, count: number): void {
    this.#predictors.logLevels(hour.startSeconds, this.#levels);
    const { logs, counts } = logsOf(hour);
    for (const [i, ratios] of this.#ratios.entries()) {
      const level = this.#levels[i] ?? 0;
      this.#levelSums[i] = (this.#levelSums[i] ?? 0) * DECAY + Math.exp(level) * count;
      ratios.age();
      for (let at = 0; at < logs.length; at++) {
        const log = logs[at] ?? NaN;
        if (!Number.isNaN(log)) ratios.addLog(log - level, counts?.[at]);
      }
    }
  }

  decide(nowSeconds: number, inForce: number | undefined): CadenceDecision | undefined {
    const day = Math.floor(nowSeconds / DAY_SECONDS);
    if (day > this.#chosenDay && this.#choose()) this.#chosenDay = day;
    if (this.#chosenDay === -Infinity) return undefined;
    this.#readLogs(nowSeconds);
    const mayLower = this.#lowering.isDue(nowSeconds) && isFresh(nowSeconds, this.#lastSeconds);
    const youth = youthFactor(this.#observedHours);
    return this.#ladder.decide({ curve: this.#curve, youthFactor: youth, mayLower }, inForce);
  }

  /** Reads the logarithms of the amounts that the coming hour is over at each tail. */
  #readLogs(nowSeconds: number): void {
    const { logs } = this.#curve;
    this.#predictors.logLevels(nowSeconds, this.#levels);
    for (const candidate of new Set(this.#chosen)) this.#readQuantiles(candidate);
    for (const [i, candidate] of this.#chosen.entries()) {
      logs[i] = (this.#levels[candidate] ?? 0) + (this.#quantiles[candidate]?.[i] ?? 0);
    }
    this.#curve.filled();
  }

  #readQuantiles(candidate: number): boolean {
    const out = this.#quantiles[candidate];
    const ratios = this.#ratios[candidate];
    return (
      out !== undefined && ratios?.logQuantiles(TRACKING_TAILS, FORGOTTEN_WEIGHT, out) === true
    );
  }

  /** Takes the cheapest candidate at each quantile; false without a ratio yet. */
  #choose(): boolean {
    const hasRatios = CANDIDATES.every((_, i) => this.#readQuantiles(i));
    if (!hasRatios) return false;
    for (let i = 0; i < TRACKING_TAILS.length; i++) this.#chosen[i] = this.#cheapest(i);
    return true;
  }

  #cheapest(tail: number): number {
    const cost = (candidate: number) =>
      (this.#levelSums[candidate] ?? 0) * Math.exp(this.#quantiles[candidate]?.[tail] ?? 0);
    const present = this.#chosen[tail] ?? 0;
    let best = present;
    for (let i = 0; i < CANDIDATES.length; i++) if (cost(i) < cost(best)) best = i;
    return cost(best) < WORTH_SWITCHING * cost(present) ? best : present;
  }
}

/** The natural logarithm of each amount in cores, and how many samples are of each; one unless given. */
function logsOf({ cpu }: ObservedHour): {
  readonly logs: Float64Array;
  readonly counts?: ArrayLike<number>;
} {
  if (isListed(cpu)) return { logs: cpu.map(Math.log) };
  const { begin, end, counts, weight } = cpu;
  const logs = Float64Array.from({ length: end - begin }, (_, i) =>
    Math.log(coresAt(cpu, begin + i)),
  );
  return {
    logs,
    counts: Float64Array.from(counts.subarray(begin, end), (count) => count * weight),
  };
}

function useOf({ cpu }: ObservedHour): HourUse {
  if (!isListed(cpu)) {
    const { sum, samples, weight } = cpu;
    return { sum: sum * weight, count: samples * weight, maximum: highestCores(cpu) };
  }
  let sum = 0;
  let count = 0;
  let maximum = 0;
  for (const cores of cpu) {
    if (Number.isNaN(cores)) continue;
    sum += cores;
    count += 1;
    maximum = Math.max(maximum, cores);
  }
  return { sum, count, maximum };
}
