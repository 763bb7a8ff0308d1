import { AxiosError } from 'axios';
import { invalidAnswer, PrometheusError } from './prometheuserror.ts';
import { tlsFailureOf, WRITE_HTTPS } from './tlsfailure.ts';

const LONGEST_TEXT = 200;

/** Control characters and runs of blanks become one blank; what is longer than 200 characters is cut. */
export function shortText(text: string): string {
  const oneLine = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return oneLine.length <= LONGEST_TEXT ? oneLine : `${oneLine.slice(0, LONGEST_TEXT - 1)}…`;
}

/**
 * What Prometheus, Mimir, Thanos and VictoriaMetrics say when a query touches more than their limits allow; part
 * of the pods or of the time may be within them.
 */
const TOO_LARGE = [
  /would load too many samples/i,
  /exceeded maximum resolution/i,
  /err-mimir-(max|limit)/i,
  /the query (exceeded|hit) .*limit/i,
  /maxSamplesPer|maxPointsPer|maxUniqueTimeseries|maxMemoryPerQuery/,
  /number of matching timeseries exceeds|too long query/i,
];

interface ErrorAnswer {
  readonly status: number;
  /** Prometheus' own `error` and `errorType`; the start of the body is not used, it may be a login page. */
  readonly error: string;
  readonly errorType: string;
  readonly retryAfterSeconds: number | undefined;
  /** Where a redirect points. */
  readonly location?: string | undefined;
  /** It says that it is called without TLS. */
  readonly wantsTls: boolean;
}

/** Classifies an answer whose status is not 2xx, or that says `"status":"error"`. */
export function failureOfAnswer(answer: ErrorAnswer): PrometheusError {
  const detail = answer.error === '' ? '' : `: ${shortText(answer.error)}`;
  const message = `Prometheus answered ${answer.status}${detail}`;
  const retry = { afterSeconds: answer.retryAfterSeconds };
  if (TOO_LARGE.some((pattern) => pattern.test(answer.error))) {
    return new PrometheusError('PrometheusOverloaded', message, { tooLarge: true });
  }
  // A server that says so was at work on the question: less of it takes less time.
  if (isTimeout(answer))
    return new PrometheusError('PrometheusTimeout', message, { tooLarge: true });
  if (answer.status === 429 || answer.status === 503) {
    return new PrometheusError('PrometheusOverloaded', message, { retry });
  }
  if (answer.status === 502)
    return new PrometheusError('PrometheusUnreachable', message, { retry });
  if (answer.status >= 500) return new PrometheusError('PrometheusOverloaded', message);
  return refused(answer, message);
}

function refused({ status, location, wantsTls }: ErrorAnswer, message: string): PrometheusError {
  if (status >= 300 && status < 400) {
    return new PrometheusError('PrometheusRefused', `${message}${pointsTo(location)}`);
  }
  if (!wantsTls) return new PrometheusError('PrometheusRefused', message);
  const what = `${message}: it was called without TLS`;
  return new PrometheusError('PrometheusRefused', what, { todo: WRITE_HTTPS });
}

/** Without its query and its user, which may hold secrets; a path alone is one of the same server. */
function pointsTo(location: string | undefined): string {
  const notFollowed = 'redirects are not followed: credentials are for one server';
  if (location === undefined) return ` (${notFollowed})`;
  const isWhole = URL.canParse(location);
  const { protocol, host, pathname } = new URL(location, 'http://same');
  const where = shortText(isWhole ? `${protocol}//${host}${pathname}` : pathname);
  return `, which points to ${where} (${notFollowed}; if that is the right one, state it as the URL)`;
}

function isTimeout({ status, errorType }: ErrorAnswer): boolean {
  return status === 408 || status === 504 || errorType === 'timeout';
}

/** Codes of a connection that ended or could not be made, though the next one may. */
const CONNECTION_CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** Codes of an answer that does not begin as one of HTTP does. */
const NO_HTTP = new Set(['HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION', 'HPE_INVALID_STATUS']);

/**
 * Classifies a call without a whole answer. The error of the network library is not kept as a cause: it carries
 * the URL and the headers, so credentials, into whatever prints it.
 */
export function failureOfTransport(error: unknown): PrometheusError {
  const code = codeOf(error);
  if (isTooLong(error)) {
    const message = 'Prometheus answered more than one answer may hold';
    return new PrometheusError('PrometheusOverloaded', message, { tooLarge: true });
  }
  if (code === 'ETIMEDOUT' || code === 'ECONNABORTED') {
    return new PrometheusError('PrometheusTimeout', 'Prometheus did not answer in time');
  }
  if (NO_HTTP.has(code)) {
    const message = 'Prometheus answered what is not HTTP';
    return new PrometheusError('PrometheusAnswerInvalid', message, { todo: WRITE_HTTPS });
  }
  if (isCutShort(error, code)) return invalidAnswer('a body that was cut short');
  return unreachable(error, code);
}

function unreachable(error: unknown, code: string): PrometheusError {
  const ofTls = tlsFailureOf(code, error instanceof Error ? error.message : '');
  const why = ofTls === undefined ? plainReason(code) : `${ofTls.what} (${code})`;
  const resetTodo = isReset(code) && isWithoutTls(error) ? WRITE_HTTPS : undefined;
  return new PrometheusError('PrometheusUnreachable', `Prometheus cannot be reached: ${why}`, {
    retry: CONNECTION_CODES.has(code) ? { afterSeconds: undefined } : undefined,
    todo: ofTls?.todo ?? resetTodo,
  });
}

function isReset(code: string): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function isWithoutTls(error: unknown): boolean {
  return error instanceof AxiosError && error.config?.url?.startsWith('http:') === true;
}

function codeOf(error: unknown): string {
  const cause = error instanceof AxiosError ? (error.cause ?? error) : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (typeof code === 'string') return code;
  return error instanceof AxiosError ? (error.code ?? '') : '';
}

function isTooLong(error: unknown): boolean {
  return error instanceof AxiosError && error.message.includes('maxContentLength');
}

/** Headers came, then the body ended early or could not be unpacked. */
function isCutShort(error: unknown, code: string): boolean {
  if (code.startsWith('Z_') || code === 'ERR_STREAM_PREMATURE_CLOSE') return true;
  return (
    code.startsWith('HPE_') || (error instanceof AxiosError && error.message.includes('aborted'))
  );
}

/** Codes are safe to show; messages of the network library may hold the address with its query. */
function plainReason(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection was refused';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was reset';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its host name is not known';
    case '':
      return 'the call failed';
    default:
      return code;
  }
}
