import type { Finding } from '../controller/finding.ts';
import type { PrometheusClient } from './client.ts';
import { PrometheusError } from './prometheuserror.ts';
import { selectorOf, type LabelMatcher } from './queries.ts';

/** What a look at the data goes by. */
export interface Checked {
  readonly client: PrometheusClient;
  readonly matchers: readonly LabelMatcher[];
  /** How far back usage counts. */
  readonly windowSeconds: number;
  readonly signal: AbortSignal;
}

interface Needed {
  readonly check: string;
  readonly metric: string;
  readonly container: boolean;
  readonly absent: 'WARN' | 'FAIL';
  readonly todo: string;
}

const CADVISOR =
  "scrape the kubelet's /metrics/cadvisor, and keep the labels namespace, pod and container";
const KUBE_STATE = 'install kube-state-metrics, and scrape it with honor_labels: true';
const MEMORY = 'container_memory_working_set_bytes';
const DAY_SECONDS = 86_400;
/** Looked at for the spacing of samples. */
const SPACING_SECONDS = 600;
const WIDE_SPACING_SECONDS = 60;
/** A rate over 5 minutes needs two samples in them. */
const WIDEST_SPACING_SECONDS = 150;

const NEEDED: readonly Needed[] = [
  {
    check: 'CPU use',
    metric: 'container_cpu_usage_seconds_total',
    container: true,
    absent: 'FAIL',
    todo: CADVISOR,
  },
  { check: 'memory use', metric: MEMORY, container: true, absent: 'FAIL', todo: CADVISOR },
  {
    check: 'throttling',
    metric: 'container_cpu_cfs_periods_total',
    container: true,
    absent: 'WARN',
    todo: `${CADVISOR}; without it throttled containers are not known. Without CPU limits there is none`,
  },
  {
    check: 'owners',
    metric: 'kube_pod_owner',
    container: false,
    absent: 'WARN',
    todo: `${KUBE_STATE}; without it former pods are told by their names`,
  },
  {
    check: 'ReplicaSets',
    metric: 'kube_replicaset_owner',
    container: false,
    absent: 'WARN',
    todo: `${KUBE_STATE}; without it former pods of Deployments are told by their names`,
  },
  {
    check: 'restarts',
    metric: 'kube_pod_container_status_restarts_total',
    container: false,
    absent: 'WARN',
    todo: `${KUBE_STATE}; without it crash loops are not known`,
  },
];

/** Whether the metrics are there, how far apart their samples are, and how far back they reach. */
export async function checkData(checked: Checked): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const needed of NEEDED) findings.push(await checkMetric(checked, needed));
  if (findings.some(({ result }) => result === 'FAIL')) return findings;
  return [...findings, await checkSpacing(checked), await checkHistory(checked)];
}

async function checkMetric(checked: Checked, needed: Needed): Promise<Finding> {
  const { check, metric, absent, todo } = needed;
  const base = { area: 'Prometheus', check } as const;
  const count = await figure(checked, `count(${selectorFor(checked, needed)})`, 0);
  if (typeof count === 'string') return { ...base, result: absent, found: count, todo };
  if (count === undefined) {
    return { ...base, result: absent, found: `no series of ${metric}`, todo };
  }
  return { ...base, result: 'OK', found: `${count} series of ${metric}` };
}

async function checkSpacing(checked: Checked): Promise<Finding> {
  const base = { area: 'Prometheus', check: 'spacing' } as const;
  const selector = selectorFor(checked, { metric: MEMORY, container: true });
  const query = `quantile(0.5, count_over_time(${selector}[${SPACING_SECONDS}s]))`;
  const count = await figure(checked, query, 0);
  if (typeof count === 'string') return { ...base, result: 'WARN', found: count };
  const seconds = Math.round(SPACING_SECONDS / (count ?? 1));
  const found = `a sample about every ${seconds} s`;
  if (seconds <= WIDE_SPACING_SECONDS) return { ...base, result: 'OK', found };
  const todo = 'scrape cAdvisor every 60 s or more often: peaks in between are not seen';
  return { ...base, result: seconds > WIDEST_SPACING_SECONDS ? 'FAIL' : 'WARN', found, todo };
}

async function checkHistory(checked: Checked): Promise<Finding> {
  const base = { area: 'Prometheus', check: 'history' } as const;
  const { windowSeconds } = checked;
  const query = `count(${selectorFor(checked, { metric: MEMORY, container: true })})`;
  const wanted = `of the ${daysText(windowSeconds)} that count`;
  for (const part of [1, 0.75, 0.5, 0.25, 0.1]) {
    const seconds = Math.floor(windowSeconds * part);
    const count = await figure(checked, query, seconds);
    if (typeof count === 'string') return { ...base, result: 'WARN', found: count };
    if (count === undefined) continue;
    const found = `reaches back ${daysText(seconds)} ${wanted}`;
    if (part === 1) return { ...base, result: 'OK', found };
    return { ...base, result: 'WARN', found: `${found}, or somewhat more`, todo: HISTORY_REMEDY };
  }
  const found = `reaches back less than a tenth ${wanted}`;
  return { ...base, result: 'WARN', found, todo: HISTORY_REMEDY };
}

const HISTORY_REMEDY =
  'wait until there is more, or raise the retention of Prometheus (--storage.tsdb.retention.time)';

function daysText(seconds: number): string {
  return `${Number((seconds / DAY_SECONDS).toFixed(1))} d`;
}

function selectorFor(
  { matchers }: Checked,
  { metric, container }: Pick<Needed, 'metric' | 'container'>,
): string {
  const own: readonly LabelMatcher[] = container
    ? [{ label: 'container', operator: '!=', value: '' }]
    : [];
  return selectorOf(metric, [...own, ...matchers]);
}

/** The one figure of an answer, so many seconds ago; undefined without a series; a text says what failed. */
async function figure(
  { client, signal }: Checked,
  query: string,
  agoSeconds: number,
): Promise<number | string | undefined> {
  try {
    const { data } = await client.instant(query, Date.now() / 1000 - agoSeconds, signal);
    const text = data[0]?.samples[0]?.[1];
    return text === undefined ? undefined : Number(text);
  } catch (error) {
    if (error instanceof PrometheusError) return `${error.reason}: ${error.message}`;
    throw error;
  }
}
