import type { Sizes } from '../../src/recommend/usage.ts';
import type { SeedSample, SeedSeries } from './seed.ts';

/** What a container wants at a time: its demand, before any limit holds it down. */
export interface UsageShape {
  readonly cpuCores: (timeSeconds: number) => number;
  readonly memoryBytes: (timeSeconds: number) => number;
}

export interface SeedContainer {
  readonly name: string;
  readonly sizes: Sizes;
  readonly usage: UsageShape;
  /** When it was restarted, ascending. */
  readonly restartSeconds?: readonly number[];
  /** Which of the restarts were OOM kills. */
  readonly oomKillSeconds?: readonly number[];
}

export interface SeedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  /** Its controller first, then the controller's own, and so on; empty for a bare pod. */
  readonly owners: readonly { readonly kind: string; readonly name: string }[];
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly containers: readonly SeedContainer[];
}

/** `rate(…[5m])` needs two samples in 5 minutes. */
const CADVISOR_STEP = 120;
const SLOW_STEP = 300;
const CFS_PERIODS_PER_SECOND = 10;

/** The series that cAdvisor and kube-state-metrics would have given of the pods, for Prometheus to have kept. */
export function clusterMetrics(pods: readonly SeedPod[]): readonly SeedSeries[] {
  return [...pods.flatMap(containerMetrics), ...stateMetrics(pods)];
}

/** The metrics of cAdvisor alone, as where kube-state-metrics is not installed. */
export function containerMetrics(pod: SeedPod): readonly SeedSeries[] {
  return pod.containers.flatMap((container) =>
    runsOf(pod, container).flatMap((run) => runMetrics(pod, container, run)),
  );
}

/** One life of a container between two starts: cAdvisor's series begin anew with each. */
interface Run {
  readonly number: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
}

function runsOf(pod: SeedPod, container: SeedContainer): readonly Run[] {
  const starts = [pod.startSeconds, ...(container.restartSeconds ?? [])];
  return starts.map((startSeconds, number) => ({
    number,
    startSeconds,
    endSeconds: starts[number + 1] ?? pod.endSeconds,
  }));
}

function runMetrics(pod: SeedPod, container: SeedContainer, run: Run): readonly SeedSeries[] {
  const { usage, sizes } = container;
  const labels = {
    namespace: pod.namespace,
    pod: pod.name,
    container: container.name,
    id: `/kubepods/pod${pod.uid}/${container.name}-${run.number}`,
    instance: pod.node,
    job: 'kubelet',
  };
  const cpuLimit = sizes.limits.cpu ?? Infinity;
  const memoryLimit = sizes.limits.memory ?? Infinity;
  const granted = (timeSeconds: number): number => Math.min(cpuLimit, usage.cpuCores(timeSeconds));
  const working = (timeSeconds: number): number =>
    Math.round(Math.min(memoryLimit, usage.memoryBytes(timeSeconds)));
  const series = [
    {
      name: 'container_cpu_usage_seconds_total',
      labels,
      samples: counterOf(run, CADVISOR_STEP, granted),
    },
    {
      name: 'container_memory_working_set_bytes',
      labels,
      samples: gaugeOf(run, CADVISOR_STEP, working),
    },
    { name: 'container_oom_events_total', labels, samples: gaugeOf(run, SLOW_STEP, () => 0) },
  ];
  if (cpuLimit === Infinity) return series;
  const throttled = (timeSeconds: number): number => {
    const demand = usage.cpuCores(timeSeconds);
    return demand > cpuLimit ? CFS_PERIODS_PER_SECOND * (1 - cpuLimit / demand) : 0;
  };
  const periods = (): number => CFS_PERIODS_PER_SECOND;
  return [
    ...series,
    {
      name: 'container_cpu_cfs_periods_total',
      labels,
      samples: counterOf(run, SLOW_STEP, periods),
    },
    {
      name: 'container_cpu_cfs_throttled_periods_total',
      labels,
      samples: counterOf(run, SLOW_STEP, throttled),
    },
  ];
}

