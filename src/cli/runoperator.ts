import type { Server } from 'node:http';
import { parseDuration } from '../api/duration.ts';
import type { ActingOptions } from '../controller/actor.ts';
import { Controller } from '../controller/controller.ts';
import type { ControllerSnapshot } from '../controller/snapshot.ts';
import type { Log } from '../controller/ports.ts';
import type { KubeCluster } from '../kube/cluster.ts';
import { KubeConnection } from '../kube/connection.ts';
import { EventRecorder } from '../kube/events.ts';
import type { MayWrite } from '../kube/fence.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { createPermissions } from '../kube/permissions.ts';
import { createPodChanger } from '../kube/podchanger.ts';
import { createTemplateReader } from '../kube/owntemplate.ts';
import { createTemplateChanger } from '../kube/templates.ts';
import { createWriter } from '../kube/writer.ts';
import { createPrometheusSource } from '../prometheus/source.ts';
import { RESOURCES } from '../recommend/usage.ts';
import type { UsageFile } from '../state/usagefile.ts';
import { createLog } from '../telemetry/log.ts';
import type { LogLevel } from '../telemetry/loglevel.ts';
import {
  createMetrics,
  type MetricsSnapshot,
  type OperatorMetrics,
  type PolicyPromise,
} from '../telemetry/metrics.ts';
import { parseAddress, serveTelemetry } from '../telemetry/server.ts';
import { ledgerRules, parseSignals, type ActingFlags } from './actingflags.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import { BadInput, reading } from './failure.ts';
import { Leadership, podNamespace, type LeadershipOptions } from './leadership.ts';
import { warnOfWait, watchCluster } from './operatorwatch.ts';
import { prometheusOptions, type PrometheusFlags } from './prometheusflags.ts';
import { shardOf, type ShardFlags } from './shardflags.ts';
import { usageStore, type StateFlags } from './statedir.ts';
import { VERSION } from './version.ts';

export interface OperatorFlags extends PrometheusFlags, ActingFlags, ShardFlags, StateFlags {
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
  const { metrics, cluster, leadership } = parts;
  const server = await serveTelemetry(address, {
    metrics: () => metrics.render(),
    metricsType: metrics.contentType,
    problems: () => cluster.problems(),
  }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BadInput(`--metrics-address: ${why}; write another host:port`, { cause });
  });
  log.info({ version: VERSION, metrics: flags.metricsAddress }, 'started');
  cluster.start();
  leadership.election.start();
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
  readonly leadership: Leadership;
  readonly events: EventRecorder;
  readonly controller: Controller;
}

/** Joins the adapters with the controller; nothing runs yet. */
function assemble(
  flags: OperatorFlags,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Parts {
  const { prometheus, refreshSeconds, acting, shard } = settingsOf(flags);
  const kept = usageStore(flags, prometheus, log);
  const source = reading(() =>
    createPrometheusSource({ ...prometheus, onCall: (call) => metrics.prometheusCalled(call) }),
  );
  const connection = connect(flags, (namespace) => leadership.mayWrite(namespace));
  const metrics: OperatorMetrics = createMetrics({ version: VERSION, shard }, () =>
    metricsSnapshot(controller.snapshot, leadership.election.isLeader(), { source, kept }),
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
  const mayLead = (): boolean => leadership.isLeader() && cluster.isWhole();
  const leadIfMay = (): void => {
    if (!mayLead() || signal.aborted) return;
    const problems = cluster.problems();
    if (problems.length > 0) log.warn({ problems }, 'not everything can be read');
    controller.lead();
    controller.territoryChanged();
  };
  const leadership = createLeadership(flags, connection, {
    log,
    shard,
    onElected: () => {
      if (!cluster.isWhole()) void warnOfWait(cluster, { log, signal });
    },
    onTerritory: () => leadIfMay(),
    controller: () => controller,
  });
  const events = recordEvents(connection, leadership, log);
  const controller = new Controller({
    view: cluster,
    writer: createWriter(connection),
    source,
    events,
    log,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    isLeader: mayLead,
    territory: leadership.sharding,
    refreshSeconds,
    usageStore: kept,
    acting: { ...acting, ...changers(connection), live: source, sink: metrics },
    onReconciled: (result) => metrics.reconciled(result),
  });
  return { connection, metrics, cluster, source, leadership, events, controller };
}

/** What the flags say by themselves; throws BadInput. */
function settingsOf(flags: OperatorFlags) {
  return {
    prometheus: prometheusOptions(flags),
    refreshSeconds: parseRefresh(flags.refresh),
    acting: actingSettings(flags),
    shard: shardOf(flags),
  };
}

function actingSettings(
  flags: ActingFlags,
): Pick<ActingOptions, 'lookSeconds' | 'rules' | 'ownNamespace'> {
  return {
    lookSeconds: parseSignals(flags.signals),
    rules: ledgerRules(flags),
    ownNamespace: podNamespace(),
  };
}

function changers(
  connection: KubeConnection,
): Pick<ActingOptions, 'changer' | 'templates' | 'reader' | 'permissions'> {
  return {
    changer: createPodChanger(connection),
    templates: createTemplateChanger(connection),
    reader: createTemplateReader(connection),
    permissions: createPermissions(connection, SYSTEM_CLOCK),
  };
}

function metricsSnapshot(
  snapshot: ControllerSnapshot,
  isLeader: boolean,
  { source, kept }: Pick<Parts, 'source'> & { readonly kept: UsageFile | undefined },
): MetricsSnapshot {
  return {
    ...snapshot,
    isLeader,
    budgets: source.budgets(),
    stateSavedSeconds: kept?.savedSeconds,
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

function createLeadership(
  flags: OperatorFlags,
  connection: KubeConnection,
  on: Pick<LeadershipOptions, 'log' | 'shard' | 'onElected' | 'onTerritory'> & {
    readonly controller: () => Controller;
  },
): Leadership {
  return new Leadership({
    ...on,
    connection,
    leaseNamespace: flags.leaseNamespace ?? podNamespace() ?? flags.namespace ?? 'default',
    leaseName: flags.leaseName,
    onFigures: () => on.controller().figuresChanged(),
    onLost: () => void on.controller().rest(),
  });
}

function recordEvents(
  connection: KubeConnection,
  { election }: Leadership,
  log: Log,
): EventRecorder {
  return new EventRecorder({
    connection,
    instance: election.identity,
    onError: (error) => log.warn({ err: error }, 'event not recorded'),
  });
}

function connect(flags: OperatorFlags, mayWrite: MayWrite): KubeConnection {
  const rateLimit = { perSecond: flags.kubeQps, burst: 2 * flags.kubeQps };
  return reading(
    () => new KubeConnection(() => loadKubeConfig(flags.kubeconfig), { rateLimit, mayWrite }),
  );
}

/** The Lease goes back as soon as nothing of ours writes any more, or may still be done, since others wait for it. */
async function stop(parts: Parts, server: Server): Promise<void> {
  const { controller, leadership, events, cluster, source, connection } = parts;
  await controller.rest();
  await connection.quiet();
  await leadership.stop();
  await Promise.all([events.flush(), cluster.stop(), closed(server)]);
  source.close();
  await connection.close();
}

/** Seconds between two readings; throws BadInput. */
function parseRefresh(text: string): number {
  const seconds = reading(() => parseDuration(text), '--refresh');
  if (seconds <= parseDuration('24h')) return seconds;
  throw new BadInput(`--refresh: "${text}" is not from 1s to 24h`);
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
