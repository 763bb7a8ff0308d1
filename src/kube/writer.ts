import type { ClusterWriter } from '../controller/ports.ts';
import { applyObject, applyStatus, deleteObject } from './apply.ts';
import type { KubeConnection } from './connection.ts';
import { OWN_RESOURCES } from './ownkinds.ts';

const KIND_LABEL = 'rightsize.dev/workload-kind';

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
      await applyObject(connection, at, object, { conflicts: 'Force', signal });
    },
    applyRecommendationStatus: async ({ namespace, name }, status, signal) => {
      const object = { kind: 'Recommendation', metadata: { name }, status };
      const at = { ...resource, namespace, name };
      await applyStatus(connection, at, object, { conflicts: 'Force', signal });
    },
    deleteRecommendation: async ({ namespace, name, uid }) => {
      await deleteObject(connection, { ...resource, namespace, name }, uid);
    },
    applyPolicyStatus: async ({ kind, namespace, name }, status, signal) => {
      const at = { ...OWN_RESOURCES[kind], namespace, name };
      const object = { kind, metadata: { name }, status };
      await applyStatus(connection, at, object, { conflicts: 'Force', signal });
    },
  };
}
