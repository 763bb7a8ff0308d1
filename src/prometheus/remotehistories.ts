import { workloadKey, type UsageQuery, type UsageTarget } from '../controller/ports.ts';
import type { Batch } from './batches.ts';
import { findPods, findPodsAhead, ownersOfStrangers } from './discovery.ts';
import type { Endless } from './endless.ts';
import type { Folding } from './folds.ts';
import { jobsFor, planFor, runJobs, type JobsPart, type OnPart, type ReadingOf } from './jobs.ts';
import { isTooLarge, PrometheusError } from './prometheuserror.ts';
import { NAMESPACES_PER_QUERY, USAGE_STEP_SECONDS } from './queries.ts';
import type { PodName } from './rawbatch.ts';
import type { RawFolds } from './rawfolds.ts';
import { isWorthNoEnd } from './rawqueries.ts';
import { readRawBatch } from './rawreading.ts';
import { isUnfit, type ReaderChooser } from './readers.ts';
import type { RemoteReader } from './remoteread.ts';
import type { SeriesLister } from './serieslist.ts';
import type { Session } from './session.ts';

/** One thread folds them, and a server sends faster than it does: a second one under way would only cost memory there. */
const RAW_READS_AT_ONCE = 1;
/** Raw samples of many more pods than their points would fill an answer of `query_range`. */
const RAW_STEPS_SHARE = 0.25;
/** A reading of a shorter window is of whole namespaces: to ask which pods there are costs more than their samples. */
const WHOLE_BELOW_SECONDS = 24 * 3600;
const PODS_PER_WHOLE_BATCH = 500;
/** Where less of a namespace is wanted, the rest of it would cost more. */
const WANTED_SHARE = 0.5;

export interface Remote {
  readonly chooser: ReaderChooser;
  readonly endless: Endless;
  readonly reader: RemoteReader;
  /** Asked where remote read is offered: elsewhere it is not known to keep to a window. */
  readonly lister: SeriesLister;
}

export interface RemoteQuestion<T> {
  readonly query: UsageQuery;
  readonly folding: Folding<T>;
  /** Where raw samples go. */
  readonly openRaw: () => RawFolds<T>;
  readonly onPart?: OnPart<T> | undefined;
}

interface Reading {
  readonly session: Session;
  readonly remote: Remote;
  readonly concurrency: number;
  readonly onProgress: ((done: number, total: number) => void) | undefined;
}

/** Remote read was to be used and turned out not to work. */
export class NoRemoteRead extends Error {
  override readonly name = 'NoRemoteRead';
}

/** Of raw samples. */
export function stepOf({ rawStepSeconds }: Folding<unknown>): number {
  return rawStepSeconds ?? USAGE_STEP_SECONDS;
}

/** Reads raw samples; rejects with NoRemoteRead where that turns out not to work. */
export async function readRemotely<T>(
  reading: Reading,
  { query, folding, openRaw, onPart }: RemoteQuestion<T>,
): Promise<ReadingOf<T>> {
  const { session, concurrency, onProgress } = reading;
  // Where they are folded beside, that starts while the first pods are found.
  const folds = openRaw();
  try {
    if (isWorthNoEnd(query)) await reading.remote.endless.learn(session.signal);
    return await runJobs(session, {
      query,
      parts: partsOf({ ...reading, query, folding, folds }),
      concurrency: Math.min(concurrency, RAW_READS_AT_ONCE),
      close: (workload) => folds.close(workload),
      onPart,
      onProgress,
    });
  } finally {
    folds.end();
  }
}

/** Whole namespaces first; of others the pods of some are found while those before them are read. */
async function* partsOf(raw: Raw): AsyncGenerator<JobsPart> {
  const { session, query, remote } = raw;
  const whole = wholeNamespaces(query);
  const [inWhole, others] = split(query.targets, ({ workload }) => whole.has(workload.namespace));
  yield {
    targets: inWhole,
    failures: [],
    jobs: wholeGroups(inWhole).map((targets) => ({
      workloads: targets.map(({ workload }) => workloadKey(workload)),
      run: () => readWhole(raw, targets),
    })),
  };
  const finder = { session, lister: remote.lister };
  const asked = { ...query, targets: others };
  for await (const { query: part, found } of findPodsAhead(finder, asked)) {
    yield {
      targets: part.targets,
      failures: found.failures,
      jobs: jobsFor(planFor(part, found, RAW_STEPS_SHARE), async (batch) => {
        await readRaw(raw, batch);
      }),
    };
  }
}

