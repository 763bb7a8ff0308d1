import { FIELD_MANAGER, TEMPLATE_FIELD_MANAGER } from '../api/group.ts';
import { WORKLOAD_KINDS, workloadKey } from '../controller/ports.ts';
import type { Traces } from '../controller/revertplan.ts';
import { KubeCluster, type KubeClusterOptions } from '../kube/cluster.ts';
import { KubeConnection } from '../kube/connection.ts';
import { isKubeError } from '../kube/errors.ts';
import { listAt, objectAt, textAt, type Json } from '../kube/json.ts';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { listPages } from '../kube/list.ts';
import { identityOf } from '../kube/metadata.ts';
import { collectionPath, WORKLOAD_RESOURCES, type ApiResource } from '../kube/paths.ts';
import { BadInput, reading } from './failure.ts';
import type { Context } from './clusterview.ts';

/** A cluster that goes on being watched, so that what becomes of a change is seen. */
export interface OpenCluster {
  readonly connection: KubeConnection;
  readonly cluster: KubeCluster;
  readonly traces: Traces;
  /** For people, a sentence each. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

const LIST_DEADLINE_MS = 60_000;
const METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** Rejects with BadInput where the cluster cannot be read, and with what an abort brings. */
export async function openCluster(
  kubeconfig: string | undefined,
  namespace: string | undefined,
  context: Context,
): Promise<OpenCluster> {
  const connection = reading(() => new KubeConnection(() => loadKubeConfig(kubeconfig)));
  try {
    const { cluster, notes } = await watched(connection, namespace, context);
    const close = async () => {
      await cluster.stop();
      await connection.close();
    };
    try {
      const traces = await readTraces(connection, namespace, context);
      return { connection, cluster, traces, notes, close };
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Of one namespace, who may not read what is in none can still put back. */
async function watched(
  connection: KubeConnection,
  namespace: string | undefined,
  context: Context,
): Promise<{ readonly cluster: KubeCluster; readonly notes: readonly string[] }> {
  try {
    const cluster = await listed({ connection, namespace, clusterScoped: 'Watched' }, context);
    return { cluster, notes: [] };
  } catch (error) {
    if (!(error instanceof ClusterForbidden) || namespace === undefined) throw error;
    const cluster = await listed({ connection, namespace, clusterScoped: 'LeftOut' }, context);
    const notes = [
      'cluster policies may not be read: whether one acts is told by the Recommendations',
    ];
    return { cluster, notes };
  }
}

class ClusterForbidden extends BadInput {}

async function listed(
  at: Pick<KubeClusterOptions, 'connection' | 'namespace' | 'clusterScoped'>,
  { signal, progress }: Context,
): Promise<KubeCluster> {
  const forbidden = new AbortController();
  const cluster = new KubeCluster({
    ...at,
    ownKinds: 'IfServed',
    onChange: () => undefined,
    // A watch that breaks is opened anew; what cannot be listed shows as a problem.
    onError: () => undefined,
    onState: (resource, { kind }) => {
      if (kind === 'Listing') progress.show(`listing ${resource}`);
      if (kind === 'Forbidden') forbidden.abort();
    },
  });
  cluster.start();
  try {
    const deadline = AbortSignal.timeout(LIST_DEADLINE_MS);
    await cluster.waitForSync(AbortSignal.any([signal, forbidden.signal, deadline]));
    return cluster;
  } catch (cause) {
    const problems = cluster.problems().filter((problem) => !problem.startsWith('has not listed'));
    await cluster.stop();
    if (signal.aborted) throw cause;
    const message = `the cluster cannot be read: ${problems[0] ?? 'no answer'}`;
    throw forbidden.signal.aborted
      ? new ClusterForbidden(message, { cause })
      : new BadInput(message, { cause });
  }
}

/** From managedFields, which the watches do not keep. */
async function readTraces(
  connection: KubeConnection,
  namespace: string | undefined,
  { signal, progress }: Context,
): Promise<Traces> {
  const resizedPods = new Set<string>();
  const ownTemplates = new Set<string>();
  const each = (resource: ApiResource, take: (object: Json) => void) => {
    progress.show(`looking for what was changed in ${resource.plural}`);
    return eachMetadata(connection, collectionPath(resource, namespace), { signal, take });
  };
  await each({ apiVersion: 'v1', plural: 'pods' }, (pod) => {
    const isResized = managersOf(pod).some(
      (entry) =>
        textAt(entry, 'manager') === FIELD_MANAGER && textAt(entry, 'subresource') === 'resize',
    );
    if (isResized) resizedPods.add(identityOf(pod).uid);
  });
  for (const kind of WORKLOAD_KINDS) {
    await each(WORKLOAD_RESOURCES[kind], (object) => {
      const isOurs = managersOf(object).some(
        (entry) =>
          textAt(entry, 'manager') === TEMPLATE_FIELD_MANAGER &&
          'f:spec' in objectAt(entry, 'fieldsV1'),
      );
      if (isOurs) ownTemplates.add(workloadKey({ ...identityOf(object), kind }));
    });
  }
  return { resizedPods, ownTemplates };
}

function managersOf(object: Json): readonly Json[] {
  return listAt(objectAt(object, 'metadata'), 'managedFields');
}

async function eachMetadata(
  connection: KubeConnection,
  path: string,
  { signal, take }: { readonly signal: AbortSignal; readonly take: (object: Json) => void },
): Promise<void> {
  try {
    await listPages({
      connection,
      path,
      query: {},
      accept: METADATA,
      signal,
      onPage: (objects) => objects.forEach(take),
    });
  } catch (error) {
    // A kind that this cluster does not serve.
    if (!isKubeError(error, 'NotFound')) throw error;
  }
}
