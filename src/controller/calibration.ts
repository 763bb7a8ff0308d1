import { chanceOfAtLeast, chanceOfAtMost } from '../recommend/chance.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import type { Figures, PoolFigures } from './figures.ts';

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
 * What the containers of a policy come to together, from sums over them, such as those of several parts of the policy.
 * `confidence` is the share of them that must keep the CPU risk, each its own; of memory the days of all of them are
 * pooled and held against the mean of their risks. A container that a bound cuts short counts in the figures, but not in
 * the verdict: who set the bound took the risk.
 */
export function calibrate(figures: Figures, confidence: number, before: Verdicts): Calibration {
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
