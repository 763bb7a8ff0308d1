import { GROUP } from '../api/group.ts';
import { parseRfc3339 } from '../api/timestamp.ts';
import type { ClusterView } from './ports.ts';

const ACKNOWLEDGED = `${GROUP}/breaker-acknowledged`;

/** The clock of whoever writes it may be ahead of ours by as much. */
const CLOCK_SECONDS = 300;

/**
 * Up to when changes that went bad are known to somebody, in unix seconds; undefined where nobody says so. It is said
 * by an annotation of a cluster policy, since the breaker is everybody's. A time that is none says nothing, and neither
 * does one that is yet to come: nobody knows now what will go bad.
 */
export function acknowledgedSeconds(
  { policies }: ClusterView,
  nowSeconds: number,
): number | undefined {
  const ofCluster = [...policies.values()].filter(({ kind }) => kind === 'ClusterRightsizePolicy');
  const times = ofCluster.flatMap(({ annotations }) => {
    const text = annotations[ACKNOWLEDGED];
    const seconds = text === undefined ? undefined : parseRfc3339(text);
    return seconds === undefined || seconds > nowSeconds + CLOCK_SECONDS ? [] : [seconds];
  });
  return times.length === 0 ? undefined : Math.max(...times);
}
