import { createFolds, type Folding } from './folds.ts';
import { RawBatch } from './rawbatch.ts';
import type { RawQuestion } from './rawqueries.ts';
import { SeriesSink, type ReadSink } from './remoteread.ts';
import type { KnownMarks, SeriesMarks } from './seriesmarks.ts';
import type { PodName } from './strangers.ts';

/** What is to be known of an answer besides usage; see `RawBatch`. */
export interface Folded {
  readonly strangers: readonly PodName[];
  readonly marks: SeriesMarks | undefined;
}

/** The answer to one question on its way. Nothing of it counts before `fold`, which is to come after `end`; or `drop`. */
export interface RawAnswer extends ReadSink {
  fold(): Promise<Folded>;
  drop(): void;
}

/** Makes usage of the bytes of streamed answers: in this thread, or in one beside it. */
export interface RawFolds<T> {
  /** What windows may go on from; undefined where it is not at hand. */
  readonly known?: KnownMarks | undefined;
  begin(question: RawQuestion): RawAnswer;
  /** Takes out what a workload came to, by container; containers without a sample are not in it. */
  close(workload: string): Promise<ReadonlyMap<string, T>>;
  /** Drops what was not taken out. */
  end(): void;
}

export function createRawFolds<T>(
  folding: Folding<T>,
  stepSeconds: number,
  known?: KnownMarks,
): RawFolds<T> {
  const folds = createFolds(folding, stepSeconds);
  return {
    known,
    begin(question) {
      const batch = new RawBatch(question, folds, known);
      const sink = new SeriesSink((part) => batch.take(part));
      return {
        get samples() {
          return sink.samples;
        },
        take: (part) => sink.take(part),
        end() {
          sink.end();
          batch.end();
          return undefined;
        },
        fold() {
          batch.fold();
          return Promise.resolve({ strangers: batch.strangers, marks: batch.marks });
        },
        drop: () => undefined,
      };
    },
    close: (workload) => Promise.resolve(folds.close(workload)),
    end: () => undefined,
  };
}
