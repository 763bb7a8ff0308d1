import { parseCpu, parseMemory } from '../api/quantity.ts';
import type { ContainerStatus, RecommendationStatus } from '../api/recommendation.ts';
import { formatTime, parseTime } from '../api/timestamp.ts';
import { judgeKept, resizeKept, startKept, type Kept } from '../recommend/kept.ts';
import type { Amounts, UsageHistory } from '../recommend/usage.ts';
import { quantities } from './status.ts';

type KeptStatus = NonNullable<ContainerStatus['kept']>;

/** By container name. */
type Tallies = ReadonlyMap<string, Kept>;

/** How what a Recommendation said so far fared, container by container; `status` is what it says from now on. */
export function talliesOf(
  { containers = [] }: RecommendationStatus,
  stored: RecommendationStatus | undefined,
  seen: { readonly usage: ReadonlyMap<string, UsageHistory>; readonly nowSeconds: number },
): Tallies {
  return new Map(
    containers.flatMap((container) => {
      const { name } = container;
      const before = stored?.containers?.find((each) => each.name === name);
      const { nowSeconds } = seen;
      const kept = keptOf(before, container, { history: seen.usage.get(name), nowSeconds });
      return kept === undefined ? [] : [[name, kept]];
    }),
  );
}

/** A status with the tallies in it. */
export function withTallies(status: RecommendationStatus, tallies: Tallies): RecommendationStatus {
  const { containers } = status;
  if (containers === undefined) return status;
  return {
    ...status,
    containers: containers.map((container) => {
      const kept = tallies.get(container.name);
      return kept === undefined ? container : { ...container, kept: formatKept(kept) };
    }),
  };
}

/**
 * How the recommended sizes of a container fared, brought up to now: the hours since are held against what `before`
 * recommended, and `after` holds from now on. Counting begins anew where nothing was counted, and where another risk
 * is promised. Undefined while nothing is recommended.
 */
function keptOf(
  before: ContainerStatus | undefined,
  after: ContainerStatus,
  seen: { readonly history: UsageHistory | undefined; readonly nowSeconds: number },
): Kept | undefined {
  if (after.target === undefined) return undefined;
  const stored = before && isSamePromise(before, after) ? parseKept(before.kept) : undefined;
  if (before === undefined || stored === undefined) return startKept(seen.nowSeconds);
  const from = promisedSizes(before);
  return resizeKept(judgeKept(stored, from, seen), from, promisedSizes(after), seen.nowSeconds);
}

/** What the promise is about: of CPU the request, of memory the limit, or the request where there is none. */
function promisedSizes({ target }: ContainerStatus): Amounts {
  const cpu = target?.requests?.cpu;
  const memory = target?.limits?.memory ?? target?.requests?.memory;
  return amounts({ cpu, memory });
}

function isSamePromise(before: ContainerStatus, after: ContainerStatus): boolean {
  return (
    before.cpu?.promised === after.cpu?.promised &&
    before.memory?.promised === after.memory?.promised
  );
}

/** The API keeps three decimals: what is lost to rounding at a write is less than a sample. */
function formatKept({ sinceSeconds, toSeconds, cpu, memory, before }: Kept): KeptStatus {
  return {
    since: formatTime(sinceSeconds),
    to: formatTime(toSeconds),
    cpu: { hours: rounded(cpu.hours), samples: rounded(cpu.samples), over: rounded(cpu.over) },
    memory: {
      days: rounded(memory.days),
      daysHit: rounded(memory.daysHit),
      today: memory.today,
    },
    ...(before && {
      before: { until: formatTime(before.untilSeconds), ...quantities(before.sizes) },
    }),
  };
}

/** Undefined for what is not there, or not a time. */
function parseKept(stored: KeptStatus | undefined): Kept | undefined {
  if (stored === undefined) return undefined;
  const { cpu, memory, before } = stored;
  const sinceSeconds = parseTime(stored.since);
  const toSeconds = parseTime(stored.to);
  if (sinceSeconds === undefined || toSeconds === undefined) return undefined;
  const untilSeconds = parseTime(before?.until ?? '');
  const isPending = before !== undefined && untilSeconds !== undefined;
  return {
    sinceSeconds,
    toSeconds,
    cpu,
    memory,
    before: isPending ? { untilSeconds, sizes: amounts(before) } : undefined,
  };
}

function amounts({
  cpu,
  memory,
}: {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
}): Amounts {
  return {
    ...(cpu !== undefined && { cpu: parseCpu(cpu) }),
    ...(memory !== undefined && { memory: parseMemory(memory) }),
  };
}

function rounded(count: number): number {
  return Number(count.toFixed(3));
}
