import type { LiveSource } from '../controller/changeports.ts';
import {
  workloadKey,
  type UsageFailure,
  type UsageQuery,
  type UsageReading,
  type UsageSource,
} from '../controller/ports.ts';
import { planBatches, timeRanges, type Batch } from './batches.ts';
import { createPrometheusClient } from './client.ts';
import { DEFAULT_CONCURRENCY } from './connection.ts';
import { findPods, type FoundPods } from './discovery.ts';
import { PrometheusError } from './failure.ts';
import { createFolds, HISTORIES, type Folding, type Folds } from './folds.ts';
import { readLive } from './live.ts';
import type { GovernorState } from './governor.ts';
import { selectorOf, USAGE_STEP_SECONDS } from './queries.ts';
import { readRawBatch } from './rawreading.ts';
import {
  createReaderChooser,
  isUnfit,
  type ReaderChoice,
  type ReaderChooser,
  type ReaderWish,
} from './readers.ts';
import { readBatch } from './reading.ts';
import { createRemoteReader, type RemoteReader } from './remoteread.ts';
import { createSeriesLister, type SeriesLister } from './serieslist.ts';
import { createSession, eachLimited, usageFailure, type Session } from './session.ts';
import { createStreamClient, type StreamOptions } from './stream.ts';
import { matchersOf } from './tenancy.ts';
import { createTransport } from './transport.ts';

/** What was read, as `UsageReading` is, with what a folding makes of the samples of each container. */
export interface ReadingOf<T> extends Omit<UsageReading, 'usage'> {
  readonly usage: ReadonlyMap<string, ReadonlyMap<string, T>>;
}

export interface SourceOptions extends StreamOptions {
  /** How histories are read: `auto` takes remote read where the server offers it; `query-range` unless set. */
  readonly reader?: ReaderWish | undefined;
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
  const remote = createRemoteReader(streams);
  const readers: Readers = {
    chooser: createReaderChooser({
      wish: options.reader ?? 'query-range',
      reader: remote,
      matchers,
    }),
    remote,
    lister: createSeriesLister(streams),
  };
  const readAs: PrometheusSource['readAs'] = (folding, query, signal) =>
    read({ session: createSession(client, matchers, signal), options, readers }, query, folding);
  return {
    read: (query, signal) => readAs(HISTORIES, query, signal),
    readAs,
    readNow: ({ namespaces }, signal) =>
      readLive(createSession(urgentClient, matchers, signal), {
        namespaces,
        nowSeconds: Date.now() / 1000,
        concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
      }),
    reader: () => readers.chooser.current(),
    chooseReader: (signal) => readers.chooser.choose(signal),
    budgets: () => transport.state,
    close: () => transport.close(),
  };
}

interface Readers {
  readonly chooser: ReaderChooser;
  readonly remote: RemoteReader;
  /** Asked where remote read is offered: elsewhere it is not known to keep to a window. */
  readonly lister: SeriesLister;
}

interface Reading {
  readonly session: Session;
  readonly options: SourceOptions;
  readonly readers: Readers;
}

/** Where remote read turns out not to work, all is read anew: a mean of five minutes would pass for minutes else. */
async function read<T>(
  reading: Reading,
  query: UsageQuery,
  folding: Folding<T>,
): Promise<ReadingOf<T>> {
  const { session, readers } = reading;
  const { name } = await readers.chooser.choose(session.signal);
  try {
    return await readBy(reading, { query, folding, isRaw: name === 'remote-read' });
  } catch (error) {
    if (!(error instanceof NoRemoteRead)) throw error;
    return await readBy(reading, { query, folding, isRaw: false });
  }
}

interface Question<T> {
  readonly query: UsageQuery;
  readonly folding: Folding<T>;
  readonly isRaw: boolean;
}

/** Rejects with NoRemoteRead where that was to be used and turns out not to work. */
async function readBy<T>(
  reading: Reading,
  { query, folding, isRaw }: Question<T>,
): Promise<ReadingOf<T>> {
  const { session, options, readers } = reading;
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  const lister = isRaw ? readers.lister : undefined;
  const found = await findPods(session, query, { concurrency, lister });
  const batches = planFor(query, found, isRaw);
  const stepSeconds = isRaw ? (folding.rawStepSeconds ?? USAGE_STEP_SECONDS) : USAGE_STEP_SECONDS;
  const state = openState(found, batches, createFolds(folding, stepSeconds));
  let done = 0;
  const atOnce = isRaw ? Math.min(concurrency, RAW_READS_AT_ONCE) : concurrency;
  await eachLimited(batches, atOnce, async (batch) => {
    await readInto(state, batch, (folds) =>
      isRaw ? readRaw(reading, { batch, query }, folds) : readBatch(session, batch, query, folds),
    );
    options.onProgress?.(++done, batches.length);
  });
  return { usage: state.usage, failures: state.failures, warnings: session.warnings() };
}

