import type { UsageQuery } from '../controller/ports.ts';
import type { StepWindow } from '../recommend/rows.ts';
import { restartScopeOf, scopeOf, SHORT_WINDOW_SECONDS, type Batch } from './batches.ts';
import type { HourWindow } from './hourfold.ts';
import { rawEvents, rawRestarts, rawUsage, SIGNAL_STEP_SECONDS } from './queries.ts';
import { LONGEST_GAP_MS } from './rawfold.ts';
import type { ReadQuery } from './readwire.ts';
import type { Session } from './session.ts';
import { signalHours, type Window } from './signals.ts';

/** Some pods in some time, as plain data. */
export interface RawQuestion {
  readonly batch: Batch;
  readonly window: Window;
  readonly stepSeconds: number;
  readonly withSignals: boolean;
  /** The server takes queries that have no end, and hardly anything comes after the window. */
  readonly isEndless?: boolean;
  /** Marks are made of what the window holds. */
  readonly withMarks?: boolean;
}

export function stepsOf({ fromSeconds, toSeconds }: Window, stepSeconds: number): StepWindow {
  return { fromSeconds, toSeconds, stepSeconds };
}

/** The hours of its signals, and one before them to begin with. */
export function hoursOf(window: Window): HourWindow {
  const { beforeSeconds } = signalHours(window);
  const hours = Math.floor((window.toSeconds - beforeSeconds) / SIGNAL_STEP_SECONDS);
  return { beforeSeconds, hours };
}

/** New samples go into blocks that begin at multiples of this; no chunk reaches over the end of its block. */
const CHUNK_MS = 2 * 3600 * 1000;

/**
 * From the beginning of the first chunk on, and where it may be to the end of the last one: a server hands a chunk out as it
 * is stored, but one that is cut it decodes, and what is left of it it encodes anew. The chunk that a series grows by has no
 * end yet for Prometheus, so that each end cuts it but the last time that there is. A refresh of 1,000 containers
 * takes 3.16 35, 40 and 36 ms of CPU with an end and 27, 21 and 28 without, by turns (`make bench N=1000`, and with `isWorthNoEnd`
 * made false). 2.42 copies that chunk sample by sample in any case.
 */
function ofWholeChunks({ fromMs, toMs }: Times, isEndless: boolean): Times {
  return {
    fromMs: chunkBegin(fromMs),
    toMs: isEndless ? Infinity : toMs,
  };
}

/** Whether to do without an end is of use, and costs nothing: of longer windows the last chunk is little. */
export function isWorthNoEnd({
  fromSeconds,
  toSeconds,
  endsNow,
}: Pick<UsageQuery, 'fromSeconds' | 'toSeconds' | 'endsNow'>): boolean {
  return endsNow === true && toSeconds - fromSeconds < SHORT_WINDOW_SECONDS;
}

/** The time that a reading makes marks of: later ones may begin there. Undefined where it makes none. */
export function markMsOf({
  window,
  withMarks = false,
}: Pick<RawQuestion, 'window' | 'withMarks'>): number | undefined {
  const atMs = chunkBegin(window.toSeconds * 1000);
  return withMarks && atMs > window.fromSeconds * 1000 ? atMs : undefined;
}

/** The last time by then at which chunks begin. */
function chunkBegin(ms: number): number {
  return Math.floor(ms / CHUNK_MS) * CHUNK_MS;
}

/** What is asked of the server, with samples beside the window; each series must also have `extra`. */
export function rawQueries(question: RawQuestion, extra: Session['extra']): readonly ReadQuery[] {
  const { batch, window, withSignals, isEndless = false } = question;
  const scope = scopeOf(batch);
  const hours = hoursOf(window);
  const restarted = restartScopeOf(batch);
  const signals =
    withSignals && hours.hours > 0
      ? [
          rawEvents(scope, extra),
          ...(restarted === undefined ? [] : [rawRestarts(restarted, extra)]),
        ]
      : [];
  return [
    {
      matchers: rawUsage(scope, extra),
      ...ofWholeChunks(timesOf(question), isEndless),
    },
    ...signals.map((matchers) => ({ matchers, ...ofWholeChunks(signalTimes(hours), isEndless) })),
  ];
}

export interface Times {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Of the samples of use that a question needs. */
export function timesOf({ batch, window, stepSeconds }: RawQuestion): Times {
  const times = usageTimes(stepsOf(window, stepSeconds));
  return batch.whole?.isFromMarks === true
    ? { ...times, fromMs: window.fromSeconds * 1000 }
    : times;
}

/** Also the samples before and after the window, between which its first and last step lie. */
function usageTimes({ fromSeconds, toSeconds, stepSeconds }: StepWindow): Times {
  const firstBegin = Math.floor(fromSeconds / stepSeconds) * stepSeconds;
  return {
    fromMs: firstBegin * 1000 - LONGEST_GAP_MS,
    toMs: Math.ceil(toSeconds) * 1000 + LONGEST_GAP_MS,
  };
}

function signalTimes({ beforeSeconds, hours }: HourWindow): Times {
  const endSeconds = beforeSeconds + hours * SIGNAL_STEP_SECONDS;
  return { fromMs: beforeSeconds * 1000 + 1, toMs: endSeconds * 1000 };
}
