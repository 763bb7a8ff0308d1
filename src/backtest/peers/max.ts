import type { Peer } from './peer.ts';
import { linearQuantiles } from './percentile.ts';

/** The maximum of 14 days as it is: no product, but the rule that people reach for first. */
export const max: Peer = {
  name: 'max',
  shipped: { cpu: { percentile: 1, margin: 1 }, memory: { percentile: 1, margin: 1 } },
  says: { cpu: 'maximum of 14 d', memory: 'maximum of 14 d' },
  estimate: (window, _resource, percentiles) => linearQuantiles(window.all(), percentiles),
};
