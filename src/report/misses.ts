import type { Miss } from '../backtest/findings.ts';
import type { Resource } from '../recommend/usage.ts';
import { points } from './html/words.ts';

/** What was missed of one resource. */
interface Missed {
  readonly resource: Resource;
  readonly misses: readonly Miss[];
}

/** ` by 0.4 points of CPU time and 2 points of memory days`; empty where nothing was missed. */
export function missedBy(parts: readonly Missed[]): string {
  const texts = parts.flatMap(({ resource, misses }) =>
    misses.map((miss) => missText(resource, miss)),
  );
  return texts.length === 0 ? '' : ` by ${listed(texts)}`;
}

function missText(resource: Resource, { what, promised, found }: Miss): string {
  const distance = points(found - promised);
  if (what === 'kept')
    return `${distance} of the containers that keep ${resource === 'cpu' ? 'CPU' : 'memory'}`;
  return resource === 'cpu' ? `${distance} of CPU time` : `${distance} of memory days`;
}

function listed(parts: readonly string[]): string {
  return parts.length < 2
    ? parts.join('')
    : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}
