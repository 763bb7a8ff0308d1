import { BEHAVIOURS, behaviourOfDays, type Behaviour } from './behaviour.ts';
import { CpuWalk, type Lane } from './cpuwalk.ts';
import { FNV_BASIS, fnv } from './fnv.ts';
import { dayStart } from './history.ts';
import { HOURS_OF_DAY } from './hours.ts';
import { StateReader, StateWriter } from './savedstate.ts';
import type { Estimate, Sizing, SizingInput } from './sizing.ts';
import { DAY_SECONDS, type UsageDay } from './usage.ts';
import { coveredIn } from './walkedhours.ts';
import { coveredDays } from './window.ts';

/** CPU by its cadence; each risk beside the promised one has a request of its own. */
export function sizeCpu(input: SizingInput): Sizing {
  const midnight = dayStart(input.nowSeconds);
  const past = input.days.filter(({ startSeconds }) => startSeconds < midnight);
  const today = input.days.filter(({ startSeconds }) => startSeconds >= midnight);
  const ripeHours = hoursUntilRipe(input);
  const walk = new CpuWalk(input, ripeHours);
  const key = keyOf(past, { midnight, ripeHours, input });
  const known = key && goOn(walk, key, input.walked);
  let behaviour = known?.behaviour;
  let walked: Float64Array | undefined;
  if (known === undefined) {
    walk.over(past);
    walk.shorten();
    behaviour = behaviourIn(past, input);
    walked = key && saved(walk, key, behaviour);
  }
  walk.over(today);
  const { promised, levels } = walk;
  return {
    estimate: estimateOf(promised, input),
    realised: promised.tally.cpu(),
    levels: levels.flatMap((lane) => lane.level() ?? []),
    excesses: [],
    // Less than a day says little of what the days look like, and is soon unpacked.
    behaviour: coveredDays('cpu', past) < 1 ? behaviourIn(input.days, input) : behaviour,
    walked,
  };
}

/** What is judged by less than a size is a second walk over the same days, of which only that is asked. */
function behaviourIn(days: readonly UsageDay[], input: SizingInput): Behaviour | undefined {
  return input.most === undefined ? behaviourOfDays(days, input) : undefined;
}

/**
 * What the walk over the days before today depends on; undefined where it is not to be gone on from. With less history than
 * fills a fortnight what is judged begins later as there is more of it: then it is another one every two hours.
 */
function keyOf(
  past: readonly UsageDay[],
  of: { readonly midnight: number; readonly ripeHours: number; readonly input: SizingInput },
): readonly number[] | undefined {
  const { settings, runsToCompletion, most } = of.input;
  // What a bound leaves of a size is judged beside it, in a walk of its own, which is not kept.
  if (settings.cadence !== 'Steady' || most !== undefined) return undefined;
  const fingerprint = fingerprintOf(past);
  if (fingerprint === undefined) return undefined;
  const { confidence, halfLifeSeconds, minimumSeconds, resources } = settings;
  return [
    fingerprint,
    of.midnight,
    of.ripeHours,
    resources.cpu.risk,
    confidence,
    halfLifeSeconds,
    minimumSeconds,
    Number(runsToCompletion),
  ];
}

/** 32 bits, by FNV-1a over those of the days; undefined without a day, or where one has none. */
function fingerprintOf(days: readonly UsageDay[]): number | undefined {
  let hash = FNV_BASIS;
  for (const { startSeconds, fingerprint } of days) {
    if (fingerprint === undefined) return undefined;
    hash = fnv(fnv(hash, startSeconds / DAY_SECONDS), fingerprint);
  }
  return days.length === 0 ? undefined : hash;
}

const WRITER = new StateWriter();

function saved(
  walk: CpuWalk,
  key: readonly number[],
  behaviour: Behaviour | undefined,
): Float64Array {
  WRITER.begin();
  WRITER.numbers(key);
  WRITER.number(behaviour === undefined ? -1 : BEHAVIOURS.indexOf(behaviour));
  walk.save(WRITER);
  return WRITER.result();
}

/** Undefined where what is known is of something else. */
function goOn(
  walk: CpuWalk,
  key: readonly number[],
  walked: Float64Array | undefined,
): { readonly behaviour: Behaviour | undefined } | undefined {
  if (walked === undefined || key.some((part, at) => walked[at] !== part)) return undefined;
  const reader = new StateReader(walked.subarray(key.length));
  const behaviour = BEHAVIOURS[reader.number()];
  walk.restore(reader);
  return { behaviour };
}

/** From a week of history on nothing is put on for want of it. */
const GROWN_HOURS = 7 * HOURS_OF_DAY;

/**
 * Hours that go before those that are judged: a week, or half of what there is. A size of now has all of it to rest on,
 * and sizes that had little have more put on: they would say how the young fare.
 */
function hoursUntilRipe(input: SizingInput): number {
  return Math.ceil(Math.min((coveredIn('cpu', input) * HOURS_OF_DAY) / 2, GROWN_HOURS));
}

function estimateOf({ decision, shift, followed }: Lane, input: SizingInput): Estimate | undefined {
  if (decision === undefined) return undefined;
  const { amount, wanted, margin, isSpent, tail } = decision;
  const base = {
    amount,
    wanted,
    margin,
    marginBasis: undefined,
    cadence: followed,
    isSpent,
    coveredDays: coveredIn('cpu', input),
    halfLifeDays: input.settings.halfLifeSeconds / DAY_SECONDS,
  };
  if (shift > 0 && wanted === shift * margin) {
    return { ...base, basis: 'Shift', use: shift, quantile: 1, youthFactor: 1 };
  }
  return {
    ...base,
    basis: 'Quantile',
    use: wanted / margin / decision.youthFactor,
    quantile: 1 - tail,
    youthFactor: decision.youthFactor,
  };
}
