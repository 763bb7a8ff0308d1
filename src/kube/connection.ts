import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';
import { Credentials, type Access } from './credentials.ts';
import { Agents, type Lane } from './agents.ts';
import { isFenced, WriteFence, type MayWrite, type UnderWay } from './fence.ts';
import { KubeError, answerError, isKubeError, statusFacts, transportError } from './errors.ts';
import { lines } from './lines.ts';
import { RateLimiter, type RateLimit } from './rate.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface KubeCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Starts with `/api/` or `/apis/`; names in it are escaped by `objectPath`. */
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  /** Of the body; `application/json` unless stated. */
  readonly contentType?: string;
  readonly accept?: string;
  /** For one attempt, from sending to the last byte; 30 s unless stated. */
  readonly deadlineMs?: number;
  /** A write that is sent is not aborted any more, since the server may do it all the same. */
  readonly signal?: AbortSignal | undefined;
  /** `Never`: the caller has a backoff of its own. Unless stated, 429, 503 and a dropped GET are retried. */
  readonly retry?: 'Never';
  /** `Lease` has a socket of its own and passes the rate limit, so that load cannot cost the leadership. */
  readonly lane?: 'Ordinary' | 'Lease';
  /** Goes before others that wait for the rate limit: somebody is in need. */
  readonly isUrgent?: boolean;
}

export interface KubeStream {
  readonly path: string;
  readonly query?: Query | undefined;
  readonly accept?: string;
  /** Longest time without a byte, from the request on; then the stream fails with Timeout. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

interface ConnectionOptions {
  /** Of ordinary calls and watches together; 20 a second, bursts of 40, unless stated. */
  readonly rateLimit?: RateLimit;
  /** Asked before each write, and again right before it goes out; always unless stated. */
  readonly mayWrite?: MayWrite;
}

const DEADLINE_MS = 30_000;
const STREAM_START_MS = 30_000;
const RETRIES = 3;
const RETRY_WAIT_MS = 250;
/** A server may ask for more; then the caller gets the error and waits in its own way. */
const LONGEST_RETRY_WAIT_MS = 10_000;

/** Calls to one API server as one user, over a few kept-alive sockets. Every error is a KubeError. */
export class KubeConnection {
  readonly #credentials: Credentials;
  readonly #agents = new Agents();
  readonly #limiter: RateLimiter;
  readonly #fence: WriteFence;

  /** `load` is called at once, and again when the server no longer accepts the credentials. Throws what it throws. */
  constructor(load: () => KubeConfig, options: ConnectionOptions = {}) {
    this.#credentials = new Credentials(load);
    this.#limiter = new RateLimiter(options.rateLimit ?? { perSecond: 20, burst: 40 });
    this.#fence = new WriteFence(options.mayWrite ?? (() => true));
  }

  /** Whether a write in one of these namespaces is on its way, or may still be done. */
  isWriting(within: (namespace: string | undefined) => boolean): boolean {
    return this.#fence.isWriting(within);
  }

  /** The parsed JSON of the answer; undefined for an empty one. */
  async request(call: KubeCall): Promise<unknown> {
    const underWay = this.#fence.enter(call, call.deadlineMs ?? DEADLINE_MS);
    let isKnown = true;
    try {
      return await this.#tries(call, underWay);
    } catch (thrown) {
      isKnown = !(thrown instanceof KubeError) || isOutcomeKnown(thrown);
      throw thrown;
    } finally {
      underWay.ended(isKnown);
    }
  }

  /** Resolves when no write is on its way, and none may still be done. */
  async quiet(): Promise<void> {
    await this.#fence.quiet();
  }

