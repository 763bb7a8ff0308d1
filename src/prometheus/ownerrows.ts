import type { UsageQuery } from '../controller/ports.ts';
import type { AnswerSeries } from './answer.ts';
import { askInParts } from './parts.ts';
import type { SeenPods } from './pods.ts';
import {
  jobOwners,
  oneOf,
  OWNER_METRICS,
  ownerSelector,
  podOwners,
  replicaSetOwners,
  type LabelMatcher,
} from './queries.ts';
import { isUnfit } from './readers.ts';
import type { SeriesLabels, SeriesLister } from './serieslist.ts';
import type { Session } from './session.ts';

/** What the owner metrics say of the pods of some namespaces. */
export type OwnerRows = Pick<SeenPods, 'podOwners' | 'replicaSetOwners' | 'jobOwners'>;

export interface Finder {
  readonly session: Session;
  /** Tells of series from the index where it is given; else their samples are looked at, which is dear for long windows. */
  readonly lister: SeriesLister | undefined;
}

interface IndexFinder extends Finder {
  readonly lister: SeriesLister;
}

/** Of more pods than these the owners of the whole namespaces are asked for, rather than by name. */
const MOST_NAMED = 400;

/**
 * Who owns these pods, by namespace, and perhaps who owns others. Something in between may let remote read through and
 * not the index: the samples tell it then.
 */
export async function ownersOf(
  { session, lister }: Finder,
  query: UsageQuery,
  pods: SeenPods['used'],
): Promise<OwnerRows> {
  const namespaces = [...pods.keys()];
  if (lister === undefined) return await ownersBySamples(session, query, namespaces);
  const names = [...new Set([...pods.values()].flat())];
  try {
    if (names.length > MOST_NAMED)
      return await ownersByIndex({ session, lister }, query, namespaces);
    return await ownersByName({ session, lister }, query, { namespaces, names });
  } catch (error) {
    if (!isUnfit(error)) throw error;
    return await ownersBySamples(session, query, namespaces);
  }
}

/** One call for all three kinds of owners. */
async function ownersByIndex(
  finder: IndexFinder,
  query: UsageQuery,
  namespaces: readonly string[],
): Promise<OwnerRows> {
  const { extra } = finder.session;
  const selectorsOf = (part: readonly string[]) =>
    Object.values(OWNER_METRICS).map((metric) => ownerSelector(metric, part, extra));
  return ownerRowsIn(await listSeries(finder, query, { namespaces, selectorsOf }));
}

/** The owners of few pods, and then the owners of those: most of what there is in a namespace is looked at by neither. */
async function ownersByName(
  finder: IndexFinder,
  query: UsageQuery,
  {
    namespaces,
    names,
  }: { readonly namespaces: readonly string[]; readonly names: readonly string[] },
): Promise<OwnerRows> {
  if (names.length === 0) return ownerRowsIn([]);
  const { extra } = finder.session;
  const owned = (metric: string, by: LabelMatcher) => (part: readonly string[]) => [
    ownerSelector(metric, part, [by, ...extra]),
  ];
  const pods = await listSeries(finder, query, {
    namespaces,
    selectorsOf: owned(OWNER_METRICS.pod, oneOf('pod', names)),
  });
  const found = [...pods];
  for (const { kind, metric, label } of OWNED_OWNERS) {
    const owners = pods.filter(({ owner_kind: ownerKind }) => ownerKind === kind);
    const owning = [...new Set(owners.flatMap(({ owner_name: name }) => name ?? []))];
    if (owning.length === 0) continue;
    const selectorsOf = owned(metric, oneOf(label, owning));
    found.push(...(await listSeries(finder, query, { namespaces, selectorsOf })));
  }
  return ownerRowsIn(found);
}

/** Owners of pods that have owners themselves. */
const OWNED_OWNERS = [
  { kind: 'ReplicaSet', metric: OWNER_METRICS.replicaSet, label: 'replicaset' },
  { kind: 'Job', metric: OWNER_METRICS.job, label: 'job_name' },
] as const;

function ownerRowsIn(found: readonly SeriesLabels[]): OwnerRows {
  const rowsOf = (metric: string): readonly AnswerSeries[] =>
    found
      .filter((labels) => labels['__name__'] === metric)
      .map((labels) => ({ labels, samples: [] }));
  return {
    podOwners: rowsOf(OWNER_METRICS.pod),
    replicaSetOwners: rowsOf(OWNER_METRICS.replicaSet),
    jobOwners: rowsOf(OWNER_METRICS.job),
  };
}

interface Listing {
  readonly namespaces: readonly string[];
  readonly selectorsOf: (namespaces: readonly string[]) => readonly string[];
}

/** Series of the query's window. Of fewer namespaces each where they are too many for one answer. */
function listSeries(
  { session, lister }: IndexFinder,
  { fromSeconds, toSeconds }: UsageQuery,
  { namespaces, selectorsOf }: Listing,
): Promise<readonly SeriesLabels[]> {
  return askInParts(namespaces, (part) => {
    const question = { selectors: selectorsOf(part), fromSeconds, toSeconds };
    return session.ask((_client, signal) => lister.list(question, signal));
  });
}

async function ownersBySamples(
  session: Session,
  query: UsageQuery,
  namespaces: readonly string[],
): Promise<OwnerRows> {
  return {
    podOwners: await ownerRows(session, query, { namespaces, owners: podOwners }),
    replicaSetOwners: await ownerRows(session, query, { namespaces, owners: replicaSetOwners }),
    jobOwners: await ownerRows(session, query, { namespaces, owners: jobOwners }),
  };
}

interface OwnerQuestion {
  readonly namespaces: readonly string[];
  readonly owners: typeof podOwners;
}

function ownerRows(
  session: Session,
  query: UsageQuery,
  { namespaces, owners }: OwnerQuestion,
): Promise<readonly AnswerSeries[]> {
  const windowSeconds = Math.max(1, Math.ceil(query.toSeconds - query.fromSeconds));
  return askInParts(namespaces, (part) => {
    const text = owners(part, windowSeconds, session.extra);
    return session.ask((client, signal) => client.instant(text, query.toSeconds, signal));
  });
}
