import {
  WORKLOAD_KINDS,
  workloadKey,
  type ClusterView,
  type Workload,
  type WorkloadRef,
} from '../controller/ports.ts';
import { BadInput } from './failure.ts';

export interface ScopeFlags {
  readonly all?: boolean;
  readonly namespace?: readonly string[];
  readonly workload?: readonly string[];
}

/** What is to be put back; of several parts all. */
export interface Scope {
  readonly isAll: boolean;
  readonly namespaces: readonly string[];
  readonly workloads: readonly WorkloadRef[];
}

/** Throws BadInput where nothing is chosen, or something besides everything, or a workload is not written as one. */
export function parseScope({ all = false, namespace = [], workload = [] }: ScopeFlags): Scope {
  const isPart = namespace.length > 0 || workload.length > 0;
  if (all && isPart) {
    throw new BadInput('--all goes alone: leave out --namespace and --workload, or --all');
  }
  if (!all && !isPart) {
    throw new BadInput(
      'say what to put back: --workload shop/Deployment/cart, --namespace shop, or --all',
    );
  }
  return { isAll: all, namespaces: namespace, workloads: workload.map(parseWorkload) };
}

function parseWorkload(text: string): WorkloadRef {
  const [namespace = '', kind = '', name = '', ...more] = text.split('/');
  if (namespace === '' || name === '' || more.length > 0) {
    throw new BadInput(
      `--workload "${text}": write NAMESPACE/KIND/NAME, such as shop/Deployment/cart`,
    );
  }
  const known = WORKLOAD_KINDS.find((each) => each.toLowerCase() === kind.toLowerCase());
  if (known === undefined) {
    throw new BadInput(
      `--workload "${text}": kind "${kind}" is not sized; it is one of ${WORKLOAD_KINDS.join(', ')}`,
    );
  }
  return { namespace, kind: known, name };
}

/** The one namespace that the scope is in; undefined where it takes more to see it. */
export function onlyNamespace({ isAll, namespaces, workloads }: Scope): string | undefined {
  const names = new Set([...namespaces, ...workloads.map(({ namespace }) => namespace)]);
  const [name] = names;
  return isAll || names.size !== 1 ? undefined : name;
}

export interface ChosenWorkload {
  readonly workload: Workload;
  /** By itself, and not as one of a namespace. */
  readonly isNamed: boolean;
}

/**
 * In the order of their keys. Throws BadInput for a namespace or a workload that is not there; a namespace only where
 * namespaces may be read.
 */
export function chosenWorkloads(view: ClusterView, scope: Scope): readonly ChosenWorkload[] {
  for (const name of scope.namespaces) {
    if (view.namespace(name) === undefined && seesNamespaces(view)) {
      throw new BadInput(`--namespace "${name}": there is no such namespace`);
    }
  }
  const named = new Set(scope.workloads.map(workloadKey));
  for (const key of named) {
    if (!view.workloads.has(key)) {
      throw new BadInput(`--workload "${key}": there is no such workload`);
    }
  }
  return [...view.workloads]
    .filter(
      ([key, { ref }]) => scope.isAll || named.has(key) || scope.namespaces.includes(ref.namespace),
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, workload]) => ({ workload, isNamed: named.has(key) }));
}

/** Every cluster has this one. */
function seesNamespaces(view: ClusterView): boolean {
  return view.namespace('kube-system') !== undefined;
}

/** The flags that say the same again. */
export function scopeText({ isAll, namespaces, workloads }: Scope): string {
  if (isAll) return '--all';
  return [
    ...namespaces.map((name) => `--namespace ${name}`),
    ...workloads.map((ref) => `--workload ${workloadKey(ref)}`),
  ].join(' ');
}
