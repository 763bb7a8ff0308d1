import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import {
  labelValuesOf,
  parseEnvelope,
  samplesIn,
  seriesOf,
  type Answer,
  type AnswerSeries,
} from './answer.ts';
import { failureOfTransport } from './failure.ts';
import { PrometheusError } from './prometheuserror.ts';
import { headerOf, retryAfterHeader, secondsAhead } from './headers.ts';
import type { CallKind, PrometheusOptions } from './options.ts';
import { withRetries } from './retry.ts';
import { createFence, matchersOf } from './tenancy.ts';
import type { Attempt, Transport } from './transport.ts';

/** Of the deadline: what a server may work on a query, so that its word still comes in time. */
const SERVER_SHARE = 0.9;
const DEFAULT_MAX_ANSWER_BYTES = 64 * 1024 * 1024;

interface RangeCall {
  readonly query: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly stepSeconds: number;
}

/** The calls of Prometheus' HTTP API that usage needs. Each rejects with a PrometheusError, or on abort. */
export interface PrometheusClient {
  range(call: RangeCall, signal: AbortSignal): Promise<Answer<readonly AnswerSeries[]>>;
  instant(
    query: string,
    timeSeconds: number,
    signal: AbortSignal,
  ): Promise<Answer<readonly AnswerSeries[]>>;
  /** Samples as they were scraped, of a range selector such as `up[3m]`; ranges end at the time. */
  samples(
    query: string,
    timeSeconds: number,
    signal: AbortSignal,
  ): Promise<Answer<readonly AnswerSeries[]>>;
  /** Values of a label over the series that the selectors match; from the index alone, so it is cheap. */
  labelValues(call: LabelCall, signal: AbortSignal): Promise<Answer<readonly string[]>>;
  /** What the server says of itself at `status/NAME`, such as `buildinfo`; not every server has each. */
  status(name: string, signal: AbortSignal): Promise<Answer<unknown>>;
}

