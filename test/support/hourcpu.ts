import { coresAt } from '../../src/recommend/hours.ts';
import type { HourCpu } from '../../src/recommend/usage.ts';

/** The samples of an hour in cores, ascending, each amount as often as it was sampled; none without an hour. */
export function samplesOfHour(hour: HourCpu | undefined): readonly number[] {
  if (hour === undefined) return [];
  return placesOf(hour).flatMap((at) =>
    new Array<number>(hour.counts[at] ?? 0).fill(coresAt(hour, at)),
  );
}

/** Where the amounts of an hour are in its arrays. */
export function placesOf({ begin, end }: HourCpu): readonly number[] {
  return Array.from({ length: end - begin }, (_, i) => begin + i);
}
