import { youthFactor } from './cadence.ts';
import { Peaks, PeakSize, type Margin, type MemoryDecision } from './peaks.ts';
import { Tally } from './realised.ts';
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
  readonly tally = new Tally();
  readonly #size = new PeakSize();
  decision: MemoryDecision | undefined;
  margin: Margin | undefined;
  #revision = NaN;
  #day = NaN;

  constructor(risk: number) {
    this.risk = risk;
  }

  judge({ startSeconds, use }: WalkedHour<number>, most: number | undefined): void {
    this.tally.addPeak(startSeconds, use, atMost(this.decision?.amount, most));
  }

  /** Within a day the same demand is decided alike, so that only what changes one is worth deciding. */
  decide(peaks: Peaks, nowSeconds: number, { marginOf }: SizingInput): void {
    const day = Math.floor(nowSeconds / DAY_SECONDS);
    const isSameDay = day === this.#day;
    if (peaks.revision === this.#revision && isSameDay) return;
    this.#revision = peaks.revision;
    this.#day = day;
    // A margin is that of a day, and while a container is young each hour decides.
    if (!isSameDay || this.margin === undefined) this.margin = marginOf(this.risk, day);
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

/** Memory by its peaks; each risk beside the promised one has a size of its own. */
export function sizeMemory(input: SizingInput): Sizing {
  const { settings, nowSeconds } = input;
  const peaks = new Peaks();
  const promised = new Lane(settings.resources.memory.risk);
  const levels = LEVELS.map((risk) => new Lane(risk));
  const lanes = [promised, ...levels];
  const excesses: DayExcess[] = [];
  let hoursSeen = 0;
  let lastDay = NaN;
  const see = (hour: WalkedHour<number>): void => {
    const { startSeconds, use: peak } = hour;
    const day = Math.floor(startSeconds / DAY_SECONDS);
    const isDayOver = (day + 1) * DAY_SECONDS <= nowSeconds;
    if (isDayOver && isJudged(hour, input)) {
      promised.judge(hour, input.most);
      for (const lane of levels) lane.judge(hour, undefined);
    }
    for (let i = 0; i < hour.weight; i++) {
      const excess = peaks.observePeak(startSeconds, peak);
      if (excess !== undefined) excesses.push({ day: lastDay, excess });
    }
    lastDay = day;
    hoursSeen = hour.hoursBefore + hour.weight;
    for (const lane of lanes) lane.decide(peaks, hour.endSeconds, input);
  };
  walkHours(input, peakOfHour, see);
  const covered = Math.min(coveredIn('memory', input), PEAK_DAYS);
  return {
    estimate: estimateOf(promised, youthFactor(hoursSeen), covered),
    realised: promised.tally.memory(),
    levels: levelsOf(levels),
    excesses,
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
