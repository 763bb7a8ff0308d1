import { chanceOfAtLeast, chanceOfAtMost } from '../recommend/chance.ts';
import type { Kept } from '../recommend/kept.ts';
import type { ContainerRecommendation, ResourceRecommendation } from '../recommend/recommend.ts';
import type { ContainerSettings, Range, ResourceSettings } from '../recommend/settings.ts';
import { LEVELS, type DayExcess } from '../recommend/sizing.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import type { Figures, PoolFigures, ResourceFigures } from './figures.ts';

/** What a container realised of its promise. */
export interface Judged {
  /** By the use that came after its sizes were recommended; else by replay. */
  readonly isLive: boolean;
  readonly days: number;
  /** CPU: share of the samples over the request, 0 to 1. Memory: share of the days over the limit. */
  readonly share: number;
  /** It keeps its promise, or so few days cannot show that it does not. */
  readonly isKeeping: boolean;
}

/** One resource of one container, over its pods; amounts in cores or bytes. */
export interface ResourceOutcome {
  /** 0 to 1. */
  readonly promised: number;
  /** Undefined while there is too little to judge by. */
  readonly judged: Judged | undefined;
  /** A bound that people set keeps it below what the evidence asks for. */
  readonly isCutShort: boolean;
  readonly requested: number;
  readonly recommended: number;
  /** Requests that each of LEVELS asks for within the bounds, in their order. */
  readonly curve: readonly number[];
}

export interface ContainerOutcome extends Readonly<Record<Resource, ResourceOutcome>> {
  /** What its days say of the margin on memory peaks. */
  readonly excesses: readonly DayExcess[];
}

/** A replay of fewer days does not show whether a promise is kept. */
const LEAST_DAYS = 7;

/**
 * Days of live use, aged ones counted for what they are left with, from which on they go before the replay. Bursts
 * come on some days and not on others: of the shared traces 78 / 90 / 92 % kept a CPU risk of 1 / 2 / 5 % over 7 days
 * that came after, which is no broken promise, but 96 / 98 / 100 % over 20. 14 days with a half-life of 14 are 23 days. The days of memory are pooled, so that 7 are enough.
 */
const LEAST_LIVE_DAYS: Readonly<Record<Resource, number>> = { cpu: 14, memory: 7 };
const HOURS_OF_DAY = 24;

/** What the containers that are sized add to what their policy says of itself. */
export function containerOutcomes(
  recommendations: readonly ContainerRecommendation[],
  known: {
    /** By container name, as the tallies. */
    readonly settings: ReadonlyMap<string, ContainerSettings>;
    readonly pods: number;
    readonly tallies: ReadonlyMap<string, Kept>;
  },
): readonly ContainerOutcome[] {
  return recommendations.flatMap((recommendation) => {
    const { name } = recommendation;
    const settings = known.settings.get(name);
    if (settings === undefined) return [];
    const kept = known.tallies.get(name);
    return [containerOutcome(recommendation, { settings, pods: known.pods, kept })];
  });
}

function containerOutcome(
  { current, target, resources, excesses }: ContainerRecommendation,
  known: {
    readonly settings: ContainerSettings;
    readonly pods: number;
    readonly kept: Kept | undefined;
  },
): ContainerOutcome {
  const { settings, pods, kept } = known;
  const of = (resource: Resource): ResourceOutcome => {
    const result = resources[resource];
    const requested = current.requests[resource] ?? 0;
    const recommended = target?.requests[resource] ?? requested;
    const curve = curveOf(result, settings.resources[resource], recommended);
    return {
      promised: result.promised,
      judged: live(resource, result.promised, kept) ?? replayed(result),
      isCutShort: result.isCutShort,
      requested: requested * pods,
      recommended: recommended * pods,
      curve: curve.map((amount) => amount * pods),
    };
  };
  return { cpu: of('cpu'), memory: of('memory'), excesses };
}

