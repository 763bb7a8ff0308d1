import { API_VERSION, PLURALS } from '../../src/api/group.ts';
import type { PolicyStatus } from '../../src/api/policy.ts';
import { parseCpu, parseMemory } from '../../src/api/quantity.ts';
import type { RecommendationStatus } from '../../src/api/recommendation.ts';
import type { KubeConnection } from '../../src/kube/connection.ts';
import { collectionPath } from '../../src/kube/paths.ts';

interface Stored<Spec, Status> {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly uid: string;
    }[];
  };
  readonly spec: Spec;
  readonly status?: Status;
}

export type StoredRecommendation = Stored<
  { readonly targetRef: { readonly kind: string; readonly name: string } },
  RecommendationStatus
>;
export type StoredPolicy = Stored<object, PolicyStatus>;

/** What the server has now, by name. */
export function recommendationsIn(
  connection: KubeConnection,
  namespace: string,
): Promise<ReadonlyMap<string, StoredRecommendation>> {
  return listed<StoredRecommendation>(connection, PLURALS.Recommendation, namespace);
}

export function policiesIn(
  connection: KubeConnection,
  namespace: string,
): Promise<ReadonlyMap<string, StoredPolicy>> {
  return listed<StoredPolicy>(connection, PLURALS.RightsizePolicy, namespace);
}

/** Cluster policies, by name. */
export function clusterPolicies(
  connection: KubeConnection,
): Promise<ReadonlyMap<string, StoredPolicy>> {
  return listed<StoredPolicy>(connection, PLURALS.ClusterRightsizePolicy, undefined);
}

async function listed<T extends Stored<object, object>>(
  connection: KubeConnection,
  plural: string,
  namespace: string | undefined,
): Promise<ReadonlyMap<string, T>> {
  const path = collectionPath({ apiVersion: API_VERSION, plural }, namespace);
  const { items } = (await connection.request({ method: 'GET', path })) as {
    readonly items: readonly T[];
  };
  return new Map(items.map((item) => [item.metadata.name, item]));
}

/** `cart cpu=0.2 memory=209715200` of each container that has a target, in cores and bytes. */
export function targetsOf(
  recommendations: ReadonlyMap<string, Pick<StoredRecommendation, 'status'>>,
): readonly string[] {
  return [...recommendations].flatMap(([name, { status }]) =>
    (status?.containers ?? []).flatMap((container) => {
      const { cpu, memory } = targetOf(container) ?? {};
      return cpu === undefined && memory === undefined
        ? []
        : [`${name}/${container.name} cpu=${cpu ?? ''} memory=${memory ?? ''}`];
    }),
  );
}

/** Requests of a container's target, in cores and bytes; undefined without a target. */
export function targetOf({
  target,
}: NonNullable<RecommendationStatus['containers']>[number]):
  { readonly cpu: number | undefined; readonly memory: number | undefined } | undefined {
  if (target === undefined) return undefined;
  const { cpu, memory } = target.requests ?? {};
  return {
    cpu: cpu === undefined ? undefined : parseCpu(cpu),
    memory: memory === undefined ? undefined : parseMemory(memory),
  };
}

/** The condition of this type, as `True Recommended`; undefined when it is not there. */
export function conditionOf(
  { status }: { readonly status?: RecommendationStatus | PolicyStatus },
  type: string,
): string | undefined {
  const found = status?.conditions?.find((each) => each.type === type);
  return found === undefined ? undefined : `${found.status} ${found.reason}`;
}
