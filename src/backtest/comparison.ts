import type { Resource } from '../recommend/usage.ts';
import type { PeerCadence, PeerRun } from './compare.ts';
import { PEERS } from './peers/catalogue.ts';
import type { PeerName } from './peers/peer.ts';
import { breachPerDay, pooled, type PooledScore, type SeriesScore } from './score.ts';
import { costAtPromise, type Promised } from './sweep.ts';

/** One series of one resource: what ours, the request in force today and the peers made of it. */
export interface ComparedSeries {
  readonly own: SeriesScore;
  readonly current?: SeriesScore;
  readonly runs: readonly PeerRun[];
}

export interface ComparisonOptions {
  readonly resource: Resource;
  /** Share of time (CPU) or of days (memory), 0 to 1. */
  readonly risk: number;
  /** Share of the series that are to keep it, 0 to 1. */
  readonly confidence: number;
  /** The cadence of ours: peers of the same cadence make the headline. */
  readonly cadence: PeerCadence;
}

/** What a peer costs when its knob is set with hindsight so that it promises the same. */
export interface EqualPromise {
  readonly promised: Promised;
  /** Of the peer, where it gets there; else of its best point. */
  readonly cost: number;
  readonly reached: boolean;
  /** Cost of ours, as it is, over that cost. */
  readonly ratio: number;
  /** False where the peer never gets there, or where its curve is too steep for the ratio to mean anything. */
  readonly isQuotable: boolean;
}

export interface ComparisonLine {
  readonly peer: PeerName;
  readonly cadence: PeerCadence;
  /** The rule in words. */
  readonly says: string;
  readonly shipped: PooledScore;
  /** At what ours realised: CPU first equal keep, then equal time above the request; memory equal breaches. */
  readonly atOurs: readonly EqualPromise[];
  /** At what the policy asks for, whatever ours realised. */
  readonly atAsked: readonly EqualPromise[];
}

export interface Comparison extends ComparisonOptions {
  readonly own: PooledScore;
  /** The request in force today, over the series where it is known. */
  readonly current: PooledScore | undefined;
  readonly lines: readonly ComparisonLine[];
}

/** Above this share kept, a daily peer's cost climbs so fast that a ratio says more about the curve than about us. */
const STEEP_KEEP = 0.95;

/**
 * Pools a fleet into one table: peers of our own cadence first, then in the order in which they ran. The runs of all
 * series must be those of the same peers and cadences. Undefined without a series.
 */
export function compareFleet(
  series: readonly ComparedSeries[],
  options: ComparisonOptions,
): Comparison | undefined {
  const [first] = series;
  if (first === undefined) return undefined;
  const own = pool(
    series.map((one) => one.own),
    options,
  );
  const current = series.flatMap((one) => one.current ?? []);
  const lines = first.runs.map(({ peer, cadence }, i) => {
    const runs = series.flatMap((one) => one.runs[i] ?? []);
    return lineOf({ peer, cadence, runs }, own, options);
  });
  return {
    ...options,
    own,
    current: current.length === 0 ? undefined : pool(current, options),
    lines: [
      ...lines.filter(({ cadence }) => cadence === options.cadence),
      ...lines.filter(({ cadence }) => cadence !== options.cadence),
    ],
  };
}

function pool(
  scores: readonly SeriesScore[],
  { resource, risk }: Pick<ComparisonOptions, 'resource' | 'risk'>,
): PooledScore {
  return pooled(scores, risk, resource === 'cpu' ? ({ ex }) => ex : breachPerDay);
}

/** One peer at one cadence, with its runs over all series. */
interface FleetRun extends Pick<PeerRun, 'peer' | 'cadence'> {
  readonly runs: readonly PeerRun[];
}

function lineOf(
  { peer, cadence, runs }: FleetRun,
  own: PooledScore,
  options: ComparisonOptions,
): ComparisonLine {
  const sweeps = runs.map(({ sweep }) => sweep);
  const equal = (promised: Promised): EqualPromise => {
    const { cost, reached } = costAtPromise(sweeps, promised);
    const isSteep = cadence === 'daily' && promised.kind === 'keep' && promised.target > STEEP_KEEP;
    return { promised, cost, ratio: own.cost / cost, reached, isQuotable: reached && !isSteep };
  };
  return {
    peer,
    cadence,
    says: PEERS[peer].says[options.resource],
    shipped: pool(
      runs.map(({ shipped }) => shipped),
      options,
    ),
    atOurs: promises(options, { keep: own.keep, rate: rateOf(own, options.resource) }).map(equal),
    atAsked: promises(options, { keep: options.confidence, rate: options.risk }).map(equal),
  };
}

function rateOf(score: PooledScore, resource: Resource): number {
  return resource === 'cpu' ? score.ex : score.breachPerDay;
}

function promises(
  { resource, risk }: ComparisonOptions,
  { keep, rate }: { readonly keep: number; readonly rate: number },
): readonly Promised[] {
  if (resource === 'memory') return [{ kind: 'breach', target: rate }];
  return [
    { kind: 'keep', risk, target: keep },
    { kind: 'ex', target: rate },
  ];
}
