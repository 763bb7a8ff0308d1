import { attune } from './attune.ts';
import { autopilot } from './autopilot.ts';
import { crane } from './crane.ts';
import { krr } from './krr.ts';
import { max } from './max.ts';
import type { Peer, PeerName } from './peer.ts';
import { vpa } from './vpa.ts';

/** Every rule that a backtest can be run against. */
export const PEERS: Readonly<Record<PeerName, Peer>> = { vpa, krr, autopilot, crane, attune, max };
