import type { Resource } from '../../recommend/usage.ts';
import { DAY_BINS } from '../grid.ts';
import type { Peer } from './peer.ts';
import { weightedQuantiles } from './percentile.ts';

const HALF_LIFE_BINS: Readonly<Record<Resource, number>> = {
  cpu: DAY_BINS / 2,
  memory: 2 * DAY_BINS,
};

/**
 * Google Autopilot's moving window recommender: percentile of *load-adjusted*, decayed samples. A sample weighs its
 * own load, so the percentile is the share of the work, not of the time, that stays within the request. Serving
 * CPU S_p95, memory of low tolerance to OOM S_p98, plus 12 % of the 10 to 15 % that the paper gives. Its maximum
 * over its own output of the last hour is left out. Source: Rzadca et al., EuroSys 2020, section 3.2.
 */
export const autopilot: Peer = {
  name: 'autopilot',
  shipped: {
    cpu: { percentile: 0.95, margin: 1.12 },
    memory: { percentile: 0.98, margin: 1.12 },
  },
  says: {
    cpu: 'load-weighted p95 (half-life 12 h) x1.12',
    memory: 'load-weighted p98 (half-life 48 h) x1.12',
  },
  estimate(window, resource, percentiles) {
    const { count, values, bins } = window.all();
    if (count === 0) return undefined;
    const weights = window.decay(HALF_LIFE_BINS[resource]);
    const cumulative = window.scratch;
    let total = 0;
    for (let i = 0; i < count; i++) {
      total += (weights[window.now - (bins[i] ?? 0)] ?? 0) * (values[i] ?? 0);
      cumulative[i] = total;
    }
    return weightedQuantiles({ count, values }, cumulative, percentiles);
  },
};
