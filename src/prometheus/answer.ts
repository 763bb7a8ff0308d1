import { failureOfAnswer } from './failure.ts';
import { invalidAnswer } from './prometheuserror.ts';
import { wantsTls } from './tlsfailure.ts';

/** One series of an answer: its labels and its samples as Prometheus writes them. */
export interface AnswerSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** `[unix seconds, "value"]`; a value may read NaN or +Inf. */
  readonly samples: readonly (readonly [number, string])[];
}

export interface Answer<T> {
  readonly data: T;
  /** What the server says that its answer may lack. */
  readonly warnings: readonly string[];
  /** By how much the server's clock is ahead of ours, negative where it is behind; undefined where it did not say. */
  readonly aheadSeconds: number | undefined;
  /** How long the budgets held the question back; left out where that does not count. */
  readonly heldSeconds?: number;
}

interface RawAnswer {
  readonly status: number;
  readonly body: string;
  readonly retryAfterSeconds: number | undefined;
  /** Where a redirect points. */
  readonly location?: string | undefined;
  /** Takes secrets out of what the server says, before it is cut. */
  readonly redact?: (text: string) => string;
}

/** The `data` and `warnings` of a good answer. Throws a PrometheusError for every other one. */
export function parseEnvelope(raw: RawAnswer): {
  readonly data: unknown;
  readonly warnings: readonly string[];
} {
  const { redact = (text: string) => text } = raw;
  const isGood = raw.status >= 200 && raw.status < 300;
  const envelope = parseObject(raw.body, isGood);
  if (!isGood || envelope['status'] === 'error') {
    throw failureOfAnswer({
      status: raw.status,
      error: redact(textOf(envelope['error'])),
      errorType: textOf(envelope['errorType']),
      retryAfterSeconds: raw.retryAfterSeconds,
      location: raw.location === undefined ? undefined : redact(raw.location),
      wantsTls: wantsTls(raw.body),
    });
  }
  if (envelope['status'] !== 'success') throw invalidAnswer('JSON without "status": "success"');
  const warnings: unknown = envelope['warnings'] ?? [];
  if (!isStrings(warnings)) throw invalidAnswer('"warnings" that are not a list of texts');
  return { data: envelope['data'], warnings: warnings.map(redact) };
}

/** The body of a failed call may be anything, so it need not parse; that of a good one must. */
function parseObject(body: string, mustParse: boolean): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body);
    if (isRecord(parsed)) return parsed;
  } catch (cause) {
    if (mustParse) throw invalidAnswer('a body that is not JSON', cause);
  }
  if (mustParse) throw invalidAnswer('JSON that is not an object');
  return {};
}

/** Reads `data` of `query_range` and `query`. */
export function seriesOf(data: unknown, resultType: 'matrix' | 'vector'): readonly AnswerSeries[] {
  if (!isRecord(data) || data['resultType'] !== resultType || !Array.isArray(data['result'])) {
    throw invalidAnswer(`a result that is not a ${resultType}`);
  }
  const result: readonly unknown[] = data['result'];
  return result.map((item) => oneSeries(item, resultType));
}

function oneSeries(item: unknown, resultType: 'matrix' | 'vector'): AnswerSeries {
  if (!isRecord(item) || !isLabels(item['metric'])) {
    throw invalidAnswer('a series without labels');
  }
  // Native histograms come beside `values`; none of our queries asks for one.
  const samples: unknown = resultType === 'matrix' ? (item['values'] ?? []) : [item['value']];
  if (!isSamples(samples)) throw invalidAnswer('samples that are not pairs of time and text');
  return { labels: item['metric'], samples };
}

export function samplesIn(series: readonly AnswerSeries[]): number {
  return series.reduce((sum, { samples }) => sum + samples.length, 0);
}

/** NaN and infinities come as text too; like a missing sample they are not taken. */
export function eachSample(
  series: AnswerSeries,
  take: (timeSeconds: number, value: number) => void,
): void {
  for (const [timeSeconds, text] of series.samples) {
    const value = parseFloat(text);
    if (Number.isFinite(value)) take(timeSeconds, value);
    else if (!/^(NaN|[+-]?Inf)$/.test(text)) throw invalidAnswer('a sample that is not a number');
  }
}

/** Reads `data` of `label/…/values`. */
export function labelValuesOf(data: unknown): readonly string[] {
  if (!isStrings(data)) throw invalidAnswer('label values that are not a list of texts');
  return data;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isLabels(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
}

function isSamples(value: unknown): value is readonly (readonly [number, string])[] {
  return Array.isArray(value) && value.every(isSample);
}

function isSample(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === 'number' && typeof value[1] === 'string';
}
