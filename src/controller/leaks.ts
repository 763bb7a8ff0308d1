import { leakSince } from '../recommend/leak.ts';
import type { UsageHistory } from '../recommend/usage.ts';

/** By container: since when its memory is suspected to leak. */
export function leaksOf(
  containers: ReadonlyMap<string, UsageHistory>,
  nowSeconds: number,
): ReadonlyMap<string, number> {
  return new Map(
    [...containers].flatMap(([name, history]) => {
      const since = leakSince(history, { nowSeconds });
      return since === undefined ? [] : [[name, since]];
    }),
  );
}
