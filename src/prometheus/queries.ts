/** A condition on a label, ANDed into a selector. */
export interface LabelMatcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** Pods of several namespaces; the cross product may match more pods than meant, which the reader drops. */
export interface PodScope {
  readonly namespaces: readonly string[];
  /** All of them where undefined. */
  readonly pods: readonly string[] | undefined;
}

/** More would make selectors long, and one answer large. */
export const NAMESPACES_PER_QUERY = 20;
/** Spacing of usage samples; each stands for the step that ends at it. */
export const USAGE_STEP_SECONDS = 300;
/** Spacing of usage samples where raw samples are read: peaks of a minute are seen. */
export const RAW_STEP_SECONDS = 60;
/** Spacing of signals, which are counted per day and need no finer one. */
export const SIGNAL_STEP_SECONDS = 3600;

const CPU_SECONDS = 'container_cpu_usage_seconds_total';
const WORKING_SET = 'container_memory_working_set_bytes';
const USAGE_METRICS = [CPU_SECONDS, WORKING_SET];
const RESTARTS = 'kube_pod_container_status_restarts_total';
const KILLED_BEFORE = 'kube_pod_container_status_last_terminated_reason';
const KILLED_NOW = 'kube_pod_container_status_terminated_reason';
const THROTTLED_PERIODS = 'container_cpu_cfs_throttled_periods_total';
const CPU_PERIODS = 'container_cpu_cfs_periods_total';
const OOM_EVENTS = 'container_oom_events_total';

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const CONTAINER = 'namespace, pod, container';

/**
 * Several series of one container overlap when it restarts, when two jobs scrape the kubelet and in pairs of
 * Prometheus; `max by` takes one of them and never adds them up. The rate handles counter resets per series.
 */
export function cpuUsage(scope: PodScope, extra: readonly LabelMatcher[]): string {
  return maxByContainer(`rate(${usageSelector(CPU_SECONDS, scope, extra)}[5m])`);
}

export function memoryUsage(scope: PodScope, extra: readonly LabelMatcher[]): string {
  return maxByContainer(`max_over_time(${usageSelector(WORKING_SET, scope, extra)}[5m])`);
}

/** Share of the CPU periods of the hour before in which the container was throttled; NaN without a period. */
export function throttledShare(scope: PodScope, extra: readonly LabelMatcher[]): string {
  const throttled = usageSelector(THROTTLED_PERIODS, scope, extra);
  const periods = usageSelector(CPU_PERIODS, scope, extra);
  return maxByContainer(`rate(${throttled}[1h]) / rate(${periods}[1h])`);
}

/** The value of the restart counter at the end of each hour. */
export function restartCount(scope: PodScope, extra: readonly LabelMatcher[]): string {
  const selector = podSelector(RESTARTS, scope, extra);
  return maxByContainer(`max_over_time(${selector}[1h])`);
}

export function oomEventCount(scope: PodScope, extra: readonly LabelMatcher[]): string {
  const selector = usageSelector(OOM_EVENTS, scope, extra);
  return maxByContainer(`max_over_time(${selector}[1h])`);
}

/** 1 in each hour in which the last termination of the container was an OOM kill. */
export function oomKilledBefore(scope: PodScope, extra: readonly LabelMatcher[]): string {
  return oomKilled(KILLED_BEFORE, scope, extra);
}

/** 1 in each hour in which the container stands terminated by an OOM kill, as of a Job that does not restart it. */
export function oomKilledNow(scope: PodScope, extra: readonly LabelMatcher[]): string {
  return oomKilled(KILLED_NOW, scope, extra);
}

function oomKilled(metric: string, scope: PodScope, extra: readonly LabelMatcher[]): string {
  return maxByContainer(`max_over_time(${podSelector(metric, scope, [OOM_KILLED, ...extra])}[1h])`);
}

const OOM_KILLED: LabelMatcher = { label: 'reason', operator: '=', value: 'OOMKilled' };

