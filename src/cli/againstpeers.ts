import { InvalidArgumentError } from 'commander';
import { compareEach, poolCompared } from '../backtest/against.ts';
import type { ComparedSeries } from '../backtest/comparison.ts';
import type { PeersResult } from '../backtest/page.ts';
import { PEER_NAMES, type PeerName } from '../backtest/peers/peer.ts';
import type { Backtest, BacktestOptions, Replay } from '../backtest/run.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import type { Context } from './clusterview.ts';
import { lookUp } from './interrupt.ts';

/** The requests that the workloads have today: no rule, and known of a cluster only. */
const CURRENT = 'current';

/** What `--against` may name. */
export const AGAINST_NAMES: readonly string[] = [CURRENT, ...PEER_NAMES];

/** What ours is compared with. */
export interface Against {
  readonly peers: readonly PeerName[];
  /** `IfKnown` with all, of whatever the source. */
  readonly current: 'Asked' | 'IfKnown' | 'No';
}

export const AGAINST_NOTHING: Against = { peers: [], current: 'No' };

/** Reads `current,vpa,krr`, or `all`. Throws for a name that is none, and each name counts once. */
export function parseAgainst(text: string): Against {
  if (text === 'all') return { peers: PEER_NAMES, current: 'IfKnown' };
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !AGAINST_NAMES.includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`"${unknown}" is none of ${AGAINST_NAMES.join(', ')}.`);
  }
  return {
    peers: [...new Set(names)].flatMap((name) => PEER_NAMES.find((peer) => peer === name) ?? []),
    current: names.includes(CURRENT) ? 'Asked' : 'No',
  };
}

/** What the peers made of each resource; a resource without one is left out. */
export type Peers = Readonly<Partial<Record<Resource, PeersResult>>>;

export interface AgainstInput {
  readonly result: Backtest;
  readonly options: BacktestOptions;
  readonly against: Against;
  /** The request that the container has today, in cores or bytes; undefined where the source has none. */
  readonly currentOf: (replay: Replay) => number | undefined;
}

/**
 * Runs the peers at both cadences, the headline at the one of ours, which decides hourly. Rejects when interrupted.
 */
export async function againstPeers(
  { result, options, against: { peers, current }, currentOf }: AgainstInput,
  { signal, progress }: Context,
): Promise<Peers> {
  if (peers.length === 0 && current === 'No') return {};
  const all = {
    ...options,
    peers,
    cadences: ['hourly', 'daily'],
    cadence: 'hourly',
    currentOf: current === 'No' ? () => undefined : currentOf,
  } as const;
  const found: Partial<Record<Resource, PeersResult>> = {};
  for (const resource of RESOURCES) {
    const each: (ComparedSeries | undefined)[] = [];
    for (const one of compareEach(result, resource, all)) {
      each.push(one);
      progress.show(`compare ${resource} of ${each.length} series with others`);
      await lookUp(signal);
    }
    const pooled = poolCompared(each, resource, all);
    const isSomething = pooled !== undefined && hasOthers(pooled);
    if (isSomething) found[resource] = pooled;
  }
  return found;
}

function hasOthers({ comparison: { lines, current } }: PeersResult): boolean {
  return lines.length > 0 || current !== undefined;
}
