import { eachSample, type AnswerSeries } from './answer.ts';
import {
  halves,
  podFinder,
  scopeOf,
  timeRanges,
  type Batch,
  type BatchPod,
  type Part,
} from './batches.ts';
import { isTooLarge } from './prometheuserror.ts';
import type { Folds } from './folds.ts';
import {
  cpuUsage,
  memoryUsage,
  oomEventCount,
  oomKilledBefore,
  oomKilledNow,
  restartCount,
  SIGNAL_STEP_SECONDS,
  throttledShare,
  USAGE_STEP_SECONDS,
  type PodScope,
} from './queries.ts';
import type { Session } from './session.ts';
import { SignalGathering } from './signalfold.ts';
import { signalHours, type ContainerSignals, type Window } from './signals.ts';

/**
 * Reads usage of the batch's pods into the folds, and signals, by `query_range`. Rejects with a PrometheusError, or on
 * abort.
 */
export async function readBatch(
  session: Session,
  batch: Batch,
  window: Window,
  folds: Folds<unknown>,
): Promise<void> {
  const read: BatchReader = { session, batch, window, times: stepsBack(folds.stepSeconds) };
  await readUsage(read, cpuUsage, (pod, container) => {
    const sink = folds.of(pod.workload, container).ofPod(pod.name);
    return (timeSeconds, cores) => sink.addCpu(timeSeconds, cores);
  });
  await readUsage(read, memoryUsage, (pod, container) => {
    const sink = folds.of(pod.workload, container).ofPod(pod.name);
    return (timeSeconds, bytes) => sink.addMemory(timeSeconds, bytes);
  });
  if (folds.withSignals) await readSignals(read, folds);
}

interface BatchReader {
  readonly session: Session;
  readonly batch: Batch;
  readonly window: Window;
  /** How far before its time a sample is to be folded, once each. */
  readonly times: readonly number[];
}

/**
 * A sample at t stands for the step that ends at t, so it is folded a second earlier: that of midnight belongs to
 * the day before. Where the fold has shorter steps, the sample stands for each of them.
 */
function stepsBack(foldStepSeconds: number): readonly number[] {
  const steps = Math.max(1, Math.round(USAGE_STEP_SECONDS / foldStepSeconds));
  return Array.from({ length: steps }, (_, step) => 1 + step * foldStepSeconds);
}

type QueryText = (scope: PodScope, extra: Session['extra']) => string;
type Take = Parameters<typeof eachSample>[1];

async function readUsage(
  { session, batch, window, times }: BatchReader,
  queryText: QueryText,
  taker: (pod: BatchPod, container: string) => Take,
): Promise<void> {
  for (const range of timeRanges(window.fromSeconds, window.toSeconds, USAGE_STEP_SECONDS)) {
    await readPart(session, queryText, { pods: batch.pods, range }, (pod, container, series) => {
      const take = taker(pod, container);
      eachSample(series, (timeSeconds, value) => {
        for (const before of times) take(timeSeconds - before, value);
      });
    });
  }
}

type Visit = (pod: BatchPod, container: string, series: AnswerSeries) => void;

/** A part that is too large for one answer is asked for in halves, down to one pod at one time. */
async function readPart(
  session: Session,
  queryText: QueryText,
  part: Part,
  visit: Visit,
): Promise<void> {
  const query = queryText(scopeOf(part), session.extra);
  let answer: readonly AnswerSeries[];
  try {
    answer = await session.ask((client, signal) => client.range({ query, ...part.range }, signal));
  } catch (error) {
    const smaller = isTooLarge(error) ? halves(part) : undefined;
    if (smaller === undefined) throw error;
    for (const half of smaller) await readPart(session, queryText, half, visit);
    return;
  }
  visitSeries(part.pods, answer, visit);
}

/** Series of pods that were not meant are dropped, as is what is not a container's. */
function visitSeries(
  wanted: readonly BatchPod[],
  answer: readonly AnswerSeries[],
  visit: Visit,
): void {
  const podOf = podFinder(wanted);
  for (const series of answer) {
    const { namespace = '', pod: name = '', container = '' } = series.labels;
    const pod = podOf(namespace, name);
    if (pod !== undefined && container !== '') visit(pod, container, series);
  }
}

const SIGNAL_QUERIES: Readonly<Record<keyof ContainerSignals, QueryText>> = {
  throttledShares: throttledShare,
  restartCounts: restartCount,
  oomEventCounts: oomEventCount,
  oomKilledBefore,
  oomKilledNow,
};

/** Whole hours only: the one under way is read when it is over. */
async function readSignals(
  { session, batch, window }: BatchReader,
  folds: Folds<unknown>,
): Promise<void> {
  const { windowStartSeconds, beforeSeconds } = signalHours(window);
  const gathering = new SignalGathering();
  for (const range of timeRanges(beforeSeconds, window.toSeconds, SIGNAL_STEP_SECONDS)) {
    for (const signal of SIGNALS) {
      const part = { pods: batch.pods, range };
      await readPart(session, SIGNAL_QUERIES[signal], part, (pod, container, series) => {
        const points = gathering.points(pod, container, signal);
        eachSample(series, (timeSeconds, value) => points.push({ timeSeconds, value }));
      });
    }
  }
  gathering.foldInto(folds, {
    startSeconds: windowStartSeconds,
    isContinued: window.isContinued === true,
  });
}

const SIGNALS = [
  'throttledShares',
  'restartCounts',
  'oomEventCounts',
  'oomKilledBefore',
  'oomKilledNow',
] as const satisfies readonly (keyof ContainerSignals)[];
