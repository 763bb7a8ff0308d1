import type { WorkloadRef } from '../../src/controller/ports.ts';
import type { Sizes } from '../../src/recommend/usage.ts';
import type { UsageShape } from './cluster-metrics.ts';
import type { ShapeKind, ShapeSource } from './history-generator.ts';

/** A workload of the demo: what is shown in the cluster, and the usage that Prometheus is to remember of it. */
export interface DemoWorkload {
  readonly ref: WorkloadRef;
  /** What it shows, for the reader of the demo. */
  readonly shows: string;
  readonly replicas: number;
  /** Of a CronJob. */
  readonly schedule: string | undefined;
  /** Average CPU utilisation in percent that a HorizontalPodAutoscaler aims at; undefined without one. */
  readonly autoscaledAtPercent: number | undefined;
  readonly containers: readonly DemoContainer[];
  /** When its template was changed, ascending: its pods before are former pods of other ReplicaSets. */
  readonly redeployedSeconds: readonly number[];
}

export interface DemoContainer {
  readonly name: string;
  readonly sizes: Sizes;
  readonly usage: UsageShape;
  readonly oomKillSeconds: readonly number[];
}

/** The LimitRange of a namespace of the demo. */
interface DemoLimitRange {
  readonly namespace: string;
  readonly min: Sizes['requests'];
  readonly max: Sizes['limits'];
}

export const DEMO_NAMESPACES = ['shop', 'data', 'tools'] as const;

const MI = 2 ** 20;
const DAY = 86_400;
/** How far back the usage of the demo reaches. */
export const DEMO_WINDOW_SECONDS = 14 * DAY;

export const demoLimitRange: DemoLimitRange = {
  namespace: 'tools',
  min: { cpu: 0.05, memory: 64 * MI },
  max: { cpu: 2, memory: 2048 * MI },
};

interface ContainerDraft {
  readonly name: string;
  readonly kind: ShapeKind;
  /** CPU in cores that 1 % of the time exceeds, memory peak in MiB. */
  readonly uses: readonly [cpuCores: number, memoryMi: number];
  readonly requests: readonly [cpuCores: number, memoryMi: number];
  readonly limits?: readonly [cpuCores: number | undefined, memoryMi: number];
  readonly oomKilledDaysAgo?: number;
}

interface Draft {
  readonly namespace: (typeof DEMO_NAMESPACES)[number];
  readonly kind?: WorkloadRef['kind'];
  readonly name: string;
  readonly shows: string;
  readonly replicas?: number;
  readonly schedule?: string;
  readonly autoscaledAtPercent?: number;
  readonly redeployedDaysAgo?: readonly number[];
  readonly containers: readonly ContainerDraft[];
}

