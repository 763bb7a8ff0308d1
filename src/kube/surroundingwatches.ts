import { isDeepStrictEqual } from 'node:util';
import type {
  Autoscaler,
  LimitRange,
  Namespace,
  Node,
  ResourceQuota,
  VerticalAutoscaler,
} from '../controller/ports.ts';
import type { ReflectorOptions } from './reflector.ts';
import type { Change } from './store.ts';
import {
  projectAutoscaler,
  projectLimitRange,
  projectNamespace,
  projectNode,
  projectResourceQuota,
  projectVerticalAutoscaler,
} from './surroundings.ts';
import { itemOf, type Watches } from './watches.ts';

export interface SurroundingOptions {
  readonly watches: Watches;
  /** Kinds that are in no namespace. */
  readonly clusterScoped: 'Watched' | 'LeftOut';
  /** What workloads of the namespace depend on is another than before. */
  readonly onNamespaceChange: (namespace: string) => void;
}

/** What bounds workloads from outside, as watches show it. */
export class SurroundingWatches {
  readonly #options: SurroundingOptions;
  readonly #namespaces: ReadonlyMap<string, Namespace>;
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #limitRanges: ReadonlyMap<string, LimitRange>;
  readonly #resourceQuotas: ReadonlyMap<string, ResourceQuota>;
  readonly #autoscalers: ReadonlyMap<string, Autoscaler>;
  readonly #verticalAutoscalers: ReadonlyMap<string, VerticalAutoscaler>;

  constructor(options: SurroundingOptions) {
    this.#options = options;
    const { watches } = options;
    this.#limitRanges = watches.add(
      { apiVersion: 'v1', plural: 'limitranges' },
      this.#inNamespace(projectLimitRange),
    );
    this.#resourceQuotas = watches.add(
      { apiVersion: 'v1', plural: 'resourcequotas' },
      {
        project: projectResourceQuota,
        onChange: (change) => {
          if (concernsSizes(change)) options.onNamespaceChange(itemOf(change).namespace);
        },
      },
    );
    this.#autoscalers = watches.add(
      { apiVersion: 'autoscaling/v2', plural: 'horizontalpodautoscalers' },
      this.#inNamespace(projectAutoscaler),
    );
    this.#verticalAutoscalers = watches.add(
      { apiVersion: 'autoscaling.k8s.io/v1', plural: 'verticalpodautoscalers' },
      this.#inNamespace(projectVerticalAutoscaler),
    );
    const isWide = options.clusterScoped === 'Watched';
    this.#namespaces = isWide ? this.#watchNamespaces() : new Map<string, Namespace>();
    this.#nodes = isWide
      ? watches.add({ apiVersion: 'v1', plural: 'nodes' }, { project: projectNode })
      : new Map<string, Node>();
  }

  namespace(name: string): Namespace | undefined {
    return this.#namespaces.get(name);
  }

  limitRanges(namespace: string): readonly LimitRange[] {
    return within(namespace, this.#limitRanges);
  }

  resourceQuotas(namespace: string): readonly ResourceQuota[] {
    return within(namespace, this.#resourceQuotas);
  }

  autoscalers(namespace: string): readonly Autoscaler[] {
    return within(namespace, this.#autoscalers);
  }

  verticalAutoscalers(namespace: string): readonly VerticalAutoscaler[] {
    return within(namespace, this.#verticalAutoscalers);
  }

  nodes(): Iterable<Node> {
    return this.#nodes.values();
  }

  #inNamespace<T extends { readonly namespace: string }>(
    project: ReflectorOptions<T>['project'],
  ): Pick<ReflectorOptions<T>, 'project' | 'onChange'> {
    const { onNamespaceChange } = this.#options;
    return { project, onChange: (change) => onNamespaceChange(itemOf(change).namespace) };
  }

  #watchNamespaces(): ReadonlyMap<string, Namespace> {
    const { watches, onNamespaceChange } = this.#options;
    return watches.add<Namespace>(
      { apiVersion: 'v1', plural: 'namespaces' },
      { project: projectNamespace, onChange: (change) => onNamespaceChange(itemOf(change).name) },
    );
  }
}

/** What is left of a quota changes with each pod that comes or goes, and is looked at when something is raised. */
function concernsSizes(change: Change<ResourceQuota>): boolean {
  return (
    change.kind !== 'Updated' || !isDeepStrictEqual(change.before.limited, change.item.limited)
  );
}

function within<T extends { readonly namespace: string }>(
  namespace: string,
  items: ReadonlyMap<string, T>,
): readonly T[] {
  return [...items.values()].filter((item) => item.namespace === namespace);
}
