import type { Namespace, Policy, Workload } from './ports.ts';

/** `RightsizePolicy/shop/web`, `ClusterRightsizePolicy//default`. */
export function policyKey({
  kind,
  namespace,
  name,
}: Pick<Policy, 'kind' | 'namespace' | 'name'>): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>> | undefined;
  readonly matchExpressions?:
    | readonly {
        readonly key: string;
        readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        readonly values?: readonly string[] | undefined;
      }[]
    | undefined;
}

/** Kubernetes label selector semantics: everything must hold, empty matches all, NotIn holds for an absent label. */
export function matchesLabels(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  // A label may be called `constructor`, which every object has.
  const own = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  if (Object.entries(matchLabels).some(([key, value]) => own(key) !== value)) return false;
  return matchExpressions.every(({ key, operator, values = [] }) => {
    const label = own(key);
    switch (operator) {
      case 'In':
        return label !== undefined && values.includes(label);
      case 'NotIn':
        return label === undefined || !values.includes(label);
      case 'Exists':
        return label !== undefined;
      case 'DoesNotExist':
        return label === undefined;
    }
  });
}

/** Whether the namespace is in reach of the policy, whatever its workload selector says. */
export function reachesNamespace(policy: Policy, namespace: Namespace): boolean {
  return policy.kind === 'RightsizePolicy'
    ? policy.namespace === namespace.name
    : matchesLabels(policy.spec.namespaceSelector ?? {}, namespace.labels);
}

export function matchesWorkload(policy: Policy, workload: Workload, namespace: Namespace): boolean {
  const { selector } = policy.spec;
  return (
    reachesNamespace(policy, namespace) &&
    selector.kinds.includes(workload.ref.kind) &&
    matchesLabels(selector, workload.labels)
  );
}

/** The policy that goes first: namespaced before cluster, then higher priority, then older, then by name. */
export function winner(policies: readonly Policy[]): Policy | undefined {
  return [...policies].sort(comparePrecedence)[0];
}

function comparePrecedence(a: Policy, b: Policy): number {
  const rank = (policy: Policy) => (policy.kind === 'RightsizePolicy' ? 0 : 1);
  return (
    rank(a) - rank(b) ||
    b.spec.priority - a.spec.priority ||
    a.createdSeconds - b.createdSeconds ||
    (a.name < b.name ? -1 : 1)
  );
}
