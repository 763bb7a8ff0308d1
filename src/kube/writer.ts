import { ADMISSION_ACTIVE, ADMISSION_LABEL } from '../api/group.ts';
import type { ClusterWriter, Workload } from '../controller/ports.ts';
import { applyObject, applyStatus, deleteObject } from './apply.ts';
import type { KubeConnection } from './connection.ts';
import { isKubeError, type KubeErrorKind } from './errors.ts';
import { objectAt, textsAt, type Json } from './json.ts';
import { OWN_RESOURCES } from './ownkinds.ts';

const KIND_LABEL = 'rightsize.dev/workload-kind';

/** A status has nowhere to be once its object is gone, which is seen as a change of its own. */
const OBJECT_GONE = ['NotFound', 'NamespaceGone'] as const;

/** Writes what the controller decided, by server-side apply under our own field manager. */
export function createWriter(connection: KubeConnection): ClusterWriter {
  const resource = OWN_RESOURCES.Recommendation;
  return {
    applyRecommendation: async (workload, name, admission, signal) => {
      const at = { ...resource, namespace: workload.ref.namespace, name };
      const applied = (label?: string) =>
        unless(['NamespaceGone'], () =>
          applyObject(connection, at, recommendationOf(workload, name, label), {
            conflicts: 'Force',
            signal,
          }),
        );
      if (admission === 'Active') {
        await applied(ADMISSION_ACTIVE);
        return;
      }
      const stored = await applied();
      if (!hasAdmissionLabel(stored)) return;
      // Somebody else set it too: another value makes it ours alone, and then it can go.
      await applied('withdrawn');
      await applied();
    },
    applyRecommendationStatus: async ({ namespace, name }, status, signal) => {
      const object = { kind: 'Recommendation', metadata: { name }, status };
      const at = { ...resource, namespace, name };
      await unless(OBJECT_GONE, () =>
        applyStatus(connection, at, object, { conflicts: 'Force', signal }),
      );
    },
    deleteRecommendation: async ({ namespace, name, uid }, signal) => {
      await deleteObject(connection, { ...resource, namespace, name }, { uid, signal });
    },
    applyPolicyStatus: async ({ kind, namespace, name }, status, signal) => {
      const at = { ...OWN_RESOURCES[kind], namespace, name };
      const object = { kind, metadata: { name }, status };
      await unless(OBJECT_GONE, () =>
        applyStatus(connection, at, object, { conflicts: 'Force', signal }),
      );
    },
  };
}

function recommendationOf(workload: Workload, name: string, label: string | undefined): Json {
  const { kind, name: workloadName } = workload.ref;
  const target = { apiVersion: workload.apiVersion, kind, name: workloadName };
  return {
    kind: 'Recommendation',
    metadata: {
      name,
      labels: { [KIND_LABEL]: kind, ...(label !== undefined && { [ADMISSION_LABEL]: label }) },
      ownerReferences: [{ ...target, uid: workload.uid }],
    },
    spec: { targetRef: target },
  };
}

function hasAdmissionLabel(stored: unknown): boolean {
  return textsAt(objectAt(stored, 'metadata'), 'labels')[ADMISSION_LABEL] !== undefined;
}

/** Where the object or its namespace is going away there is nothing to write any more. */
async function unless(
  isDone: readonly KubeErrorKind[],
  write: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await write();
  } catch (thrown) {
    if (!isKubeError(thrown, ...isDone)) throw thrown;
    return undefined;
  }
}
