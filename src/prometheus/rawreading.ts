import type { Batch } from './batches.ts';
import { PrometheusError } from './failure.ts';
import type { Folds } from './folds.ts';
import { RawBatch, type RawQuestion } from './rawbatch.ts';
import type { Window } from './reading.ts';
import type { RemoteReader } from './remoteread.ts';
import { withRetries } from './retry.ts';
import type { Session } from './session.ts';

/**
 * Reads usage of the batch's pods into the folds, and signals, from raw samples by remote read. Nothing is folded
 * before all of the batch was read, so that a reading that failed can be done again. Rejects with a PrometheusError,
 * or on abort.
 */
export async function readRawBatch(
  { session, reader }: { readonly session: Session; readonly reader: RemoteReader },
  batch: Batch,
  window: Window,
  folds: Folds<unknown>,
): Promise<void> {
  try {
    const taken = await session.ask((_client, signal) =>
      withRetries(
        () => readOnce(reader, { batch, window, folds, extra: session.extra }, signal),
        signal,
      ),
    );
    taken.fold();
  } catch (error) {
    const isSplittable = error instanceof PrometheusError && error.tooLarge;
    if (!isSplittable || batch.pods.length < 2) throw error;
    const middle = Math.ceil(batch.pods.length / 2);
    for (const pods of [batch.pods.slice(0, middle), batch.pods.slice(middle)]) {
      await readRawBatch({ session, reader }, { pods }, window, folds);
    }
  }
}

async function readOnce(
  reader: RemoteReader,
  question: RawQuestion,
  signal: AbortSignal,
): Promise<{ data: RawBatch; warnings: readonly string[]; serverSeconds: number | undefined }> {
  const batch = new RawBatch(question);
  const { serverSeconds } = await reader.read(batch.queries, (part) => batch.take(part), signal);
  batch.end();
  return { data: batch, warnings: [], serverSeconds };
}
