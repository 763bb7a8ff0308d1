import { breaker, type BreakerRules, type BreakerState } from '../resize/breaker.ts';
import { freeFleet } from '../resize/budget.ts';
import { trimmed, type ChangeRecord } from '../resize/changes.ts';
import { acknowledgedSeconds } from './acknowledgement.ts';
import { recordsOfHistory } from './history.ts';
import { QuotaShares } from './quotashares.ts';
import { WORKLOAD_KINDS, workloadKey, type ClusterView } from './ports.ts';

export interface LedgerRules {
  /** Raises and savings together; rescue is not counted. */
  readonly maxPodsPerHour: number;
  readonly breaker: BreakerRules;
}

/** Of one workload: more than are written down, since the budget of the cluster counts all of the last hour. */
const MOST_RECORDS = 64;

/**
 * The changes of all workloads in this term of leadership. It begins with what Recommendations say, and is ahead of
 * them from then on: what was written last may not have come back from the API server yet.
 */
export class Ledger {
  readonly quotas = new QuotaShares();
  readonly #rules: LedgerRules;
  readonly #view: ClusterView;
  readonly #records = new Map<string, readonly ChangeRecord[]>();
  #reserved = 0;

  constructor(view: ClusterView, rules: LedgerRules) {
    this.#view = view;
    this.#rules = rules;
    for (const { namespace, targetRef, status } of view.recommendations.values()) {
      const kind = WORKLOAD_KINDS.find((each) => each === targetRef.kind);
      if (kind === undefined) continue;
      this.set(
        workloadKey({ namespace, kind, name: targetRef.name }),
        recordsOfHistory(status?.history),
      );
    }
  }

  recordsOf(key: string): readonly ChangeRecord[] {
    return this.#records.get(key) ?? [];
  }

  set(key: string, records: readonly ChangeRecord[]): void {
    if (records.length === 0) this.#records.delete(key);
    else this.#records.set(key, trimmed(records, MOST_RECORDS));
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
    const free = freeFleet(this.#all(), this.#rules.maxPodsPerHour, nowSeconds);
    return Math.max(0, free - this.#reserved);
  }

  breaker(nowSeconds: number): BreakerState {
    const at = { nowSeconds, acknowledgedSeconds: acknowledgedSeconds(this.#view, nowSeconds) };
    return breaker(this.#all(), this.#rules.breaker, at);
  }

  #all(): readonly ChangeRecord[] {
    return [...this.#records.values()].flat();
  }
}
