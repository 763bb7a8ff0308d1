import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { changeMetrics, type CountedChange } from './changemetrics.ts';
import { prometheusMetrics, type BudgetState, type CountedCall } from './prometheusmetrics.ts';

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
  readonly promises: Iterable<PolicyPromise>;
  readonly isBreakerOpen: boolean;
  readonly budgets: BudgetState;
  /** Unix seconds, 0 when nothing was saved yet; undefined where usage is not kept over restarts. */
  readonly stateSavedSeconds: number | undefined;
}

/** What one policy promises of one resource, and how that stands. */
export interface PolicyPromise {
  /** `RightsizePolicy/shop/web`. */
  readonly policy: string;
  readonly resource: 'cpu' | 'memory';
  readonly promised: number;
  /** Undefined while nothing can be judged, as is what follows. */
  readonly realised: number | undefined;
  readonly isKept: boolean | undefined;
  /** Share of the containers that keep their own risk; of CPU only. */
  readonly containersKept: number | undefined;
}

/** What stays the same while an instance runs. */
export interface MetricsInstance {
  readonly version: string;
  /** Which part of how many it is. */
  readonly shard: { readonly index: number; readonly shards: number };
}

export interface OperatorMetrics {
  reconciled(result: string): void;
  prometheusCalled(call: CountedCall): void;
  watchChanged(resource: string, state: string): void;
  changed(change: CountedChange): void;
  render(): Promise<string>;
  readonly contentType: string;
}

/** Gauges of prom-client 15 named like counters, which `promtool check metrics` refuses; the same stand beside them by type. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Series by policy are for the first of them by name, so that tenants who write many cannot flood a Prometheus. */
const MOST_POLICIES = 500;

/**
 * The operator's metrics on a registry of their own. Label values come from closed sets: no names of workloads, no
 * texts of errors. The one exception are the names of policies, of which there are few: a promise is a policy's, and
 * nobody could be told that it is broken without the name.
 */
export function createMetrics(
  instance: MetricsInstance,
  snapshot: () => MetricsSnapshot,
): OperatorMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  instanceGauges(registers, instance);
  stateGauges(registers, snapshot);
  promiseGauges(registers, snapshot);
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
  const prometheus = prometheusMetrics(registers, () => snapshot().budgets);
  return {
    reconciled: (result) => reconciles.inc({ result }),
    watchChanged: (resource, state) => watches.inc({ resource, state }),
    prometheusCalled: prometheus,
    changed: changeMetrics(registers, () => snapshot().isBreakerOpen),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function instanceGauges(registers: Registry[], { version, shard }: MetricsInstance): void {
  new Gauge({
    name: 'rightsize_build_info',
    help: 'Always 1; the version is a label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  new Gauge({
    name: 'rightsize_shards',
    help: 'How many shards share the cluster, 1 where nothing is shared; which of them this is, from 0 on, is a label.',
    labelNames: ['shard'],
    registers,
  }).set({ shard: String(shard.index) }, shard.shards);
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
  stateSavedGauge(registers, snapshot);
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

function stateSavedGauge(registers: Registry[], snapshot: () => MetricsSnapshot): void {
  new Gauge({
    name: 'rightsize_state_saved_timestamp_seconds',
    help: 'When usage was last saved to the folder of --state-dir, in unix seconds; 0 before the first time, absent without the flag.',
    registers,
    collect() {
      const { stateSavedSeconds } = snapshot();
      if (stateSavedSeconds === undefined) this.remove();
      else this.set(stateSavedSeconds);
    },
  });
}

function promiseGauges(registers: Registry[], snapshot: () => MetricsSnapshot): void {
  const gauge = (name: string, help: string, read: (of: PolicyPromise) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['policy', 'resource'],
      registers,
      collect() {
        this.reset();
        for (const promise of shownPromises(snapshot())) {
          const value = read(promise);
          const { policy, resource } = promise;
          if (value !== undefined) this.set({ policy, resource }, value);
        }
      },
    });
  gauge(
    'rightsize_risk_promised',
    'Risk that the policy promises. CPU: share of time over the request. Memory: share of days over the limit.',
    ({ promised }) => promised,
  );
  gauge(
    'rightsize_risk_realised',
    'Risk that was realised, over all containers of the policy; absent while nothing can be judged.',
    ({ realised }) => realised,
  );
  gauge(
    'rightsize_risk_kept',
    '0 while the promise is broken beyond chance, else 1; absent while nothing can be judged.',
    ({ isKept }) => (isKept === undefined ? undefined : Number(isKept)),
  );
  gauge(
    'rightsize_policy_containers_kept_ratio',
    'Share of the containers of the policy that keep their own CPU risk.',
    ({ containersKept }) => containersKept,
  );
}

function shownPromises({ promises }: MetricsSnapshot): readonly PolicyPromise[] {
  const byPolicy = Map.groupBy(promises, ({ policy }) => policy);
  return [...byPolicy.keys()]
    .sort()
    .slice(0, MOST_POLICIES)
    .flatMap((policy) => byPolicy.get(policy) ?? []);
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
