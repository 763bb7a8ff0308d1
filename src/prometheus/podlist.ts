import type { UsageQuery } from '../controller/ports.ts';
import type { Finder } from './ownerrows.ts';
import { askInParts } from './parts.ts';
import { isTooLarge, PrometheusError } from './prometheuserror.ts';
import { isUse, memorySeries, podSeries } from './queries.ts';
import { isUnfit } from './readers.ts';
import type { SeriesLabels, SeriesLister } from './serieslist.ts';
import type { Session } from './session.ts';

/** Series of use take 600 bytes each, for their labels name the image and the cgroup: 13,000 containers. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Names of pods, by namespace. */
export type PodNames = ReadonlyMap<string, readonly string[]>;

/**
 * Names of all pods that are known by a series, by namespace. To ask for the values of a label instead, for one
 * namespace after the other, makes a server look at every pod that it knows each time: that is for namespaces with more
 * series than an answer holds. Undefined where no list can be had.
 */
export async function podsByIndex(
  finder: Finder,
  query: UsageQuery,
  namespaces: readonly string[],
): Promise<PodNames | undefined> {
  const { lister } = finder;
  if (lister === undefined) return undefined;
  const list = (of: PodListing) => listPods({ ...finder, lister }, query, of);
  try {
    const known = await list({ namespaces, seriesOf: podSeries });
    const pods = new Map(known.map(({ namespace, names }) => [namespace, names]));
    const silent = known.flatMap(({ namespace, hasUse }) => (hasUse ? [] : [namespace]));
    if (silent.length === 0) return pods;
    for (const { namespace, names } of await list({ namespaces: silent, seriesOf: memorySeries })) {
      pods.set(namespace, [...new Set([...(pods.get(namespace) ?? []), ...names])]);
    }
    return pods;
  } catch (error) {
    if (isUnfit(error) || isTimeout(error)) return undefined;
    throw error;
  }
}

/** Pods of a namespace that a list tells of. */
interface KnownPods {
  readonly namespace: string;
  readonly names: readonly string[];
  /** Something else than OOM kills tells of one. */
  readonly hasUse: boolean;
}

interface PodListing {
  readonly namespaces: readonly string[];
  readonly seriesOf: typeof podSeries;
}

async function listPods(
  { session, lister }: Finder & { readonly lister: SeriesLister },
  query: UsageQuery,
  { namespaces, seriesOf }: PodListing,
): Promise<readonly KnownPods[]> {
  const { fromSeconds, toSeconds } = query;
  return askInParts(namespaces, async (part) => {
    const selectors = seriesOf(part, session.extra);
    const question = { selectors, fromSeconds, toSeconds, mostBytes: MOST_BYTES };
    try {
      const series = await session.ask((_client, signal) => lister.list(question, signal));
      return namesIn(series, part);
    } catch (error) {
      if (!isTooLarge(error) || part.length > 1) throw error;
      const found = await podsByNames(session, query, part);
      return [...found].map(([namespace, names]) => ({ namespace, names, hasUse: true }));
    }
  });
}

function isTimeout(error: unknown): boolean {
  return error instanceof PrometheusError && error.reason === 'PrometheusTimeout';
}

function namesIn(
  series: readonly SeriesLabels[],
  namespaces: readonly string[],
): readonly KnownPods[] {
  const listed = Map.groupBy(
    series.filter(({ pod }) => pod !== undefined && pod !== ''),
    ({ namespace }) => namespace,
  );
  return namespaces.map((namespace) => {
    const own = listed.get(namespace) ?? [];
    return {
      namespace,
      names: [...new Set(own.map(({ pod = '' }) => pod))],
      hasUse: own.some(({ __name__: name = '' }) => isUse(name)),
    };
  });
}

/** By the values of their label, one namespace after the other. */
export async function podsByNames(
  session: Session,
  { fromSeconds, toSeconds }: UsageQuery,
  namespaces: readonly string[],
): Promise<PodNames> {
  const used = new Map<string, readonly string[]>();
  for (const namespace of namespaces) {
    const selectors = [podSeries, memorySeries].flatMap((of) => of([namespace], session.extra));
    const call = { label: 'pod', selectors, fromSeconds, toSeconds };
    used.set(namespace, await session.ask((client, signal) => client.labelValues(call, signal)));
  }
  return used;
}
