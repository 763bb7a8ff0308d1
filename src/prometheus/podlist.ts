import type { UsageQuery } from '../controller/ports.ts';
import type { Finder } from './ownerrows.ts';
import { askInParts } from './parts.ts';
import { isTooLarge, PrometheusError } from './prometheuserror.ts';
import { podSeries } from './queries.ts';
import { isUnfit } from './readers.ts';
import type { SeriesLabels } from './serieslist.ts';
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
  { session, lister }: Finder,
  query: UsageQuery,
  namespaces: readonly string[],
): Promise<PodNames | undefined> {
  if (lister === undefined) return undefined;
  const { fromSeconds, toSeconds } = query;
  try {
    const found = await askInParts(namespaces, async (part) => {
      const selectors = podSeries(part, session.extra);
      const question = { selectors, fromSeconds, toSeconds, mostBytes: MOST_BYTES };
      try {
        const series = await session.ask((_client, signal) => lister.list(question, signal));
        return namesIn(series, part);
      } catch (error) {
        if (!isTooLarge(error) || part.length > 1) throw error;
        return [...(await podsByNames(session, query, part))];
      }
    });
    return new Map(found);
  } catch (error) {
    if (isUnfit(error) || isTimeout(error)) return undefined;
    throw error;
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof PrometheusError && error.reason === 'PrometheusTimeout';
}

function namesIn(
  series: readonly SeriesLabels[],
  namespaces: readonly string[],
): readonly (readonly [namespace: string, pods: readonly string[]])[] {
  const pods = new Map(namespaces.map((namespace) => [namespace, new Set<string>()]));
  for (const { namespace = '', pod = '' } of series) {
    if (pod !== '') pods.get(namespace)?.add(pod);
  }
  return [...pods].map(([namespace, names]) => [namespace, [...names]]);
}

/** By the values of their label, one namespace after the other. */
export async function podsByNames(
  session: Session,
  { fromSeconds, toSeconds }: UsageQuery,
  namespaces: readonly string[],
): Promise<PodNames> {
  const used = new Map<string, readonly string[]>();
  for (const namespace of namespaces) {
    const selectors = podSeries([namespace], session.extra);
    const call = { label: 'pod', selectors, fromSeconds, toSeconds };
    used.set(namespace, await session.ask((client, signal) => client.labelValues(call, signal)));
  }
  return used;
}
