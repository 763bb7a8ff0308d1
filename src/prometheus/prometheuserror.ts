import type { UsageFailureReason } from '../controller/ports.ts';

/** A call that failed, in the closed set of reasons; its message holds no URL, header or body beyond a short text. */
export class PrometheusError extends Error {
  override readonly name = 'PrometheusError';
  readonly reason: UsageFailureReason;
  /** The question was too large for one answer: a part of it may be answered. */
  readonly tooLarge: boolean;
  /** A file that each call needs cannot be read, so that none leaves. */
  readonly isOfOwnFile: boolean;
  /** Asking again soon may help; after so many seconds where the server named them. */
  readonly retry: { readonly afterSeconds: number | undefined } | undefined;
  /** What to do about it, where more is known than what its reason says. */
  readonly todo: string | undefined;

  constructor(
    reason: UsageFailureReason,
    message: string,
    more: {
      readonly tooLarge?: boolean;
      readonly isOfOwnFile?: boolean;
      readonly retry?: { readonly afterSeconds: number | undefined } | undefined;
      readonly todo?: string | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.reason = reason;
    this.tooLarge = more.tooLarge ?? false;
    this.isOfOwnFile = more.isOfOwnFile ?? false;
    this.retry = more.retry;
    this.todo = more.todo;
  }
}

export function invalidAnswer(what: string, cause?: unknown): PrometheusError {
  return new PrometheusError('PrometheusAnswerInvalid', `Prometheus answered ${what}`, { cause });
}

/** Whether less of the same can be asked for. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof PrometheusError && error.tooLarge;
}
