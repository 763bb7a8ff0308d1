import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** A call of Prometheus. Labels come from closed sets. */
export interface CountedCall {
  readonly kind: string;
  readonly outcome: string;
  readonly seconds: number;
  readonly waitedSeconds: number;
  readonly bytes: number;
  readonly samples: number;
}

/** How far budgets and a busy server hold calls back. */
export interface BudgetState {
  readonly limit: number;
  readonly active: number;
  readonly waiting: number;
  readonly restSeconds: number;
  readonly heldSeconds: number;
}

/** Metrics of what is asked of Prometheus, and of what the budgets make of it. */
export function prometheusMetrics(
  registers: Registry[],
  budgets: () => BudgetState,
): (call: CountedCall) => void {
  const seconds = new Histogram({
    name: 'rightsize_prometheus_query_duration_seconds',
    help: 'Time of queries to Prometheus, without the wait before, by kind and outcome.',
    labelNames: ['kind', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
    registers,
  });
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames: ['kind'], registers });
  const bytes = counter(
    'rightsize_prometheus_received_bytes_total',
    'Bytes of answers from Prometheus, unpacked, by kind of query.',
  );
  const samples = counter(
    'rightsize_prometheus_received_samples_total',
    'Samples of answers from Prometheus, by kind of query.',
  );
  const waited = counter(
    'rightsize_prometheus_budget_wait_seconds_total',
    'Time that queries to Prometheus waited for a budget, a free place or the end of a rest.',
  );
  budgetGauges(registers, budgets);
  return (call) => {
    const { kind, outcome } = call;
    seconds.observe({ kind, outcome }, call.seconds);
    bytes.inc({ kind }, call.bytes);
    samples.inc({ kind }, call.samples);
    waited.inc({ kind }, call.waitedSeconds);
  };
}

function budgetGauges(registers: Registry[], budgets: () => BudgetState): void {
  const gauge = (name: string, help: string, read: (now: BudgetState) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(budgets()));
      },
    });
  gauge(
    'rightsize_prometheus_query_limit',
    'Queries at once that are allowed now; less than --prometheus-concurrency while Prometheus is busy.',
    ({ limit }) => limit,
  );
  gauge('rightsize_prometheus_queries_active', 'Queries under way.', ({ active }) => active);
  gauge('rightsize_prometheus_queries_waiting', 'Queries that wait.', ({ waiting }) => waiting);
  gauge(
    'rightsize_prometheus_rest_seconds',
    'For so long Prometheus is left alone, as it was busy or asked for it.',
    ({ restSeconds }) => restSeconds,
  );
  gauge(
    'rightsize_prometheus_held_seconds',
    'For so long the query that waits longest has waited.',
    ({ heldSeconds }) => heldSeconds,
  );
}
