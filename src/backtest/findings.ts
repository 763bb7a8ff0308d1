import { behaviourOf, BEHAVIOURS, type Behaviour } from '../recommend/behaviour.ts';
import type { Resource } from '../recommend/usage.ts';
import { cpuHours } from './grid.ts';
import { rateOf, type Backtest, type BacktestOptions, type Outcome, type Replay } from './run.ts';
import { pooled, type PooledScore, type SeriesScore } from './score.ts';

/** A part of the promise that was missed: what was to be, and what was. Shares are 0 to 1. */
export interface Miss {
  readonly what: 'realised' | 'kept';
  readonly promised: number;
  readonly found: number;
}

export interface Group {
  readonly name: string;
  readonly score: PooledScore;
}

/** A replay that was scored, with its class; undefined without CPU. */
export interface Scored {
  readonly replay: Replay;
  readonly score: SeriesScore;
  readonly behaviour: Behaviour | undefined;
}

/** An outcome, with what it missed and by class. */
export interface Finding extends Outcome {
  /** Empty unless the verdict is that it was missed. */
  readonly misses: readonly Miss[];
  /** Of the series of the daily protocol, the others being too short for a class. */
  readonly behaviours: readonly Group[];
}

/** The outcomes of a backtest as they are reported. */
export function findingsOf(
  result: Pick<Backtest, 'replays' | 'outcomes'>,
  options: Pick<BacktestOptions, 'confidence' | 'coresOf'>,
): readonly Finding[] {
  return result.outcomes.map((outcome) => ({
    ...outcome,
    misses: missesOf(outcome, options),
    behaviours:
      outcome.protocol === 'daily'
        ? byBehaviour(scoredReplays(result, outcome.resource, options), outcome)
        : [],
  }));
}

/** The replays of the daily protocol that have a score. */
export function scoredReplays(
  { replays }: Pick<Backtest, 'replays'>,
  resource: Resource,
  { coresOf }: Pick<BacktestOptions, 'coresOf'>,
): readonly Scored[] {
  return replays
    .filter((replay) => replay.resource === resource && replay.protocol.name === 'daily')
    .flatMap((replay) => {
      const { series, score } = replay;
      if (score === undefined) return [];
      const behaviour = behaviourOf(cpuHours(series), coresOf(series.dataset));
      return [{ replay, score, behaviour }];
    });
}

/** Which parts of the promise were missed. */
export function missesOf(
  { resource, all, risk, verdict }: Outcome,
  { confidence }: Pick<BacktestOptions, 'confidence'>,
): readonly Miss[] {
  if (verdict !== 'missed') return [];
  const found = resource === 'cpu' ? all.ex : all.breachPerDay;
  const realised = { what: 'realised', promised: risk, found } as const;
  const kept = { what: 'kept', promised: confidence, found: all.keep } as const;
  return [
    ...(found > risk ? [realised] : []),
    ...(resource === 'cpu' && all.keep < confidence ? [kept] : []),
  ];
}

/** Pooled by class, in the order of the classes, without those that have no series. */
export function byBehaviour(
  scored: readonly Scored[],
  { resource, risk }: Pick<Outcome, 'resource' | 'risk'>,
): readonly Group[] {
  return BEHAVIOURS.flatMap((name) => {
    const scores = scored.filter(({ behaviour }) => behaviour === name).map(({ score }) => score);
    return scores.length === 0 ? [] : [{ name, score: pooled(scores, risk, rateOf(resource)) }];
  });
}