  async #tries(call: KubeCall, underWay: UnderWay): Promise<unknown> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt(call, underWay);
      } catch (thrown) {
        const error = transportError(nameOf(call), thrown);
        const waitMs = this.#retryWaitMs(call, error, attempt);
        if (waitMs === undefined) throw error;
        await pause(call, waitMs);
      }
    }
  }

  /** Opens a stream of lines, such as a watch; the lines throw a KubeError when it breaks. */
  async stream(stream: KubeStream): Promise<AsyncIterable<string>> {
    const what = `WATCH ${stream.path}`;
    const { signal, silenceMs: bodyTimeout } = stream;
    const headersTimeout = Math.min(STREAM_START_MS, bodyTimeout);
    try {
      await this.#limiter.take(signal);
      const answer = await this.#send(
        'Watch',
        { ...stream, method: 'GET' },
        { signal, bodyTimeout, headersTimeout },
      );
      if (answer.statusCode >= 400) throw await this.#refusal(what, answer);
      return lines(what, answer.body);
    } catch (thrown) {
      const error = abortedOr(what, thrown, signal);
      if (error.kind === 'Unauthorized') this.#credentials.refresh();
      throw error;
    }
  }

  /** Ends every socket at once, so stop what uses it before: calls and streams under way fail. */
  async close(): Promise<void> {
    await this.#agents.destroy();
  }

  async #attempt(call: KubeCall, underWay: UnderWay): Promise<unknown> {
    const lane = call.lane ?? 'Ordinary';
    const what = nameOf(call);
    let abort = call.signal;
    try {
      if (lane === 'Ordinary') await this.#limiter.take(abort, call.isUrgent);
      const deadline = AbortSignal.timeout(call.deadlineMs ?? DEADLINE_MS);
      const onSend = (): void => {
        abort?.throwIfAborted();
        if (isFenced(call)) abort = undefined;
        underWay.sent();
      };
      const limits = { signal: signalOf(call, deadline) };
      const answer = await this.#send(lane, call, limits, onSend);
      if (answer.statusCode >= 400) throw await this.#refusal(what, answer);
      return parseAnswer(what, answer.statusCode, await answer.body.text());
    } catch (thrown) {
      throw abortedOr(what, thrown, abort);
    }
  }

  async #send(
    lane: Lane,
    call: Omit<KubeCall, 'signal'>,
    limits: Pick<Dispatcher.RequestOptions, 'signal' | 'bodyTimeout' | 'headersTimeout'>,
    onSend: () => void = () => undefined,
  ): Promise<Dispatcher.ResponseData> {
    const access = await this.#credentials.current();
    this.#fence.check(call);
    onSend();
    return this.#agents.of(access, lane).request({
      ...limits,
      origin: access.server.origin,
      path: urlPath(access.server, call),
      method: call.method,
      headers: headersOf(access, call),
      body: call.body === undefined ? null : JSON.stringify(call.body),
    });
  }

  async #refusal(what: string, answer: Dispatcher.ResponseData): Promise<KubeError> {
    const facts = statusFacts(answer.statusCode, await answer.body.text());
    const retryAfter = answer.headers['retry-after'];
    return answerError(what, facts, typeof retryAfter === 'string' ? retryAfter : undefined);
  }

  /** How long to wait before another attempt; undefined for none. */
  #retryWaitMs(call: KubeCall, error: KubeError, attempt: number): number | undefined {
    if (error.kind === 'Unauthorized') {
      return attempt === 0 && this.#credentials.refresh() ? 0 : undefined;
    }
    if (call.retry === 'Never' || attempt >= RETRIES) return undefined;
    return error.kind === 'TooManyRequests' || error.status === 503
      ? overloadWaitMs(error, attempt)
      : droppedWaitMs(call, error, attempt);
  }
}

function overloadWaitMs(error: KubeError, attempt: number): number | undefined {
  if (error.retryAfterSeconds === undefined) return RETRY_WAIT_MS * 2 ** attempt;
  const waitMs = error.retryAfterSeconds * 1000;
  return waitMs <= LONGEST_RETRY_WAIT_MS ? waitMs : undefined;
}

/** A kept-alive socket that the server had just closed; only reading is sure to be harmless twice. */
function droppedWaitMs(call: KubeCall, error: KubeError, attempt: number): number | undefined {
  return error.kind === 'Unreachable' && call.method === 'GET' && attempt === 0 ? 0 : undefined;
}

/** The server may do a write that was cut off, and nobody would know. */
function signalOf(call: KubeCall, deadline: AbortSignal): AbortSignal {
  return call.signal === undefined || isFenced(call)
    ? deadline
    : AbortSignal.any([call.signal, deadline]);
}

/** Whether the server said what became of the call, or no connection came about. */
function isOutcomeKnown({ kind, status, cause }: KubeError): boolean {
  // In its own words: it did not end in time.
  if (status === GATEWAY_TIMEOUT) return false;
  if (kind !== 'Unreachable' && kind !== 'Timeout') return true;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && NO_CONNECTION.has(code);
}

const GATEWAY_TIMEOUT = 504;
const NO_CONNECTION = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function nameOf(call: KubeCall): string {
  return `${call.method} ${call.path}`;
}

function urlPath(server: URL, { path, query = {} }: Pick<KubeCall, 'path' | 'query'>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  // A server behind a gateway, such as Rancher's, has a path of its own.
  const prefix = server.pathname.replace(/\/$/, '');
  return `${prefix}${path}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`;
}

function headersOf(
  access: Access,
  call: Omit<KubeCall, 'signal'>,
): Readonly<Record<string, string>> {
  return {
    ...access.headers,
    'user-agent': 'rightsize',
    accept: call.accept ?? 'application/json',
    ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
  };
}

function parseAnswer(what: string, status: number, body: string): unknown {
  if (body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new KubeError('AnswerInvalid', `${what}: the answer is not JSON`, { status, cause });
  }
}

/** What the caller aborted is Aborted, whatever error the abort showed up as. */
function abortedOr(what: string, thrown: unknown, signal: AbortSignal | undefined): KubeError {
  if (signal?.aborted !== true || isKubeError(thrown, 'Aborted'))
    return transportError(what, thrown);
  return new KubeError('Aborted', `${what}: aborted`, { cause: thrown });
}

async function pause(call: KubeCall, waitMs: number): Promise<void> {
  try {
    await sleep(waitMs, undefined, call.signal === undefined ? {} : { signal: call.signal });
  } catch (thrown) {
    throw abortedOr(nameOf(call), thrown, call.signal);
  }
}
