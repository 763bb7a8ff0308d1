import { youthFactor } from './cadence.ts';
import { Peaks, PeakSize, type Margin, type MemoryDecision } from './peaks.ts';
import { JudgedDays, Tally } from './realised.ts';
import {
  LEVELS,
  type DayExcess,
  type Estimate,
  type Level,
  type Sizing,
  type SizingInput,
} from './sizing.ts';
import { DAY_SECONDS, type UsageDay } from './usage.ts';
import { atMost, coveredIn, isJudged, walkHours, type WalkedHour } from './walkedhours.ts';

/** No more days than these are looked at, however long the window. */
const PEAK_DAYS = 14;

/** The size that one risk keeps in force, and how it fared. */
class Lane {
  readonly risk: number;
  readonly tally: Tally;
  readonly #size = new PeakSize();
  decision: MemoryDecision | undefined;
  margin: Margin | undefined;
  #day = NaN;

  constructor(risk: number, judged: JudgedDays) {
    this.risk = risk;
    this.tally = new Tally(judged);
  }

  judge(peakBytes: number, most: number | undefined): void {
    const { decision } = this;
    if (decision !== undefined) this.tally.addPeak(peakBytes, atMost(decision.amount, most));
  }

  decide(peaks: Peaks, nowSeconds: number, { marginOf }: SizingInput): void {
    const day = Math.floor(nowSeconds / DAY_SECONDS);
    // A margin is that of a day, and each new peak of it decides.
    if (day !== this.#day || this.margin === undefined) this.margin = marginOf(this.risk, day);
    this.#day = day;
    this.decision = this.#size.decide(peaks, nowSeconds, this.margin.excess);
  }
}

/** What each has in force. A step that is not worth one leaves it off by so much: a stricter risk is shown as no cheaper. */
function levelsOf(lanes: readonly Lane[]): readonly Level[] {
  let amount = 0;
  return lanes.flatMap(({ risk, decision, tally }) => {
    if (decision === undefined) return [];
    amount = Math.max(amount, decision.amount);
    return [{ risk, amount, realised: tally.memory() }];
  });
}

/** Memory walked over hour by hour: the promise and the levels beside it, each with a size of its own. */
class MemoryWalk {
  readonly promised: Lane;
  readonly levels: readonly Lane[];
  readonly excesses: DayExcess[] = [];
  hoursSeen = 0;
  readonly #input: SizingInput;
  readonly #peaks = new Peaks();
  readonly #judged = new JudgedDays();
  readonly #lanes: readonly Lane[];
  #lastDay = NaN;
  #judgedDay = NaN;
  #decidedDay = NaN;
  #decidedRevision = NaN;
  /** End of the last hour, if it was not decided. */
  #openSeconds: number | undefined;
  /** Of the sizes; -Infinity while there is none. */
  #lowest = -Infinity;

  constructor(input: SizingInput) {
    this.#input = input;
    this.promised = new Lane(input.settings.resources.memory.risk, this.#judged);
    this.levels = LEVELS.map((risk) => new Lane(risk, this.#judged));
    this.#lanes = [this.promised, ...this.levels];
  }

  see(hour: WalkedHour<number>): void {
    const { startSeconds, use: peak } = hour;
    const day = Math.floor(startSeconds / DAY_SECONDS);
    const isDayOver = (day + 1) * DAY_SECONDS <= this.#input.nowSeconds;
    if (isDayOver && isJudged(hour, this.#input)) this.#judge(hour, day);
    for (let i = 0; i < hour.weight; i++) {
      const excess = this.#peaks.observePeak(startSeconds, peak);
      if (excess !== undefined) this.excesses.push({ day: this.#lastDay, excess });
    }
    this.#lastDay = day;
    this.hoursSeen = hour.hoursBefore + hour.weight;
    this.#decide(hour);
  }

  /** Once a day counts, only a peak over a size says more of it. Nothing counts before there is a size. */
  #judge(hour: WalkedHour<number>, day: number): void {
    if (this.#lowest === -Infinity || (day === this.#judgedDay && hour.use <= this.#lowest)) return;
    this.#judgedDay = day;
    this.#judged.addPeak(hour.startSeconds);
    this.promised.judge(hour.use, this.#input.most);
    for (const lane of this.levels) lane.judge(hour.use, undefined);
  }

  /**
   * Within a day only what asks for more changes an amount, so that only that is worth deciding: the factor for what was
   * not seen yet falls from hour to hour, and sizes are lowered by the first decision of a day.
   */
  #decide({ endSeconds }: WalkedHour<number>): void {
    const day = Math.floor(endSeconds / DAY_SECONDS);
    this.#openSeconds = endSeconds;
    if (this.#peaks.revision === this.#decidedRevision && day === this.#decidedDay) return;
    this.#decidedRevision = this.#peaks.revision;
    this.#decidedDay = day;
    this.#decideAll(endSeconds);
  }

  /** To be called after the last hour: what is wanted is that of it. */
  end(): void {
    if (this.#openSeconds !== undefined) this.#decideAll(this.#openSeconds);
  }

  #decideAll(nowSeconds: number): void {
    this.#lowest = this.#input.most ?? Infinity;
    for (const lane of this.#lanes) {
      lane.decide(this.#peaks, nowSeconds, this.#input);
      this.#lowest = Math.min(this.#lowest, lane.decision?.amount ?? -Infinity);
    }
    this.#openSeconds = undefined;
  }
}

/** Memory by its peaks; each risk beside the promised one has a size of its own. */
export function sizeMemory(input: SizingInput): Sizing {
  const walk = new MemoryWalk(input);
  walkHours(input, peakOfHour, (hour: WalkedHour<number>) => walk.see(hour));
  walk.end();
  const { promised, levels, excesses, hoursSeen } = walk;
  const covered = Math.min(coveredIn('memory', input), PEAK_DAYS);
  return {
    estimate: estimateOf(promised, youthFactor(hoursSeen), covered),
    realised: promised.tally.memory(),
    levels: levelsOf(levels),
    excesses,
    behaviour: undefined,
    walked: undefined,
  };
}

function peakOfHour({ hours }: UsageDay, hour: number): number | undefined {
  const peak = hours.memoryPeaks[hour] ?? NaN;
  return Number.isNaN(peak) ? undefined : peak;
}

/** Of the margin of the risk and that of youth the larger one holds. */
function estimateOf(
  { decision, margin: fit }: Lane,
  youth: number,
  coveredDays: number,
): Estimate | undefined {
  if (decision === undefined) return undefined;
  const { amount, wanted, peak, margin } = decision;
  const isYoung = youth > 1 && margin === youth;
  return {
    amount,
    wanted,
    basis: 'Peak',
    cadence: undefined,
    use: peak,
    quantile: 1,
    margin: isYoung ? 1 : margin,
    marginBasis: fit?.basis,
    youthFactor: isYoung ? youth : 1,
    isSpent: false,
    coveredDays,
    halfLifeDays: undefined,
  };
}
