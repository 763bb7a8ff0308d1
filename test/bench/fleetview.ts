import type { RecommendationStatus } from '../../src/api/recommendation.ts';
import { workloadKey, type Pod, type Policy, type Workload } from '../../src/controller/ports.ts';
import { PackedRecommendation } from '../../src/kube/packedrecommendation.ts';
import {
  aClusterPolicy,
  aPod,
  aPodContainer,
  aWorkload,
  MemoryCluster,
} from '../unit/controller/memorycluster.ts';

/** A Deployment of one replica with one container. */
export interface FleetMember {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  /** The last one runs now. */
  readonly pods: readonly string[];
  readonly replicaSets: readonly string[];
  /** Its requests, and its limit of memory, in cores and bytes. */
  readonly cpu: number;
  readonly memory: number;
  /** When it restarted last in the pod that runs now; undefined where it did not. */
  readonly restartedSeconds?: number;
}

/** Takes what is written as it is, and counts it by kind; the status is kept as JSON brings it back. */
export class CountingCluster extends MemoryCluster {
  readonly counts = { recommendations: 0, statuses: 0, policies: 0, deletions: 0 };

  override applyRecommendation(
    workload: Workload,
    name: string,
    admission: 'Active' | 'Inactive',
  ): Promise<void> {
    this.counts.recommendations += 1;
    return super.applyRecommendation(workload, name, admission);
  }

  override applyRecommendationStatus(
    { namespace, name }: { readonly namespace: string; readonly name: string },
    status: RecommendationStatus,
  ): Promise<void> {
    this.counts.statuses += 1;
    const stored = this.recommendations.get(`${namespace}/${name}`);
    if (stored === undefined) return Promise.reject(new Error(`no recommendation ${name}`));
    this.recommendations.set(
      `${namespace}/${name}`,
      new PackedRecommendation({ ...stored, status }),
    );
    return Promise.resolve();
  }

  override applyPolicyStatus(policy: Policy, status: NonNullable<Policy['status']>): Promise<void> {
    this.counts.policies += 1;
    return super.applyPolicyStatus(policy, status);
  }
}

/** One policy for all, over this window, and the workloads of the fleet. */
export function clusterOf(fleet: readonly FleetMember[], window: `${number}d`): CountingCluster {
  const policy = aClusterPolicy('all', { history: { window } });
  const cluster = new CountingCluster().add(policy, ...fleet.map(workloadOf));
  const namespaces = new Set(fleet.map(({ namespace }) => namespace));
  for (const name of namespaces)
    cluster.namespaces.set(name, { name, labels: {}, annotations: {} });
  for (const member of fleet) {
    const { namespace, name } = member;
    cluster.podsOf.set(workloadKey({ namespace, kind: 'Deployment', name }), [podOf(member)]);
  }
  return cluster;
}

function podOf(member: FleetMember): Pod {
  const { namespace, container, pods, replicaSets, cpu, memory, restartedSeconds } = member;
  const sizes = { requests: { cpu, memory }, limits: { memory } };
  const restarts = restartedSeconds === undefined ? 0 : 1;
  return aPod(pods.at(-1) ?? '', {
    namespace,
    owner: { kind: 'ReplicaSet', name: replicaSets.at(-1) ?? '' },
    containers: [aPodContainer(container, { ...sizes, restarts, restartedSeconds })],
  });
}

function workloadOf({ namespace, name, container, cpu, memory }: FleetMember): Workload {
  return aWorkload(name, {
    ref: { namespace, kind: 'Deployment', name },
    uid: `uid-${namespace}-${name}`,
    replicas: 1,
    containers: [
      {
        name: container,
        kind: 'Container',
        restartsOn: [],
        requests: { cpu, memory },
        limits: { memory },
      },
    ],
  });
}

const MEMBERS_PER_NAMESPACE = 50;

/** Members of a fleet that is only simulated. */
export function simulatedFleet(count: number): readonly FleetMember[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `app-${index}`;
    return {
      namespace: `team-${Math.floor(index / MEMBERS_PER_NAMESPACE)}`,
      name,
      container: 'app',
      pods: [`${name}-6f7d8c9b5d-x2x4z`],
      replicaSets: [`${name}-6f7d8c9b5d`],
      cpu: 0.25 * (1 + (index % 8)),
      memory: 2 ** 28 * (1 + (index % 8)),
    };
  });
}
