import type { KubeConnection } from '../../src/kube/connection.ts';
import { API_VERSION } from '../../src/api/group.ts';
import { formatCpu, formatMemory } from '../../src/api/quantity.ts';
import type { WorkloadRef } from '../../src/controller/ports.ts';
import type { Amounts, Sizes } from '../../src/recommend/usage.ts';
import { apply, directConnection, kubectl } from './cluster.ts';
import { clusterMetrics, containerMetrics, type SeedPod } from './cluster-metrics.ts';
import { random } from './history-generator.ts';
import { install, operatorToken, uninstall, type Installation } from './installation.ts';
import { startOperator, type RunningOperator } from './operator.ts';
import { startPrometheus, type RunningPrometheus } from './prometheus.ts';

const MI = 2 ** 20;
const DAY = 86_400;
const HISTORY_DAYS = 10;
/** Pods are to be there, not to run: their usage is in Prometheus already, and they cost nothing. */
const NOWHERE = { 'rightsize.dev/e2e': 'nowhere' };

interface SceneContainer {
  readonly name: string;
  /** CPU in cores between which demand moves evenly, and the peak of memory in MiB. */
  readonly uses?: { readonly cpu: readonly [low: number, high: number]; readonly memoryMi: number };
  readonly requests?: Amounts;
  readonly limits?: Amounts;
  /** Where it stands in the pod spec. */
  readonly as?: 'Sidecar' | 'Init';
}

/** A workload in the cluster with ten days of usage in Prometheus. */
export interface SceneWorkload {
  readonly kind: Exclude<WorkloadRef['kind'], 'Job' | 'Rollout'>;
  readonly name: string;
  /** 1 unless stated. */
  readonly replicas?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly containers: readonly SceneContainer[];
}

interface SceneSetup {
  /** Begins the names of all that the scene makes. */
  readonly prefix: string;
  readonly workloads: readonly SceneWorkload[];
  readonly overlay?: Installation['overlay'];
  /** `None` leaves Prometheus to the test. */
  readonly prometheus?: 'WithoutOwnerMetrics' | 'None';
}

interface OperatorSetup {
  readonly flags?: readonly string[];
  readonly prometheusUrl?: string;
}

/** A namespace with workloads, their history in a Prometheus, and the operator's installation. */
export interface Scene {
  readonly namespace: string;
  /** Of the operator: its ServiceAccount and Lease. */
  readonly system: string;
  readonly connection: KubeConnection;
  /** Throws when the scene has none. */
  prometheus(): RunningPrometheus;
  /** Starts an instance with the rights of the installed ServiceAccount only; it ends with the scene. */
  operator(setup?: OperatorSetup): Promise<RunningOperator>;
  close(): Promise<void>;
}

