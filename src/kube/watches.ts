import type { KubeConnection } from './connection.ts';
import { OWN_RESOURCES } from './ownkinds.ts';
import { collectionPath, type ApiResource } from './paths.ts';
import { Reflector, type ReflectorOptions, type ReflectorState } from './reflector.ts';
import type { Change } from './store.ts';

export interface WatchesOptions {
  readonly connection: KubeConnection;
  /** Of what is in a namespace, watch what is in this one only. */
  readonly namespace: string | undefined;
  /** Without our own kinds a one-off report can do; the operator cannot. */
  readonly ownKinds: 'Required' | 'IfServed';
  readonly onError: (resource: string, error: Error) => void;
  readonly onState: (resource: string, state: ReflectorState) => void;
}

interface Watched {
  readonly resource: string;
  readonly reflector: Pick<
    Reflector<unknown>,
    'start' | 'stop' | 'state' | 'synced' | 'waitForSync'
  >;
  readonly isRequired: boolean;
}

const CLUSTER_SCOPED: ReadonlySet<string> = new Set([
  'namespaces',
  'nodes',
  OWN_RESOURCES.ClusterRightsizePolicy.plural,
]);

/** One reflector per kind, started, stopped and judged together. */
export class Watches {
  readonly #options: WatchesOptions;
  readonly #watched: Watched[] = [];

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  /** What is there of a kind, kept up to date from `start` on. */
  add<T>(
    resource: ApiResource,
    options: Pick<ReflectorOptions<T>, 'project' | 'onChange' | 'onState' | 'content'>,
  ): ReadonlyMap<string, T> {
    const { connection, onError, onState } = this.#options;
    const namespace = CLUSTER_SCOPED.has(resource.plural) ? undefined : this.#options.namespace;
    const name = resourceName(resource);
    const isOwnKind = Object.values(OWN_RESOURCES).some((own) => own === resource);
    const isRequired = isOwnKind && this.#options.ownKinds === 'Required';
    const reflector = new Reflector<T>({
      connection,
      path: collectionPath(resource, namespace),
      ...options,
      // Without its policies every Recommendation would look withdrawn.
      absence: isRequired ? 'Awaited' : undefined,
      onError: (error) => onError(name, error),
      onState: (state) => {
        options.onState?.(state);
        onState(name, state);
      },
    });
    this.#watched.push({ resource: name, reflector, isRequired });
    return reflector.store;
  }

  isWatching(resource: ApiResource): boolean {
    const name = resourceName(resource);
    const watched = this.#watched.find((each) => each.resource === name);
    return watched?.reflector.state.kind === 'Watching';
  }

  start(): void {
    for (const { reflector } of this.#watched) reflector.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#watched.map(({ reflector }) => reflector.stop()));
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#watched.map(({ reflector }) => reflector.waitForSync(signal)));
  }

  /** All was listed once, and the kinds that are required are served. */
  isWhole(): boolean {
    return this.#watched.every(
      ({ reflector, isRequired }) =>
        reflector.synced && !(isRequired && reflector.state.kind === 'NotServed'),
    );
  }

  /** What keeps it from being whole, a sentence each; empty when it is. */
  problems(): readonly string[] {
    return this.#watched.flatMap(({ resource, reflector, isRequired }) => {
      const { state } = reflector;
      if (state.kind === 'Forbidden') return [`may not read ${resource}: ${state.message}`];
      if (state.kind === 'Failing') return [`cannot read ${resource}: ${state.message}`];
      if (state.kind === 'NotServed' && isRequired) {
        return [`the cluster does not serve ${resource}; install it with kubectl apply -k crds`];
      }
      return reflector.synced ? [] : [`has not listed ${resource} yet`];
    });
  }
}

/** `recommendations.rightsize.dev`; the plural alone for the core group. */
function resourceName({ apiVersion, plural }: ApiResource): string {
  const [group] = apiVersion.split('/').slice(0, -1);
  return group === undefined ? plural : `${plural}.${group}`;
}

export function itemOf<T>(change: Change<T>): T {
  return change.kind === 'Deleted' ? change.before : change.item;
}
