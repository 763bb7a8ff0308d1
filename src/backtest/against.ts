import { RESOURCES } from '../recommend/usage.ts';
import { PEER_CADENCES, runPeers } from './compare.ts';
import { compareFleet, type ComparedSeries, type Comparison } from './comparison.ts';
import type { PeerName } from './peers/peer.ts';
import { DAILY } from './protocol.ts';
import type { Backtest, BacktestOptions, Replay } from './run.ts';

export interface AgainstOptions extends Pick<BacktestOptions, 'risks' | 'confidence' | 'coresOf'> {
  readonly peers: readonly PeerName[];
  /** Told after each series of each resource. */
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Peers on the same series as a backtest of ours, daily and hourly, a table per resource. Only series that are long
 * enough for the daily protocol: too few short ones are known for a table of their own.
 */
export function compareWithPeers(
  { replays }: Backtest,
  options: AgainstOptions,
): readonly Comparison[] {
  const scored = replays.filter(({ protocol, score }) => protocol === DAILY && score !== undefined);
  let done = 0;
  return RESOURCES.flatMap((resource) => {
    const compared = scored
      .filter((replay) => replay.resource === resource)
      .flatMap((replay) => {
        options.onProgress(++done, scored.length);
        return comparedSeries(replay, options);
      });
    const { confidence } = options;
    const risk = options.risks[resource];
    const table = compareFleet(compared, { resource, risk, confidence, cadence: 'hourly' });
    return table === undefined ? [] : [table];
  });
}

function comparedSeries(
  { series, resource, protocol, score }: Replay,
  { peers, coresOf }: AgainstOptions,
): readonly ComparedSeries[] {
  const coresPerUnit = coresOf(series.dataset);
  const options = { resource, protocol, peers, cadences: PEER_CADENCES, coresPerUnit };
  const runs = runPeers(series, options);
  return score === undefined || runs.length === 0 ? [] : [{ own: score, runs }];
}
