import type { StepRow, StepWindow } from '../recommend/rows.ts';
import { podFinder, type BatchPod } from './batches.ts';
import type { ChunkList } from './chunklist.ts';
import { decodeChunk, SAMPLES } from './chunksamples.ts';
import { invalidAnswer } from './prometheuserror.ts';
import type { Folds } from './folds.ts';
import { FreshMarks } from './freshmarks.ts';
import { emptyHours, HighestFold, RiseFold, type HourWindow } from './hourfold.ts';
import { RAW_METRICS, SIGNAL_STEP_SECONDS } from './queries.ts';
import { PeakFold, RateFold, type SeriesFold } from './rawfold.ts';
import { hoursOf, markMsOf, stepsOf, timesOf, type RawQuestion, type Times } from './rawqueries.ts';
import type { ReadSeries } from './readwire.ts';
import {
  seriesName,
  type FoundMark,
  type KnownMarks,
  type SeriesMarks,
  type SeriesName,
} from './seriesmarks.ts';
import { SignalGathering } from './signalfold.ts';
import { Strangers, type PodName } from './strangers.ts';
import { signalHours, type ContainerSignals, type SignalPoint } from './signals.ts';
import { ChunkError, sampleBuffer } from './xor.ts';

interface RawContainer {
  readonly pod: BatchPod;
  readonly container: string;
  readonly rows: Readonly<Record<'cpu' | 'memory', StepRow>>;
  readonly hours: Map<keyof ContainerSignals, Float64Array>;
}

/** The counters of one series, by the hour; undefined until it came. */
interface Periods {
  readonly container: RawContainer;
  all: Float64Array | undefined;
  throttled: Float64Array | undefined;
}

/** Counters that hardly ever rise: an hour that ends where the one before did says nothing. */
const COUNTS: ReadonlySet<keyof ContainerSignals> = new Set(['restartCounts', 'oomEventCounts']);

/** What goes into rows, and so depends on the sample before. */
const ROWS: ReadonlySet<RawMetric> = new Set(['cpu', 'memory']);

interface OpenSeries {
  readonly key: string;
  readonly fold: SeriesFold;
  /** By which it has a mark; undefined where none is of use. */
  readonly name: SeriesName | undefined;
  /** From which it is to go on, until its first samples come. */
  mark: FoundMark | undefined;
}

/** Of one mark at a time. */
const MARK = sampleBuffer(1);

/** The samples of one batch, series after series, as they come down to bins and hours. */
export class RawBatch {
  readonly #question: RawQuestion;
  readonly #known: KnownMarks | undefined;
  readonly #fresh: FreshMarks | undefined;
  readonly #steps: StepWindow;
  readonly #folds: Folds<unknown>;
  readonly #hours: HourWindow;
  readonly #isContinued: boolean;
  readonly #windowStart: number;
  readonly #podOf: ReturnType<typeof podFinder>;
  readonly #containers = new Map<string, RawContainer>();
  readonly #periods = new Map<string, Periods>();
  /** Of the samples of the window and those beside it that it needs; what comes is of more, see `rawQueries`. */
  readonly #times: Times;
  /** Undefined where all that is asked for is named. */
  readonly #strangers: Strangers | undefined;
  #open: OpenSeries | undefined;

  /** What is known of marks is there where a window may begin at them. */
  constructor(question: RawQuestion, folds: Folds<unknown>, known?: KnownMarks) {
    const { batch, window, stepSeconds } = question;
    this.#steps = stepsOf(window, stepSeconds);
    this.#question = question;
    this.#times = timesOf(question);
    this.#folds = folds;
    this.#known = known;
    const markMs = markMsOf(question);
    this.#fresh = markMs === undefined ? undefined : new FreshMarks(markMs);
    this.#hours = hoursOf(window);
    this.#windowStart = signalHours(window).windowStartSeconds;
    this.#isContinued = window.isContinued === true;
    this.#podOf = podFinder(batch.pods);
    this.#strangers = batch.whole && new Strangers(this.#times);
  }