interface LabelCall {
  readonly label: string;
  readonly selectors: readonly string[];
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

interface HttpCall {
  readonly kind: CallKind;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly parameters: URLSearchParams;
}

/**
 * Calls through the transport, in which they share budgets with others. Urgent ones go first, see `Governor`. A query
 * that lacks a matcher that every one must have rejects and is not sent.
 */
export function createPrometheusClient(
  options: PrometheusOptions,
  transport: Transport,
  isUrgent = false,
): PrometheusClient {
  const caller: Caller = {
    transport,
    isUrgent,
    fence: createFence(matchersOf(options)),
    http: axios.create({
      maxRedirects: 0,
      maxContentLength: options.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES,
      responseType: 'text',
      transformResponse: [(body: unknown): unknown => body],
      validateStatus: () => true,
    }),
  };
  return {
    range({ query, startSeconds, endSeconds, stepSeconds }, signal) {
      const parameters = new URLSearchParams({
        query,
        start: String(startSeconds),
        end: String(endSeconds),
        step: String(stepSeconds),
      });
      const call: HttpCall = { kind: 'range', method: 'POST', path: 'query_range', parameters };
      return askSeries(caller, call, 'matrix', signal);
    },
    instant: (query, timeSeconds, signal) =>
      askSeries(caller, queryCall('instant', query, timeSeconds), 'vector', signal),
    samples: (query, timeSeconds, signal) =>
      askSeries(caller, queryCall('samples', query, timeSeconds), 'matrix', signal),
    labelValues({ label, selectors, fromSeconds, toSeconds }, signal) {
      const parameters = new URLSearchParams();
      for (const selector of selectors) parameters.append('match[]', selector);
      parameters.set('start', String(fromSeconds));
      parameters.set('end', String(toSeconds));
      const path = `label/${encodeURIComponent(label)}/values`;
      const call: HttpCall = { kind: 'labels', method: 'GET', path, parameters };
      return ask(caller, call, { parse: labelValuesOf }, signal);
    },
    status(name, signal) {
      const parameters = new URLSearchParams();
      const call: HttpCall = { kind: 'status', method: 'GET', path: `status/${name}`, parameters };
      return ask(caller, call, { parse: (data) => data }, signal);
    },
  };
}

interface Caller {
  readonly transport: Transport;
  readonly isUrgent: boolean;
  readonly fence: (query: string) => void;
  readonly http: AxiosInstance;
}

function queryCall(kind: CallKind, query: string, timeSeconds: number): HttpCall {
  const parameters = new URLSearchParams({ query, time: String(timeSeconds) });
  return { kind, method: 'POST', path: 'query', parameters };
}

function askSeries(
  caller: Caller,
  call: HttpCall,
  resultType: 'matrix' | 'vector',
  signal: AbortSignal,
): Promise<Answer<readonly AnswerSeries[]>> {
  const parse = (data: unknown): readonly AnswerSeries[] => seriesOf(data, resultType);
  return ask(caller, call, { parse, count: samplesIn }, signal);
}

interface Parser<T> {
  readonly parse: (data: unknown) => T;
  /** Samples of the answer. */
  readonly count?: (data: T) => number;
}

async function ask<T>(
  caller: Caller,
  call: HttpCall,
  { parse, count = () => 0 }: Parser<T>,
  signal: AbortSignal,
): Promise<Answer<T>> {
  const { kind, parameters } = call;
  for (const name of ['query', 'match[]']) parameters.getAll(name).forEach(caller.fence);
  const { isUrgent } = caller;
  return withRetries(
    () =>
      caller.transport.attempt({ kind, signal, isUrgent }, async (attempt) => {
        const answer = await askOnce(caller, call, attempt, signal);
        const data = parse(answer.data);
        attempt.meter.took(0, count(data));
        return { ...answer, data };
      }),
    signal,
  );
}

async function askOnce(
  caller: Caller,
  call: HttpCall,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Answer<unknown>> {
  const sentMs = Date.now();
  const response = await send(caller, call, attempt, signal);
  attempt.meter.took(response.data.length, 0);
  const envelope = parseEnvelope({
    status: response.status,
    body: response.data,
    retryAfterSeconds: retryAfterHeader(response, Date.now()),
    location: headerOf(response, 'location'),
    redact: (text) => attempt.connection.redact(text),
  });
  return {
    ...envelope,
    // When the answer began is not known here, and its body may have taken long.
    aheadSeconds: secondsAhead(response, { afterMs: sentMs, beforeMs: Date.now() }),
    heldSeconds: attempt.meter.waitedSeconds,
  };
}

async function send(
  { http }: Caller,
  call: HttpCall,
  { connection, timeoutSeconds }: Attempt,
  signal: AbortSignal,
): Promise<AxiosResponse<string>> {
  // Timers of Node take whole milliseconds.
  const deadline = AbortSignal.timeout(Math.ceil(timeoutSeconds * 1000));
  const both = AbortSignal.any([signal, deadline]);
  const { parameters } = call;
  // The server gives up shortly before we do: it says so then, and nobody would read its answer later.
  if (parameters.has('query')) {
    const milliseconds = Math.ceil(timeoutSeconds * 1000 * SERVER_SHARE);
    parameters.set('timeout', `${milliseconds}ms`);
  }
  try {
    const { url, headers, agents, proxy } = await connection.open(call.path, both);
    return await http.request<string>({
      method: call.method,
      url,
      headers,
      ...agents,
      proxy,
      ...(call.method === 'POST' ? { data: parameters } : { params: parameters }),
      signal: both,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PrometheusError) throw error;
    if (deadline.aborted) {
      const message = `Prometheus did not answer within ${timeoutSeconds} s`;
      throw new PrometheusError('PrometheusTimeout', message);
    }
    throw failureOfTransport(error);
  }
}