const DRAFTS: readonly Draft[] = [
  {
    namespace: 'shop',
    name: 'cart',
    shows: 'day and night, redeployed three times',
    replicas: 2,
    redeployedDaysAgo: [10, 6.5, 2],
    containers: [
      {
        name: 'cart',
        kind: 'diurnal',
        uses: [0.3, 420],
        requests: [1, 1024],
        limits: [undefined, 1024],
      },
    ],
  },
  {
    namespace: 'shop',
    name: 'web',
    shows: 'several containers',
    replicas: 2,
    containers: [
      { name: 'web', kind: 'diurnal', uses: [0.4, 256], requests: [1, 512], limits: [2, 512] },
      {
        name: 'cache',
        kind: 'steady',
        uses: [0.05, 180],
        requests: [0.25, 512],
        limits: [undefined, 512],
      },
      {
        name: 'log-shipper',
        kind: 'idle',
        uses: [0.01, 48],
        requests: [0.1, 128],
        limits: [undefined, 128],
      },
    ],
  },
  {
    namespace: 'shop',
    name: 'web-api',
    shows: 'an autoscaler that owns its CPU',
    replicas: 2,
    autoscaledAtPercent: 70,
    containers: [
      {
        name: 'api',
        kind: 'diurnal',
        uses: [0.6, 350],
        requests: [0.5, 768],
        limits: [undefined, 768],
      },
    ],
  },
  {
    namespace: 'shop',
    name: 'payments',
    shows: 'requests that are too low, with OOM kills',
    containers: [
      {
        name: 'payments',
        kind: 'bursty',
        uses: [0.8, 520],
        requests: [0.1, 384],
        limits: [0.5, 512],
        oomKilledDaysAgo: 3.3,
      },
    ],
  },
  {
    namespace: 'shop',
    name: 'search',
    shows: 'memory that grows',
    containers: [
      {
        name: 'search',
        kind: 'growing',
        uses: [0.5, 1400],
        requests: [1, 1536],
        limits: [undefined, 1536],
      },
    ],
  },
  {
    namespace: 'data',
    kind: 'StatefulSet',
    name: 'db',
    shows: 'a StatefulSet, steady',
    replicas: 2,
    containers: [
      {
        name: 'db',
        kind: 'steady',
        uses: [0.5, 900],
        requests: [2, 2048],
        limits: [undefined, 2048],
      },
    ],
  },
  {
    namespace: 'data',
    name: 'events',
    shows: 'bursts',
    containers: [
      {
        name: 'events',
        kind: 'bursty',
        uses: [0.7, 300],
        requests: [1, 512],
        limits: [undefined, 512],
      },
    ],
  },
  {
    namespace: 'data',
    name: 'etl',
    shows: 'batches',
    containers: [
      {
        name: 'etl',
        kind: 'batch',
        uses: [1.2, 700],
        requests: [2, 1024],
        limits: [undefined, 1024],
      },
    ],
  },
  {
    namespace: 'data',
    kind: 'CronJob',
    name: 'report',
    shows: 'a CronJob, every two hours',
    replicas: 0,
    schedule: '0 */2 * * *',
    containers: [
      {
        name: 'report',
        kind: 'steady',
        uses: [0.4, 600],
        requests: [1, 2048],
        limits: [undefined, 2048],
      },
    ],
  },
  {
    namespace: 'tools',
    name: 'wiki',
    shows: 'a LimitRange',
    containers: [
      { name: 'wiki', kind: 'steady', uses: [0.2, 300], requests: [1, 1024], limits: [1, 1024] },
    ],
  },
  {
    namespace: 'tools',
    name: 'admin',
    shows: 'idle, held up by the LimitRange',
    containers: [
      { name: 'admin', kind: 'idle', uses: [0.008, 40], requests: [0.5, 512], limits: [0.5, 512] },
    ],
  },
  {
    namespace: 'tools',
    kind: 'DaemonSet',
    name: 'agent',
    shows: 'a DaemonSet',
    containers: [
      {
        name: 'agent',
        kind: 'idle',
        uses: [0.03, 90],
        requests: [0.2, 256],
        limits: [undefined, 256],
      },
    ],
  },
];

/** The workloads of the demo with two weeks of usage that end now. */
export function demoWorkloads(shapes: ShapeSource, nowSeconds: number): readonly DemoWorkload[] {
  return DRAFTS.map((draft, seed) => workloadOf(draft, seed, { shapes, nowSeconds }));
}

interface Making {
  readonly shapes: ShapeSource;
  readonly nowSeconds: number;
}

function workloadOf(draft: Draft, seed: number, making: Making): DemoWorkload {
  const ago = (days: number): number => making.nowSeconds - days * DAY;
  return {
    ref: { namespace: draft.namespace, kind: draft.kind ?? 'Deployment', name: draft.name },
    shows: draft.shows,
    replicas: draft.replicas ?? 1,
    schedule: draft.schedule,
    autoscaledAtPercent: draft.autoscaledAtPercent,
    redeployedSeconds: (draft.redeployedDaysAgo ?? []).map(ago),
    containers: draft.containers.map((container, i) =>
      containerOf(container, seed * 10 + i, making),
    ),
  };
}

function containerOf(draft: ContainerDraft, seed: number, making: Making): DemoContainer {
  const { nowSeconds, shapes } = making;
  const [cpuCores, memoryMi] = draft.uses;
  const scale = { cpuCores, memoryBytes: memoryMi * MI };
  const window = { fromSeconds: nowSeconds - DEMO_WINDOW_SECONDS, toSeconds: nowSeconds, seed };
  const killed = draft.oomKilledDaysAgo;
  return {
    name: draft.name,
    sizes: {
      requests: { cpu: draft.requests[0], memory: draft.requests[1] * MI },
      limits: limitsOf(draft.limits),
    },
    usage: shapes.shape(draft.kind, scale, window),
    oomKillSeconds: killed === undefined ? [] : [nowSeconds - killed * DAY],
  };
}

function limitsOf(limits: ContainerDraft['limits']): Sizes['limits'] {
  if (limits === undefined) return {};
  const [cpu, memoryMi] = limits;
  return { ...(cpu === undefined ? {} : { cpu }), memory: memoryMi * MI };
}
