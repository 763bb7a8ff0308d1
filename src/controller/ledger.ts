import { breaker, type BreakerRules, type BreakerState } from '../resize/breaker.ts';
import { freeFleet } from '../resize/budget.ts';
import { trimmed, type ChangeRecord } from '../resize/changes.ts';
import { withoutProven } from '../resize/newpods.ts';
import { acknowledgedSeconds } from './acknowledgement.ts';
import { recordsOfHistory } from './history.ts';
import { QuotaShares } from './quotashares.ts';
import { WORKLOAD_KINDS, workloadKey, type ClusterView } from './ports.ts';

export interface LedgerRules {
  /** Raises and savings together; rescue is not counted. */
  readonly maxPodsPerHour: number;
  readonly breaker: BreakerRules;
}

/** Where several instances share the budget: each has an even part of it, and none may use what others have spent. */
interface LedgerShare {
  readonly shards: number;
  /** By workload key. */
  readonly owns: (key: string) => boolean;
}

const ALONE: LedgerShare = { shards: 1, owns: () => true };

/** Of one workload: more than are written down, since the budget of the cluster counts all of the last hour. */
const MOST_RECORDS = 64;

/** Of these, what pods in need were raised to, before these pods may be lowered. */
const MOST_IN_NEED = 256;

/**
 * The changes of all workloads in this term of leadership. It begins with what Recommendations say, and is ahead of
 * them from then on: what was written last may not have come back from the API server yet.
 */
export class Ledger {
  readonly quotas = new QuotaShares();
  readonly #rules: LedgerRules;
  readonly #view: ClusterView;
  readonly #records = new Map<string, readonly ChangeRecord[]>();
  readonly #share: LedgerShare;
  #reserved = 0;

  constructor(view: ClusterView, rules: LedgerRules, share: LedgerShare = ALONE) {
    this.#view = view;
    this.#share = share;
    this.#rules = rules;
    for (const stored of view.recommendations.values()) {
      const { namespace, targetRef, hasHistory } = stored;
      const kind = WORKLOAD_KINDS.find((each) => each === targetRef.kind);
      if (kind === undefined || hasHistory === false) continue;
      this.set(
        workloadKey({ namespace, kind, name: targetRef.name }),
        recordsOfHistory(stored.status?.history),
      );
    }
  }

  recordsOf(key: string): readonly ChangeRecord[] {
    return this.#records.get(key) ?? [];
  }

  set(key: string, records: readonly ChangeRecord[]): void {
    if (records.length === 0) this.#records.delete(key);
    else this.#records.set(key, trimmed(records, MOST_RECORDS, MOST_IN_NEED));
  }

  /** Holds pods of the budget for changes that are decided and not on record yet; the result gives them back. */
  reserve(pods: number): () => void {
    this.#reserved += pods;
    let isHeld = true;
    return () => {
      if (isHeld) this.#reserved -= pods;
      isHeld = false;
    };
  }

  /** How many more pods of the cluster may be changed within this hour. */
  freeFleet(nowSeconds: number): number {
    const { maxPodsPerHour } = this.#rules;
    const free = freeFleet(this.#all(), maxPodsPerHour, nowSeconds);
    const { shards } = this.#share;
    const part = Math.floor(maxPodsPerHour / shards);
    const own = shards === 1 ? free : freeFleet(this.#own(), part, nowSeconds);
    return Math.max(0, Math.min(free, own) - this.#reserved);
  }

  breaker(nowSeconds: number): BreakerState {
    const at = { nowSeconds, acknowledgedSeconds: acknowledgedSeconds(this.#view, nowSeconds) };
    const counted = [...this.#records.values()].flatMap(withoutProven);
    return breaker(counted, this.#rules.breaker, at);
  }

  #own(): readonly ChangeRecord[] {
    const { owns } = this.#share;
    return [...this.#records].flatMap(([key, records]) => (owns(key) ? records : []));
  }

  #all(): readonly ChangeRecord[] {
    return [...this.#records.values()].flat();
  }
}
