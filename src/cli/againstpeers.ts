import { runAgainst } from '../backtest/against.ts';
import type { PeersResult } from '../backtest/page.ts';
import type { PeerName } from '../backtest/peers/peer.ts';
import type { Backtest, BacktestOptions } from '../backtest/run.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import type { Progress } from '../report/progress.ts';

/** What the peers made of each resource; a resource without one is left out. */
export type Peers = Readonly<Partial<Record<Resource, PeersResult>>>;

/** Runs the peers at both cadences, the headline at the one of ours, which decides hourly. */
export function againstPeers(
  result: Backtest,
  { peers, ...options }: BacktestOptions & { readonly peers: readonly PeerName[] },
  progress: Progress,
): Peers {
  if (peers.length === 0) return {};
  return Object.fromEntries(
    RESOURCES.flatMap((resource) => {
      progress.show(`compare ${resource} with ${peers.length} other rules`);
      const found = runAgainst(result, resource, {
        ...options,
        peers,
        cadences: ['hourly', 'daily'],
        cadence: 'hourly',
        currentOf: () => undefined,
      });
      return found === undefined ? [] : [[resource, found]];
    }),
  );
}
