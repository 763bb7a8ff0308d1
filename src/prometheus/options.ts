import type { UsageFailureReason } from '../controller/ports.ts';
import type { LabelMatcher } from './queries.ts';

/** Where and how Prometheus, or what speaks its HTTP API, is asked. Set by who runs the operator, never by a tenant. */
export interface PrometheusOptions {
  /** Base URL with any prefix, such as `https://mimir.example/prometheus`; a query part is sent with each call. */
  readonly url: string;
  /** Files are read again for every call, so that a rotated secret needs no restart. */
  readonly bearerTokenFile?: string | undefined;
  readonly basicAuth?: { readonly username: string; readonly passwordFile: string } | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** File of the value by name of the header, for values that are secrets. */
  readonly headerFiles?: Readonly<Record<string, string>> | undefined;
  /** Sent with each call, such as `dedup=true` of Thanos. */
  readonly parameters?: readonly (readonly [string, string])[] | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** `http://user:password@host:port`, or https. Used for this server only; the environment's proxy is not. */
  readonly proxy?: string | undefined;
  /** Added to every selector, such as `cluster="x"` where several clusters share one store. */
  readonly matchers?: readonly LabelMatcher[] | undefined;
  /** Every selector has to be of these namespaces; a query that is not is never sent. All unless set. */
  readonly namespaces?: readonly string[] | undefined;
  /** Deadline of one call; 60 unless set. */
  readonly timeoutSeconds?: number | undefined;
  /** Calls under way at once; 4 unless set. */
  readonly concurrency?: number | undefined;
  /** Budgets, on average over a minute; none unless set. See `Governor`. */
  readonly bytesPerSecond?: number | undefined;
  readonly samplesPerSecond?: number | undefined;
  readonly share?: number | undefined;
  /** A larger answer, uncompressed, is not read but asked for in parts; 64 MiB unless set. */
  readonly maxAnswerBytes?: number | undefined;
  /** Told after each batch of one reading of how many workloads nothing is left to read. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Told after each call, for metrics. */
  readonly onCall?: ((call: PrometheusCall) => void) | undefined;
}

/** `range`, `instant` and `samples` are queries, `labels` looks values up, `stream` is read while it arrives. */
export type CallKind = 'range' | 'instant' | 'samples' | 'labels' | 'status' | 'stream';

interface PrometheusCall {
  readonly kind: CallKind;
  /** From sending to the last byte. */
  readonly seconds: number;
  /** How long it waited before for its turn. */
  readonly waitedSeconds: number;
  /** Size of the answer, uncompressed; 0 when there was none. */
  readonly bytes: number;
  /** Samples of the answer; of a stream those that were counted. */
  readonly samples: number;
  readonly outcome: 'Ok' | UsageFailureReason;
}
