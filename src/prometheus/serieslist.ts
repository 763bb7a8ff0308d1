import { parseEnvelope, type Answer } from './answer.ts';
import { invalidAnswer, PrometheusError } from './prometheuserror.ts';
import { withRetries } from './retry.ts';
import type { StreamClient, WholeBody } from './stream.ts';

/** Labels of a series, with its name as `__name__`. */
export type SeriesLabels = Readonly<Record<string, string>>;

interface SeriesQuestion {
  readonly selectors: readonly string[];
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** Of the answer; 64 MB unless given. */
  readonly mostBytes?: number;
}

/** The series that there are, from the index alone: no sample is looked at, so that long windows cost as much as short ones. */
export interface SeriesLister {
  /**
   * Series that any of the selectors matches, of the window and perhaps somewhat longer. Rejects with a
   * PrometheusError, or on abort.
   */
  list(question: SeriesQuestion, signal: AbortSignal): Promise<Answer<readonly SeriesLabels[]>>;
}

/** About 100,000 series of owners. */
const MOST_BYTES = 64 * 1024 * 1024;

export function createSeriesLister(client: StreamClient): SeriesLister {
  return {
    list: (question, signal) => withRetries(() => listOnce(client, question, signal), signal),
  };
}

async function listOnce(
  client: StreamClient,
  question: SeriesQuestion,
  signal: AbortSignal,
): Promise<Answer<readonly SeriesLabels[]>> {
  const { mostBytes = MOST_BYTES } = question;
  const parts: Buffer[] = [];
  let bytes = 0;
  let listed: Listed = { data: [], warnings: [] };
  const { aheadSeconds } = await client.post(
    {
      path: 'series',
      selectors: question.selectors,
      headers: {},
      data: formOf(question),
      checkKind: () => undefined,
      take: (part) => {
        bytes += part.length;
        if (bytes > mostBytes) throw tooMany();
        parts.push(Buffer.from(part));
        return undefined;
      },
      end: (answer) => {
        listed = parseList(Buffer.concat(parts), answer);
        return undefined;
      },
    },
    signal,
  );
  return { ...listed, aheadSeconds };
}

type Listed = Pick<Answer<readonly SeriesLabels[]>, 'data' | 'warnings'>;

function parseList(body: Buffer, answer: WholeBody): Listed {
  const { data, warnings } = parseEnvelope({ ...answer, body: body.toString('utf8') });
  return { data: labelsOf(data), warnings };
}

function formOf({ selectors, fromSeconds, toSeconds }: SeriesQuestion): URLSearchParams {
  const form = new URLSearchParams();
  for (const selector of selectors) form.append('match[]', selector);
  form.set('start', String(fromSeconds));
  form.set('end', String(toSeconds));
  return form;
}

function tooMany(): PrometheusError {
  const message = 'Prometheus answered more series than one answer may hold';
  return new PrometheusError('PrometheusOverloaded', message, { tooLarge: true });
}

function labelsOf(data: unknown): readonly SeriesLabels[] {
  if (!Array.isArray(data) || !data.every(isLabels)) {
    throw invalidAnswer('series that are not sets of labels');
  }
  return data;
}

function isLabels(item: unknown): item is SeriesLabels {
  return (
    typeof item === 'object' &&
    item !== null &&
    !Array.isArray(item) &&
    Object.values(item).every((value) => typeof value === 'string')
  );
}
