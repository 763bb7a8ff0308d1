import type { Finding } from '../controller/finding.ts';
import type { UsageFailureReason } from '../controller/ports.ts';
import { createPrometheusClient, type PrometheusClient } from './client.ts';
import { shortText } from './failure.ts';
import { PrometheusError } from './prometheuserror.ts';
import { selectorOf } from './queries.ts';
import { checkData, type Checked } from './datacheckup.ts';
import { isUnfit, PROBED, PROBED_SECONDS, type ReaderChoice } from './readers.ts';
import { createSeriesLister, type SeriesLister } from './serieslist.ts';
import { createPrometheusSource, type SourceOptions } from './source.ts';
import { createStreamClient } from './stream.ts';
import { matchersOf } from './tenancy.ts';
import { createTransport } from './transport.ts';

/** Clocks that differ by more hold the reading of usage. */
const HELD_SKEW_SECONDS = 300;
const SMALL_SKEW_SECONDS = 10;

const REMEDIES: Readonly<Record<UsageFailureReason, string>> = {
  PrometheusUnreachable:
    'look at --prometheus-url, at DNS and at the NetworkPolicy; name a proxy with --prometheus-proxy',
  PrometheusRefused: 'look at tokens, tenant headers and the path of --prometheus-url',
  PrometheusTimeout: 'look at its load, or raise --prometheus-timeout',
  PrometheusOverloaded: 'look at its load and its limits',
  PrometheusAnswerInvalid: 'look for a login page, or a proxy that changes answers, in between',
  PrometheusPartialAnswer: 'bring back what does not answer behind it',
  PrometheusClockSkew: 'run NTP on both',
};

const MEND_FILE =
  'look at the path, and at who may read it; of a mounted Secret, at its name and its keys';

/**
 * Looks whether usage can be read as it has to be: access, reader, clock, metrics, history. Asks for single figures
 * only. Rejects on abort alone; throws for options that can never work.
 */
export async function checkPrometheus(
  options: SourceOptions,
  windowSeconds: number,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const transport = createTransport(options);
  const client = createPrometheusClient(options, transport);
  try {
    const reached = await checkReached(client, signal);
    if (reached.some(({ result }) => result === 'FAIL')) return reached;
    const checked: Checked = { client, matchers: matchersOf(options), windowSeconds, signal };
    const lister = createSeriesLister(createStreamClient(options, transport));
    return [
      ...reached,
      await checkBuild(client, signal),
      ...(await checkReader({ client, lister, options, signal })),
      await checkLimits(client, options, signal),
      ...(await checkData(checked)),
    ];
  } finally {
    transport.close();
  }
}

async function checkReached(
  client: PrometheusClient,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const started = Date.now();
  try {
    const { aheadSeconds, warnings } = await client.instant('vector(1)', started / 1000, signal);
    const found = `answers queries, in ${Date.now() - started} ms`;
    const reached: Finding = { area: 'Prometheus', check: 'reachable', result: 'OK', found };
    return [reached, clockFinding(aheadSeconds), ...partialFindings(warnings)];
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    const { reason, message } = error;
    const found = `${reason}: ${message}`;
    const todo = remedyOf(error);
    return [{ area: 'Prometheus', check: 'reachable', result: 'FAIL', found, todo }];
  }
}

function remedyOf({ reason, isOfOwnFile, todo }: PrometheusError): string {
  return todo ?? (isOfOwnFile ? MEND_FILE : REMEDIES[reason]);
}

function clockFinding(aheadSeconds: number | undefined): Finding {
  const clock = { area: 'Prometheus', check: 'clock' } as const;
  if (aheadSeconds === undefined) {
    return { ...clock, result: 'OK', found: 'the server does not say what time it is' };
  }
  const skew = Math.round(Math.abs(aheadSeconds));
  const found = `differs from ours by ${skew} s`;
  if (skew <= SMALL_SKEW_SECONDS) return { ...clock, result: 'OK', found };
  const result = skew > HELD_SKEW_SECONDS ? 'FAIL' : 'WARN';
  return { ...clock, result, found, todo: REMEDIES.PrometheusClockSkew };
}

function partialFindings(warnings: readonly string[]): readonly Finding[] {
  if (warnings.length === 0) return [];
  const found = `says that its answers may be incomplete: ${shortText(warnings.join('; '))}`;
  const todo = REMEDIES.PrometheusPartialAnswer;
  return [{ area: 'Prometheus', check: 'complete', result: 'WARN', found, todo }];
}

async function checkBuild(client: PrometheusClient, signal: AbortSignal): Promise<Finding> {
  const version = textIn(await statusOf(client, 'buildinfo', signal), 'version');
  const found = version === undefined ? 'it does not say' : shortText(version);
  return { area: 'Prometheus', check: 'version', result: 'OK', found };
}

