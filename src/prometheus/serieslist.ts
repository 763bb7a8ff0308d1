import { parseEnvelope, type Answer } from './answer.ts';
import { invalidAnswer, PrometheusError } from './prometheuserror.ts';
import { withRetries } from './retry.ts';
import type { StreamClient, WholeBody } from './stream.ts';

/** Labels of a series, with its name as `__name__`. */
type SeriesLabels = Readonly<Record<string, string>>;

interface Window {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** The series that there are, from the index alone: no sample is looked at, so that long windows cost as much as short ones. */
export interface SeriesLister {
  /**
   * Series that any of the selectors matches, of the window and perhaps somewhat longer. Rejects with a
   * PrometheusError, or on abort.
   */
  list(
    selectors: readonly string[],
    window: Window,
    signal: AbortSignal,
  ): Promise<Answer<readonly SeriesLabels[]>>;
}

/** About 100,000 series. */
const MOST_BYTES = 64 * 1024 * 1024;

export function createSeriesLister(client: StreamClient): SeriesLister {
  return {
    list: (selectors, window, signal) =>
      withRetries(() => listOnce(client, { selectors, window }, signal), signal),
  };
}

async function listOnce(
  client: StreamClient,
  question: { readonly selectors: readonly string[]; readonly window: Window },
  signal: AbortSignal,
): Promise<Answer<readonly SeriesLabels[]>> {
  const parts: Buffer[] = [];
  let bytes = 0;
  let listed: Listed = { data: [], warnings: [] };
  const { serverSeconds } = await client.post(
    {
      path: 'series',
      selectors: question.selectors,
      headers: {},
      data: formOf(question),
      checkKind: () => undefined,
      take: (part) => {
        bytes += part.length;
        if (bytes > MOST_BYTES) throw tooMany();
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
  return { ...listed, serverSeconds };
}

type Listed = Pick<Answer<readonly SeriesLabels[]>, 'data' | 'warnings'>;

function parseList(body: Buffer, answer: WholeBody): Listed {
  const { data, warnings } = parseEnvelope({ ...answer, body: body.toString('utf8') });
  return { data: labelsOf(data), warnings };
}

function formOf({
  selectors,
  window,
}: {
  readonly selectors: readonly string[];
  readonly window: Window;
}): URLSearchParams {
  const form = new URLSearchParams();
  for (const selector of selectors) form.append('match[]', selector);
  form.set('start', String(window.fromSeconds));
  form.set('end', String(window.toSeconds));
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
