import { availableParallelism } from 'node:os';
import type { LiveSource } from '../controller/changeports.ts';
import { workloadKey, type UsageQuery, type UsageSource } from '../controller/ports.ts';
import { isPrometheus } from './buildinfo.ts';
import { SHORT_WINDOW_SECONDS } from './batches.ts';
import { createPrometheusClient } from './client.ts';
import { DEFAULT_CONCURRENCY } from './connection.ts';
import { findPods } from './discovery.ts';
import { createEndless } from './endless.ts';
import { createFolds, HISTORIES, type Folding } from './folds.ts';
import { FoldThread } from './foldthread.ts';
import { readLive } from './live.ts';
import type { GovernorState } from './governor.ts';
import { selectorOf, USAGE_STEP_SECONDS } from './queries.ts';
import { createRawFolds } from './rawfolds.ts';
import { createReaderChooser, type ReaderChoice, type ReaderWish } from './readers.ts';
import { readBatch } from './reading.ts';
import {
  NoRemoteRead,
  readRemotely,
  stepOf,
  type RemoteQuestion,
  type Remote,
} from './remotehistories.ts';
import { createRemoteReader } from './remoteread.ts';
import { KnownMarks } from './seriesmarks.ts';
import { createSeriesLister } from './serieslist.ts';
import { createSession, type Session } from './session.ts';
import { jobsFor, planFor, runJobs, type ReadingOf } from './jobs.ts';
import { createStreamClient, type StreamOptions } from './stream.ts';
import { matchersOf } from './tenancy.ts';
import { createTransport } from './transport.ts';

export interface SourceOptions extends StreamOptions {
  /** How histories are read: `auto` takes remote read where the server offers it; `query-range` unless set. */
  readonly reader?: ReaderWish | undefined;
  /** Raw samples of windows as long as this are folded in a thread beside; of a day unless set. */
  readonly threadFromSeconds?: number | undefined;
}

/** Live reading shares connection, retries and limits with the reading of histories. */
export interface PrometheusSource extends UsageSource, LiveSource {
  /** As `read`, into something else than histories. */
  readAs<T>(folding: Folding<T>, query: UsageQuery, signal: AbortSignal): Promise<ReadingOf<T>>;
  /** How histories are read, as it is known without a call, and why so. */
  reader(): ReaderChoice;
  /** The same after a tiny read that tries it out, where that is needed; rejects on abort alone. */
  chooseReader(signal: AbortSignal): Promise<ReaderChoice>;
  /** How far budgets and a busy server hold calls back at this time. */
  budgets(): GovernorState;
  close(): void;
}

/**
 * Reads usage. By remote read: CPU as the mean rate of each minute, memory as its highest working set, from every
 * sample that was scraped. By `query_range` every 5 minutes: CPU as the rate over the 5 minutes before, memory as the
 * highest working set in them. Signals by the whole hour. Throws for a URL or a label matcher that cannot be meant.
 */
export function createPrometheusSource(options: SourceOptions): PrometheusSource {
  const transport = createTransport(options);
  const client = createPrometheusClient(options, transport);
  // What containers do now is asked for when somebody may be in need.
  const urgentClient = createPrometheusClient(options, transport, true);
  const matchers = matchersOf(options);
  // A wrong label name would fail every query: better now than in a condition on each workload.
  selectorOf('', matchers);
  const streams = createStreamClient(options, transport);
  const reader = createRemoteReader(streams);
  const remote: Remote = {
    chooser: createReaderChooser({ wish: options.reader ?? 'query-range', reader, matchers }),
    endless: createEndless({ isPrometheus: (signal) => isPrometheus(client, signal) }),
    reader,
    lister: createSeriesLister(streams),
  };
  const readingOf = (signal: AbortSignal): Reading => ({
    session: createSession(client, matchers, signal),
    options,
    remote,
  });
  const thread = new FoldThread();
  const marks = new KnownMarks();
  const openHistories = ({ fromSeconds, toSeconds }: UsageQuery) =>
    toSeconds - fromSeconds >= (options.threadFromSeconds ?? SHORT_WINDOW_SECONDS) &&
    availableParallelism() > 1
      ? thread.open()
      : createRawFolds(HISTORIES, stepOf(HISTORIES), marks);
  return {
    read: (query, signal, onPart) =>
      read(readingOf(signal), {
        query,
        folding: HISTORIES,
        openRaw: () => openHistories(query),
        marks,
        onPart,
      }),
    readAs: (folding, query, signal) =>
      read(readingOf(signal), {
        query,
        folding,
        openRaw: () => createRawFolds(folding, stepOf(folding)),
      }),
    readNow: ({ namespaces }, signal) =>
      readLive(createSession(urgentClient, matchers, signal), {
        namespaces,
        nowSeconds: Date.now() / 1000,
        concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
      }),
    reader: () => remote.chooser.current(),
    chooseReader: (signal) => remote.chooser.choose(signal),
    budgets: () => transport.state,
    close() {
      transport.close();
      thread.stop();
    },
  };
}

interface Reading {
  readonly session: Session;
  readonly options: SourceOptions;
  readonly remote: Remote;
}

/**
 * Where remote read turns out not to work, all that was not handed on is read anew: a mean of five minutes would pass for
 * minutes else.
 */
async function read<T>(reading: Reading, question: RemoteQuestion<T>): Promise<ReadingOf<T>> {
  const { session, options, remote } = reading;
  const { name } = await remote.chooser.choose(session.signal);
  if (name === 'query-range') return readByRange(reading, question);
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  const handedOn = new Set<string>();
  const { query, onPart } = question;
  const handOn = (part: ReadingOf<T>): void => {
    for (const key of part.usage.keys()) handedOn.add(key);
    onPart?.(part);
  };
  try {
    const { onProgress } = options;
    const noting = { ...question, onPart: onPart && handOn };
    return await readRemotely({ session, remote, concurrency, onProgress }, noting);
  } catch (error) {
    if (!(error instanceof NoRemoteRead)) throw error;
    const targets = query.targets.filter(({ workload }) => !handedOn.has(workloadKey(workload)));
    return await readByRange(reading, { ...question, query: { ...query, targets } });
  }
}

async function readByRange<T>(
  reading: Reading,
  question: RemoteQuestion<T>,
): Promise<ReadingOf<T>> {
  const result = await askByRange(reading, question);
  const { failures } = result;
  const isRefused = [...failures.values()].some(({ reason }) => reason === 'PrometheusRefused');
  if (isRefused) reading.remote.chooser.refusedToo();
  return result;
}

async function askByRange<T>(
  { session, options }: Reading,
  { query, folding, onPart }: RemoteQuestion<T>,
): Promise<ReadingOf<T>> {
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  const found = await findPods(session, query, { concurrency, lister: undefined });
  const folds = createFolds(folding, USAGE_STEP_SECONDS);
  const batches = planFor(query, found, 1);
  return runJobs(session, {
    query,
    parts: [
      {
        targets: query.targets,
        failures: found.failures,
        jobs: jobsFor(batches, (batch) => readBatch(session, batch, query, folds)),
      },
    ],
    concurrency,
    close: (workload) => Promise.resolve(folds.close(workload)),
    onPart,
    onProgress: options.onProgress,
  });
}
