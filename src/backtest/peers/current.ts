import type { Row } from '../walk.ts';

/** The request that the container has today, where the source knows it, held over the whole span; else no row. */
export function currentRows(
  request: number | undefined,
  { firstBin, length }: { readonly firstBin: number; readonly length: number },
): readonly Row[] {
  if (request === undefined || firstBin >= length) return [];
  return [{ fromBin: firstBin, toBin: length, amount: request }];
}
