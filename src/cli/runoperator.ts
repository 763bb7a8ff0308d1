import { existsSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../api/duration.ts';
import { Controller, type ControllerSnapshot } from '../controller/controller.ts';
import type { Log } from '../controller/ports.ts';
import { KubeCluster } from '../kube/cluster.ts';
import { KubeConnection } from '../kube/connection.ts';
import { KubeError } from '../kube/errors.ts';
import { EventRecorder } from '../kube/events.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { LeaderElection } from '../kube/lease.ts';
import type { ReflectorState } from '../kube/reflector.ts';
import { createWriter } from '../kube/writer.ts';
import { createPrometheusSource } from '../prometheus/source.ts';
import { RESOURCES } from '../recommend/usage.ts';
import { createLog } from '../telemetry/log.ts';
import type { LogLevel } from '../telemetry/loglevel.ts';
import {
  createMetrics,
  type MetricsSnapshot,
  type OperatorMetrics,
  type PolicyPromise,
} from '../telemetry/metrics.ts';
import { parseAddress, serveTelemetry } from '../telemetry/server.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import { BadInput, reading } from './failure.ts';
import { prometheusOptions, type PrometheusFlags } from './prometheusflags.ts';
import { VERSION } from './version.ts';

export interface OperatorFlags extends PrometheusFlags {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly metricsAddress: string;
  readonly leaseNamespace?: string;
  readonly leaseName: string;
  readonly refresh: string;
  readonly logLevel: LogLevel;
}

/** Runs until a signal ends it. */
export async function runOperator(flags: OperatorFlags): Promise<void> {
  const address = reading(() => parseAddress(flags.metricsAddress), '--metrics-address');
  // First of all, since as the first process of a container nothing else ends it.
  const signalled = stopSignal();
  const stopping = new AbortController();
  const log = createLog(flags.logLevel);
  const parts = assemble(flags, { log, signal: stopping.signal });
  const { metrics, cluster, election } = parts;
  const server = await serveTelemetry(address, {
    metrics: () => metrics.render(),
    metricsType: metrics.contentType,
    problems: () => cluster.problems(),
  });
  log.info({ version: VERSION, metrics: flags.metricsAddress }, 'started');
  cluster.start();
  election.start();
  const signal = await signalled;
  log.info({ signal }, 'stopping');
  stopping.abort();
  await stop(parts, server);
  log.info({}, 'stopped');
}

interface Parts {
  readonly connection: KubeConnection;
  readonly metrics: OperatorMetrics;
  readonly cluster: KubeCluster;
  readonly source: ReturnType<typeof createPrometheusSource>;
  readonly election: LeaderElection;
  readonly events: EventRecorder;
  readonly controller: Controller;
}

/** Joins the adapters with the controller; nothing runs yet. */
function assemble(
  flags: OperatorFlags,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Parts {
  const prometheus = prometheusOptions(flags);
  const refreshSeconds = parseRefresh(flags.refresh);
  const source = reading(() =>
    createPrometheusSource({ ...prometheus, onCall: (call) => metrics.prometheusCalled(call) }),
  );
  const connection = reading(() => new KubeConnection(() => loadKubeConfig(flags.kubeconfig)));
  const metrics: OperatorMetrics = createMetrics(VERSION, () =>
    metricsSnapshot(controller.snapshot, election.isLeader()),
  );
  const cluster = watchCluster(connection, {
    namespace: flags.namespace,
    log,
    metrics,
    onChange: (change) => controller.changed(change),
    onWhole: () => leadIfMay(),
    onBroken: () => {
      log.warn({ problems: cluster.problems() }, 'resting until the cluster can be read');
      void controller.rest();
    },
  });
  /** Decisions need the whole picture: policies that are not listed yet would look withdrawn. */
  const mayLead = (): boolean => election.isLeader() && cluster.isWhole();
  const leadIfMay = (): void => {
    if (!mayLead() || signal.aborted) return;
    const problems = cluster.problems();
    if (problems.length > 0) log.warn({ problems }, 'not everything can be read');
    controller.lead();
  };
  const election = electLeader(flags, connection, {
    log,
    onElected: () => {
      leadIfMay();
      if (!cluster.isWhole()) void warnOfWait(cluster, { log, signal });
    },
    onLost: () => void controller.rest(),
  });
  const events = new EventRecorder({
    connection,
    instance: election.identity,
    onError: (error) => log.warn({ err: error }, 'event not recorded'),
  });
  const controller = new Controller({
    view: cluster,
    writer: createWriter(connection),
    source,
    events,
    log,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    isLeader: mayLead,
    refreshSeconds,
    onReconciled: (result) => metrics.reconciled(result),
  });
  return { connection, metrics, cluster, source, election, events, controller };
}

function metricsSnapshot(snapshot: ControllerSnapshot, isLeader: boolean): MetricsSnapshot {
  return {
    ...snapshot,
    isLeader,
    outcomes: snapshot.outcomes.values(),
    promises: promisesOf(snapshot),
  };
}

function promisesOf({ calibrations }: ControllerSnapshot): readonly PolicyPromise[] {
  return [...calibrations].flatMap(([policy, calibration]) =>
    RESOURCES.map((resource): PolicyPromise => {
      const { promised, realised, verdict, kept } = calibration[resource];
      return {
        policy,
        resource,
        promised,
        realised,
        isKept: verdict === 'TooLittleData' ? undefined : verdict === 'Kept',
        containersKept: resource === 'cpu' ? kept : undefined,
      };
    }),
  );
}

function electLeader(
  flags: OperatorFlags,
  connection: KubeConnection,
  {
    log,
    onElected,
    onLost,
  }: { readonly log: Log; readonly onElected: () => void; readonly onLost: () => void },
): LeaderElection {
  const election: LeaderElection = new LeaderElection({
    connection,
    namespace: flags.leaseNamespace ?? podNamespace() ?? flags.namespace ?? 'default',
    name: flags.leaseName,
    onElected: () => {
      log.info({ identity: election.identity }, 'leading');
      onElected();
    },
    onLost: (reason) => {
      log.warn({ reason }, 'not leading any more');
      onLost();
    },
    onError: (error) => log.warn({ err: error }, 'lease'),
  });
  return election;
}

/** The Lease goes back as soon as nothing of ours writes any more, since others wait for it. */
async function stop(parts: Parts, server: Server): Promise<void> {
  const { controller, election, events, cluster, source, connection } = parts;
  await controller.rest();
  await election.stop();
  await Promise.all([events.flush(), cluster.stop(), closed(server)]);
  source.close();
  await connection.close();
}

function watchCluster(
  connection: KubeConnection,
  options: {
    readonly namespace: string | undefined;
    readonly log: Log;
    readonly metrics: OperatorMetrics;
    readonly onChange: ConstructorParameters<typeof KubeCluster>[0]['onChange'];
    readonly onWhole: () => void;
    readonly onBroken: () => void;
  },
): KubeCluster {
  const { log, metrics, namespace, onChange } = options;
  const logState = watchLogger(log);
  let isWhole = false;
  const cluster = new KubeCluster({
    connection,
    namespace,
    clusterScoped: namespace === undefined ? 'Watched' : 'LeftOut',
    ownKinds: 'Required',
    onChange,
    // A failing call shows as a state, once; every single one is for who looks closely. Anything else is an object
    // that was left out.
    onError: (resource, error) => {
      const level = error instanceof KubeError ? 'debug' : 'warn';
      log[level]({ resource, err: error }, 'watch');
    },
    onState: (resource, state) => {
      metrics.watchChanged(resource, state.kind);
      logState(resource, state);
      const before = isWhole;
      isWhole = cluster.isWhole();
      if (isWhole && !before) options.onWhole();
      if (!isWhole && before) options.onBroken();
    },
  });
  return cluster;
}

/** Logs what is new: a failure when it begins or changes, and the recovery from it. */
function watchLogger(log: Log): (resource: string, state: ReflectorState) => void {
  const failures = new Map<string, string>();
  return (resource, state) => {
    const before = failures.get(resource);
    if (state.kind === 'Forbidden' || state.kind === 'Failing') {
      failures.set(resource, state.message);
      if (before !== state.message) {
        log.warn({ resource, state: state.kind, reason: state.message }, 'watch failing');
      }
      return;
    }
    if (state.kind !== 'Watching' || before === undefined) return;
    failures.delete(resource);
    log.info({ resource }, 'watch recovered');
  };
}

const PATIENCE_MS = 10_000;

/** A leader that writes nothing ought to say why. */
async function warnOfWait(
  cluster: KubeCluster,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await sleep(PATIENCE_MS, undefined, { signal });
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    return;
  }
  if (cluster.isWhole()) return;
  log.warn({ problems: cluster.problems() }, 'waiting for the cluster to be read');
}

/** Seconds between two readings; throws BadInput. */
function parseRefresh(text: string): number {
  const seconds = reading(() => parseDuration(text), '--refresh');
  if (seconds <= parseDuration('24h')) return seconds;
  throw new BadInput(`--refresh: "${text}" is not from 1s to 24h`);
}

/** Undefined when this does not run in a pod. */
function podNamespace(): string | undefined {
  const file = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve(signal);
        // A second one means now.
        process.once(signal, () => process.exit(130));
      });
    }
  });
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