function split<T>(items: readonly T[], isFirst: (item: T) => boolean): readonly [T[], T[]] {
  const { first = [], second = [] } = Object.groupBy(items, (item) =>
    isFirst(item) ? 'first' : 'second',
  );
  return [first, second];
}

/** Those that most of is wanted of. */
function wholeNamespaces({
  targets,
  siblings,
  fromSeconds,
  toSeconds,
}: UsageQuery): ReadonlySet<string> {
  if (toSeconds - fromSeconds >= WHOLE_BELOW_SECONDS) return new Set();
  const all = Map.groupBy(siblings, ({ namespace }) => namespace);
  const wanted = Map.groupBy(targets, ({ workload }) => workload.namespace);
  const isMost = (namespace: string, of: readonly unknown[]) =>
    of.length >= WANTED_SHARE * (all.get(namespace)?.length ?? 0);
  return new Set([...wanted].flatMap(([name, of]) => (isMost(name, of) ? [name] : [])));
}

/** Targets of whole namespaces, of so many namespaces and pods as one answer may hold. */
function wholeGroups(targets: readonly UsageTarget[]): readonly (readonly UsageTarget[])[] {
  const groups: UsageTarget[][] = [];
  let namespaces = 0;
  let pods = 0;
  for (const [, of] of Map.groupBy(targets, ({ workload }) => workload.namespace)) {
    const added = of.reduce((sum, target) => sum + target.pods.length, 0);
    const open = groups.at(-1);
    if (
      open === undefined ||
      namespaces === NAMESPACES_PER_QUERY ||
      pods + added > PODS_PER_WHOLE_BATCH
    ) {
      groups.push([...of]);
      namespaces = 1;
      pods = added;
    } else {
      open.push(...of);
      namespaces += 1;
      pods += added;
    }
  }
  return groups;
}

interface Raw extends Reading {
  readonly query: UsageQuery;
  readonly folding: Folding<unknown>;
  readonly folds: RawFolds<unknown>;
}

/** Reads whole namespaces, and then former pods of the targets by name: there are few in a short window. */
async function readWhole(raw: Raw, targets: readonly UsageTarget[]): Promise<void> {
  const { session, remote, concurrency } = raw;
  const query = { ...raw.query, targets };
  const live = targets.flatMap(({ workload, pods }) =>
    pods.map((name) => ({
      namespace: workload.namespace,
      name,
      workload: workloadKey(workload),
    })),
  );
  const namespaces = [...new Set(targets.map(({ workload }) => workload.namespace))];
  const { lister } = remote;
  const strangers = await readRaw(raw, { pods: live, namespaces }).catch((error: unknown) => {
    if (isTooLarge(error)) return undefined;
    throw error;
  });
  const found =
    strangers === undefined
      ? await findPods(session, query, { concurrency, lister })
      : await ownersOfStrangers({ session, lister }, query, strangers);
  const [failure] = found.failures;
  if (failure !== undefined) throw new PrometheusError(failure.reason, failure.message);
  for (const batch of planFor(query, found, RAW_STEPS_SHARE)) await readRaw(raw, batch);
}

async function readRaw(raw: Raw, batch: Batch): Promise<readonly PodName[]> {
  const { session, remote, folding, folds } = raw;
  const { chooser, endless, reader } = remote;
  const { fromSeconds, toSeconds, isContinued = false } = raw.query;
  const window = { fromSeconds, toSeconds, isContinued };
  const stepSeconds = stepOf(folding);
  const { withSignals } = folding;
  if (chooser.current().name !== 'remote-read') throw new NoRemoteRead();
  const isEndless = endless.isTaken && isWorthNoEnd(raw.query);
  try {
    const into = { session, reader, folds, stepSeconds, withSignals, isEndless };
    return await readRawBatch(into, batch, window);
  } catch (error) {
    if (isEndless && isUnfit(error)) {
      endless.refused();
      return readRaw(raw, batch);
    }
    throw chooser.gaveUp(error) ? new NoRemoteRead() : error;
  }
}
