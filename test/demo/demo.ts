// Shows the product at work on the cluster of KUBECONFIG; test/demo/run.sh starts it.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { GROUP, PLURALS } from '../../src/api/group.ts';
import { apply, kubectl, until } from '../support/cluster.ts';
import { clusterMetrics } from '../support/cluster-metrics.ts';
import { seedPodsOf } from '../support/demo-pods.ts';
import { DEMO_NAMESPACES, demoWorkloads, type DemoWorkload } from '../support/demo-workloads.ts';
import { install, operatorToken, uninstall } from '../support/installation.ts';
import { startOperator, type RunningOperator } from '../support/operator.ts';
import { startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';
import { findShapes, tracesFolder } from '../support/trace-shapes.ts';
import { demoObjects } from './objects.ts';

const POLICIES = fileURLToPath(new URL('policies.yaml', import.meta.url));
const SYSTEM = 'rightsize-demo';
const RECOMMENDED_MS = 60_000;
/** On all that the demo makes: what has it may be taken away, and nothing else. */
const LABEL = 'rightsize.dev/demo';
const DEFINITIONS = Object.values(PLURALS).map((plural) => `${plural}.${GROUP}`);
const POLICIES_OF_BOTH_KINDS = `${PLURALS.RightsizePolicy},${PLURALS.ClusterRightsizePolicy}`;
/** The story of each container in words. */
const STORY = 'jsonpath={.status.containers[*].explanation}';
const EXIT_REFUSED = 2;

/** The cluster is not one to show this on. */
class Refused extends Error {}

const stopping = new AbortController();
const undo: (() => Promise<unknown>)[] = [];

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  stopping.signal.throwIfAborted();
  process.stderr.write(`${what} … `);
  const start = performance.now();
  const result = await work();
  say(`${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

/** Prints a command and what it answers, as its user would see them. */
async function show(...args: readonly string[]): Promise<void> {
  const answer = await kubectl(...args);
  process.stdout.write(`$ kubectl ${args.join(' ')}\n${answer}\n\n`);
}

async function main(): Promise<void> {
  await timed('Looking whether the cluster is free for this', prepare);
  const nowSeconds = Math.floor(Date.now() / 1000);
  const shapes = await findShapes(tracesFolder(), stopping.signal);
  const workloads = demoWorkloads(shapes, nowSeconds);
  const prometheus = await timed(
    `Filling a real Prometheus with 14 days of usage (${shapes.origin})`,
    () => seeded(workloads, nowSeconds),
  );
  await timed('Installing the operator with its read-only rights', installed);
  await timed(`Creating ${workloads.length} workloads in ${DEMO_NAMESPACES.join(', ')}`, () =>
    created(workloads),
  );
  const operator = await timed('Starting the operator and applying three policies', () =>
    started(prometheus.url),
  );
  await timed('Waiting for a recommendation for every workload', () =>
    recommended(workloads, operator),
  );
  await timed('Waiting for what the policies make of them', calibrated);
  say('');
  stopping.signal.throwIfAborted();
  await show('get', 'recommendations', '-A');
  await show('get', POLICIES_OF_BOTH_KINDS, '-A');
  await show('-n', 'shop', 'get', 'recommendation', 'deployment-cart', '-o', STORY);
  await stay(prometheus.url);
}

/** Refuses where the demo would touch what is not its own; takes away what an interrupted one has left. */
async function prepare(): Promise<void> {
  const namespaces = await found('namespaces', ...DEMO_NAMESPACES, SYSTEM);
  const foreign = namespaces.filter(({ metadata }) => metadata.labels?.[LABEL] === undefined);
  if (foreign.length > 0) {
    const names = foreign.map(({ metadata }) => metadata.name).join(', ');
    throw new Refused(
      `the cluster has namespaces that are not the demo's, which would fill and delete them: ${names}; use another cluster, such as the one that the demo starts without RIGHTSIZE_KUBECONFIG`,
    );
  }
  if ((await found('crd', ...DEFINITIONS)).length > 0) await refusePolicies();
  if (namespaces.length === 0) return;
  await kubectl('delete', 'namespace', ...namespaces.map(({ metadata }) => metadata.name));
}