export async function openScene(setup: SceneSetup): Promise<Scene> {
  const namespace = `${setup.prefix}-${process.pid}`;
  const system = `${namespace}-system`;
  const connection = directConnection();
  const undo: (() => Promise<unknown>)[] = [() => connection.close()];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    undo.push(() => kubectl('delete', 'namespace', namespace, '--wait=false'));
    await kubectl('create', 'namespace', namespace);
    undo.push(() => uninstall(system));
    await install({ overlay: setup.overlay ?? 'cluster', namespace: system, watched: namespace });
    await apply(...sceneObjects(namespace, setup.workloads));
    const prometheus = await startHistory(namespace, setup);
    if (prometheus !== undefined) undo.push(() => prometheus.stop());
    return {
      namespace,
      system,
      connection,
      prometheus: () => known(prometheus),
      operator: async ({ flags = [], prometheusUrl } = {}) => {
        const operator = await startOperator({
          prometheusUrl: prometheusUrl ?? known(prometheus).url,
          token: await operatorToken(system),
          leaseNamespace: system,
          flags,
        });
        undo.push(() => operator.remove());
        return operator;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function known(prometheus: RunningPrometheus | undefined): RunningPrometheus {
  if (prometheus === undefined) throw new Error('this scene has no Prometheus');
  return prometheus;
}

async function startHistory(
  namespace: string,
  { workloads, prometheus }: SceneSetup,
): Promise<RunningPrometheus | undefined> {
  if (prometheus === 'None') return undefined;
  const pods = workloads.flatMap((workload) => formerPod(namespace, workload));
  const series =
    prometheus === 'WithoutOwnerMetrics' ? pods.flatMap(containerMetrics) : clusterMetrics(pods);
  return startPrometheus({ series });
}

/** One pod that ran from ten days ago until now, named as its controllers would have. */
function formerPod(namespace: string, workload: SceneWorkload): readonly SeedPod[] {
  const { kind, name } = workload;
  const containers = workload.containers.flatMap(({ uses, ...container }) => {
    if (uses === undefined) return [];
    const [low, high] = uses.cpu;
    const usage = {
      cpuCores: (time: number) => low + (high - low) * random(1, Math.floor(time / 300)),
      memoryBytes: (time: number) =>
        uses.memoryMi * MI * (0.9 + 0.1 * random(2, Math.floor(time / 300))),
    };
    return { name: container.name, sizes: sizesOf(container), usage };
  });
  if (containers.length === 0) return [];
  const between = {
    Deployment: [`${name}-6c8d9b7f54`, 'ReplicaSet', '-x2x4z'],
    CronJob: [`${name}-29000000`, 'Job', '-x2x4z'],
    StatefulSet: [name, undefined, '-0'],
    DaemonSet: [name, undefined, '-x2x4z'],
  } as const;
  const [direct, directKind, end] = between[kind];
  const owners = directKind === undefined ? [] : [{ kind: directKind, name: direct }];
  const now = Math.floor(Date.now() / 1000);
  return [
    {
      namespace,
      name: `${direct}${end}`,
      uid: `${namespace}-${name}`,
      node: 'node-1',
      owners: [...owners, { kind, name }],
      startSeconds: now - HISTORY_DAYS * DAY,
      endSeconds: now,
      containers,
    },
  ];
}

function sizesOf({ requests = {}, limits = {} }: Omit<SceneContainer, 'uses'>): Sizes {
  return { requests, limits };
}

/** The Kubernetes objects of the workloads. */
export function sceneObjects(
  namespace: string,
  workloads: readonly SceneWorkload[],
): readonly object[] {
  return workloads.map((workload) => {
    const { kind, name, labels = {} } = workload;
    const apiVersion = kind === 'CronJob' ? 'batch/v1' : 'apps/v1';
    return { apiVersion, kind, metadata: { namespace, name, labels }, spec: specOf(workload) };
  });
}

function specOf(workload: SceneWorkload): object {
  // A label value has 63 characters at most, a name may have 253.
  const labels = { app: workload.name.slice(0, 40) };
  const template = { metadata: { labels }, spec: podSpec(workload) };
  switch (workload.kind) {
    case 'CronJob':
      return {
        schedule: '0 3 * * *',
        suspend: true,
        jobTemplate: {
          spec: { template: { spec: { ...podSpec(workload), restartPolicy: 'Never' } } },
        },
      };
    case 'DaemonSet':
      return { selector: { matchLabels: labels }, template };
    case 'Deployment':
    case 'StatefulSet':
      return { replicas: workload.replicas ?? 1, selector: { matchLabels: labels }, template };
  }
}

function podSpec({ containers }: SceneWorkload): object {
  const raw = (container: SceneContainer): object => ({
    name: container.name,
    image: 'localhost/pause:1',
    imagePullPolicy: 'Never',
    resources: {
      requests: quantities(container.requests ?? {}),
      limits: quantities(container.limits ?? {}),
    },
    ...(container.as === 'Sidecar' && { restartPolicy: 'Always' }),
  });
  return {
    nodeSelector: NOWHERE,
    terminationGracePeriodSeconds: 0,
    initContainers: containers.filter(({ as }) => as !== undefined).map(raw),
    containers: containers.filter(({ as }) => as === undefined).map(raw),
  };
}

function quantities({ cpu, memory }: Amounts): Readonly<Record<string, string>> {
  return {
    ...(cpu !== undefined && { cpu: formatCpu(cpu) }),
    ...(memory !== undefined && { memory: formatMemory(memory) }),
  };
}

/** A RightsizePolicy of the namespace. */
export function policy(namespace: string, name: string, spec: object = {}): object {
  return {
    apiVersion: API_VERSION,
    kind: 'RightsizePolicy',
    metadata: { namespace, name },
    spec,
  };
}
