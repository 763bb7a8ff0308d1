import { PrometheusError } from './prometheuserror.ts';
import type { LabelMatcher } from './queries.ts';
import { SeriesSink, type RemoteReader } from './remoteread.ts';
import { withRetries } from './retry.ts';

type ReaderName = 'remote-read' | 'query-range';
export type ReaderWish = 'auto' | ReaderName;

/** How histories are read, and why so, in words for people. */
export interface ReaderChoice {
  readonly name: ReaderName;
  readonly why: string;
}

/** After remote read failed, it is tried again not before so long. */
const PROBE_AGAIN_SECONDS = 600;
/** A metric of Prometheus itself: a series or none, so that to ask costs nothing. */
export const PROBED: LabelMatcher = {
  label: '__name__',
  operator: '=',
  value: 'prometheus_build_info',
};
export const PROBED_SECONDS = 300;

/** Chooses between remote read and `query_range`, by a tiny streamed read where nobody said which. */
export interface ReaderChooser {
  /** The choice at this time, without a call. */
  current(): ReaderChoice;
  /** Probes when it is not known, or long enough after a failure; rejects on abort alone. */
  choose(signal: AbortSignal): Promise<ReaderChoice>;
  /**
   * Remote read failed as it does where a server does not offer it, or something in between breaks it: what is read
   * next is read by `query_range`. False when the failure is none of that kind, or nothing else was allowed.
   */
  gaveUp(error: unknown): boolean;
  /** What was read by `query_range` instead was refused as well, which says nothing about remote read: it is tried next time. */
  refusedToo(): void;
}

export interface ChooserSetup {
  readonly wish: ReaderWish;
  readonly reader: RemoteReader;
  readonly matchers: readonly LabelMatcher[];
  /** Seconds of any clock that only goes forward. */
  readonly clock?: () => number;
}

export function createReaderChooser({
  wish,
  reader,
  matchers,
  clock = () => performance.now() / 1000,
}: ChooserSetup): ReaderChooser {
  if (wish !== 'auto') return fixedChoice({ name: wish, why: 'it was asked for' });
  let known: ReaderChoice | undefined;
  let probeAt = -Infinity;
  let probing: Promise<ReaderChoice> | undefined;
  const setBack = (why: string): ReaderChoice => {
    probeAt = clock() + PROBE_AGAIN_SECONDS;
    return (known = { name: 'query-range', why });
  };
  const probe = async (signal: AbortSignal): Promise<ReaderChoice> => {
    try {
      const toMs = Date.now();
      const query = { matchers: [PROBED, ...matchers], fromMs: toMs - PROBED_SECONDS * 1000, toMs };
      const ask = () => reader.read([query], new SeriesSink(() => undefined), signal);
      // As patiently as usage is read: one bad moment would make all of a first reading dearer, and coarser.
      await twice(() => withRetries(ask, signal));
      return (known = { name: 'remote-read', why: 'the server answers streamed remote reads' });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PrometheusError)) throw error;
      if (isUnfit(error)) return setBack(`the server offers no remote read: ${error.message}`);
      // It says nothing about remote read, so the next reading asks again.
      return { name: 'query-range', why: `remote read could not be tried: ${error.message}` };
    } finally {
      probing = undefined;
    }
  };
  return {
    current: () => known ?? { name: 'query-range', why: 'remote read was not tried yet' },
    choose: async (signal) => {
      if (known?.name === 'remote-read' || (known !== undefined && clock() < probeAt)) return known;
      return (probing ??= probe(signal));
    },
    gaveUp(error) {
      if (!(error instanceof PrometheusError) || !isUnfit(error)) return false;
      setBack(`remote read failed: ${error.message}`);
      return true;
    },
    refusedToo: () => {
      probeAt = -Infinity;
    },
  };
}

function fixedChoice(choice: ReaderChoice): ReaderChooser {
  return {
    current: () => choice,
    choose: () => Promise.resolve(choice),
    gaveUp: () => false,
    refusedToo: () => undefined,
  };
}

/** Refused, or not the answer of a remote read; not what a server says that is down, slow or busy. */
export function isUnfit(error: unknown): boolean {
  if (!(error instanceof PrometheusError)) return false;
  const { reason } = error;
  return reason === 'PrometheusRefused' || reason === 'PrometheusAnswerInvalid';
}

/** A connection that was cut looks like a server that cannot do it: so it is asked once more. */
export async function twice<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const wasRefused = error instanceof PrometheusError && error.reason === 'PrometheusRefused';
    if (!isUnfit(error) || wasRefused) throw error;
    return ask();
  }
}
