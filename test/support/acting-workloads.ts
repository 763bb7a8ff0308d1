import type { WorkloadRef } from '../../src/controller/ports.ts';
import type { Resources } from './admission.ts';
import { clusterMetrics, type SeedPod } from './cluster-metrics.ts';
import { random } from './history-generator.ts';
import type { SeedSeries } from './seed.ts';

const MI = 2 ** 20;
const DAY = 86_400;
const MINUTE = 60;

/** A workload that runs on the node, and the usage that Prometheus remembers of its former pod. */
export interface ActingWorkload {
  readonly kind: Extract<WorkloadRef['kind'], 'Deployment' | 'StatefulSet' | 'CronJob'>;
  readonly name: string;
  /** 1 unless stated. */
  readonly replicas?: number;
  /** As the template says. */
  readonly resources: Resources;
  /** Of the pod as a whole; none unless stated. */
  readonly podResources?: Resources;
  /** Highest CPU in cores and memory in MiB that its former pod used; nothing is remembered without. */
  readonly used?: { readonly cpu: number; readonly memoryMi: number };
  /** How long its former pod ran; 10 unless stated, from 7 on nothing is put on for want of history. */
  readonly days?: number;
  /** Shell; `WORKER`, or of a run a short sleep, unless stated, `undefined` when the container is to do nothing. */
  readonly script?: string | undefined;
  /** Resources whose change restarts the container. */
  readonly restartsOn?: readonly ('cpu' | 'memory')[];
}

/** Every workload has one container, of this name. */
const CONTAINER = 'main';

/**
 * Does as much as the files of the volume say, which outlives a restart of the container: `/load/cpu` is the number of
 * turns of a loop five times a second, of which 1,000 take about 4m of CPU, `/load/memory` the MiB that are held.
 */
const WORKER = [
  'held=0; kept=',
  'while :; do want=0; work=0',
  '[ ! -e /load/memory ] || read want </load/memory',
  '[ ! -e /load/cpu ] || read work </load/cpu',
  'if [ "$want" != "$held" ]; then held=$want; kept=$(head -c $((want * 1048576)) /dev/zero | tr "\\0" x); fi',
  'while [ "$work" -gt 0 ]; do work=$((work - 1)); done',
  'sleep 0.2; done',
].join('\n');

const LIMIT_FILE = [
  'file=/sys/fs/cgroup/memory/memory.limit_in_bytes',
  '[ -e $file ] || file=/sys/fs/cgroup/memory.max',
];

/** Ends as soon as its memory limit is below so many MiB, as a program does that reads it for its heap. */
export function picky(leastMi: number): string {
  return [
    ...LIMIT_FILE,
    `while read limit <$file; [ "$limit" -ge ${leastMi * MI} ]; do sleep 1; done`,
    'echo "too little memory: $limit"; exit 1',
  ].join('\n');
}

/** A run that fails when its memory limit is below so many MiB, and else takes a few seconds. */
export function pickyRun(leastMi: number): string {
  return [
    ...LIMIT_FILE,
    `read limit <$file; [ "$limit" -ge ${leastMi * MI} ] || exit 1`,
    'sleep 3',
  ].join('\n');
}

/** What Prometheus is to remember: one former pod of each workload, until now. */
export function seedOf(
  namespace: string,
  workloads: readonly ActingWorkload[],
): readonly SeedSeries[] {
  return clusterMetrics(workloads.flatMap((workload) => formerPod(namespace, workload)));
}

const FORMER = {
  Deployment: { middle: 'ReplicaSet', begin: '-6c8d9b7f54', end: '-x2x4z' },
  CronJob: { middle: 'Job', begin: '-29000000', end: '-x2x4z' },
  StatefulSet: { middle: undefined, begin: '', end: '-7' },
} as const;

function formerPod(namespace: string, workload: ActingWorkload): readonly SeedPod[] {
  const { kind, name, used, days = 10 } = workload;
  if (used === undefined) return [];
  const { middle, begin, end } = FORMER[kind];
  const between = middle === undefined ? [] : [{ kind: middle, name: `${name}${begin}` }];
  const now = Math.floor(Date.now() / 1000);
  const share = (seed: number, time: number) => random(seed, Math.floor(time / (5 * MINUTE)));
  const usage = {
    cpuCores: (time: number) => used.cpu * (0.8 + 0.2 * share(1, time)),
    memoryBytes: (time: number) => used.memoryMi * MI * (0.9 + 0.1 * share(2, time)),
  };
  return [
    {
      namespace,
      name: `${name}${begin}${end}`,
      uid: `${namespace}-${name}`,
      node: 'node-1',
      owners: [...between, { kind, name }],
      startSeconds: now - days * DAY,
      endSeconds: now,
      containers: [{ name: CONTAINER, sizes: { requests: {}, limits: {} }, usage }],
    },
  ];
}

/** The Kubernetes object of a workload. A CronJob is suspended, and its runs take a few seconds. */
export function workloadObject(namespace: string, workload: ActingWorkload): object {
  const { kind, name, replicas = 1 } = workload;
  const labels = { app: name };
  const template = { metadata: { labels }, spec: podSpec(workload) };
  const apiVersion = kind === 'CronJob' ? 'batch/v1' : 'apps/v1';
  const spec =
    kind === 'CronJob'
      ? { schedule: '* * * * *', suspend: true, jobTemplate: { spec: { template } } }
      : { replicas, selector: { matchLabels: labels }, template };
  return { apiVersion, kind, metadata: { namespace, name, labels }, spec };
}

function podSpec(workload: ActingWorkload): object {
  const isRun = workload.kind === 'CronJob';
  const usual = isRun ? 'sleep 5' : WORKER;
  const script = 'script' in workload ? workload.script : usual;
  const program =
    script === undefined
      ? { image: 'localhost/pause:1' }
      : { image: 'localhost/busybox:1', command: ['sh', '-c', script] };
  return {
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    ...(workload.podResources && { resources: workload.podResources }),
    ...(isRun && { restartPolicy: 'Never' }),
    containers: [
      {
        name: CONTAINER,
        ...program,
        imagePullPolicy: 'Never',
        resources: workload.resources,
        resizePolicy: (workload.restartsOn ?? []).map((resourceName) => ({
          resourceName,
          restartPolicy: 'RestartContainer',
        })),
        volumeMounts: [{ name: 'load', mountPath: '/load' }],
      },
    ],
    volumes: [{ name: 'load', emptyDir: {} }],
  };
}
