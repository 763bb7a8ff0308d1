import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeConnection } from '../../src/kube/connection.ts';
import { uninstallAdmission } from './admission.ts';
import { seedOf, workloadObject, type ActingWorkload } from './acting-workloads.ts';
import { apply, directConnection, kubectl } from './cluster.ts';
import { install, operatorToken, uninstall, type Installation } from './installation.ts';
import { startOperator, type RunningOperator } from './operator.ts';
import { startPrometheus, type RunningPrometheus } from './prometheus.ts';
import type { SeedSeries } from './seed.ts';

/** A namespace of a world, and what is in it before the operator starts. */
export interface Place {
  readonly namespace: string;
  readonly workloads: readonly ActingWorkload[];
  /** Workloads of which Prometheus remembers use, and that are made later. */
  readonly later: readonly ActingWorkload[];
  /** Made before the workloads, such as a LimitRange. */
  readonly objects: readonly object[];
}

/** A Prometheus that scrapes the node, and an installed operator, over namespaces with workloads that run. */
export interface RunningWorld {
  readonly connection: KubeConnection;
  readonly prometheus: RunningPrometheus;
  /** The user name that the API server knows the operator by. */
  readonly user: string;
  /** Namespace of its ServiceAccount and Lease. */
  readonly system: string;
  /** The instance that was started last; throws before the first. */
  operator(): RunningOperator;
  /** Starts an instance, with the rights of the ServiceAccount only. */
  start(): Promise<RunningOperator>;
  close(): Promise<void>;
}

export interface WorldSetup {
  /** Of the operator. */
  readonly flags: readonly string[];
  /** What is installed beyond the read tier. */
  readonly components: NonNullable<Installation['components']>;
}

/** No operator runs yet when it resolves. */
export async function openWorld(
  name: string,
  places: readonly Place[],
  { flags, components }: WorldSetup,
): Promise<RunningWorld> {
  if (process.env['RIGHTSIZE_CLUSTER_DIR'] === undefined) {
    throw new Error(
      'these tests look into cgroups and the audit log of the cluster of test/cluster/run.sh',
    );
  }
  const system = `${name}-system`;
  const connection = directConnection();
  const undo: (() => Promise<unknown>)[] = [() => connection.close()];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    undo.push(() => removed(system));
    await install({ overlay: 'cluster', namespace: system, components });
    const config = await scrapeConfig(system);
    const namespaces = places.map(({ namespace }) => namespace);
    undo.push(() => kubectl('delete', 'namespace', ...namespaces, '--wait=false'));
    const seed = places.flatMap(({ namespace, workloads, later }) =>
      seedOf(namespace, [...workloads, ...later]),
    );
    const [prometheus] = await Promise.all([seeded(seed, config), made(places)]);
    undo.push(() => prometheus.stop());
    const token = await operatorToken(system);
    const instances: RunningOperator[] = [];
    undo.push(() => ended(name, instances));
    return {
      connection,
      prometheus,
      user: `system:serviceaccount:${system}:rightsize`,
      system,
      operator: () => known(instances.at(-1)),
      start: async () => {
        const setup = { prometheusUrl: prometheus.url, token, leaseNamespace: system, flags };
        const operator = await startOperator(setup);
        instances.push(operator);
        return operator;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function known(operator: RunningOperator | undefined): RunningOperator {
  if (operator === undefined) throw new Error('no operator was started');
  return operator;
}

async function removed(system: string): Promise<void> {
  await uninstallAdmission();
  await uninstall(system);
}

/** Leaves what they logged beside the logs of the cluster. */
async function ended(name: string, instances: readonly RunningOperator[]): Promise<void> {
  const folder = process.env['RIGHTSIZE_CLUSTER_DIR'] ?? '';
  for (const operator of instances) {
    await operator.end('SIGTERM');
    await appendFile(join(folder, 'logs', `operator-${name}.jsonl`), await operator.log());
    await operator.remove();
  }
}

async function made(places: readonly Place[]): Promise<void> {
  const metadata = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await apply(...places.map(({ namespace }) => metadata(namespace)));
  const objects = places.flatMap((place) => place.objects);
  if (objects.length > 0) await apply(...objects);
  await apply(
    ...places.flatMap(({ namespace, workloads }) =>
      workloads.map((workload) => workloadObject(namespace, workload)),
    ),
  );
}

function seeded(series: readonly SeedSeries[], config: string): Promise<RunningPrometheus> {
  return startPrometheus({ series, config });
}

const METRICS = [
  'container_cpu_usage_seconds_total',
  'container_cpu_cfs_(throttled_)?periods_total',
  'container_memory_working_set_bytes',
  'container_oom_events_total',
  'container_spec_memory_limit_bytes',
];

/** A configuration that scrapes cAdvisor of the one node, as test/cluster/README.md says. */
async function scrapeConfig(system: string): Promise<string> {
  const role = `${system}-node-metrics`;
  const account = `${system}:prometheus`;
  await kubectl('-n', system, 'create', 'serviceaccount', 'prometheus');
  await kubectl('create', 'clusterrole', role, '--verb=get', '--resource=nodes/metrics');
  await kubectl(
    ...['create', 'clusterrolebinding', role],
    ...[`--clusterrole=${role}`, `--serviceaccount=${account}`],
  );
  const credentials = await kubectl('-n', system, 'create', 'token', 'prometheus', '--duration=2h');
  const caFile = join(process.env['RIGHTSIZE_CLUSTER_DIR'] ?? '', 'certs', 'ca.crt');
  const job = {
    job_name: 'cadvisor',
    scheme: 'https',
    metrics_path: '/metrics/cadvisor',
    authorization: { credentials },
    tls_config: { ca_file: caFile },
    static_configs: [{ targets: ['127.0.0.1:10250'] }],
    metric_relabel_configs: [
      { source_labels: ['__name__'], regex: METRICS.join('|'), action: 'keep' },
    ],
  };
  // JSON is YAML.
  return JSON.stringify({
    global: { scrape_interval: '5s', scrape_timeout: '4s' },
    scrape_configs: [job],
  });
}
