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
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Added to every selector, such as `cluster="x"` where several clusters share one store. */
  readonly matchers?: readonly LabelMatcher[] | undefined;
  /** Deadline of one call; 60 unless set. */
  readonly timeoutSeconds?: number | undefined;
  /** Calls under way at once; 4 unless set. */
  readonly concurrency?: number | undefined;
  /** A larger answer, uncompressed, is not read but asked for in parts; 64 MiB unless set. */
  readonly maxAnswerBytes?: number | undefined;
  /** Told after each batch of one reading. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Told after each call, for metrics. */
  readonly onCall?: ((call: PrometheusCall) => void) | undefined;
}

interface PrometheusCall {
  readonly seconds: number;
  /** Size of the answer, uncompressed; 0 when there was none. */
  readonly bytes: number;
  readonly outcome: 'Ok' | UsageFailureReason;
}
