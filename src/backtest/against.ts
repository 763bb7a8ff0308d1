import type { Resource } from '../recommend/usage.ts';
import { runPeers, scoreCurrent, type PeerCadence } from './compare.ts';
import { compareFleet, type ComparedSeries } from './comparison.ts';
import type { PeersResult } from './page.ts';
import type { PeerName } from './peers/peer.ts';
import type { Backtest, BacktestOptions, Replay } from './run.ts';

interface AgainstOptions {
  readonly peers: readonly PeerName[];
  readonly cadences: readonly PeerCadence[];
  /** Of ours: peers of the same cadence make the headline. */
  readonly cadence: PeerCadence;
  readonly currentOf: (replay: Replay) => number | undefined;
}

type FleetOptions = AgainstOptions & Pick<BacktestOptions, 'risks' | 'confidence' | 'coresOf'>;

/**
 * Runs the peers over the series of the daily protocol that ours was scored on, one series at a time, since each
 * takes long enough for a caller to want to look up in between. Undefined for a series on which a peer never spoke:
 * it is left out for all.
 */
export function* compareEach(
  { replays }: Pick<Backtest, 'replays'>,
  resource: Resource,
  options: FleetOptions,
): Generator<ComparedSeries | undefined> {
  for (const replay of replays) {
    if (replay.resource !== resource || replay.protocol.name !== 'daily') continue;
    yield compared(replay, options);
  }
}

/** Pools what `compareEach` gave; undefined without a series. */
export function poolCompared(
  each: readonly (ComparedSeries | undefined)[],
  resource: Resource,
  { confidence, cadence, risks }: FleetOptions,
): PeersResult | undefined {
  const series = each.flatMap((one) => one ?? []);
  const comparison = compareFleet(series, {
    resource,
    risk: risks[resource],
    confidence,
    cadence,
  });
  return comparison && { comparison, series };
}

function compared(
  replay: Replay,
  { peers, cadences, coresOf, currentOf }: AgainstOptions & Pick<BacktestOptions, 'coresOf'>,
): ComparedSeries | undefined {
  const { series, resource, protocol, score } = replay;
  if (score === undefined) return undefined;
  const coresPerUnit = coresOf(series.dataset);
  const runs = runPeers(series, { resource, protocol, peers, cadences, coresPerUnit });
  if (runs.length === 0 && peers.length > 0) return undefined;
  const current = scoreCurrent(series, currentOf(replay), { resource, protocol });
  return { own: score, runs, ...(current === undefined ? {} : { current }) };
}