  /** Where whole namespaces were asked for: their pods with usage that were not named, whose samples were passed over. */
  get strangers(): readonly PodName[] {
    return this.#strangers?.pods ?? [];
  }

  /** Undefined where none were to be made; to be called after `end`. */
  get marks(): SeriesMarks | undefined {
    return this.#fresh?.marks;
  }

  /** The next part of the series under way, or the first of another. Throws a PrometheusError for what is no chunk. */
  take(part: ReadSeries): void {
    const open = this.#openedBy(part);
    if (open === undefined) return;
    const { fold, name } = open;
    const { chunks } = part;
    for (let i = 0; i < chunks.length; i++) {
      const count = decode(chunks, i);
      if (open.mark !== undefined && count > 0) goOn(open);
      fold.take(SAMPLES, count);
      if (name !== undefined) this.#fresh?.see(name, SAMPLES, count);
    }
  }

  /** There are no further series. */
  end(): void {
    this.#endSeries();
    for (const { container, all, throttled } of this.#periods.values()) {
      if (all !== undefined && throttled !== undefined)
        this.#raiseShares(container, all, throttled);
    }
    this.#periods.clear();
  }

  /** To be called once, after `end`. */
  fold(): void {
    const signals = new SignalGathering();
    for (const { pod, container, rows, hours } of this.#containers.values()) {
      rows.cpu.fold();
      rows.memory.fold();
      for (const [signal, values] of hours) {
        this.#tell(signals.points(pod, container, signal), signal, values);
      }
    }
    signals.foldInto(this.#folds, {
      startSeconds: this.#windowStart,
      isContinued: this.#isContinued,
    });
    this.#containers.clear();
  }

  /** Hands on the hours that have a value, as points. */
  #tell(points: SignalPoint[], signal: keyof ContainerSignals, values: Float64Array): void {
    let before = NaN;
    for (let hour = 0; hour < values.length; hour++) {
      const value = values[hour] ?? NaN;
      if (Number.isNaN(value) || (value === before && COUNTS.has(signal))) continue;
      before = value;
      const timeSeconds = this.#hours.beforeSeconds + (hour + 1) * SIGNAL_STEP_SECONDS;
      points.push({ timeSeconds, value });
    }
  }

  /** Undefined for series of pods that were not asked for, and for what is not a container's. */
  #openedBy(part: ReadSeries): OpenSeries | undefined {
    const { labels } = part;
    const name = labels.get('__name__') ?? '';
    const shared = seriesKey(labels);
    const key = name + shared;
    if (this.#open?.key === key) return this.#open;
    this.#endSeries();
    if (!isRawMetric(name)) throw invalidAnswer('a series that no query asked for');
    const container = this.#containerOf(part);
    if (container === undefined) return undefined;
    const fold = this.#openFold(RAW_METRICS[name], container, shared);
    const isMarked = this.#isMarked && ROWS.has(RAW_METRICS[name]);
    const marked = isMarked ? seriesName(labels, key) : undefined;
    this.#open = { key, fold, name: marked, mark: this.#markOf(marked, container) };
    return this.#open;
  }

  get #isMarked(): boolean {
    return this.#fresh !== undefined || this.#question.batch.whole?.isFromMarks === true;
  }

  /** The last sample before the window, where that is known. */
  #markOf(name: SeriesName | undefined, { pod }: RawContainer): FoundMark | undefined {
    if (name === undefined || this.#question.batch.whole?.isFromMarks !== true) return undefined;
    return this.#known?.of(pod.workload, this.#times.fromMs, name);
  }

  #endSeries(): void {
    this.#open?.fold.end();
    this.#open = undefined;
  }

  #openFold(metric: RawMetric, container: RawContainer, shared: string): SeriesFold {
    switch (metric) {
      case 'cpu':
        return new RateFold(container.rows.cpu, this.#steps.stepSeconds);
      case 'memory':
        return new PeakFold(container.rows.memory, this.#steps.stepSeconds);
      case 'throttledPeriods':
        return this.#riseFold((this.#periodsOf(container, shared).throttled = this.#noHours()));
      case 'periods':
        return this.#riseFold((this.#periodsOf(container, shared).all = this.#noHours()));
      case 'restartCounts':
      case 'oomEventCounts':
      case 'oomKilledBefore':
      case 'oomKilledNow':
        return new HighestFold(this.#hoursOf(container, metric), this.#hours);
    }
  }

  #riseFold(hours: Float64Array): SeriesFold {
    return new RiseFold(hours, this.#hours);
  }

  #noHours(): Float64Array {
    return emptyHours(this.#hours);
  }

  #periodsOf(container: RawContainer, shared: string): Periods {
    const known = this.#periods.get(shared);
    if (known !== undefined) return known;
    const periods: Periods = { container, all: undefined, throttled: undefined };
    this.#periods.set(shared, periods);
    return periods;
  }

  /** Of several series of a container the highest share stays. */
  #raiseShares(container: RawContainer, all: Float64Array, throttled: Float64Array): void {
    const shares = this.#hoursOf(container, 'throttledShares');
    all.forEach((periods, hour) => {
      const share = (throttled[hour] ?? NaN) / periods;
      if (periods > 0 && !((shares[hour] ?? NaN) >= share)) shares[hour] = share;
    });
  }

  #hoursOf(container: RawContainer, signal: keyof ContainerSignals): Float64Array {
    const hours = container.hours.get(signal) ?? this.#noHours();
    container.hours.set(signal, hours);
    return hours;
  }

  #containerOf(part: ReadSeries): RawContainer | undefined {
    const { labels } = part;
    const container = labels.get('container') ?? '';
    const namespace = labels.get('namespace') ?? '';
    const name = labels.get('pod') ?? '';
    if (container === '') return undefined;
    const pod = this.#podOf(namespace, name);
    if (pod === undefined) {
      this.#strangers?.see(part, { namespace, name });
      return undefined;
    }
    const key = `${pod.namespace}/${pod.name}/${container}`;
    const known = this.#containers.get(key);
    if (known !== undefined) return known;
    const sink = this.#folds.of(pod.workload, container).ofPod(pod.name);
    const rows = { cpu: sink.cpuRow(this.#steps), memory: sink.memoryRow(this.#steps) };
    const opened = { pod, container, rows, hours: new Map() };
    this.#containers.set(key, opened);
    return opened;
  }
}

/**
 * From the mark, before what is decoded. Two servers count the same; but a second one of the same labels may run on a node that
 * was cut off, or have another clock: what is lower is no counter that began again then.
 */
function goOn(open: OpenSeries): void {
  const { fold, mark } = open;
  open.mark = undefined;
  if (mark === undefined || !(mark.isOwn || (SAMPLES.values[0] ?? NaN) >= mark.value)) return;
  MARK.times[0] = mark.timeMs;
  MARK.values[0] = mark.value;
  fold.take(MARK, 1);
}

type RawMetric = (typeof RAW_METRICS)[keyof typeof RAW_METRICS];

function isRawMetric(name: string): name is keyof typeof RAW_METRICS {
  return Object.hasOwn(RAW_METRICS, name);
}

function decode(chunks: ChunkList, index: number): number {
  try {
    return decodeChunk(chunks, index);
  } catch (cause) {
    if (cause instanceof ChunkError) throw invalidAnswer(cause.message, cause);
    throw cause;
  }
}

/** All labels but the name of the metric: two counters of one container share them. */
function seriesKey(labels: ReadonlyMap<string, string>): string {
  let key = '';
  for (const [name, value] of labels) if (name !== '__name__') key += `${name}\u0000${value}\u0000`;
  return key;
}