/** Where no risk asks for anything, or somebody else decides, each risk costs what is recommended. */
function curveOf(
  { levels, decision }: ResourceRecommendation,
  settings: ResourceSettings,
  recommended: number,
): readonly number[] {
  const isForeign = decision.hold === 'HPAOwnsCPU' || decision.hold === 'HPAOwnsMemory';
  if (levels.length === 0 || isForeign) return LEVELS.map(() => recommended);
  const ranges = [settings.bounds, settings.guardrails];
  return levels.map(({ amount }) => ranges.reduce(clamped, amount));
}

function clamped(amount: number, { min = 0, max = Infinity }: Range): number {
  return Math.min(Math.max(amount, min), max);
}

function live(resource: Resource, promised: number, kept: Kept | undefined): Judged | undefined {
  if (kept === undefined) return undefined;
  const { cpu, memory } = kept;
  const of =
    resource === 'cpu'
      ? { days: cpu.hours / HOURS_OF_DAY, share: cpu.over / cpu.samples }
      : { days: memory.days, share: memory.daysHit / memory.days };
  if (of.days < LEAST_LIVE_DAYS[resource]) return undefined;
  return { isLive: true, ...of, isKeeping: of.share <= promised };
}

/** A week goes over here and there without a broken promise: it counts against a container when it refutes that. */
function replayed({ realised, promised, supported }: ResourceRecommendation): Judged | undefined {
  if (realised === undefined || realised.days < LEAST_DAYS) return undefined;
  const { days, share } = realised;
  return {
    isLive: false,
    days,
    share,
    isKeeping: share <= promised || supported?.isAttainable === true,
  };
}

/** `WithinChance`: fewer keep it than promised, but chance alone does as badly often enough. */
export type Verdict = 'Kept' | 'NotKept' | 'WithinChance' | 'TooLittleData';
export type Verdicts = Readonly<Record<Resource, Verdict>>;

/** Whether the containers of a policy keep a promise together, and what it costs. */
export interface ResourceCalibration {
  readonly verdict: Verdict;
  /** Containers that can be judged. */
  readonly judged: number;
  /** Of the judged, how many by use that came after their recommendation. */
  readonly live: number;
  /** CPU: share of the judged containers that keep their risk. Memory: share of the days that do. Undefined without. */
  readonly kept: number | undefined;
  /** What is promised of `kept`. */
  readonly of: number;
  /** Mean over what is judged, each container as long as it is judged; over all containers while none is. */
  readonly promised: number;
  readonly realised: number | undefined;
  /** Cores or bytes over all pods, as are those below. */
  readonly requested: number;
  readonly recommended: number;
  /** One for each of LEVELS. */
  readonly curve: readonly number[];
}

export type Calibration = Readonly<Record<Resource, ResourceCalibration>>;

/** A promise counts as broken when chance alone would do as badly less often than this… */
const BROKEN_BELOW = 0.05;
/** …and as kept again only when it would do so this often, so that it does not flip to and fro. */
const KEPT_ABOVE = 0.2;

/**
 * What the containers of a policy come to together. `confidence` is the share of them that must keep the CPU risk,
 * each its own; of memory the days of all of them are pooled and held against the mean of their risks. A container that
 * a bound cuts short counts in the figures, but not in the verdict: who set the bound took the risk.
 */
export function calibrate(
  containers: readonly ContainerOutcome[],
  confidence: number,
  before: Verdicts,
): Calibration {
  return calibrateFigures(figuresOf(containers), confidence, before);
}

/** The same from sums, such as those of several parts of the policy. */
export function calibrateFigures(
  figures: Figures,
  confidence: number,
  before: Verdicts,
): Calibration {
  const of = (resource: Resource): ResourceCalibration => {
    const { requested, recommended, curve, ...pools } = figures[resource];
    const pool = poolOf(pools.all);
    const ours = poolOf(pools.ours);
    const found = resource === 'cpu' ? cpuFound(ours, confidence) : memoryFound(ours);
    const share = resource === 'cpu' ? pool.keeping / pool.judged : 1 - (pool.realised ?? 0);
    return {
      verdict: verdictOf(found, pools.all.containers === 0 ? 'TooLittleData' : before[resource]),
      judged: pool.judged,
      live: pool.live,
      kept: pool.judged === 0 ? undefined : share,
      of: resource === 'cpu' ? confidence : 1 - pool.promised,
      promised: pool.promised,
      realised: pool.realised,
      requested,
      recommended,
      curve,
    };
  };
  return { cpu: of('cpu'), memory: of('memory') };
}