/** What the raw series of usage and signals are, by the names of their metrics. */
export const RAW_METRICS = {
  [CPU_SECONDS]: 'cpu',
  [WORKING_SET]: 'memory',
  [THROTTLED_PERIODS]: 'throttledPeriods',
  [CPU_PERIODS]: 'periods',
  [OOM_EVENTS]: 'oomEventCounts',
  [RESTARTS]: 'restartCounts',
  [KILLED_BEFORE]: 'oomKilledBefore',
  [KILLED_NOW]: 'oomKilledNow',
} as const;

/** Selects them: several metrics at once, since looking up the pods is most of what a short window costs a server. */
export function rawUsage(scope: PodScope, extra: readonly LabelMatcher[]): readonly LabelMatcher[] {
  return [oneOf('__name__', USAGE_METRICS), ...usageMatchers(scope, extra)];
}

/** What cAdvisor says of throttling and kills. */
export function rawEvents(
  scope: PodScope,
  extra: readonly LabelMatcher[],
): readonly LabelMatcher[] {
  const told = [THROTTLED_PERIODS, CPU_PERIODS, OOM_EVENTS];
  return [oneOf('__name__', told), ...usageMatchers(scope, extra)];
}

/** What kube-state-metrics says of restarts. */
export function rawRestarts(
  scope: PodScope,
  extra: readonly LabelMatcher[],
): readonly LabelMatcher[] {
  // The count of restarts has no reason, which a pattern matches as an empty one.
  const reason: LabelMatcher = { label: 'reason', operator: '=~', value: 'OOMKilled|' };
  const states = [RESTARTS, KILLED_BEFORE, KILLED_NOW];
  return [oneOf('__name__', states), ...podMatchers(scope, [reason, ...extra])];
}

type LiveQuery = (namespaces: readonly string[], extra: readonly LabelMatcher[]) => string;

/** Every sample of the last minutes as it was scraped, for what containers do now. */
export const LIVE_SAMPLES = {
  memory: liveSamples(WORKING_SET, '3m'),
  cpuSeconds: liveSamples(CPU_SECONDS, '3m'),
  periods: liveSamples(CPU_PERIODS, '5m'),
  throttledPeriods: liveSamples(THROTTLED_PERIODS, '5m'),
} as const satisfies Readonly<Record<string, LiveQuery>>;

function liveSamples(metric: string, range: string): LiveQuery {
  return (namespaces, extra) => `${namespaceSelector(metric, namespaces, extra)}[${range}]`;
}

/** Pods whose count of OOM events may have risen within ten minutes: none, nearly always. */
export const podsWithOomEvents: LiveQuery = (namespaces, extra) =>
  `max by (namespace, pod) (increase(${namespaceSelector(OOM_EVENTS, namespaces, extra)}[10m])) > 0`;

/** The counter's samples of those ten minutes. */
export function oomEventSamples(scope: PodScope, extra: readonly LabelMatcher[]): string {
  return `${usageSelector(OOM_EVENTS, scope, extra)}[10m]`;
}

/** Metrics of kube-state-metrics that say who owns what. */
export const OWNER_METRICS = {
  pod: 'kube_pod_owner',
  replicaSet: 'kube_replicaset_owner',
  job: 'kube_job_owner',
} as const;

/** Controllers of every pod that was seen in the window, by name. Bare pods have an empty owner. */
export function podOwners(
  namespaces: readonly string[],
  windowSeconds: number,
  extra: readonly LabelMatcher[],
): string {
  return owners(OWNER_METRICS.pod, 'pod', { namespaces, windowSeconds, extra });
}

export function replicaSetOwners(
  namespaces: readonly string[],
  windowSeconds: number,
  extra: readonly LabelMatcher[],
): string {
  return owners(OWNER_METRICS.replicaSet, 'replicaset', { namespaces, windowSeconds, extra });
}

export function jobOwners(
  namespaces: readonly string[],
  windowSeconds: number,
  extra: readonly LabelMatcher[],
): string {
  return owners(OWNER_METRICS.job, 'job_name', { namespaces, windowSeconds, extra });
}

