import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import {
  labelValuesOf,
  parseEnvelope,
  seriesOf,
  type Answer,
  type AnswerSeries,
} from './answer.ts';
import { createConnection, type Connection } from './connection.ts';
import { failureOfTransport, PrometheusError } from './failure.ts';
import type { PrometheusOptions } from './options.ts';
import { withRetries } from './retry.ts';

const DEFAULT_TIMEOUT_SECONDS = 60;
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
  close(): void;
}

interface LabelCall {
  readonly label: string;
  readonly selectors: readonly string[];
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly parameters: URLSearchParams;
}

/** Throws for options that can never work, such as a URL that is none. */
export function createPrometheusClient(options: PrometheusOptions): PrometheusClient {
  const connection = createConnection(options);
  const caller: Caller = {
    options,
    connection,
    timeoutSeconds: options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    http: axios.create({
      maxRedirects: 0,
      maxContentLength: options.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES,
      // The environment's proxy would see tokens that are meant for one server.
      proxy: false,
      responseType: 'text',
      transformResponse: [(body: unknown): unknown => body],
      validateStatus: () => true,
    }),
  };
  return {
    async range({ query, startSeconds, endSeconds, stepSeconds }, signal) {
      const parameters = queryParameters(caller, query);
      parameters.set('start', String(startSeconds));
      parameters.set('end', String(endSeconds));
      parameters.set('step', String(stepSeconds));
      const answer = await ask(caller, { method: 'POST', path: 'query_range', parameters }, signal);
      return { ...answer, data: seriesOf(answer.data, 'matrix') };
    },
    async instant(query, timeSeconds, signal) {
      const answer = await ask(caller, queryCall(caller, query, timeSeconds), signal);
      return { ...answer, data: seriesOf(answer.data, 'vector') };
    },
    async samples(query, timeSeconds, signal) {
      const answer = await ask(caller, queryCall(caller, query, timeSeconds), signal);
      return { ...answer, data: seriesOf(answer.data, 'matrix') };
    },
    async labelValues({ label, selectors, fromSeconds, toSeconds }, signal) {
      const parameters = new URLSearchParams();
      for (const selector of selectors) parameters.append('match[]', selector);
      parameters.set('start', String(fromSeconds));
      parameters.set('end', String(toSeconds));
      const path = `label/${encodeURIComponent(label)}/values`;
      const answer = await ask(caller, { method: 'GET', path, parameters }, signal);
      return { ...answer, data: labelValuesOf(answer.data) };
    },
    close: () => connection.close(),
  };
}

interface Caller {
  readonly options: PrometheusOptions;
  readonly connection: Connection;
  readonly http: AxiosInstance;
  readonly timeoutSeconds: number;
}

/** The server gives up when we do: nobody would read its answer. */
function queryParameters(caller: Caller, query: string): URLSearchParams {
  return new URLSearchParams({ query, timeout: `${caller.timeoutSeconds}s` });
}

function queryCall(caller: Caller, query: string, timeSeconds: number): HttpCall {
  const parameters = queryParameters(caller, query);
  parameters.set('time', String(timeSeconds));
  return { method: 'POST', path: 'query', parameters };
}

function ask(caller: Caller, call: HttpCall, signal: AbortSignal): Promise<Answer<unknown>> {
  return withRetries(() => askOnce(caller, call, signal), signal);
}

async function askOnce(
  caller: Caller,
  call: HttpCall,
  signal: AbortSignal,
): Promise<Answer<unknown>> {
  const started = performance.now();
  const report = (bytes: number, outcome: 'Ok' | PrometheusError['reason']): void =>
    caller.options.onCall?.({ seconds: (performance.now() - started) / 1000, bytes, outcome });
  let bytes = 0;
  try {
    const response = await send(caller, call, signal);
    bytes = response.data.length;
    const envelope = parseEnvelope({
      status: response.status,
      body: response.data,
      retryAfterSeconds: retryAfter(headerOf(response, 'retry-after'), Date.now()),
    });
    report(bytes, 'Ok');
    return { ...envelope, serverSeconds: dateSeconds(headerOf(response, 'date')) };
  } catch (error) {
    if (error instanceof PrometheusError) report(bytes, error.reason);
    throw error;
  }
}

async function send(
  caller: Caller,
  call: HttpCall,
  signal: AbortSignal,
): Promise<AxiosResponse<string>> {
  const deadline = AbortSignal.timeout(caller.timeoutSeconds * 1000);
  const both = AbortSignal.any([signal, deadline]);
  try {
    const { url, headers, agents } = await caller.connection.open(call.path, both);
    return await caller.http.request<string>({
      method: call.method,
      url,
      headers,
      ...agents,
      ...(call.method === 'POST' ? { data: call.parameters } : { params: call.parameters }),
      signal: both,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PrometheusError) throw error;
    if (deadline.aborted) {
      const message = `Prometheus did not answer within ${caller.timeoutSeconds} s`;
      throw new PrometheusError('PrometheusTimeout', message);
    }
    throw failureOfTransport(error);
  }
}

function headerOf(response: AxiosResponse, name: string): string | undefined {
  const value: unknown = response.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Seconds to wait as `Retry-After` names them, as a number or as a date; undefined without a usable one. */
function retryAfter(header: string | undefined, nowMilliseconds: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - nowMilliseconds) / 1000);
}

function dateSeconds(header: string | undefined): number | undefined {
  const date = header === undefined ? NaN : Date.parse(header);
  return Number.isNaN(date) ? undefined : date / 1000;
}
