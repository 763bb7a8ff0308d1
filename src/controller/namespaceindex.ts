import type { Clock, ClusterView, Workload, WorkloadRef } from './ports.ts';

const GIB = 2 ** 30;
/** A GiB of memory costs about as much as this many cores. */
const CORES_A_GIB = 0.15;

/** The workloads of each namespace; brought up to date once a second, since each reading asks for many of them. */
export class NamespaceIndex {
  readonly #view: Pick<ClusterView, 'workloads'>;
  readonly #clock: Clock;
  #workloads: ReadonlyMap<string, readonly Workload[]> = new Map();
  #ofSeconds = -Infinity;

  constructor(view: Pick<ClusterView, 'workloads'>, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
  }

  refsOf(namespace: string): readonly WorkloadRef[] {
    return this.#of(namespace).map(({ ref }) => ref);
  }

  /** What the requests of its workloads come to, in cores: memory counts by what it costs. */
  worthOf(namespace: string): number {
    return this.#of(namespace).reduce((sum, workload) => sum + worth(workload), 0);
  }

  #of(namespace: string): readonly Workload[] {
    const now = this.#clock.nowSeconds();
    if (now >= this.#ofSeconds + 1) {
      this.#workloads = Map.groupBy(this.#view.workloads.values(), ({ ref }) => ref.namespace);
      this.#ofSeconds = now;
    }
    return this.#workloads.get(namespace) ?? [];
  }
}

/** A CronJob counts as one pod, though it wants none between two runs. */
function worth({ containers, replicas }: Workload): number {
  const cores = containers.reduce(
    (sum, { requests }) => sum + (requests.cpu ?? 0) + ((requests.memory ?? 0) / GIB) * CORES_A_GIB,
    0,
  );
  return cores * Math.max(1, replicas);
}
