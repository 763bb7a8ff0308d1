import type { Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { failureOfAnswer, failureOfTransport } from './failure.ts';
import { invalidAnswer, PrometheusError } from './prometheuserror.ts';
import { headerOf, retryAfterHeader, secondsAhead } from './headers.ts';
import type { PrometheusOptions } from './options.ts';
import { createFence, matchersOf } from './tenancy.ts';
import { wantsTls } from './tlsfailure.ts';
import type { Attempt, Transport } from './transport.ts';

/** 14 days of 500 containers take about 100 MB; an answer that goes on and on is cut here. */
const DEFAULT_MAX_STREAM_BYTES = 1024 * 1024 * 1024;
const LONGEST_ERROR_BYTES = 4096;
/** So much has to come within each deadline, or the end: byte by byte an answer could hold its call for ever. */
const LEAST_KIB = 64;

export interface StreamOptions extends PrometheusOptions {
  /** A longer stream is cut; 1 GiB unless set. */
  readonly maxStreamBytes?: number | undefined;
}

interface StreamCall {
  /** After `api/v1/`. */
  readonly path: string;
  /** What is asked for, as texts: one that lacks a matcher that every one must have is not sent. */
  readonly selectors: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Buffer | URLSearchParams;
  /** Throws for an answer of another kind than the one that was asked for. */
  readonly checkKind: (contentType: string) => void;
  /** Takes the body as it arrives; a part is lent until it returns, and no other comes before a promise of it is kept. */
  readonly take: (part: Uint8Array) => Promise<void> | undefined;
  /** Samples that were taken so far, for the budget of samples; not counted unless given. */
  readonly samples?: () => number;
  /** Called when the body has come whole. What it throws is a failure of the call, so it counts as one. */
  readonly end?: (body: WholeBody) => Promise<void> | undefined;
}

/** What is to be known of an answer to read its body as a whole. */
export interface WholeBody {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  /** Takes secrets out of what the server says, before it is cut. */
  readonly redact: (text: string) => string;
}

/** What came of one call. */
export interface Streamed {
  readonly bytes: number;
  /** See `Answer`. */
  readonly aheadSeconds: number | undefined;
}

/** Calls whose answers are taken while they arrive. */
export interface StreamClient {
  /** Asks once, without trying again. Rejects with a PrometheusError, after parts may have been taken, or on abort. */
  post(call: StreamCall, signal: AbortSignal): Promise<Streamed>;
}

/** Calls through the transport, in which they share budgets with others. */
export function createStreamClient(options: StreamOptions, transport: Transport): StreamClient {
  const fence = createFence(matchersOf(options));
  const caller: Caller = {
    options,
    http: axios.create({
      maxRedirects: 0,
      responseType: 'stream',
      // Chunks are packed already; what is packed again might unpack to anything.
      decompress: false,
      maxContentLength: Infinity,
      validateStatus: () => true,
    }),
  };
  return {
    async post(call, signal) {
      call.selectors.forEach(fence);
      return transport.attempt({ kind: 'stream', signal }, (attempt) =>
        postOnce({ ...caller, attempt }, call, signal),
      );
    },
  };
}

interface Caller {
  readonly options: StreamOptions;
  readonly http: AxiosInstance;
}

interface Calling extends Caller {
  readonly attempt: Attempt;
}

async function postOnce(caller: Calling, call: StreamCall, signal: AbortSignal): Promise<Streamed> {
  const { timeoutSeconds, meter } = caller.attempt;
  const idle = idleTimer(timeoutSeconds);
  const counter = { bytes: 0, hasBegun: false };
  try {
    const response = await send(caller, call, AbortSignal.any([signal, idle.signal]));
    counter.hasBegun = true;
    // Its `Date` is of now, however long the body takes.
    const beganMs = Date.now();
    const aheadSeconds = secondsAhead(response, { afterMs: beganMs, beforeMs: beganMs });
    idle.restart();
    meter.began();
    await receive(caller, response, { call, idle, counter });
    return { bytes: counter.bytes, aheadSeconds };
  } catch (error) {
    signal.throwIfAborted();
    throw idle.signal.aborted
      ? tooSlow(timeoutSeconds, counter.hasBegun)
      : failureOf(error, counter.hasBegun);
  } finally {
    idle.stop();
  }
}

async function send(
  { attempt: { connection }, http }: Calling,
  { path, headers, data }: StreamCall,
  signal: AbortSignal,
): Promise<AxiosResponse<Readable>> {
  const opened = await connection.open(path, signal);
  return http.request<Readable>({
    method: 'POST',
    url: opened.url,
    headers: { ...opened.headers, 'accept-encoding': 'identity', ...headers },
    ...opened.agents,
    proxy: opened.proxy,
    data,
    signal,
  });
}

interface Receiver {
  readonly call: StreamCall;
  readonly idle: IdleTimer;
  readonly counter: { bytes: number };
}

async function receive(
  { options, attempt }: Calling,
  response: AxiosResponse<Readable>,
  { call, idle, counter }: Receiver,
): Promise<void> {
  const body = response.data;
  try {
    if (response.status !== 200) throw await failureOfStatus(response, attempt);
    checkHeaders(response, call);
    const most = options.maxStreamBytes ?? DEFAULT_MAX_STREAM_BYTES;
    let sinceRestart = 0;
    let counted = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      counter.bytes += part.length;
      if (counter.bytes > most) {
        const message = `Prometheus answered more than ${most} bytes`;
        throw new PrometheusError('PrometheusOverloaded', message, { tooLarge: true });
      }
      const taken = call.take(part);
      if (taken !== undefined) await idle.pausedFor(taken);
      const samples = samplesOf(call);
      attempt.meter.took(part.length, samples - counted);
      counted = samples;
      sinceRestart += part.length;
      giveBack(part);
      if (sinceRestart < LEAST_KIB * 1024) continue;
      sinceRestart = 0;
      idle.restart();
    }
    const ended = call.end?.({
      status: response.status,
      retryAfterSeconds: retryAfterHeader(response, Date.now()),
      redact: (text) => attempt.connection.redact(text),
    });
    if (ended !== undefined) await idle.pausedFor(ended);
    attempt.meter.took(0, samplesOf(call) - counted);
  } finally {
    // Nobody reads the rest; a body that was read to its end gives its socket back.
    body.destroy();
  }
}

