import type { PodState } from '../resize/pod.ts';
import { isHad, isRefusedWith, refusedByNode, type Refusal } from '../resize/refused.ts';
import type { Permission } from './changeports.ts';
import type { Pod } from './ports.ts';

/** What is remembered of the pods of one workload, until they are gone or the patch is another. */
export interface PodMemory {
  readonly refusals: readonly (Refusal & { readonly atSeconds: number })[];
  /** Uids of pods that were told to go. */
  readonly evicted: ReadonlySet<string>;
  readonly blocked: { readonly message: string; readonly untilSeconds: number } | undefined;
  /** What the server does not let the operator do, whatever it said of its permissions. */
  readonly forbidden:
    { readonly permission: Permission; readonly untilSeconds: number } | undefined;
}

const NOTHING: PodMemory = {
  refusals: [],
  evicted: new Set(),
  blocked: undefined,
  forbidden: undefined,
};

/** By workload key. Of most there is nothing to remember, which takes no room. */
export class PodMemories {
  readonly #memories = new Map<string, PodMemory>();

  of(key: string): PodMemory {
    return this.#memories.get(key) ?? NOTHING;
  }

  set(key: string, memory: PodMemory): void {
    const { refusals, evicted, blocked, forbidden } = memory;
    const isNothing =
      refusals.length + evicted.size === 0 && blocked === undefined && forbidden === undefined;
    if (isNothing) this.#memories.delete(key);
    else this.#memories.set(key, memory);
  }

  forget(key: string): void {
    this.#memories.delete(key);
  }
}

/** What a quota or an admission plugin refused may be had a while later; what the node refused may not. */
const REFUSED_SECONDS = 300;

/** What of it still holds, of pods that are still there. */
export function stillHeld(
  { refusals, evicted, blocked, forbidden }: PodMemory,
  pods: readonly Pod[],
  nowSeconds: number,
): PodMemory {
  const isThere = (podUid: string) => pods.some(({ uid }) => uid === podUid);
  const lasts = <T extends { readonly untilSeconds: number }>(each: T | undefined) =>
    each !== undefined && nowSeconds < each.untilSeconds ? each : undefined;
  return {
    refusals: refusals.filter(
      ({ podUid, reason, atSeconds }) =>
        isThere(podUid) && (reason === 'Infeasible' || nowSeconds - atSeconds < REFUSED_SECONDS),
    ),
    evicted: new Set([...evicted].filter(isThere)),
    blocked: lasts(blocked),
    forbidden: lasts(forbidden),
  };
}

/** With what pods say that their nodes can never give: they would be asked for it again after something else. */
export function withRefused(
  memory: PodMemory,
  states: readonly PodState[],
  atSeconds: number,
): PodMemory {
  const refusals = memory.refusals.filter((each) => !isHad(each, states));
  const added = states
    .flatMap((pod) => refusedByNode(pod) ?? [])
    .filter((refusal) => !refusals.some((each) => isRefusedWith(each, refusal)))
    .map((refusal) => ({ ...refusal, atSeconds }));
  return { ...memory, refusals: [...refusals, ...added] };
}