interface OwnerScope {
  readonly namespaces: readonly string[];
  readonly windowSeconds: number;
  readonly extra: readonly LabelMatcher[];
}

function owners(metric: string, owned: string, scope: OwnerScope): string {
  const selector = ownerSelector(metric, scope.namespaces, scope.extra);
  const labels = `namespace, ${owned}, owner_kind, owner_name`;
  return `max by (${labels}) (max_over_time(${selector}[${scope.windowSeconds}s]))`;
}

/** Selects the controllers of what is in the namespaces. */
export function ownerSelector(
  metric: string,
  namespaces: readonly string[],
  extra: readonly LabelMatcher[],
): string {
  return selectorOf(metric, [
    oneOf('namespace', namespaces),
    { label: 'owner_is_controller', operator: '!=', value: 'false' },
    ...extra,
  ]);
}

/**
 * Selectors of every series by which a pod is known: those of its use, and those of OOM kills, which may have been
 * before anyone saw it use something. To list CPU alone would cost a server half as much, but of pods from before CPU was
 * kept nothing would be known; and to leave those out that CPU told of takes some versions of Prometheus longer.
 */
export function podSeries(
  namespaces: readonly string[],
  extra: readonly LabelMatcher[],
): readonly string[] {
  const killed = [oneOf('namespace', namespaces), OOM_KILLED, ...extra];
  return [
    ...USAGE_METRICS.map((metric) => namespaceSelector(metric, namespaces, extra)),
    ...[KILLED_BEFORE, KILLED_NOW].map((metric) => selectorOf(metric, killed)),
  ];
}

/** cAdvisor also reports the pod's cgroup (no container) and its sandbox (POD): they would count use twice. */
const REAL_CONTAINERS: readonly LabelMatcher[] = [
  { label: 'container', operator: '!=', value: '' },
  { label: 'container', operator: '!=', value: 'POD' },
];

function usageSelector(metric: string, scope: PodScope, extra: readonly LabelMatcher[]): string {
  return selectorOf(metric, usageMatchers(scope, extra));
}

function usageMatchers(scope: PodScope, extra: readonly LabelMatcher[]): readonly LabelMatcher[] {
  return podMatchers(scope, [...REAL_CONTAINERS, ...extra]);
}

function namespaceSelector(
  metric: string,
  namespaces: readonly string[],
  extra: readonly LabelMatcher[],
): string {
  return selectorOf(metric, [oneOf('namespace', namespaces), ...REAL_CONTAINERS, ...extra]);
}

function podSelector(metric: string, scope: PodScope, extra: readonly LabelMatcher[]): string {
  return selectorOf(metric, podMatchers(scope, extra));
}

function podMatchers(scope: PodScope, extra: readonly LabelMatcher[]): readonly LabelMatcher[] {
  const pods = scope.pods === undefined ? [] : [oneOf('pod', scope.pods)];
  return [oneOf('namespace', scope.namespaces), ...pods, ...extra];
}

function maxByContainer(expression: string): string {
  return `max by (${CONTAINER}) (${expression})`;
}

/** A label that equals one of the values, none of which is read as a pattern. */
export function oneOf(label: string, values: readonly string[]): LabelMatcher {
  const [only] = values;
  if (only === undefined) throw new Error(`select ${label}: no value is given`);
  if (values.length === 1) return { label, operator: '=', value: only };
  return { label, operator: '=~', value: values.map(escapeRegex).join('|') };
}

/** `metric{label="value",…}`. Throws for a label name that Prometheus does not know as one. */
export function selectorOf(metric: string, matchers: readonly LabelMatcher[]): string {
  return `${metric}{${matchers.map(matcherText).join(',')}}`;
}

export function matcherText({ label, operator, value }: LabelMatcher): string {
  if (!LABEL_NAME.test(label)) throw new Error(`"${label}" is not a label name`);
  return `${label}${operator}${quote(value)}`;
}

/** PromQL's double-quoted strings take Go's escapes, of which JSON's are a part. */
function quote(value: string): string {
  return JSON.stringify(value);
}

function escapeRegex(value: string): string {
  return value.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}
