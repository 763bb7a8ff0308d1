const DAY_HOURS = 24;
const SLOT_HOURS = 4;
const RING_HOURS = 12;

/** No level is under this share of the mean: a ratio to nothing says nothing. */
const LEAST_SHARE = 0.02;

function decay(halfLifeHours: number): number {
  return 2 ** (-1 / halfLifeHours);
}

const MEAN_DECAY = decay(3 * DAY_HOURS);
const SHORT_DECAY = decay(2);
const LONG_DECAY = decay(8);
/** Per day, as each hour of the day comes once. */
const PROFILE_DECAY = 2 ** (-1 / 3);

/** What the level of the next hour is expected from. `one` does not follow anything. */
const PREDICTORS = ['mean', 'recent', 'halfDay', 'peak4h', 'peak12h', 'hourOfDay'] as const;
type Predictor = (typeof PREDICTORS)[number];

/** A candidate is `one`, a predictor, or two of them half and half. */
export type Candidate = readonly Predictor[];

export const CANDIDATES: readonly Candidate[] = [
  [],
  ...PREDICTORS.map((predictor) => [predictor]),
  ...PREDICTORS.flatMap((a, i) => PREDICTORS.slice(i + 1).map((b) => [a, b])),
];

/** Means and maxima of past hours, from which the level of the next one is expected. State: 48 numbers. */
export class LevelPredictors {
  readonly #profile = new Float64Array(DAY_HOURS).fill(NaN);
  readonly #peaks = new Float64Array(RING_HOURS).fill(0);
  readonly #levels = new Float64Array(PREDICTORS.length);
  #hours = 0;
  #meanSum = 0;
  #meanWeight = 0;
  #recent = 0;
  #halfDay = 0;

  get bytes(): number {
    return this.#profile.byteLength + this.#peaks.byteLength + this.#levels.byteLength + 40;
  }

  /** Takes the mean and the maximum, in cores, of an hour that begins at `startSeconds`. */
  observe(startSeconds: number, mean: number, maximum: number): void {
    const isFirst = this.#hours === 0;
    this.#meanSum = this.#meanSum * MEAN_DECAY + mean;
    this.#meanWeight = this.#meanWeight * MEAN_DECAY + 1;
    this.#recent = isFirst ? mean : mix(this.#recent, mean, SHORT_DECAY);
    this.#halfDay = isFirst ? mean : mix(this.#halfDay, mean, LONG_DECAY);
    this.#peaks[this.#hours % RING_HOURS] = maximum;
    const hour = hourOfDay(startSeconds);
    const before = this.#profile[hour] ?? NaN;
    this.#profile[hour] = Number.isNaN(before) ? maximum : mix(before, maximum, PROFILE_DECAY);
    this.#hours += 1;
  }

  /** Writes the natural logarithm of each candidate's level for the hour that begins at `startSeconds`; 0 for `one`. */
  logLevels(startSeconds: number, out: Float64Array): void {
    const mean = this.#meanWeight === 0 ? 0 : this.#meanSum / this.#meanWeight;
    const levels = this.#levels;
    levels[0] = mean;
    levels[1] = this.#recent;
    levels[2] = this.#halfDay;
    levels[3] = this.#peak(4);
    levels[4] = this.#peak(RING_HOURS);
    levels[5] = this.#slotPeak(startSeconds, mean);
    for (const [i, pairs] of CANDIDATE_INDICES.entries()) {
      let sum = 0;
      for (const index of pairs) sum += levels[index] ?? 0;
      const level = pairs.length === 0 ? 1 : Math.max(sum / pairs.length, LEAST_SHARE * mean);
      out[i] = Math.log(Math.max(level, Number.MIN_VALUE));
    }
  }

  #peak(hours: number): number {
    let peak = 0;
    for (let i = 1; i <= Math.min(hours, this.#hours); i++) {
      peak = Math.max(peak, this.#peaks[(this.#hours - i) % RING_HOURS] ?? 0);
    }
    return peak;
  }

  /** The highest of the profile in the four-hour slot of the day; the mean where it was never seen. */
  #slotPeak(startSeconds: number, mean: number): number {
    const first = Math.floor(hourOfDay(startSeconds) / SLOT_HOURS) * SLOT_HOURS;
    let peak = NaN;
    for (let hour = first; hour < first + SLOT_HOURS; hour++) {
      const each = this.#profile[hour] ?? NaN;
      if (!Number.isNaN(each)) peak = Number.isNaN(peak) ? each : Math.max(peak, each);
    }
    return Number.isNaN(peak) ? mean : peak;
  }
}

const CANDIDATE_INDICES: readonly (readonly number[])[] = CANDIDATES.map((candidate) =>
  candidate.map((predictor) => PREDICTORS.indexOf(predictor)),
);

function mix(before: number, now: number, kept: number): number {
  return before * kept + now * (1 - kept);
}

function hourOfDay(startSeconds: number): number {
  return Math.floor(startSeconds / 3600) % DAY_HOURS;
}
