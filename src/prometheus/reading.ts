import { eachSample, type AnswerSeries } from './answer.ts';
import { halves, timeRanges, type Batch, type BatchPod, type Part } from './batches.ts';
import { PrometheusError } from './failure.ts';
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
import { signalsByDay, type ContainerSignals, type SignalPoint } from './signals.ts';

interface Window {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** Reads usage of the batch's pods into the folds, and signals. Rejects with a PrometheusError, or on abort. */
export async function readBatch(
  session: Session,
  batch: Batch,
  window: Window,
  folds: Folds<unknown>,
): Promise<void> {
  const read: BatchReader = { session, batch, window };
  await readUsage(read, cpuUsage, (pod, container) => {
    const fold = folds.of(pod.workload, container);
    return (timeSeconds, cores) => fold.addCpu(pod.name, timeSeconds, cores);
  });
  await readUsage(read, memoryUsage, (pod, container) => {
    const fold = folds.of(pod.workload, container);
    return (timeSeconds, bytes) => fold.addMemory(pod.name, timeSeconds, bytes);
  });
  if (folds.withSignals) await readSignals(read, folds);
}

interface BatchReader {
  readonly session: Session;
  readonly batch: Batch;
  readonly window: Window;
}

type QueryText = (scope: PodScope, extra: Session['extra']) => string;
type Take = Parameters<typeof eachSample>[1];

/**
 * A sample at t stands for the step that ends at t, so it is folded a second earlier: that of midnight belongs to
 * the day before.
 */
async function readUsage(
  { session, batch, window }: BatchReader,
  queryText: QueryText,
  taker: (pod: BatchPod, container: string) => Take,
): Promise<void> {
  for (const range of timeRanges(window.fromSeconds, window.toSeconds, USAGE_STEP_SECONDS)) {
    await readPart(session, queryText, { pods: batch.pods, range }, (pod, container, series) => {
      const take = taker(pod, container);
      eachSample(series, (timeSeconds, value) => take(timeSeconds - 1, value));
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
  const query = queryText(scopeOf(part.pods), session.extra);
  let answer: readonly AnswerSeries[];
  try {
    answer = await session.ask((client, signal) => client.range({ query, ...part.range }, signal));
  } catch (error) {
    const isSplittable = error instanceof PrometheusError && error.tooLarge;
    const smaller = isSplittable ? halves(part) : undefined;
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
  const pods = new Map(wanted.map((pod) => [podKey(pod.namespace, pod.name), pod]));
  for (const series of answer) {
    const { namespace = '', pod: name = '', container = '' } = series.labels;
    const pod = pods.get(podKey(namespace, name));
    if (pod !== undefined && container !== '') visit(pod, container, series);
  }
}

function scopeOf(pods: readonly BatchPod[]): PodScope {
  return {
    namespaces: [...new Set(pods.map(({ namespace }) => namespace))],
    pods: [...new Set(pods.map(({ name }) => name))],
  };
}

function podKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

const SIGNAL_QUERIES: Readonly<Record<keyof ContainerSignals, QueryText>> = {
  throttledShares: throttledShare,
  restartCounts: restartCount,
  oomEventCounts: oomEventCount,
  oomKilledBefore,
  oomKilledNow,
};

interface OpenSignals {
  readonly pod: BatchPod;
  readonly container: string;
  readonly points: Record<keyof ContainerSignals, SignalPoint[]>;
}

/**
 * Whole hours only: the one under way is read when it is over. The hour before the window is read too, for what
 * the counters were when it began.
 */
async function readSignals(
  { session, batch, window }: BatchReader,
  folds: Folds<unknown>,
): Promise<void> {
  const windowStart = Math.floor(window.fromSeconds / SIGNAL_STEP_SECONDS) * SIGNAL_STEP_SECONDS;
  const before = windowStart - SIGNAL_STEP_SECONDS;
  const found = new Map<string, OpenSignals>();
  for (const range of timeRanges(before, window.toSeconds, SIGNAL_STEP_SECONDS)) {
    for (const signal of SIGNALS) {
      const part = { pods: batch.pods, range };
      await readPart(session, SIGNAL_QUERIES[signal], part, (pod, container, series) => {
        const points = openSignals(found, pod, container).points[signal];
        eachSample(series, (timeSeconds, value) => points.push({ timeSeconds, value }));
      });
    }
  }
  const all = [...found.values()];
  const baselineSeconds = Math.max(windowStart, firstCountSeconds(all));
  for (const { pod, container, points } of all) {
    const fold = folds.of(pod.workload, container);
    for (const day of signalsByDay(points, baselineSeconds)) {
      fold.addSignals?.(day.timeSeconds, day.signals);
    }
  }
}

const SIGNALS = [
  'throttledShares',
  'restartCounts',
  'oomEventCounts',
  'oomKilledBefore',
  'oomKilledNow',
] as const satisfies readonly (keyof ContainerSignals)[];

function openSignals(
  found: Map<string, OpenSignals>,
  pod: BatchPod,
  container: string,
): OpenSignals {
  const key = `${podKey(pod.namespace, pod.name)}/${container}`;
  const open = found.get(key) ?? {
    pod,
    container,
    points: {
      throttledShares: [],
      restartCounts: [],
      oomEventCounts: [],
      oomKilledBefore: [],
      oomKilledNow: [],
    },
  };
  found.set(key, open);
  return open;
}

/**
 * When counting began: what a counter reads in the first hour of all is what happened before anyone watched, and
 * is not held against the window.
 */
function firstCountSeconds(all: readonly OpenSignals[]): number {
  const firsts = all.flatMap(({ points }) => points.restartCounts[0]?.timeSeconds ?? []);
  return firsts.length === 0 ? -Infinity : Math.min(...firsts);
}
