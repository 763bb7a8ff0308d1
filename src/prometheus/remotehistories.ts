import { workloadKey, type UsageQuery } from '../controller/ports.ts';
import type { Batch } from './batches.ts';
import { findPods, findPodsAhead, ownersOfStrangers } from './discovery.ts';
import type { Endless } from './endless.ts';
import type { Folding } from './folds.ts';
import { jobsFor, planFor, runJobs, type JobsPart, type OnPart, type ReadingOf } from './jobs.ts';
import { isTooLarge, PrometheusError } from './prometheuserror.ts';
import { USAGE_STEP_SECONDS } from './queries.ts';
import type { PodName } from './strangers.ts';
import type { RawFolds } from './rawfolds.ts';
import { isWorthNoEnd, markMsOf } from './rawqueries.ts';
import { readRawBatch } from './rawreading.ts';
import { isUnfit, type ReaderChooser } from './readers.ts';
import type { RemoteReader } from './remoteread.ts';
import type { KnownMarks } from './seriesmarks.ts';
import type { SeriesLister } from './serieslist.ts';
import type { Session } from './session.ts';
import { splitWhole, wholeBatches, type WholeBatch } from './wholebatches.ts';

/** One thread folds them, and a server sends faster than it does: a second one under way would only cost memory there. */
const RAW_READS_AT_ONCE = 1;
/** Raw samples of many more pods than their points would fill an answer of `query_range`. */
const RAW_STEPS_SHARE = 0.25;

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
  /** Where marks are kept, so that later windows may begin there; not, unless given. */
  readonly marks?: KnownMarks | undefined;
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
  { query, folding, openRaw, marks: known, onPart }: RemoteQuestion<T>,
): Promise<ReadingOf<T>> {
  const { session, concurrency, onProgress } = reading;
  // From what was missing some days ago nothing goes on.
  const marks = query.endsNow === false ? undefined : known;
  const markMs = markMsOf({ window: query, withMarks: true });
  // Where they are folded beside, that starts while the first pods are found.
  const folds = openRaw();
  try {
    if (isWorthNoEnd(query)) await reading.remote.endless.learn(session.signal);
    return await runJobs(session, {
      query,
      parts: partsOf({ ...reading, query, folding, folds, marks }),
      concurrency: Math.min(concurrency, RAW_READS_AT_ONCE),
      close: (workload, isWhole) => {
        if (isWhole && markMs !== undefined) marks?.complete(workload, markMs);
        return folds.close(workload);
      },
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
  const [inWhole, others] = splitWhole(query);
  yield {
    targets: inWhole,
    failures: [],
    jobs: wholeBatches(inWhole, query, raw.folds.known).map((whole) => ({
      workloads: whole.targets.map(({ workload }) => workloadKey(workload)),
      run: () => readWhole(raw, whole),
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

interface Raw extends Reading {
  readonly query: UsageQuery;
  readonly folding: Folding<unknown>;
  readonly folds: RawFolds<unknown>;
  readonly marks: KnownMarks | undefined;
}

/** Reads whole namespaces, and then former pods of the targets by name: there are few in a short window. */
async function readWhole(raw: Raw, { targets, batch }: WholeBatch): Promise<void> {
  const { session, remote, concurrency } = raw;
  const { lister } = remote;
  const query = { ...raw.query, targets };
  const strangers = await readRaw(raw, batch).catch((error: unknown) => {
    if (isTooLarge(error)) return undefined;
    throw error;
  });
  const found =
    strangers === undefined
      ? await findPods(session, query, { concurrency, lister })
      : await ownersOfStrangers({ session, lister }, query, strangers);
  const [failure] = found.failures;
  if (failure !== undefined) throw new PrometheusError(failure.reason, failure.message);
  for (const named of planFor(query, found, RAW_STEPS_SHARE)) await readRaw(raw, named);
}

async function readRaw(raw: Raw, batch: Batch): Promise<readonly PodName[]> {
  const { session, remote, folding, folds, marks } = raw;
  const { chooser, endless, reader } = remote;
  const { fromSeconds, toSeconds, isContinued = false } = raw.query;
  const window = { fromSeconds, toSeconds, isContinued };
  const stepSeconds = stepOf(folding);
  const { withSignals } = folding;
  if (chooser.current().name !== 'remote-read') throw new NoRemoteRead();
  const isEndless = endless.isTaken && isWorthNoEnd(raw.query);
  try {
    const into = { session, reader, folds, stepSeconds, withSignals, isEndless, marks };
    return await readRawBatch(into, batch, window);
  } catch (error) {
    if (isEndless && isUnfit(error)) {
      endless.refused();
      return readRaw(raw, batch);
    }
    throw chooser.gaveUp(error) ? new NoRemoteRead() : error;
  }
}