/**
 * Gives the memory of a part back at once, which is empty then: hundreds would pile up until garbage is collected. A part
 * that shares its memory with others is left alone.
 */
function giveBack(part: Buffer): void {
  const { buffer, byteLength } = part;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function checkHeaders(response: AxiosResponse, call: StreamCall): void {
  call.checkKind(headerOf(response, 'content-type') ?? '');
  const packing = headerOf(response, 'content-encoding') ?? 'identity';
  if (packing !== 'identity') throw invalidAnswer('a stream that is packed');
}

function samplesOf({ samples }: StreamCall): number {
  return samples?.() ?? 0;
}

async function failureOfStatus(
  response: AxiosResponse<Readable>,
  { connection }: Attempt,
): Promise<PrometheusError> {
  let begin = Buffer.alloc(0);
  for await (const part of response.data as AsyncIterable<Buffer>) {
    begin = Buffer.concat([begin, part]);
    if (begin.length > LONGEST_ERROR_BYTES) break;
  }
  const body = begin.toString('utf8', 0, LONGEST_ERROR_BYTES);
  const kind = headerOf(response, 'content-type') ?? '';
  return failureOfAnswer({
    status: response.status,
    error: connection.redact(errorIn(kind, body)),
    errorType: '',
    retryAfterSeconds: retryAfterHeader(response, Date.now()),
    location: connection.redact(headerOf(response, 'location') ?? '') || undefined,
    wantsTls: wantsTls(body),
  });
}

/** Prometheus' own words come in JSON or, of a remote read, plain; a page in HTML is of something in between. */
function errorIn(kind: string, body: string): string {
  if (kind.startsWith('text/plain')) return body;
  if (!kind.startsWith('application/json')) return '';
  // The body may be cut, so that it is no JSON as a whole.
  const escaped = /"error"\s*:\s*"((?:[^"\\]|\\.)*)/.exec(body)?.[1] ?? '';
  try {
    return String(JSON.parse(`"${escaped}"`));
  } catch {
    return escaped;
  }
}

function tooSlow(seconds: number, hasBegun: boolean): PrometheusError {
  const what = hasBegun ? `less than ${LEAST_KIB} KiB` : 'nothing';
  return new PrometheusError('PrometheusTimeout', `Prometheus sent ${what} for ${seconds} s`);
}

/** A connection that ends within an answer is a broken answer: asked again, it would perhaps end there again. */
function failureOf(error: unknown, hasBegun: boolean): unknown {
  if (error instanceof PrometheusError || !isNetworkError(error)) return error;
  return hasBegun ? invalidAnswer('a body that was cut short') : failureOfTransport(error);
}

function isNetworkError(error: unknown): boolean {
  return axios.isAxiosError(error) || (error instanceof Error && 'code' in error);
}

interface IdleTimer {
  readonly signal: AbortSignal;
  restart(): void;
  /** What we take time for is not the server's; begins anew then. */
  pausedFor(own: Promise<void>): Promise<void>;
  stop(): void;
}

/** Aborts when it was not restarted for so long. */
function idleTimer(seconds: number): IdleTimer {
  const controller = new AbortController();
  const start = () => setTimeout(() => controller.abort(), seconds * 1000);
  let timer = start();
  return {
    signal: controller.signal,
    restart: () => timer.refresh(),
    async pausedFor(own) {
      clearTimeout(timer);
      await own;
      timer = start();
    },
    stop: () => clearTimeout(timer),
  };
}