const READER = { area: 'Prometheus', check: 'reader' } as const;
const LET_THROUGH = 'let POST api/v1/read through: it costs a tenth and sees each sample';
const LET_LISTS_THROUGH =
  'nothing has to be done; with POST api/v1/series let through, long windows cost less';

interface Readers {
  readonly client: PrometheusClient;
  readonly lister: SeriesLister;
  readonly options: SourceOptions;
  readonly signal: AbortSignal;
}

/** Also the one that was asked for is tried: a source takes it on trust. */
async function checkReader(readers: Readers): Promise<readonly Finding[]> {
  const { client, options, signal } = readers;
  const { reader: wish = 'query-range' } = options;
  if (wish === 'query-range') return [await checkRange(client, 'it was asked for', signal)];
  const { name, why } = await chosenReader(options, signal);
  if (name === 'remote-read') {
    const found = `${name}: ${why}`;
    return [{ ...READER, result: 'OK', found }, await checkSeries(readers)];
  }
  if (wish === 'remote-read') {
    const todo = `take --prometheus-reader=auto, or ${LET_THROUGH}`;
    return [{ ...READER, result: 'FAIL', found: `remote-read was asked for: ${why}`, todo }];
  }
  const range = await checkRange(client, why, signal);
  if (range.result === 'FAIL') return [range];
  const todo = `nothing has to be done; where the server offers remote read, ${LET_THROUGH}`;
  return [{ ...range, result: 'WARN', todo }];
}

/** Only with remote read owners are told by a list of series; where it is refused, by samples as with `query_range`. */
async function checkSeries({ lister, options, signal }: Readers): Promise<Finding> {
  const base = { area: 'Prometheus', check: 'series' } as const;
  const toSeconds = Math.floor(Date.now() / 1000);
  const window = { fromSeconds: toSeconds - PROBED_SECONDS, toSeconds };
  try {
    const selectors = [selectorOf('', [PROBED, ...matchersOf(options)])];
    await lister.list({ selectors, ...window }, signal);
    return { ...base, result: 'OK', found: 'the server lists them, by which owners are told' };
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    const { reason, message } = error;
    const told = `${reason}: ${message}`;
    if (!isUnfit(error)) return { ...base, result: 'WARN', found: told, todo: remedyOf(error) };
    const found = `owners are told by their samples, as series are not listed: ${told}`;
    return { ...base, result: 'WARN', found, todo: LET_LISTS_THROUGH };
  }
}

async function chosenReader(options: SourceOptions, signal: AbortSignal): Promise<ReaderChoice> {
  const source = createPrometheusSource({ ...options, reader: 'auto' });
  try {
    return await source.chooseReader(signal);
  } finally {
    source.close();
  }
}

async function checkRange(
  client: PrometheusClient,
  why: string,
  signal: AbortSignal,
): Promise<Finding> {
  const endSeconds = Math.floor(Date.now() / 1000);
  const call = { query: 'vector(1)', startSeconds: endSeconds, endSeconds, stepSeconds: 60 };
  try {
    await client.range(call, signal);
    return { ...READER, result: 'OK', found: `query-range: ${why}` };
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    const found = `query-range: ${why}; ${error.reason}: ${error.message}`;
    return { ...READER, result: 'FAIL', found, todo: remedyOf(error) };
  }
}

/** Questions are made smaller where limits are met, so small limits cost time, and nothing else. */
async function checkLimits(
  client: PrometheusClient,
  { concurrency = 4 }: SourceOptions,
  signal: AbortSignal,
): Promise<Finding> {
  const flags = await statusOf(client, 'flags', signal);
  const limits = { area: 'Prometheus', check: 'limits' } as const;
  const samples = textIn(flags, 'query.max-samples');
  const atOnce = Number(textIn(flags, 'query.max-concurrency'));
  if (samples === undefined) return { ...limits, result: 'OK', found: 'it does not say' };
  const found = `${samples} samples in a query, ${atOnce} queries at once, of which ${concurrency} may be ours`;
  if (!(concurrency > atOnce / 2)) return { ...limits, result: 'OK', found };
  return { ...limits, result: 'WARN', found, todo: 'lower --prometheus-concurrency' };
}

/** What not every server offers; undefined where this one does not. */
async function statusOf(
  client: PrometheusClient,
  name: string,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return (await client.status(name, signal)).data;
  } catch (error) {
    if (error instanceof PrometheusError) return undefined;
    throw error;
  }
}

function textIn(data: unknown, name: string): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const value: unknown = Object.getOwnPropertyDescriptor(data, name)?.value;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
