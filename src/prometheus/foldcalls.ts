import type { PackedUsage } from '../recommend/packed.ts';
import type { PrometheusError } from './prometheuserror.ts';
import type { Folded } from './rawfolds.ts';
import type { RawQuestion } from './rawqueries.ts';

/**
 * What the thread that folds is asked: readings and answers go by number. Bytes are handed over, not copied, and come
 * back with the reply, to be filled again.
 */
export type FoldCall =
  | {
      readonly do: 'begin';
      readonly reading: number;
      readonly answer: number;
      readonly question: RawQuestion;
    }
  | {
      readonly do: 'take';
      readonly answer: number;
      readonly bytes: ArrayBuffer;
      readonly length: number;
    }
  | { readonly do: 'end' | 'fold' | 'drop'; readonly answer: number }
  | { readonly do: 'close'; readonly reading: number; readonly workload: string }
  | { readonly do: 'forget'; readonly reading: number };

/** Each call has one reply, in the order of the calls. */
export interface FoldReply {
  /** Samples that were taken of the answer so far. */
  readonly samples?: number;
  readonly bytes?: ArrayBuffer;
  readonly folded?: Folded;
  readonly usage?: ReadonlyMap<string, PackedUsage>;
  readonly failure?: Pick<PrometheusError, 'reason' | 'message' | 'tooLarge'>;
}
