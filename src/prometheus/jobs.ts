import {
  workloadKey,
  type UsageFailure,
  type UsageQuery,
  type UsageReading,
  type UsageTarget,
} from '../controller/ports.ts';
import { startFinder, planBatches, timeRanges, type Batch } from './batches.ts';
import type { FoundPods } from './discovery.ts';
import { PrometheusError } from './prometheuserror.ts';
import { USAGE_STEP_SECONDS } from './queries.ts';
import { eachLimited, usageFailure, type Session } from './session.ts';

/** What was read, as `UsageReading` is, with what a folding makes of the samples of each container. */
export interface ReadingOf<T> extends Omit<UsageReading, 'usage'> {
  readonly usage: ReadonlyMap<string, ReadonlyMap<string, T>>;
}

/** Takes workloads that are complete, and that are not in the reading then. */
export type OnPart<T> = (part: ReadingOf<T>) => void;

/** A part of a reading. */
interface Job {
  /** Keys of the workloads that it reads a part of, none twice. */
  readonly workloads: readonly string[];
  run(): Promise<void>;
}

/** Some targets of a reading, and what is to be done for them. */
export interface JobsPart {
  readonly targets: readonly UsageTarget[];
  /** What failed before any job. */
  readonly failures: FoundPods['failures'];
  readonly jobs: readonly Job[];
}

interface Jobs<T> {
  readonly query: UsageQuery;
  /** Each target is in one of them. */
  readonly parts: AsyncIterable<JobsPart> | Iterable<JobsPart>;
  readonly concurrency: number;
  /** Takes out what a workload came to, of which something failed unless it is whole. */
  readonly close: (workload: string, isWhole: boolean) => Promise<ReadonlyMap<string, T>>;
  readonly onPart: OnPart<T> | undefined;
  /** Told of how many targets nothing is left to do. */
  readonly onProgress: ((done: number, total: number) => void) | undefined;
}

/** Batches in the order of the workloads; of more steps than are asked for at once, a share is counted. */
export function planFor(
  query: UsageQuery,
  { workloads }: FoundPods,
  stepsShare: number,
): readonly Batch[] {
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
    workloads.map((workload) => {
      const key = workloadKey(workload.workload);
      return { ...workload, key, livePods: livePods.get(key) ?? 0 };
    }),
    Math.ceil(steps * stepsShare),
    startFinder(query),
  );
}

export function jobsFor(
  batches: readonly Batch[],
  run: (batch: Batch) => Promise<void>,
): readonly Job[] {
  return batches.map((batch) => ({
    workloads: [...new Set(batch.pods.map(({ workload }) => workload))],
    run: () => run(batch),
  }));
}

/**
 * A workload is complete with its last job; one job that failed makes it a failure, never a part of it. What is no
 * failure of Prometheus rejects.
 */
export async function runJobs<T>(session: Session, all: Jobs<T>): Promise<ReadingOf<T>> {
  const { query, onPart, onProgress } = all;
  const state: State<T> = {
    usage: new Map(),
    failures: new Map(),
    broken: new Map(),
    waiting: new Map(),
    done: 0,
  };
  await eachLimited(jobsIn(all, state), all.concurrency, async (job) => {
    await runJob(state, job, all.close);
    if (onPart !== undefined && state.usage.size > 0) {
      const usage = new Map(state.usage);
      state.usage.clear();
      onPart({ usage, failures: new Map(), warnings: session.warnings() });
    }
    onProgress?.(state.done, query.targets.length);
  });
  return { usage: state.usage, failures: state.failures, warnings: session.warnings() };
}

interface State<T> {
  /** Of workloads that are complete. */
  readonly usage: Map<string, ReadonlyMap<string, T>>;
  readonly failures: Map<string, UsageFailure>;
  /** What failed of workloads that are not complete yet. */
  readonly broken: Map<string, UsageFailure>;
  /** Jobs that a workload still waits for. */
  readonly waiting: Map<string, number>;
  /** Workloads of which nothing is left to do. */
  done: number;
}

async function* jobsIn<T>(
  { query, parts, onProgress }: Jobs<T>,
  state: State<T>,
): AsyncGenerator<Job> {
  for await (const part of parts) {
    const before = state.done;
    takeUp(state, part);
    if (state.done > before) onProgress?.(state.done, query.targets.length);
    yield* part.jobs;
  }
}

function takeUp<T>(state: State<T>, part: JobsPart): void {
  const { usage, failures, waiting } = state;
  for (const { reason, message, targets } of part.failures) {
    for (const { workload } of targets) failures.set(workloadKey(workload), { reason, message });
  }
  for (const { workloads } of part.jobs) {
    for (const key of workloads) waiting.set(key, (waiting.get(key) ?? 0) + 1);
  }
  for (const { workload } of part.targets) {
    const key = workloadKey(workload);
    if (waiting.has(key)) continue;
    state.done += 1;
    if (!failures.has(key)) usage.set(key, new Map());
  }
}

async function runJob<T>(state: State<T>, job: Job, close: Jobs<T>['close']): Promise<void> {
  const { usage, failures, broken, waiting } = state;
  const { workloads } = job;
  if (!workloads.every((key) => broken.has(key))) {
    try {
      await job.run();
    } catch (error) {
      if (!(error instanceof PrometheusError)) throw error;
      const failure = usageFailure(error, 'read the usage of the workload');
      for (const key of workloads) broken.set(key, failure);
    }
  }
  for (const key of workloads) {
    const left = (waiting.get(key) ?? 0) - 1;
    waiting.set(key, left);
    if (left > 0) continue;
    const failure = broken.get(key);
    const containers = await close(key, failure === undefined);
    state.done += 1;
    if (failure === undefined) usage.set(key, containers);
    else failures.set(key, failure);
  }
}
