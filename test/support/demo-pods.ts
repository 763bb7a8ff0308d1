import type { SeedContainer, SeedPod } from './cluster-metrics.ts';
import { DEMO_WINDOW_SECONDS, type DemoContainer, type DemoWorkload } from './demo-workloads.ts';
import { random } from './history-generator.ts';

/** The pods, former and present, that a workload had in the two weeks; names are as its controllers give them. */
export function seedPodsOf(workload: DemoWorkload, nowSeconds: number): readonly SeedPod[] {
  switch (workload.ref.kind) {
    case 'CronJob':
      return cronPods(workload, nowSeconds);
    case 'StatefulSet':
    case 'DaemonSet':
      return replicaNumbers(workload).map((replica) => setPod(workload, replica, nowSeconds));
    case 'Deployment':
    case 'Job':
    case 'Rollout':
      return deploymentPods(workload, nowSeconds);
  }
}

function replicaNumbers({ replicas }: DemoWorkload): readonly number[] {
  return Array.from({ length: replicas }, (_, replica) => replica);
}

function deploymentPods(workload: DemoWorkload, nowSeconds: number): readonly SeedPod[] {
  const starts = [nowSeconds - DEMO_WINDOW_SECONDS, ...workload.redeployedSeconds];
  return starts.flatMap((startSeconds, revision) => {
    const replicaSet = `${workload.ref.name}-${safeText(workload, revision, 10)}`;
    return replicaNumbers(workload).map((replica) =>
      podOf(workload, {
        name: `${replicaSet}-${safeText(workload, revision * 100 + replica + 1000, 5)}`,
        owners: [
          { kind: 'ReplicaSet', name: replicaSet },
          { kind: workload.ref.kind, name: workload.ref.name },
        ],
        startSeconds,
        endSeconds: starts[revision + 1] ?? nowSeconds,
      }),
    );
  });
}

function setPod(workload: DemoWorkload, replica: number, nowSeconds: number): SeedPod {
  const { kind, name } = workload.ref;
  const end = kind === 'StatefulSet' ? String(replica) : safeText(workload, replica, 5);
  return podOf(workload, {
    name: `${name}-${end}`,
    owners: [{ kind, name }],
    startSeconds: nowSeconds - DEMO_WINDOW_SECONDS,
    endSeconds: nowSeconds,
  });
}

const CRON_INTERVAL = 2 * 3600;
const CRON_RUN = 15 * 60;

function cronPods(workload: DemoWorkload, nowSeconds: number): readonly SeedPod[] {
  const { kind, name } = workload.ref;
  const first = Math.ceil((nowSeconds - DEMO_WINDOW_SECONDS) / CRON_INTERVAL);
  const last = Math.floor((nowSeconds - CRON_RUN) / CRON_INTERVAL);
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const startSeconds = (first + i) * CRON_INTERVAL;
    const job = `${name}-${startSeconds / 60}`;
    return podOf(workload, {
      name: `${job}-${safeText(workload, first + i, 5)}`,
      owners: [
        { kind: 'Job', name: job },
        { kind, name },
      ],
      startSeconds,
      endSeconds: startSeconds + CRON_RUN,
    });
  });
}

function podOf(
  workload: DemoWorkload,
  life: Pick<SeedPod, 'name' | 'owners' | 'startSeconds' | 'endSeconds'>,
): SeedPod {
  return {
    ...life,
    namespace: workload.ref.namespace,
    uid: `${workload.ref.namespace}-${life.name}`,
    node: 'node-1',
    containers: workload.containers.map((container) =>
      seedContainer(varied(container, life.name), life),
    ),
  };
}

/** Pods of one workload are alike but not the same: each has its own share of the load, up to a tenth below all of it. */
function varied(container: DemoContainer, pod: string): DemoContainer {
  const share = 1 - 0.1 * random(textSeed(pod), 1);
  const { cpuCores, memoryBytes } = container.usage;
  return {
    ...container,
    usage: {
      cpuCores: (time) => share * cpuCores(time),
      memoryBytes: (time) => share * memoryBytes(time),
    },
  };
}

function seedContainer(
  { name, sizes, usage, oomKillSeconds }: DemoContainer,
  { startSeconds, endSeconds }: Pick<SeedPod, 'startSeconds' | 'endSeconds'>,
): SeedContainer {
  const kills = oomKillSeconds.filter((time) => time > startSeconds && time <= endSeconds);
  return { name, sizes, usage, restartSeconds: kills, oomKillSeconds: kills };
}

/** Letters as Kubernetes generates them in names. */
function safeText({ ref }: DemoWorkload, number: number, length: number): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  const seed = textSeed(`${ref.namespace}/${ref.name}`);
  return Array.from(
    { length },
    (_, i) => letters[Math.floor(random(seed, number * 16 + i) * letters.length)],
  ).join('');
}

function textSeed(text: string): number {
  return Buffer.from(text).reduce((sum, byte) => Math.imul(sum, 31) + byte, 7);
}
