import { setTimeout as sleep } from 'node:timers/promises';
import { workloadKey, type ClusterView, type Workload } from '../controller/ports.ts';
import { recommendationName } from '../controller/reconcile.ts';
import { SUSPEND } from '../controller/suspension.ts';
import type { KubeConnection } from '../kube/connection.ts';
import { KubeError } from '../kube/errors.ts';
import { objectPath, WORKLOAD_RESOURCES } from '../kube/paths.ts';

const FIELD_MANAGER = 'rightsize-revert';
/** An operator that runs takes notice within a second; it may be gone already. */
const NOTICE_MS = 10_000;
const LOOK_MS = 100;

/** Annotates the workload, not its template, so that no pod is replaced. Answers with why it could not; else undefined. */
export async function suspend(
  connection: KubeConnection,
  { ref, uid }: Workload,
  { isDryRun, signal }: { readonly isDryRun: boolean; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { kind, namespace, name } = ref;
  try {
    await connection.request({
      method: 'PATCH',
      path: objectPath({ ...WORKLOAD_RESOURCES[kind], namespace, name }),
      query: { fieldManager: FIELD_MANAGER, dryRun: isDryRun ? 'All' : undefined },
      contentType: 'application/merge-patch+json',
      body: { metadata: { uid, annotations: { [SUSPEND]: 'true' } } },
      signal,
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof KubeError) || error.kind === 'Aborted') throw error;
    return `it cannot be suspended: ${error.message}`;
  }
}

/** Waits until an operator has taken notice, so that it does not size again what is put back; for a while only. */
export async function noticed(
  view: ClusterView,
  workloads: readonly Workload[],
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + NOTICE_MS;
  while (!workloads.every((workload) => hasNoticed(view, workload)) && performance.now() < end) {
    await sleep(LOOK_MS, undefined, { signal });
  }
}

/** What is held for another reason first shows in the label alone. */
function hasNoticed(view: ClusterView, { ref }: Workload): boolean {
  const isSeen = view.workloads.get(workloadKey(ref))?.annotations[SUSPEND] !== undefined;
  const stored = view.recommendations.get(`${ref.namespace}/${recommendationName(ref)}`);
  if (stored === undefined) return isSeen;
  return isSeen && !stored.isActive && stored.status?.reason === 'Suspended';
}
