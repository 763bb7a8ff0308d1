import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the gauges show, taken when somebody asks. */
export interface MetricsSnapshot {
  readonly isLeader: boolean;
  readonly queueDepth: number;
  readonly usage: { readonly wanted: number; readonly failing: number; readonly unread: number };
  readonly outcomes: Iterable<{
    readonly state: string;
    readonly reason: string | undefined;
    readonly savings: { readonly cpu: number; readonly memory: number };
  }>;
}

export interface OperatorMetrics {
  reconciled(result: string): void;
  prometheusCalled(call: {
    readonly seconds: number;
    readonly bytes: number;
    readonly outcome: string;
  }): void;
  watchChanged(resource: string, state: string): void;
  render(): Promise<string>;
  readonly contentType: string;
}

/** Gauges of prom-client 15 named like counters, which `promtool check metrics` refuses; the same stand beside them by type. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/**
 * The operator's metrics on a registry of their own. Label values come from closed sets: no names of workloads, no
 * texts of errors.
 */
export function createMetrics(version: string, snapshot: () => MetricsSnapshot): OperatorMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  new Gauge({
    name: 'rightsize_build_info',
    help: 'Always 1; the version is a label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  stateGauges(registers, snapshot);
  const reconciles = new Counter({
    name: 'rightsize_reconciles_total',
    help: 'Workloads brought in line, by what was written.',
    labelNames: ['result'],
    registers,
  });
  const watches = new Counter({
    name: 'rightsize_watch_transitions_total',
    help: 'State changes of watches on the API server, by resource and new state.',
    labelNames: ['resource', 'state'],
    registers,
  });
  const prometheus = prometheusMetrics(registers);
  return {
    reconciled: (result) => reconciles.inc({ result }),
    watchChanged: (resource, state) => watches.inc({ resource, state }),
    prometheusCalled: prometheus,
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function prometheusMetrics(registers: Registry[]): OperatorMetrics['prometheusCalled'] {
  const seconds = new Histogram({
    name: 'rightsize_prometheus_query_duration_seconds',
    help: 'Time of queries to Prometheus, by outcome.',
    labelNames: ['outcome'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
    registers,
  });
  const bytes = new Counter({
    name: 'rightsize_prometheus_received_bytes_total',
    help: 'Bytes of answers from Prometheus.',
    registers,
  });
  return (call) => {
    seconds.observe({ outcome: call.outcome }, call.seconds);
    bytes.inc(call.bytes);
  };
}

function stateGauges(registers: Registry[], snapshot: () => MetricsSnapshot): void {
  const gauge = (name: string, help: string, read: (now: MetricsSnapshot) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(snapshot()));
      },
    });
  gauge('rightsize_leader', '1 while this instance leads.', ({ isLeader }) => Number(isLeader));
  gauge('rightsize_queue_depth', 'Keys that wait or are worked on.', (now) => now.queueDepth);
  gauge('rightsize_usage_workloads', 'Workloads whose usage is kept.', ({ usage }) => usage.wanted);
  gauge(
    'rightsize_usage_failing_workloads',
    'Workloads whose last reading of usage failed.',
    ({ usage }) => usage.failing,
  );
  gauge(
    'rightsize_usage_unread_workloads',
    'Workloads whose usage was never read.',
    ({ usage }) => usage.unread,
  );
  const saved = (resource: 'cpu' | 'memory') => (now: MetricsSnapshot) =>
    [...now.outcomes].reduce((sum, { savings }) => sum + savings[resource], 0);
  gauge(
    'rightsize_recommended_savings_cores',
    'CPU requests now less those recommended; negative when more is needed.',
    saved('cpu'),
  );
  gauge(
    'rightsize_recommended_savings_bytes',
    'Memory requests now less those recommended; negative when more is needed.',
    saved('memory'),
  );
  labelledGauge(registers, 'rightsize_workloads', 'Workloads by state.', () =>
    count([...snapshot().outcomes].map(({ state }) => state.split(':')[0] ?? '')),
  );
  labelledGauge(registers, 'rightsize_held_workloads', 'Workloads held, by reason.', () =>
    count([...snapshot().outcomes].flatMap(({ reason }) => reason ?? [])),
  );
}

function labelledGauge(
  registers: Registry[],
  name: string,
  help: string,
  counts: () => ReadonlyMap<string, number>,
): void {
  const label = name.endsWith('held_workloads') ? 'reason' : 'state';
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers,
    collect() {
      this.reset();
      for (const [value, number] of counts()) this.set({ [label]: value }, number);
    },
  });
}

function count(values: readonly string[]): ReadonlyMap<string, number> {
  const groups = Map.groupBy(values, (value) => value);
  return new Map([...groups].map(([value, all]) => [value, all.length]));
}