/** The demo's operator would follow policies that are there, and they would reach the demo's workloads. */
async function refusePolicies(): Promise<void> {
  const kinds = [PLURALS.RightsizePolicy, PLURALS.ClusterRightsizePolicy];
  const all = await found(kinds.map((plural) => `${plural}.${GROUP}`).join(','), '-A');
  const leaving = (await found('namespaces')).filter(
    ({ metadata }) => metadata.deletionTimestamp !== undefined,
  );
  const passed: readonly (string | undefined)[] = [
    ...DEMO_NAMESPACES,
    ...leaving.map(({ metadata }) => metadata.name),
  ];
  const foreign = all.filter(
    ({ metadata: { labels, namespace } }) =>
      labels?.[LABEL] === undefined && !passed.includes(namespace),
  );
  if (foreign.length > 0) {
    const names = foreign.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
    throw new Refused(
      `the cluster has policies that are not the demo's, which its operator would follow: ${names}; delete them, or use another cluster`,
    );
  }
  const isLeft = all.some(({ metadata }) => metadata.labels?.[LABEL] !== undefined);
  if (isLeft) await kubectl('delete', '-f', POLICIES, '--ignore-not-found');
}

interface Existing {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** Objects that are there; of those that are named, or all. */
async function found(...args: readonly string[]): Promise<readonly Existing[]> {
  const answer = await kubectl('get', ...args, '--ignore-not-found', '-o', 'json');
  if (answer === '') return [];
  const parsed = JSON.parse(answer) as Existing | { readonly items: readonly Existing[] };
  return 'items' in parsed ? parsed.items : [parsed];
}

async function installed(): Promise<void> {
  const before = (await found('crd', ...DEFINITIONS)).map(({ metadata }) => metadata.name);
  const added = DEFINITIONS.filter((name) => !before.includes(name));
  if (added.length > 0) undo.push(() => kubectl('delete', 'crd', ...added, '--ignore-not-found'));
  undo.push(() => uninstall(SYSTEM));
  await kubectl('create', 'namespace', SYSTEM);
  await kubectl('label', 'namespace', SYSTEM, `${LABEL}=true`);
  await install({ overlay: 'cluster', namespace: SYSTEM });
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
    kubectl('delete', 'namespace', ...DEMO_NAMESPACES, '--wait=false', '--ignore-not-found'),
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
  undo.push(() => kubectl('delete', '-f', POLICIES, '--wait=false', '--ignore-not-found'));
  await kubectl('apply', '--server-side', '-f', POLICIES);
  return operator;
}

/** Every workload must have a recommendation with numbers; what the operator logged says why one has not. */
async function recommended(
  workloads: readonly DemoWorkload[],
  operator: RunningOperator,
): Promise<void> {
  try {
    await until(RECOMMENDED_MS, async () => {
      if (stopping.signal.aborted) return;
      const missing = await withoutRecommendation(workloads);
      if (operator.child.exitCode !== null) throw new Error('the operator has ended');
      if (missing.length > 0) throw new Error(`no recommendation for ${missing.join(', ')}`);
    });
  } catch (error) {
    say(`\n${await operator.log()}`);
    throw error;
  }
}

/** Each policy says whether its promise would have been kept, once all of its workloads were looked at. */
async function calibrated(): Promise<void> {
  await until(RECOMMENDED_MS, async () => {
    if (stopping.signal.aborted) return;
    const answer = await kubectl('get', POLICIES_OF_BOTH_KINDS, '-A', '-o', 'json');
    const { items } = JSON.parse(answer) as { items: readonly Calibrated[] };
    if (items.some(({ status }) => status?.calibration === undefined)) {
      throw new Error('a policy was not calibrated');
    }
  });
}

interface Calibrated {
  readonly status?: { readonly calibration?: object };
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
    'Next, see all that it rests on:       kubectl -n shop describe recommendation deployment-cart',
  );
  say('and what other risks would cost:      kubectl -n shop describe rightsizepolicy balanced');
  if (process.env['DEMO'] === 'once') return;
  const { RIGHTSIZE_CLUSTER_DIR: folder } = process.env;
  if (folder !== undefined) {
    say(
      `In a second terminal, as root:        nsenter -t $(cat ${folder}/pid) -m -n -p ${folder}/shell`,
    );
  }
  say(`Prometheus is at ${prometheusUrl}. Ctrl-C ends all of it and takes it away.`);
  if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
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
  // Also when it is told to stop: the step under way ends first, so that nothing is made after the cleaning up.
  await main();
} catch (error) {
  if (!stopping.signal.aborted) {
    say(`\nthe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = error instanceof Refused ? EXIT_REFUSED : 1;
  }
} finally {
  say('');
  await cleanUp();
}
process.exit();
