import { ownerOf } from '../../src/controller/rendezvous.ts';
import { auditEntries, isDone, type AuditEntry } from './acting-audit.ts';
import { clusterMetrics, type SeedPod } from './cluster-metrics.ts';
import { random } from './history-generator.ts';
import { operatorToken } from './installation.ts';
import { startOperator, type RunningOperator } from './operator.ts';
import { startPrometheus, type RunningPrometheus } from './prometheus.ts';
import type { SceneWorkload } from './scene.ts';

const DAY = 86_400;
const MI = 2 ** 20;

/** Names of namespaces that belong to these shards, one for each row: of two, of three. */
export function namespacesOf(
  prefix: string,
  rows: readonly (readonly [ofTwo: number, ofThree: number])[],
): readonly string[] {
  let tried = 0;
  return rows.map(([ofTwo, ofThree]) => {
    for (;;) {
      const name = `${prefix}-${(tried++).toString(36)}`;
      if (ownerOf(name, 2) === ofTwo && ownerOf(name, 3) === ofThree) return name;
    }
  });
}

/** A Prometheus with ten days of one pod of each Deployment in each namespace. */
export function startHistories(
  namespaces: readonly string[],
  workloads: readonly SceneWorkload[],
): Promise<RunningPrometheus> {
  const now = Math.floor(Date.now() / 1000);
  const pods = namespaces.flatMap((namespace) =>
    workloads.map(({ name }): SeedPod => ({
      namespace,
      name: `${name}-6c8d9b7f54-x2x4z`,
      uid: `${namespace}-${name}`,
      node: 'node-1',
      owners: [
        { kind: 'ReplicaSet', name: `${name}-6c8d9b7f54` },
        { kind: 'Deployment', name },
      ],
      startSeconds: now - 10 * DAY,
      endSeconds: now,
      containers: [
        {
          name,
          sizes: { requests: { cpu: 1, memory: 2 ** 30 }, limits: {} },
          usage: {
            cpuCores: (time) => 0.1 + 0.2 * random(1, Math.floor(time / 300)),
            memoryBytes: (time) => 200 * MI * (0.9 + 0.1 * random(2, Math.floor(time / 300))),
          },
        },
      ],
    })),
  );
  return startPrometheus({ series: clusterMetrics(pods) });
}

/** A running instance that the audit log tells from others by its token. */
export interface ShardInstance extends RunningOperator {
  readonly shard: string;
  readonly credential: string;
}

export async function startShard(
  shard: string,
  at: { readonly prometheusUrl: string; readonly system: string },
): Promise<ShardInstance> {
  const token = await operatorToken(at.system);
  const [, payload = ''] = token.split('.');
  const { jti } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    readonly jti: string;
  };
  const operator = await startOperator({
    prometheusUrl: at.prometheusUrl,
    token,
    leaseNamespace: at.system,
    flags: [`--shard=${shard}`, '--refresh=1h'],
  });
  return { ...operator, shard, credential: `JTI=${jti}` };
}

/** A write of an object of this operator's kinds. */
interface ShardWrite {
  readonly object: string;
  readonly namespace: string;
  readonly credential: string;
  readonly receivedMs: number;
}

const CREDENTIAL = 'authentication.kubernetes.io/credential-id';
const OURS: ReadonlySet<string> = new Set([
  'recommendations',
  'clusterrightsizepolicies',
  'rightsizepolicies',
]);

/** What was written to these namespaces, and to what is in none, in the order of arrival. */
export async function writesIn(namespaces: readonly string[]): Promise<readonly ShardWrite[]> {
  const entries = await auditEntries();
  return entries
    .filter(isDone)
    .filter(({ objectRef: at }) => at !== undefined && OURS.has(at.resource))
    .filter(({ objectRef: at }) => at?.namespace === undefined || namespaces.includes(at.namespace))
    .map(writeOf)
    .sort((a, b) => a.receivedMs - b.receivedMs);
}

function writeOf({ objectRef: at, user, requestReceivedTimestamp }: AuditEntry): ShardWrite {
  const { extra } = user as { readonly extra?: Readonly<Record<string, readonly string[]>> };
  const { resource = '', namespace = '', name = '' } = at ?? {};
  return {
    object: `${resource} ${namespace}/${name}`,
    namespace,
    credential: extra?.[CREDENTIAL]?.[0] ?? '',
    receivedMs: Date.parse(requestReceivedTimestamp),
  };
}

/** Who wrote in turn: one who comes twice wrote again after another had taken over. */
export function writersInTurn(writes: readonly ShardWrite[]): readonly string[] {
  return writes
    .map(({ credential }) => credential)
    .filter((writer, index, all) => writer !== all[index - 1]);
}