type At = (timeSeconds: number) => number;
interface Span {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

function* times({ startSeconds, endSeconds }: Span, step: number): Generator<number> {
  const first = Math.ceil(startSeconds / step) * step;
  for (let time = first; time <= endSeconds; time += step) yield time;
}

function gaugeOf(span: Span, step: number, value: At): () => Generator<SeedSample> {
  return function* gauge() {
    for (const time of times(span, step)) yield [time, value(time)];
  };
}

/** A counter from zero whose increase per second over each step is the rate at the step's end. */
function counterOf(span: Span, step: number, rate: At): () => Generator<SeedSample> {
  return function* counter() {
    let total = 0;
    for (const time of times(span, step)) {
      yield [time, Math.round(total * 1e6) / 1e6];
      total += rate(time + step) * step;
    }
  };
}

function stateMetrics(pods: readonly SeedPod[]): readonly SeedSeries[] {
  return [...ownerMetrics(pods), ...pods.flatMap(statusMetrics)];
}

/** Owner metrics of kube-state-metrics, of each object once, over the time in which it had pods. */
export function ownerMetrics(pods: readonly SeedPod[]): readonly SeedSeries[] {
  const spans = new Map<string, { readonly series: Omit<SeedSeries, 'samples'>; span: Span }>();
  for (const pod of pods) {
    for (const series of ownerSeries(pod)) {
      const key = JSON.stringify(series);
      const span = spans.get(key)?.span ?? pod;
      spans.set(key, { series, span: union(span, pod) });
    }
  }
  return [...spans.values()].map(({ series, span }) => ({
    ...series,
    samples: gaugeOf(span, SLOW_STEP, () => 1),
  }));
}

function union(a: Span, b: Span): Span {
  return {
    startSeconds: Math.min(a.startSeconds, b.startSeconds),
    endSeconds: Math.max(a.endSeconds, b.endSeconds),
  };
}

const OWNED: Readonly<Record<string, readonly [metric: string, label: string]>> = {
  Pod: ['kube_pod_owner', 'pod'],
  ReplicaSet: ['kube_replicaset_owner', 'replicaset'],
  Job: ['kube_job_owner', 'job_name'],
};

function ownerSeries(pod: SeedPod): readonly Omit<SeedSeries, 'samples'>[] {
  const chain = [{ kind: 'Pod', name: pod.name }, ...pod.owners];
  return chain.flatMap(({ kind, name }, i) => {
    const owned = OWNED[kind];
    if (owned === undefined) return [];
    const [metric, label] = owned;
    const owner = chain[i + 1];
    return {
      name: metric,
      labels: {
        namespace: pod.namespace,
        [label]: name,
        owner_kind: owner?.kind ?? '',
        owner_name: owner?.name ?? '',
        owner_is_controller: owner === undefined ? '' : 'true',
        job: 'kube-state-metrics',
      },
    };
  });
}

function statusMetrics(pod: SeedPod): readonly SeedSeries[] {
  return pod.containers.flatMap((container) => {
    const labels = {
      namespace: pod.namespace,
      pod: pod.name,
      uid: pod.uid,
      container: container.name,
      job: 'kube-state-metrics',
    };
    return [
      {
        name: 'kube_pod_container_status_restarts_total',
        labels,
        samples: gaugeOf(pod, SLOW_STEP, countBy(container.restartSeconds ?? [])),
      },
      ...oomMetrics(pod, container, labels),
      ...sizeMetrics(pod, container, labels),
    ];
  });
}

function countBy(eventSeconds: readonly number[]): At {
  return (timeSeconds) => eventSeconds.filter((event) => event <= timeSeconds).length;
}

function oomMetrics(
  pod: SeedPod,
  { restartSeconds = [], oomKillSeconds = [] }: SeedContainer,
  labels: Readonly<Record<string, string>>,
): readonly SeedSeries[] {
  const first = oomKillSeconds[0];
  if (first === undefined) return [];
  const isOom: At = (timeSeconds) => {
    const last = restartSeconds.findLast((restart) => restart <= timeSeconds);
    return last !== undefined && oomKillSeconds.includes(last) ? 1 : 0;
  };
  return [
    {
      name: 'kube_pod_container_status_last_terminated_reason',
      labels: { ...labels, reason: 'OOMKilled' },
      samples: gaugeOf({ startSeconds: first, endSeconds: pod.endSeconds }, SLOW_STEP, isOom),
    },
  ];
}

function sizeMetrics(
  pod: SeedPod,
  { sizes }: SeedContainer,
  labels: Readonly<Record<string, string>>,
): readonly SeedSeries[] {
  const units = { cpu: 'core', memory: 'byte' };
  return (['requests', 'limits'] as const).flatMap((which) =>
    (['cpu', 'memory'] as const).flatMap((resource) => {
      const amount = sizes[which][resource];
      if (amount === undefined) return [];
      return {
        name: `kube_pod_container_resource_${which}`,
        labels: { ...labels, node: pod.node, resource, unit: units[resource] },
        samples: gaugeOf(pod, SLOW_STEP, () => amount),
      };
    }),
  );
}
