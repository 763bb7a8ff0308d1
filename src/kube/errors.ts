/** What became of a call, from a closed set: callers decide on it and metrics are labelled with it. */
export type KubeErrorKind =
  | 'NotFound'
  | 'NamespaceGone'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'Unauthorized'
  | 'Forbidden'
  | 'TooManyRequests'
  | 'ServerError'
  | 'Refused'
  | 'Unreachable'
  | 'Timeout'
  | 'Aborted'
  | 'AnswerInvalid'
  | 'CredentialsInvalid';

interface KubeErrorFacts {
  readonly status?: number | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly answer?: StatusFacts | undefined;
  readonly cause?: unknown;
}

/** The one error of this folder: `GET /api/v1/pods: Forbidden (403): pods is forbidden: …`. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly kind: KubeErrorKind;
  /** HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** How long the server asked to wait; undefined when it did not say. */
  readonly retryAfterSeconds: number | undefined;
  /** What the server said; undefined when no answer came, or none that could be read. */
  readonly answer: StatusFacts | undefined;

  constructor(kind: KubeErrorKind, message: string, facts: KubeErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.kind = kind;
    this.status = facts.status;
    this.retryAfterSeconds = facts.retryAfterSeconds;
    this.answer = facts.answer;
  }
}

/** A Kubernetes `Status` object, from an answer's body or from an ERROR event of a watch. */
export interface StatusFacts {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterSeconds: number | undefined;
  /** The namespace that the object was to be in is being deleted, or is not there. */
  readonly isNamespaceGone?: boolean;
  /** Of the object that it is about; empty where it says none. */
  readonly name?: string;
  readonly causes?: readonly StatusCause[];
}

/** One reason of several, with the field that it is about; what is not said is empty. */
interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

const MESSAGE_LIMIT = 500;

const KINDS: Readonly<Record<number, KubeErrorKind>> = {
  400: 'Invalid',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Gone',
  422: 'Invalid',
  429: 'TooManyRequests',
};

const LONGEST_REST_SECONDS = 3600;

/** Reads the parts of a `Status` that are there; a proxy's plain text becomes the message. */
export function statusFacts(code: number, body: string): StatusFacts {
  const parsed = parseObject(body);
  const details = parsed === undefined ? undefined : asObject(parsed['details']);
  const causes = causesOf(details);
  return {
    code,
    reason: textOr(parsed?.['reason'], ''),
    message: textOr(parsed?.['message'], parsed === undefined ? body.trim() : ''),
    retryAfterSeconds: restSeconds(details?.['retryAfterSeconds']),
    isNamespaceGone:
      code === 404
        ? details?.['kind'] === 'namespaces'
        : causes.some(({ reason }) => reason === 'NamespaceTerminating'),
    name: textOr(details?.['name'], ''),
    causes,
  };
}

function causesOf(details: Readonly<Record<string, unknown>> | undefined): readonly StatusCause[] {
  const causes: unknown = details?.['causes'];
  if (!Array.isArray(causes)) return [];
  return causes.map(asObject).map((cause) => ({
    reason: textOr(cause?.['reason'], ''),
    message: textOr(cause?.['message'], ''),
    field: textOr(cause?.['field'], ''),
  }));
}

/**
 * The error of an answer with status 400 or more. `what` is the method and the path, without the query.
 * `retryAfter` is the header's value: seconds; a date is not used by Kubernetes and counts as not said.
 */
export function answerError(what: string, facts: StatusFacts, retryAfter?: string): KubeError {
  const kind = kindOf(facts);
  const text = facts.message === '' ? '' : `: ${facts.message}`;
  return new KubeError(kind, cut(`${what}: ${kind} (${facts.code})${text}`), {
    status: facts.code,
    retryAfterSeconds: restSeconds(Number(retryAfter)) ?? facts.retryAfterSeconds,
    answer: facts,
  });
}

function kindOf({ code, reason, isNamespaceGone }: StatusFacts): KubeErrorKind {
  if (isNamespaceGone === true) return 'NamespaceGone';
  if (reason === 'AlreadyExists') return 'AlreadyExists';
  if (reason === 'Expired') return 'Gone';
  return KINDS[code] ?? (code >= 500 ? 'ServerError' : 'Refused');
}

const TIMEOUT_CODES = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/** The error of a call that got no whole answer: a socket error, a timeout of any layer, or an abort. */
export function transportError(what: string, cause: unknown): KubeError {
  if (cause instanceof KubeError) return cause;
  const { kind, text } = classify(cause);
  return new KubeError(kind, cut(`${what}: ${text}`), { cause });
}

function classify(cause: unknown): { kind: KubeErrorKind; text: string } {
  if (!(cause instanceof Error)) return { kind: 'Unreachable', text: String(cause) };
  if (cause.name === 'TimeoutError')
    return { kind: 'Timeout', text: 'no answer within the deadline' };
  if (cause.name === 'AbortError') return { kind: 'Aborted', text: 'aborted' };
  const code = codeOf(cause);
  // An AggregateError of all addresses of a host has an empty message and only a code.
  const text = cause.message === '' ? code : cause.message;
  return { kind: TIMEOUT_CODES.has(code) ? 'Timeout' : 'Unreachable', text };
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The error itself, or one that says what else was thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

export function isKubeError(
  thrown: unknown,
  ...kinds: readonly KubeErrorKind[]
): thrown is KubeError {
  return thrown instanceof KubeError && kinds.includes(thrown.kind);
}

function cut(message: string): string {
  return message.length <= MESSAGE_LIMIT ? message : `${message.slice(0, MESSAGE_LIMIT - 1)}…`;
}

function parseObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(body));
  } catch {
    // Not JSON, which is what the caller asked.
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

/**
 * For how long a server asks to be left alone; undefined where it does not say so in seconds. Of more than an hour, that
 * hour: a slip must not end a watch, and a timer that is set for over 24 days ends at once.
 */
export function restSeconds(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) return undefined;
  return Math.min(value, LONGEST_REST_SECONDS);
}
