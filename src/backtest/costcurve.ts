import type { Resource } from '../recommend/usage.ts';
import type { PeerCadence } from './compare.ts';
import type { ComparedSeries } from './comparison.ts';
import type { PeerName } from './peers/peer.ts';
import { rateOf, type Backtest, type Outcome } from './run.ts';
import { costAtPromise } from './sweep.ts';

/** The risks at which the cost is shown, 0 to 1. */
export const CURVE_RISKS = [0.1, 0.05, 0.02, 0.01, 0.005] as const;

/** What a promised risk realised and cost on the series of the daily protocol. */
export interface CurvePoint {
  readonly risk: number;
  /** Mean over the series of the time (CPU) or the days (memory) over the request. */
  readonly realised: number;
  /** Share of the series that kept the risk. */
  readonly keep: number;
  /** Geometric mean of request over use. */
  readonly cost: number;
  /** Sum of the mean requests, in cores or bytes. */
  readonly requested: number;
}

/** What a peer would have cost at each realised rate, its setting chosen with hindsight. */
export interface PeerCurve {
  readonly peer: PeerName;
  readonly cadence: PeerCadence;
  readonly points: readonly { readonly realised: number; readonly cost: number }[];
  readonly shipped: { readonly realised: number; readonly cost: number };
}

/** One point of each backtest that has the resource, from the highest risk to the lowest; equal risks are one. */
export function curveOf(
  backtests: readonly Pick<Backtest, 'replays' | 'outcomes'>[],
  resource: Resource,
  coresOf: (dataset: string) => number,
): readonly CurvePoint[] {
  const points = backtests.flatMap(({ replays, outcomes }) => {
    const outcome = outcomes.find((one) => one.resource === resource && one.protocol === 'daily');
    if (outcome === undefined) return [];
    const requested = replays
      .filter((replay) => replay.resource === resource && replay.protocol.name === 'daily')
      .reduce((sum, { series, score }) => {
        const unit = resource === 'cpu' ? coresOf(series.dataset) : 1;
        return sum + (score?.meanRequest ?? 0) * unit;
      }, 0);
    return [{ ...pointOf(outcome), requested }];
  });
  return [...Map.groupBy(points, ({ risk }) => risk).values()]
    .flatMap(([first]) => first ?? [])
    .sort((a, b) => b.risk - a.risk);
}

function pointOf({ resource, risk, all }: Outcome): Omit<CurvePoint, 'requested'> {
  const realised = resource === 'cpu' ? all.ex : all.breachPerDay;
  return { risk, realised, keep: all.keep, cost: all.cost };
}

const LOWEST_RATE = 0.0005;
const HIGHEST_RATE = 1;
const STEPS = 48;

/** The curves of all runs, in their order; points that a peer does not reach are left out. */
export function peerCurves(
  series: readonly ComparedSeries[],
  resource: Resource,
): readonly PeerCurve[] {
  const kind = resource === 'cpu' ? 'ex' : 'breach';
  return (series[0]?.runs ?? []).map(({ peer, cadence }, i) => {
    const runs = series.flatMap((one) => one.runs[i] ?? []);
    const sweeps = runs.map(({ sweep }) => sweep);
    const cheapest = costAtPromise(sweeps, { kind, target: 1 });
    const points = rates().flatMap((realised) => {
      const { cost, reached } = costAtPromise(sweeps, { kind, target: realised });
      return reached && cost > cheapest.cost ? [{ realised, cost }] : [];
    });
    const mean = (of: (run: (typeof runs)[number]) => number) =>
      runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
    const shipped = {
      realised: mean((run) => rateOf(resource)(run.shipped)),
      cost: Math.exp(mean((run) => Math.log(run.shipped.cost))),
    };
    return { peer, cadence, points, shipped };
  });
}

/** From the highest to the lowest, evenly on a logarithmic scale. */
function rates(): readonly number[] {
  const ratio = LOWEST_RATE / HIGHEST_RATE;
  return Array.from({ length: STEPS + 1 }, (_, i) => HIGHEST_RATE * ratio ** (i / STEPS));
}
