import { LEVELS } from '../recommend/sizing.ts';
import { RESOURCES, type Resource } from '../recommend/usage.ts';
import type { ContainerOutcome, ResourceOutcome } from './containeroutcome.ts';

/** Sums over containers, so that those of several parts of a policy add up to those of the whole. */
export interface PoolFigures {
  readonly containers: number;
  /** Of the promised risks of all containers. */
  readonly promised: number;
  readonly judged: number;
  readonly live: number;
  readonly keeping: number;
  readonly days: number;
  /** Of days times promised risk, and times realised share, of the judged. */
  readonly promisedDays: number;
  readonly realisedDays: number;
}

interface ResourceFigures {
  readonly all: PoolFigures;
  /** Of those that no bound cuts short. */
  readonly ours: PoolFigures;
  /** Cores or bytes over all pods, as are those below. */
  readonly requested: number;
  readonly recommended: number;
  /** One for each of LEVELS. */
  readonly curve: readonly number[];
}

/** What a policy is judged by, or a part of it. */
export type Figures = Readonly<Record<Resource, ResourceFigures>>;

/** What containers add to the figures of their policy. */
export function figuresOf(containers: Iterable<ContainerOutcome>): Figures {
  const sums = { cpu: new ResourceSums(), memory: new ResourceSums() };
  for (const { cpu, memory } of containers) {
    sums.cpu.add(cpu);
    sums.memory.add(memory);
  }
  return sums;
}

class PoolSums implements PoolFigures {
  containers = 0;
  promised = 0;
  judged = 0;
  live = 0;
  keeping = 0;
  days = 0;
  promisedDays = 0;
  realisedDays = 0;

  add({ promised, judged }: ResourceOutcome): void {
    this.containers += 1;
    this.promised += promised;
    if (judged === undefined) return;
    const { isLive, isKeeping, days, share } = judged;
    this.judged += 1;
    if (isLive) this.live += 1;
    if (isKeeping) this.keeping += 1;
    this.days += days;
    this.promisedDays += promised * days;
    this.realisedDays += share * days;
  }
}

class ResourceSums implements ResourceFigures {
  readonly all = new PoolSums();
  readonly ours = new PoolSums();
  requested = 0;
  recommended = 0;
  readonly curve = LEVELS.map(() => 0);

  add(outcome: ResourceOutcome): void {
    this.all.add(outcome);
    if (!outcome.isCutShort) this.ours.add(outcome);
    this.requested += outcome.requested;
    this.recommended += outcome.recommended;
    for (const [index, amount] of outcome.curve.entries()) {
      this.curve[index] = (this.curve[index] ?? 0) + amount;
    }
  }
}

const POOL_FIELDS = [
  'containers',
  'promised',
  'judged',
  'live',
  'keeping',
  'days',
  'promisedDays',
  'realisedDays',
] as const;
const OF_RESOURCE = 2 * POOL_FIELDS.length + 2 + LEVELS.length;
/** Enough for any figure that is shown, and short. */
const DIGITS = 9;

/** All figures in a fixed order: a small object to hand over. */
export function numbersOf(figures: Figures): readonly number[] {
  return RESOURCES.flatMap((resource) => numbersOfResource(figures[resource])).map((number) =>
    Number(number.toPrecision(DIGITS)),
  );
}

/** Undefined for what `numbersOf` did not give. */
export function figuresOfNumbers(numbers: readonly number[]): Figures | undefined {
  if (numbers.length !== OF_RESOURCE * RESOURCES.length) return undefined;
  if (!numbers.every((number) => Number.isFinite(number) && number >= 0)) return undefined;
  return { cpu: figuresAt(numbers, 'cpu'), memory: figuresAt(numbers, 'memory') };
}

/** The figures of the whole from those of its parts. */
export function sumOf(parts: readonly Figures[]): Figures {
  const sums = Array.from({ length: OF_RESOURCE * RESOURCES.length }, () => 0);
  for (const part of parts) {
    const numbers = RESOURCES.flatMap((resource) => numbersOfResource(part[resource]));
    for (const [index, number] of numbers.entries()) sums[index] = (sums[index] ?? 0) + number;
  }
  return { cpu: figuresAt(sums, 'cpu'), memory: figuresAt(sums, 'memory') };
}

function numbersOfResource(figures: ResourceFigures): readonly number[] {
  const { all, ours, requested, recommended, curve } = figures;
  return [
    ...POOL_FIELDS.map((field) => all[field]),
    ...POOL_FIELDS.map((field) => ours[field]),
    requested,
    recommended,
    ...curve,
  ];
}

function figuresAt(numbers: readonly number[], resource: Resource): ResourceFigures {
  const from = RESOURCES.indexOf(resource) * OF_RESOURCE;
  const at = (index: number): number => numbers[from + index] ?? 0;
  const pools = POOL_FIELDS.length;
  return {
    all: poolAt(at),
    ours: poolAt((index) => at(pools + index)),
    requested: at(2 * pools),
    recommended: at(2 * pools + 1),
    curve: LEVELS.map((_, index) => at(2 * pools + 2 + index)),
  };
}

function poolAt(at: (index: number) => number): PoolFigures {
  return {
    containers: at(0),
    promised: at(1),
    judged: at(2),
    live: at(3),
    keeping: at(4),
    days: at(5),
    promisedDays: at(6),
    realisedDays: at(7),
  };
}
