import type { Resource } from '../../recommend/usage.ts';
import { DAY_BINS } from '../grid.ts';
import type { Peer } from './peer.ts';
import { weightedQuantiles } from './percentile.ts';

const LOOK_BACK_BINS = 7 * DAY_BINS;
const LEAST_WEIGHT = 1e-5;
/** Its buckets are all of one width: 0.1 core, 100 MiB. */
const BUCKET_WIDTH: Readonly<Record<Resource, number>> = { cpu: 0.1, memory: 100 * 2 ** 20 };

/**
 * Crane's percentile prediction for resource recommendation: load-weighted percentile of 7 days, rounded up to the
 * end of a linear bucket, plus 15 %. The half-life of its configuration is read nowhere, so nothing decays.
 * Source: gocrane/crane, pkg/prediction/percentile and pkg/recommendation/recommender/resource.
 */
export const crane: Peer = {
  name: 'crane',
  shipped: {
    cpu: { percentile: 0.99, margin: 1.15 },
    memory: { percentile: 0.99, margin: 1.15 },
  },
  says: {
    cpu: 'load-weighted p99 of 7 d x1.15',
    memory: 'load-weighted p99 of 7 d x1.15',
  },
  estimate(window, resource, percentiles) {
    const { count, values } = window.last(LOOK_BACK_BINS);
    if (count === 0) return undefined;
    const { unit } = window.usage;
    const cumulative = window.scratch;
    let total = 0;
    for (let i = 0; i < count; i++) {
      total += Math.max((values[i] ?? 0) * unit, LEAST_WEIGHT);
      cumulative[i] = total;
    }
    const width = BUCKET_WIDTH[resource];
    return weightedQuantiles({ count, values }, cumulative, percentiles).map(
      (value) => ((Math.floor((value * unit) / width + 1e-12) + 1) * width) / unit,
    );
  },
};
