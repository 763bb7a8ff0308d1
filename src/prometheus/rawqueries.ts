import type { StepWindow } from '../recommend/rows.ts';
import { scopeOf, type Batch } from './batches.ts';
import type { HourWindow } from './hourfold.ts';
import { rawSignals, rawUsage, SIGNAL_STEP_SECONDS } from './queries.ts';
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
 * From the beginning of the first chunk on: a server hands a chunk out as it is stored, but one that is cut it decodes, and
 * what is left of it it encodes anew.
 */
function fromChunkStart({ fromMs, toMs }: Times): Times {
  return { fromMs: Math.floor(fromMs / CHUNK_MS) * CHUNK_MS, toMs };
}

/** What is asked of the server, with samples before the window; each series must also have `extra`. */
export function rawQueries(question: RawQuestion, extra: Session['extra']): readonly ReadQuery[] {
  const { batch, window, stepSeconds, withSignals } = question;
  const scope = scopeOf(batch);
  const hours = hoursOf(window);
  const signals = withSignals && hours.hours > 0 ? rawSignals(scope, extra) : [];
  return [
    {
      matchers: rawUsage(scope, extra),
      ...fromChunkStart(usageTimes(stepsOf(window, stepSeconds))),
    },
    ...signals.map((matchers) => ({ matchers, ...fromChunkStart(signalTimes(hours)) })),
  ];
}

export interface Times {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Also the samples before and after the window, between which its first and last step lie. */
export function usageTimes({ fromSeconds, toSeconds, stepSeconds }: StepWindow): Times {
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
