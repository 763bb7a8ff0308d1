import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** A change of pods or of a template, or what became of it. Labels come from closed sets. */
export interface CountedChange {
  readonly lane: string;
  readonly method: string;
  readonly outcome: string;
  readonly pods: number;
  /** Requests after less requests before, over the pods. */
  readonly addedCores: number;
  readonly addedBytes: number;
  /** Of a rescue: from what was seen to the API server's answer. */
  readonly signalSeconds: number | undefined;
}

/** Metrics of what the operator changes. */
export function changeMetrics(
  registers: Registry[],
  isBreakerOpen: () => boolean,
): (change: CountedChange) => void {
  const changes = new Counter({
    name: 'rightsize_changes_total',
    help: 'Pods changed, by lane, method and outcome: Made or Refused when it was asked for, then Fine, TakenBack or Failed once it was watched.',
    labelNames: ['lane', 'method', 'outcome'],
    registers,
  });
  const rescue = new Histogram({
    name: 'rightsize_rescue_duration_seconds',
    help: 'From the newest sign that a container is in need to the raise that the API server took.',
    buckets: [1, 2, 5, 10, 20, 30, 60, 120, 300, 3600],
    registers,
  });
  const cores = changed('rightsize_changed_cores_total', 'CPU requests', registers);
  const bytes = changed('rightsize_changed_bytes_total', 'Memory requests', registers);
  new Gauge({
    name: 'rightsize_breaker_open',
    help: '1 while savings are stopped in the whole cluster, since too many changes went bad.',
    registers,
    collect() {
      this.set(Number(isBreakerOpen()));
    },
  });
  return ({ lane, method, outcome, pods, addedCores, addedBytes, signalSeconds }) => {
    changes.inc({ lane, method, outcome }, pods);
    cores(addedCores);
    bytes(addedBytes);
    if (lane === 'Rescue' && signalSeconds !== undefined) rescue.observe(signalSeconds);
  };
}

function changed(name: string, what: string, registers: Registry[]): (added: number) => void {
  const counter = new Counter({
    name,
    help: `${what} of running pods that were added, and that were saved, by changes.`,
    labelNames: ['direction'],
    registers,
  });
  return (added) => {
    if (added !== 0) counter.inc({ direction: added > 0 ? 'added' : 'saved' }, Math.abs(added));
  };
}
