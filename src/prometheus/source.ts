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
import { createFolds, HISTORIES, type Folding, type Folds } from './folds.ts';
import { readLive } from './live.ts';
import type { PrometheusOptions } from './options.ts';
import { selectorOf, USAGE_STEP_SECONDS } from './queries.ts';
import { readBatch } from './reading.ts';
import { createSession, eachLimited, usageFailure, type Session } from './session.ts';

/** What was read, as `UsageReading` is, with what a folding makes of the samples of each container. */
export interface ReadingOf<T> extends Omit<UsageReading, 'usage'> {
  readonly usage: ReadonlyMap<string, ReadonlyMap<string, T>>;
}

/** Live reading shares connection, retries and limits with the reading of histories. */
export interface PrometheusSource extends UsageSource, LiveSource {
  /** As `read`, into something else than histories. */
  readAs<T>(folding: Folding<T>, query: UsageQuery, signal: AbortSignal): Promise<ReadingOf<T>>;
  close(): void;
}

/**
 * Reads usage by `query_range` every 5 minutes: CPU as the rate over the 5 minutes before, memory as the highest
 * working set in them; signals by the whole hour. Throws for a URL or a label matcher that cannot be meant.
 */
export function createPrometheusSource(options: PrometheusOptions): PrometheusSource {
  const client = createPrometheusClient(options);
  // A wrong label name would fail every query: better now than in a condition on each workload.
  selectorOf('', options.matchers ?? []);
  const readAs: PrometheusSource['readAs'] = (folding, query, signal) => {
    const session = createSession(client, options.matchers ?? [], signal);
    return read(session, options, query, createFolds(folding));
  };
  return {
    read: (query, signal) => readAs(HISTORIES, query, signal),
    readAs,
    readNow: ({ namespaces }, signal) =>
      readLive(createSession(client, options.matchers ?? [], signal), {
        namespaces,
        nowSeconds: Date.now() / 1000,
        concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
      }),
    close: () => client.close(),
  };
}

async function read<T>(
  session: Session,
  options: PrometheusOptions,
  query: UsageQuery,
  folds: Folds<T>,
): Promise<ReadingOf<T>> {
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  const found = await findPods(session, query, concurrency);
  const batches = planFor(query, found);
  const state = openState(found, batches, folds);
  let done = 0;
  await eachLimited(batches, concurrency, async (batch) => {
    await readInto(state, session, batch, query);
    options.onProgress?.(++done, batches.length);
  });
  return { usage: state.usage, failures: state.failures, warnings: session.warnings() };
}

function planFor(query: UsageQuery, found: FoundPods): readonly Batch[] {
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
    steps,
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
  session: Session,
  batch: Batch,
  query: UsageQuery,
): Promise<void> {
  const workloads = workloadsOf(batch);
  if (workloads.every((key) => state.failures.has(key))) return;
  try {
    await readBatch(session, batch, query, state.folds);
  } catch (error) {
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
