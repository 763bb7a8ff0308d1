import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../controller/ports.ts';
import { KubeCluster } from '../kube/cluster.ts';
import type { KubeConnection } from '../kube/connection.ts';
import { KubeError } from '../kube/errors.ts';
import type { ReflectorState } from '../kube/reflector.ts';
import type { OperatorMetrics } from '../telemetry/metrics.ts';

/** Watches the cluster; what fails is logged once, and counted. */
export function watchCluster(
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
export async function warnOfWait(
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
