import type { ClusterWriter } from '../controller/ports.ts';
import { applyObject, applyStatus, deleteObject } from './apply.ts';
import type { KubeConnection } from './connection.ts';
import { isKubeError, type KubeErrorKind } from './errors.ts';
import { OWN_RESOURCES } from './ownkinds.ts';

const KIND_LABEL = 'rightsize.dev/workload-kind';

/** A status has nowhere to be once its object is gone, which is seen as a change of its own. */
const OBJECT_GONE = ['NotFound', 'NamespaceGone'] as const;

/** Writes what the controller decided, by server-side apply under our own field manager. */
export function createWriter(connection: KubeConnection): ClusterWriter {
  const resource = OWN_RESOURCES.Recommendation;
  return {
    applyRecommendation: async (workload, name, signal) => {
      const { namespace, kind, name: workloadName } = workload.ref;
      const target = { apiVersion: workload.apiVersion, kind, name: workloadName };
      const object = {
        kind: 'Recommendation',
        metadata: {
          name,
          labels: { [KIND_LABEL]: kind },
          ownerReferences: [{ ...target, uid: workload.uid }],
        },
        spec: { targetRef: target },
      };
      const at = { ...resource, namespace, name };
      await unless(['NamespaceGone'], () =>
        applyObject(connection, at, object, { conflicts: 'Force', signal }),
      );
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

/** Where the object or its namespace is going away there is nothing to write any more. */
async function unless(
  isDone: readonly KubeErrorKind[],
  write: () => Promise<unknown>,
): Promise<void> {
  try {
    await write();
  } catch (thrown) {
    if (!isKubeError(thrown, ...isDone)) throw thrown;
  }
}
