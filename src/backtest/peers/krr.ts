import type { Peer } from './peer.ts';
import { linearQuantiles } from './percentile.ts';

/**
 * KRR, strategy `simple`: CPU is quantile_over_time(0.95) of 14 days, memory the maximum of 14 days plus 15 %.
 * Source: robusta-dev/krr, robusta_krr/strategies/simple.py.
 */
export const krr: Peer = {
  name: 'krr',
  shipped: { cpu: { percentile: 0.95, margin: 1 }, memory: { percentile: 1, margin: 1.15 } },
  says: { cpu: 'p95 of 14 d', memory: 'maximum of 14 d x1.15' },
  estimate: (window, _resource, percentiles) => linearQuantiles(window.all(), percentiles),
};
