/** Where in the first `count` ascending values the first stands that is at least `wanted`; `count` when none is. */
export function firstAtLeast(ascending: Float64Array, count: number, wanted: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? Infinity) < wanted) {
      low = middle + 1;
      continue;
    }
    high = middle;
  }
  return low;
}
