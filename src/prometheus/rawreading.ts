import { BinPages } from './bins.ts';
import type { Batch } from './batches.ts';
import { PrometheusError } from './failure.ts';
import type { Folds } from './folds.ts';
import { RawBatch, type RawQuestion } from './rawbatch.ts';
import type { Window } from './reading.ts';
import type { RemoteReader } from './remoteread.ts';
import { withRetries } from './retry.ts';
import type { Session } from './session.ts';

/** Reads raw samples of pods; what its readings share. */
export interface RawReading {
  readonly reader: RemoteReader;
  readonly pages: BinPages;
}

export function createRawReading(reader: RemoteReader): RawReading {
  return { reader, pages: new BinPages() };
}

/**
 * Reads usage of the batch's pods into the folds, and signals, from raw samples by remote read. Nothing is folded
 * before all of the batch was read, so that a reading that failed can be done again. Rejects with a PrometheusError,
 * or on abort.
 */
export async function readRawBatch(
  { session, raw }: { readonly session: Session; readonly raw: RawReading },
  batch: Batch,
  window: Window,
  folds: Folds<unknown>,
): Promise<void> {
  try {
    const taken = await session.ask((_client, signal) =>
      withRetries(
        () => readOnce(raw, { batch, window, folds, extra: session.extra }, signal),
        signal,
      ),
    );
    taken.foldInto(folds);
  } catch (error) {
    const isSplittable = error instanceof PrometheusError && error.tooLarge;
    if (!isSplittable || batch.pods.length < 2) throw error;
    const middle = Math.ceil(batch.pods.length / 2);
    for (const pods of [batch.pods.slice(0, middle), batch.pods.slice(middle)]) {
      await readRawBatch({ session, raw }, { pods }, window, folds);
    }
  }
}

async function readOnce(
  { reader, pages }: RawReading,
  question: RawQuestion,
  signal: AbortSignal,
): Promise<{ data: RawBatch; warnings: readonly string[]; serverSeconds: number | undefined }> {
  const batch = new RawBatch(question, pages);
  try {
    const { serverSeconds } = await reader.read(batch.queries, (part) => batch.take(part), signal);
    batch.end();
    return { data: batch, warnings: [], serverSeconds };
  } catch (error) {
    batch.discard();
    throw error;
  }
}
