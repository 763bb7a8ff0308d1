import type { ClusterWriter } from './ports.ts';

/** A writer that refuses once the Lease is lost: another instance may be writing by then. */
export function fenced(writer: ClusterWriter, isLeader: () => boolean): ClusterWriter {
  const check = (): void => {
    if (!isLeader()) throw new Error('this instance does not lead any more');
  };
  return {
    applyRecommendation: async (...call) => {
      check();
      await writer.applyRecommendation(...call);
    },
    applyRecommendationStatus: async (...call) => {
      check();
      await writer.applyRecommendationStatus(...call);
    },
    deleteRecommendation: async (...call) => {
      check();
      await writer.deleteRecommendation(...call);
    },
    applyPolicyStatus: async (...call) => {
      check();
      await writer.applyPolicyStatus(...call);
    },
  };
}
