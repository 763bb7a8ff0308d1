// Shows the product at work on the cluster of KUBECONFIG; test/demo/run.sh starts it.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { apply, kubectl, until } from '../support/cluster.ts';
import { clusterMetrics } from '../support/cluster-metrics.ts';
import { seedPodsOf } from '../support/demo-pods.ts';
import { DEMO_NAMESPACES, demoWorkloads, type DemoWorkload } from '../support/demo-workloads.ts';
import { install, operatorToken } from '../support/installation.ts';
import { startOperator, type RunningOperator } from '../support/operator.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import { findShapes, tracesFolder } from '../support/trace-shapes.ts';
import { demoObjects } from './objects.ts';

const POLICIES = fileURLToPath(new URL('policies.yaml', import.meta.url));
const SYSTEM = 'rightsize-demo';
const RECOMMENDED_MS = 60_000;

const stopping = new AbortController();
const undo: (() => Promise<unknown>)[] = [];

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  process.stderr.write(`${what} … `);
  const start = performance.now();
  const result = await work();
  say(`${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

async function main(): Promise<void> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const shapes = await findShapes(tracesFolder(), stopping.signal);
  const workloads = demoWorkloads(shapes, nowSeconds);
  const prometheus = await timed(
    `Filling a real Prometheus with 14 days of usage (${shapes.origin})`,
    () => seeded(workloads, nowSeconds),
  );
  await timed('Installing the operator with its read-only rights', () =>
    install({ overlay: 'cluster', namespace: SYSTEM }),
  );
  await timed(`Creating ${workloads.length} workloads in ${DEMO_NAMESPACES.join(', ')}`, () =>
    created(workloads),
  );
  const operator = await timed('Starting the operator and applying three policies', () =>
    started(prometheus.url),
  );
  await timed('Waiting for a recommendation for every workload', () =>
    recommended(workloads, operator),
  );
  say('');
  process.stdout.write(`$ kubectl get recommendations -A\n`);
  process.stdout.write(`${await kubectl('get', 'recommendations', '-A')}\n\n`);
  await stay(prometheus.url);
}

async function seeded(
  workloads: readonly DemoWorkload[],
  nowSeconds: number,
): Promise<RunningPrometheus> {
  const pods = workloads.flatMap((workload) => seedPodsOf(workload, nowSeconds));
  const prometheus = await startPrometheus({ series: clusterMetrics(pods) });
  undo.push(() => prometheus.stop());
  return prometheus;
}

async function created(workloads: readonly DemoWorkload[]): Promise<void> {
  undo.push(() =>
    kubectl(
      'delete',
      'namespace',
      ...DEMO_NAMESPACES,
      SYSTEM,
      '--wait=false',
      '--ignore-not-found',
    ),
  );
  await apply(...demoObjects(workloads));
}

async function started(prometheusUrl: string): Promise<RunningOperator> {
  const token = await operatorToken(SYSTEM);
  const operator = await startOperator({ prometheusUrl, token, leaseNamespace: SYSTEM });
  undo.push(async () => {
    await operator.end('SIGTERM');
    await operator.remove();
  });
  await kubectl('apply', '--server-side', '-f', POLICIES);
  undo.push(() => kubectl('delete', '-f', POLICIES, '--wait=false', '--ignore-not-found'));
  return operator;
}

/** Every workload must have a recommendation with numbers; what the operator logged says why one has not. */
async function recommended(
  workloads: readonly DemoWorkload[],
  operator: RunningOperator,
): Promise<void> {
  try {
    await until(RECOMMENDED_MS, async () => {
      const missing = await withoutRecommendation(workloads);
      if (operator.child.exitCode !== null) throw new Error('the operator has ended');
      if (missing.length > 0) throw new Error(`no recommendation for ${missing.join(', ')}`);
    });
  } catch (error) {
    say(`\n${await operator.log()}`);
    throw error;
  }
}

interface Found {
  readonly metadata: { readonly namespace: string };
  readonly spec: { readonly targetRef: { readonly kind: string; readonly name: string } };
  readonly status?: { readonly containers?: readonly { readonly target?: object }[] };
}

async function withoutRecommendation(
  workloads: readonly DemoWorkload[],
): Promise<readonly string[]> {
  const answer = await kubectl('get', 'recommendations', '-A', '-o', 'json');
  const { items } = JSON.parse(answer) as { items: readonly Found[] };
  const done = new Set(
    items
      .filter(({ status }) => status?.containers?.every(({ target }) => target !== undefined))
      .map(({ metadata, spec }) => {
        const { kind, name } = spec.targetRef;
        return `${metadata.namespace}/${kind}/${name}`;
      }),
  );
  return workloads
    .map(({ ref: { namespace, kind, name } }) => `${namespace}/${kind}/${name}`)
    .filter((key) => !done.has(key));
}

async function stay(prometheusUrl: string): Promise<void> {
  say(
    'Next, see why a size was chosen:      kubectl -n shop describe recommendation deployment-cart',
  );
  say(
    'and what a policy costs and covers:   kubectl get rightsizepolicies,clusterrightsizepolicies -A',
  );
  if (process.env['DEMO'] === 'once') return;
  const { RIGHTSIZE_CLUSTER_DIR: folder } = process.env;
  if (folder !== undefined) {
    say(
      `In a second terminal, as root:        nsenter -t $(cat ${folder}/pid) -m -n -p ${folder}/shell`,
    );
  }
  say(`Prometheus is at ${prometheusUrl}. Ctrl-C ends all of it and takes it away.`);
  await once(stopping.signal, 'abort');
}

async function cleanUp(): Promise<void> {
  for (const step of undo.reverse()) {
    try {
      await step();
    } catch (error) {
      say(`clean up: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => stopping.abort());
}
try {
  const interrupted = once(stopping.signal, 'abort');
  await Promise.race([main(), interrupted]);
} catch (error) {
  say(`the demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  say('');
  await cleanUp();
}
process.exit();
