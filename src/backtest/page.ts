import type { Behaviour } from '../recommend/behaviour.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import type { ComparedSeries, Comparison } from './comparison.ts';
import { curveOf, peerCurves, type CurvePoint, type PeerCurve } from './costcurve.ts';
import {
  byBehaviour,
  missesOf,
  scoredReplays,
  type Group,
  type Miss,
  type Scored,
} from './findings.ts';
import {
  rateOf,
  type Backtest,
  type BacktestOptions,
  type CadenceName,
  type Outcome,
  type Replay,
  type Verdict,
} from './run.ts';
import type { PooledScore, SeriesScore } from './score.ts';
import { timelineOf, type Timeline } from './timeline.ts';

/** All that the page of a backtest shows, as plain data. Shares are 0 to 1, amounts in cores or bytes. */
export interface BacktestPage {
  /** What was replayed, in words. */
  readonly source: string;
  readonly cadence: CadenceName;
  readonly verdict: Verdict;
  readonly resources: readonly ResourcePage[];
  /** Outcomes of series too short to judge the promise by. */
  readonly short: readonly Outcome[];
  /** Series that were too short to replay. */
  readonly tooShort: number;
}

/** One resource, over the series of the daily protocol. */
export interface ResourcePage {
  readonly resource: Resource;
  readonly risk: number;
  readonly confidence: number;
  readonly verdict: Verdict;
  readonly misses: readonly Miss[];
  readonly all: PooledScore;
  readonly leftOut: Outcome['leftOut'];
  readonly behaviours: readonly Group[];
  readonly datasets: readonly Group[];
  /** Of each series: share of time (CPU) or days (memory) over the request. */
  readonly rates: readonly number[];
  readonly curve: readonly CurvePoint[];
  /** Undefined where no peer ran. */
  readonly peers: PeersPage | undefined;
  /** The worst first. */
  readonly worst: readonly WorstSeries[];
}

export interface PeersPage {
  readonly comparison: Comparison;
  readonly curves: readonly PeerCurve[];
}

export interface WorstSeries {
  readonly dataset: string;
  readonly series: string;
  readonly behaviour: Behaviour | undefined;
  readonly realised: number;
  readonly score: SeriesScore;
  readonly timeline: Timeline;
  /** The request in force today. */
  readonly current: number | undefined;
}

/** What the peers made of one resource: the pooled comparison, and the series that it was made of. */
export interface PeersResult {
  readonly comparison: Comparison;
  readonly series: readonly ComparedSeries[];
}

export interface PageParts {
  readonly source: string;
  readonly options: BacktestOptions;
  readonly result: Backtest;
  /** The same fleet replayed at other risks; empty leaves the curve with one point. */
  readonly otherRisks: readonly Pick<Backtest, 'replays' | 'outcomes'>[];
  readonly peers: Readonly<Partial<Record<Resource, PeersResult>>>;
  /** The request in force today, where the source knows it. */
  readonly currentOf: (replay: Replay) => number | undefined;
}

const WORST = 10;
const MOST_COLUMNS = 240;

/** Gathers the page of a backtest. Equal parts give equal pages. */
export function pageOf(parts: PageParts): BacktestPage {
  const { source, options, result } = parts;
  return {
    source,
    cadence: options.cadence,
    verdict: result.verdict,
    resources: RESOURCES.flatMap((resource) => resourcePage(resource, parts)),
    short: result.outcomes.filter(({ protocol }) => protocol === 'short'),
    tooShort: result.tooShort,
  };
}

function resourcePage(resource: Resource, parts: PageParts): readonly ResourcePage[] {
  const { options, result } = parts;
  const outcome = result.outcomes.find(
    (one) => one.resource === resource && one.protocol === 'daily',
  );
  if (outcome?.verdict === undefined) return [];
  const { risk, all, leftOut, verdict } = outcome;
  const scored = scoredReplays(result, resource, options);
  const peers = parts.peers[resource];
  return [
    {
      resource,
      risk,
      confidence: options.confidence,
      verdict,
      misses: missesOf(outcome, options),
      all,
      leftOut,
      behaviours: byBehaviour(scored, outcome),
      datasets: outcome.datasets.map(({ dataset, score }) => ({ name: dataset, score })),
      rates: scored.map(({ score }) => rateOf(resource)(score)),
      curve: curveOf([result, ...parts.otherRisks], resource, options.coresOf),
      peers: peers && {
        comparison: peers.comparison,
        curves: peerCurves(peers.series, resource),
      },
      worst: worstOf(scored, parts),
    },
  ];
}

/** By what was realised, and between equals by the share of the work over the request. */
function worstOf(scored: readonly Scored[], parts: PageParts): readonly WorstSeries[] {
  return scored
    .map((one) => ({ ...one, realised: rateOf(one.replay.resource)(one.score) }))
    .sort((a, b) => b.realised - a.realised || b.score.vol - a.score.vol)
    .slice(0, WORST)
    .map(({ replay, score, behaviour, realised }) => {
      const { series, resource, rows } = replay;
      return {
        dataset: series.dataset,
        series: series.series,
        behaviour,
        realised,
        score,
        timeline: timelineOf(series, resource, { rows, mostColumns: MOST_COLUMNS }),
        current: parts.currentOf(replay),
      };
    });
}
