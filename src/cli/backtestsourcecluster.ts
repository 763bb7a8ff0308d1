import { parseDuration } from '../api/duration.ts';
import type { GridUsage } from '../backtest/gridfold.ts';
import { workloadKey } from '../controller/ports.ts';
import type { ReadingOf } from '../prometheus/jobs.ts';
import type { Resource } from '../recommend/usage.ts';
import { notReplayed } from './backtestpolicy.ts';
import type { Replayable } from './backtestsource.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import { fleetOf, gridFolding, otherRisks, type Window } from './clusterfleet.ts';
import {
  openPrometheus,
  seeCluster,
  usageQuery,
  type ClusterFlags,
  type Context,
  type GovernedWorkload,
} from './clusterview.ts';
import { BadInput } from './failure.ts';
import { policyFromFlags, type GivenPolicy } from './policyflags.ts';

const HOUR_SECONDS = 3600;
/** A week goes before the first replayed day, so three are judged. */
const DEFAULT_WINDOW = '28d';

export interface ClusterFleetInput {
  readonly flags: ClusterFlags & { readonly window?: string };
  readonly given: GivenPolicy;
  /** What the whole fleet is replayed at. */
  readonly risks: Readonly<Record<Resource, number>>;
  readonly halfLifeHours: number;
}

/**
 * Reads the usage of each container that a policy sizes, up to the last full hour, so that the same data gives the
 * same result. A series is named `namespace/kind/name/container`, of which the namespace is the dataset. Of several
 * replicas the one that used most counts in each 5 minutes: a conservative reading, in which a request is exceeded
 * when it is in any of them. Rejects with BadInput where nothing can be read.
 */
export async function readClusterFleet(
  { flags, given, risks, halfLifeHours }: ClusterFleetInput,
  context: Context,
): Promise<Replayable> {
  const windowSeconds = windowOf(flags.window);
  const source = openPrometheus(flags, context);
  try {
    const { view, governed, notes } = await seeCluster(flags, given, context);
    const now = SYSTEM_CLOCK.nowSeconds();
    const toSeconds = Math.floor(now / HOUR_SECONDS) * HOUR_SECONDS;
    const window = { fromSeconds: toSeconds - windowSeconds, toSeconds };
    const query = usageQuery(view, governed, window);
    const reading = await source.readAs(gridFolding(window), query, context.signal);
    const failures = failuresOf(reading, governed);
    const policies = [...new Set(governed.map(({ governance }) => governance.policy))];
    const fleet = fleetOf(view, governed, reading.usage);
    return {
      fleet: [...fleet.keys()],
      says: `Prometheus, ${governed.length} workloads, ${fleet.size} containers, ${windowText(window)}`,
      notes: [
        ...notes,
        ...reading.warnings.map(({ message }) => message),
        ...otherRisks(governed, risks),
        ...notReplayed(policies, { halfLifeHours, knowsContainers: true }),
      ],
      failures,
      currentOf: ({ series, resource }) => fleet.get(series)?.[resource],
    };
  } finally {
    source.close();
  }
}

/** Within the same bounds as the window of a policy. */
function windowOf(window = DEFAULT_WINDOW): number {
  return parseDuration(policyFromFlags({ window }).policy.spec.history.window);
}

function windowText({ fromSeconds, toSeconds }: Window): string {
  const time = (seconds: number): string =>
    `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;
  return `${time(fromSeconds)} to ${time(toSeconds)}`;
}

/** Throws when no workload at all could be read: there is nothing to say a verdict on. */
function failuresOf(
  { failures }: ReadingOf<GridUsage>,
  governed: readonly GovernedWorkload[],
): readonly string[] {
  const found = governed.flatMap(({ workload: { ref } }) => {
    const key = workloadKey(ref);
    const failure = failures.get(key);
    return failure === undefined ? [] : [`${key}: ${failure.message}`];
  });
  const [first] = found;
  if (first !== undefined && found.length === governed.length) {
    const others = found.length === 1 ? '' : ` (and ${found.length - 1} more)`;
    throw new BadInput(`no usage can be read: ${first}${others}`);
  }
  return found;
}
