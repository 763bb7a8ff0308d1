import { isDeepStrictEqual } from 'node:util';
import type { Amounts, Sizes } from '../recommend/usage.ts';
import type { Held } from '../resize/gates.ts';
import type { ContainerChange } from '../resize/changes.ts';
import { addedBy, roomAfter, sumOf } from '../resize/room.ts';
import { workloadKey, type WorkloadRef } from './ports.ts';

/** Until a quota's status has what was taken of it; it is behind for seconds. */
const LAG_SECONDS = 30;
/** So long a workload in need that has no room keeps others from raising. */
const NEED_SECONDS = 120;

interface Taken {
  readonly key: string;
  readonly added: Sizes;
  /** What the quotas said was left then. */
  readonly reported: Sizes;
  readonly atSeconds: number;
}

/** What is planned for a workload, as far as quotas are concerned. */
export interface Claim {
  /** What its changes take in all. */
  readonly added: Sizes;
  /** It is in need, and there is too little room for what it needs. */
  readonly isUnmet: boolean;
}

/** How the workloads of a namespace share what its quotas leave: those in need go first. */
export class QuotaShares {
  /** By namespace. */
  readonly #taken = new Map<string, readonly Taken[]>();
  /** By namespace, then workload key: since when. */
  readonly #unmet = new Map<string, ReadonlyMap<string, number>>();

  /** `reported`: what the quotas say is left. Undefined amounts are unbounded. */
  roomFor(
    ref: WorkloadRef,
    reported: Sizes,
    { isInNeed, nowSeconds }: { readonly isInNeed: boolean; readonly nowSeconds: number },
  ): Sizes {
    const isAwaited = [...(this.#unmet.get(ref.namespace) ?? [])].some(
      ([key, atSeconds]) => key !== workloadKey(ref) && nowSeconds - atSeconds < NEED_SECONDS,
    );
    if (isAwaited && !isInNeed) {
      return { requests: zeros(reported.requests), limits: zeros(reported.limits) };
    }
    const lagging = this.#lagging(ref.namespace, reported, nowSeconds);
    return roomAfter(reported, sumOf(lagging.map(({ added }) => added))) ?? reported;
  }

  claim(
    ref: WorkloadRef,
    { added, isUnmet }: Claim,
    { reported, nowSeconds }: { readonly reported: Sizes; readonly nowSeconds: number },
  ): void {
    const { namespace } = ref;
    const key = workloadKey(ref);
    const others = this.#lagging(namespace, reported, nowSeconds);
    const isNothing = isDeepStrictEqual(added, sumOf([]));
    const taken = isNothing ? others : [...others, { key, added, reported, atSeconds: nowSeconds }];
    if (taken.length === 0) this.#taken.delete(namespace);
    else this.#taken.set(namespace, taken);
    this.#setUnmet(namespace, key, isUnmet ? nowSeconds : undefined);
  }

  forget(key: string): void {
    for (const namespace of this.#unmet.keys()) this.#setUnmet(namespace, key, undefined);
  }

  /** Once the quotas say something else, they have what was taken. */
  #lagging(namespace: string, reported: Sizes, nowSeconds: number): readonly Taken[] {
    return (this.#taken.get(namespace) ?? []).filter(
      (taken) =>
        nowSeconds - taken.atSeconds < LAG_SECONDS && isDeepStrictEqual(taken.reported, reported),
    );
  }

  #setUnmet(namespace: string, key: string, atSeconds: number | undefined): void {
    const unmet = new Map(this.#unmet.get(namespace));
    unmet.delete(key);
    if (atSeconds !== undefined) unmet.set(key, atSeconds);
    if (unmet.size === 0) this.#unmet.delete(namespace);
    else this.#unmet.set(namespace, unmet);
  }
}

function zeros(amounts: Amounts): Amounts {
  return Object.fromEntries(Object.keys(amounts).map((resource) => [resource, 0]));
}

/** What the changes of one pod, or of one template, come to; of so many pods. */
export function addedIn(containers: readonly ContainerChange[], pods = 1): Sizes {
  const once = containers.map(({ from, to }) => addedBy(from, to));
  return sumOf(Array.from({ length: pods }, () => once).flat());
}

export function lacksRoom(held: readonly Held[]): boolean {
  return held.some(({ reason }) => reason === 'QuotaExceeded');
}
