import type { Batch } from './batches.ts';
import { isTooLarge } from './prometheuserror.ts';
import type { PodName } from './strangers.ts';
import { rawQueries, type RawQuestion } from './rawqueries.ts';
import type { RawAnswer, RawFolds } from './rawfolds.ts';
import type { Window } from './signals.ts';
import { twice } from './readers.ts';
import type { RemoteReader } from './remoteread.ts';
import { withRetries } from './retry.ts';
import type { KnownMarks } from './seriesmarks.ts';
import type { Session } from './session.ts';

/** Where raw samples come from and go to. */
export interface RawReading {
  readonly session: Session;
  readonly reader: RemoteReader;
  readonly folds: RawFolds<unknown>;
  readonly stepSeconds: number;
  readonly withSignals: boolean;
  /** See `RawQuestion`. */
  readonly isEndless: boolean;
  /** Where marks go; none are made unless given. */
  readonly marks: KnownMarks | undefined;
}

/**
 * Reads usage of the batch's pods into the folds, and signals, from raw samples by remote read. Nothing is folded
 * before all of the batch was read, so that a reading that failed can be done again. Gives the strangers of a
 * `RawBatch`. Rejects with a PrometheusError, or on abort.
 */
export async function readRawBatch(
  reading: RawReading,
  batch: Batch,
  window: Window,
): Promise<readonly PodName[]> {
  const { session, stepSeconds, withSignals, isEndless, marks: known } = reading;
  const withMarks = known !== undefined;
  const question = { batch, window, stepSeconds, withSignals, isEndless, withMarks };
  try {
    const taken = await twice(() =>
      session.ask((_client, signal) =>
        withRetries(() => readOnce(reading, question, signal), signal),
      ),
    );
    const { strangers, marks } = await taken.fold();
    if (marks !== undefined) known?.add(marks, new Set(batch.pods.map(({ workload }) => workload)));
    return strangers;
  } catch (error) {
    // Of whole namespaces a half is not known before the names of the pods are.
    if (!isTooLarge(error) || batch.whole !== undefined || batch.pods.length < 2) throw error;
    const middle = Math.ceil(batch.pods.length / 2);
    for (const pods of [batch.pods.slice(0, middle), batch.pods.slice(middle)]) {
      await readRawBatch(reading, { pods }, window);
    }
    return [];
  }
}

interface Taken {
  readonly data: RawAnswer;
  readonly warnings: readonly string[];
  readonly aheadSeconds: number | undefined;
}

async function readOnce(
  { session, reader, folds }: RawReading,
  question: RawQuestion,
  signal: AbortSignal,
): Promise<Taken> {
  const answer = folds.begin(question);
  try {
    const queries = rawQueries(question, session.extra);
    const { aheadSeconds } = await reader.read(queries, answer, signal);
    return { data: answer, warnings: [], aheadSeconds };
  } catch (error) {
    answer.drop();
    throw error;
  }
}