/** One core decodes faster than a server sends; a second read fills the time in which it looks up the first. */
const RAW_READS_AT_ONCE = 2;
/** Raw samples of many more pods than their points would fill an answer of `query_range`. */
const RAW_STEPS_SHARE = 0.25;

class NoRemoteRead extends Error {
  override readonly name = 'NoRemoteRead';
}

interface BatchQuestion {
  readonly batch: Batch;
  readonly query: UsageQuery;
}

function wasRefused(error: unknown): boolean {
  return error instanceof PrometheusError && error.reason === 'PrometheusRefused';
}

/** A connection that was cut looks like a server that cannot do it: so it is tried twice. */
async function readRaw(
  { session, readers }: Reading,
  { batch, query }: BatchQuestion,
  folds: Folds<unknown>,
): Promise<void> {
  for (const isLast of [false, true]) {
    if (readers.chooser.current().name !== 'remote-read') throw new NoRemoteRead();
    try {
      await readRawBatch({ session, reader: readers.remote }, batch, query, folds);
      return;
    } catch (error) {
      const mayBeCut = isUnfit(error) && !wasRefused(error);
      if (mayBeCut && !isLast) continue;
      throw readers.chooser.gaveUp(error) ? new NoRemoteRead() : error;
    }
  }
}

function planFor(query: UsageQuery, found: FoundPods, isRaw: boolean): readonly Batch[] {
  const ranges = timeRanges(query.fromSeconds, query.toSeconds, USAGE_STEP_SECONDS);
  const steps = ranges.reduce(
    (sum, { startSeconds, endSeconds, stepSeconds }) =>
      sum + (endSeconds - startSeconds) / stepSeconds + 1,
    0,
  );
  const livePods = new Map(
    query.targets.map(({ workload, pods }) => [workloadKey(workload), pods.length]),
  );
  return planBatches(
    found.workloads.map((workload) => {
      const key = workloadKey(workload.workload);
      return { ...workload, key, livePods: livePods.get(key) ?? 0 };
    }),
    isRaw ? Math.ceil(steps * RAW_STEPS_SHARE) : steps,
  );
}

interface ReadingState<T> {
  readonly folds: Folds<T>;
  readonly usage: Map<string, ReadonlyMap<string, T>>;
  readonly failures: Map<string, UsageFailure>;
  /** Batches that a workload still waits for. */
  readonly waiting: Map<string, number>;
}

function openState<T>(
  found: FoundPods,
  batches: readonly Batch[],
  folds: Folds<T>,
): ReadingState<T> {
  const waiting = new Map<string, number>();
  for (const batch of batches) {
    for (const key of workloadsOf(batch)) waiting.set(key, (waiting.get(key) ?? 0) + 1);
  }
  const usage = new Map<string, ReadonlyMap<string, T>>();
  for (const { workload } of found.workloads) {
    const key = workloadKey(workload);
    if (!waiting.has(key)) usage.set(key, new Map());
  }
  const failures = new Map<string, UsageFailure>();
  for (const { reason, message, targets } of found.failures) {
    for (const { workload } of targets) failures.set(workloadKey(workload), { reason, message });
  }
  return { folds, usage, failures, waiting };
}

/** A workload is complete with its last batch; one batch that failed makes it a failure, never a part of it. */
async function readInto<T>(
  state: ReadingState<T>,
  batch: Batch,
  readBatchInto: (folds: Folds<T>) => Promise<void>,
): Promise<void> {
  const workloads = workloadsOf(batch);
  if (workloads.every((key) => state.failures.has(key))) return;
  try {
    await readBatchInto(state.folds);
  } catch (error) {
    if (error instanceof NoRemoteRead) throw error;
    const failure = usageFailure(error, 'read the usage of the workload');
    for (const key of workloads) state.failures.set(key, failure);
  }
  for (const key of workloads) {
    const left = (state.waiting.get(key) ?? 0) - 1;
    state.waiting.set(key, left);
    if (left > 0) continue;
    const containers = state.folds.close(key);
    if (!state.failures.has(key)) state.usage.set(key, containers);
  }
}

function workloadsOf(batch: Batch): readonly string[] {
  return [...new Set(batch.pods.map(({ workload }) => workload))];
}
