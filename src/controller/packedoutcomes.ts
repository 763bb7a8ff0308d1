import { LEVELS, type DayExcess } from '../recommend/sizing.ts';
import type { ContainerOutcome, Judged, ResourceOutcome } from './containeroutcome.ts';

/** How `Judged` is written: there is none, it rests on a replay, or on use that came after. */
const UNJUDGED = 0;
const REPLAYED = 1;
const LIVE = 2;

/** Numbers of one resource, and of one container before those of its excesses. */
const OF_RESOURCE = 8 + LEVELS.length;
const OF_CONTAINER = 2 * OF_RESOURCE + 1;
const OF_EXCESS = 2;

/**
 * What became of the containers of a workload, in one array of numbers, from which each is made when it is asked for.
 * As objects it would be some forty for each container, which are replaced hour by hour: they take three times as
 * much, and leave holes in the heap.
 */
export class PackedOutcomes implements Iterable<ContainerOutcome> {
  readonly #numbers: readonly number[];

  constructor(containers: Iterable<ContainerOutcome>) {
    const numbers: number[] = [];
    for (const { cpu, memory, excesses } of containers) {
      pushResource(numbers, cpu);
      pushResource(numbers, memory);
      numbers.push(excesses.length);
      for (const { day, excess } of excesses) numbers.push(day, excess);
    }
    // A copy has no room to grow.
    this.#numbers = numbers.slice();
  }

  *[Symbol.iterator](): Generator<ContainerOutcome> {
    const numbers = this.#numbers;
    for (let at = 0; at < numbers.length;) {
      const excessesAt = at + OF_CONTAINER;
      const days = numbers[excessesAt - 1] ?? 0;
      yield {
        cpu: resourceAt(numbers, at),
        memory: resourceAt(numbers, at + OF_RESOURCE),
        excesses: Array.from({ length: days }, (_, i) =>
          excessAt(numbers, excessesAt + OF_EXCESS * i),
        ),
      };
      at = excessesAt + OF_EXCESS * days;
    }
  }
}

function pushResource(
  numbers: number[],
  { promised, judged, isCutShort, requested, recommended, curve }: ResourceOutcome,
): void {
  numbers.push(promised, Number(isCutShort), requested, recommended);
  if (judged === undefined) numbers.push(UNJUDGED, 0, 0, 0);
  else {
    const { isLive, isKeeping, days, share } = judged;
    numbers.push(isLive ? LIVE : REPLAYED, Number(isKeeping), days, share);
  }
  for (let i = 0; i < LEVELS.length; i++) numbers.push(curve[i] ?? 0);
}

function resourceAt(numbers: readonly number[], at: number): ResourceOutcome {
  const of = (index: number): number => numbers[at + index] ?? 0;
  return {
    promised: of(0),
    isCutShort: of(1) === 1,
    requested: of(2),
    recommended: of(3),
    judged: judgedOf(of(4), of(5), { days: of(6), share: of(7) }),
    curve: numbers.slice(at + OF_RESOURCE - LEVELS.length, at + OF_RESOURCE),
  };
}

function judgedOf(
  how: number,
  isKeeping: number,
  figures: Pick<Judged, 'days' | 'share'>,
): Judged | undefined {
  if (how === UNJUDGED) return undefined;
  return { isLive: how === LIVE, ...figures, isKeeping: isKeeping === 1 };
}

function excessAt(numbers: readonly number[], at: number): DayExcess {
  return { day: numbers[at] ?? 0, excess: numbers[at + 1] ?? 0 };
}