/** What containers add to the figures of their policy. */
export function figuresOf(containers: readonly ContainerOutcome[]): Figures {
  const of = (resource: Resource): ResourceFigures => {
    const outcomes = containers.map((container) => container[resource]);
    return {
      all: poolFigures(outcomes),
      ours: poolFigures(outcomes.filter(({ isCutShort }) => !isCutShort)),
      requested: total(outcomes.map(({ requested }) => requested)),
      recommended: total(outcomes.map(({ recommended }) => recommended)),
      curve: LEVELS.map((_, index) => total(outcomes.map(({ curve }) => curve[index] ?? 0))),
    };
  };
  return { cpu: of('cpu'), memory: of('memory') };
}

function poolFigures(outcomes: readonly ResourceOutcome[]): PoolFigures {
  const judged = outcomes.flatMap(({ promised, judged: each }) =>
    each === undefined ? [] : [{ promised, ...each }],
  );
  return {
    containers: outcomes.length,
    promised: total(outcomes.map(({ promised }) => promised)),
    judged: judged.length,
    live: judged.filter(({ isLive }) => isLive).length,
    keeping: judged.filter(({ isKeeping }) => isKeeping).length,
    days: total(judged.map(({ days }) => days)),
    promisedDays: total(judged.map(({ promised, days }) => promised * days)),
    realisedDays: total(judged.map(({ share, days }) => share * days)),
  };
}

interface Pool {
  readonly judged: number;
  readonly live: number;
  readonly keeping: number;
  readonly days: number;
  readonly promised: number;
  readonly realised: number | undefined;
}

function poolOf({ judged, live, keeping, days, ...sums }: PoolFigures): Pool {
  const mean = sums.promised / Math.max(1, sums.containers);
  return {
    judged,
    live,
    keeping,
    days,
    promised: days === 0 ? mean : sums.promisedDays / days,
    realised: days === 0 ? undefined : sums.realisedDays / days,
  };
}

/** How a promise fares: as promised or better, and how often chance alone would do as badly. */
interface Found {
  readonly isKept: boolean;
  readonly chance: number;
}

/**
 * The chance that no more containers keep their risk, if each does so with the promised confidence. Of so few that even
 * none of them could be chance, none is none.
 */
function cpuFound({ judged, keeping }: Pool, confidence: number): Found | undefined {
  if (judged === 0) return undefined;
  const chance = keeping === 0 ? 0 : chanceOfAtMost(keeping, judged, confidence);
  return { isKept: keeping / judged >= confidence, chance };
}

/** The chance of as many days over the limit, if each is one at the promised risk. Days that aged are rounded. */
function memoryFound({ days, realised, promised }: Pool): Found | undefined {
  if (realised === undefined) return undefined;
  const trials = Math.round(days);
  const hits = Math.min(trials, Math.round(realised * days));
  return { isKept: realised <= promised, chance: chanceOfAtLeast(hits, trials, promised) };
}

/** A promise that was broken stays so until there is evidence that it is kept. */
function verdictOf(found: Found | undefined, before: Verdict): Verdict {
  const wasBroken = before === 'NotKept';
  if (found === undefined) return wasBroken ? 'NotKept' : 'TooLittleData';
  const { chance, isKept } = found;
  if (chance < BROKEN_BELOW || (wasBroken && chance <= KEPT_ABOVE)) return 'NotKept';
  return isKept ? 'Kept' : 'WithinChance';
}

/** The resources whose promise is broken. */
export function notKept(verdicts: Verdicts): readonly Resource[] {
  return RESOURCES.filter((resource) => verdicts[resource] === 'NotKept');
}

function total(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}
