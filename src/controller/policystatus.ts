import { isDeepStrictEqual } from 'node:util';
import { conditionsOf } from '../api/conditions.ts';
import type { PolicyStatus } from '../api/policy.ts';
import { namespaceOf, policyOf } from './gather.ts';
import { policyObservations } from './observations.ts';
import { matchesWorkload, policyKey } from './policy.ts';
import type { Policy } from './ports.ts';
import type { ClusterView } from './ports.ts';
import { timestamp, type Outcome } from './reconcile.ts';
import { quantities } from './status.ts';

/** The status of a policy from what became of its workloads; undefined when it says what it said before. */
export function policyStatusOf(
  policy: Policy,
  view: ClusterView,
  known: { readonly outcomes: ReadonlyMap<string, Outcome>; readonly nowSeconds: number },
): PolicyStatus | undefined {
  const matching = [...view.workloads].filter(([, workload]) =>
    matchesWorkload(policy, workload, namespaceOf(view, workload.ref.namespace)),
  );
  const key = policyKey(policy);
  const isOurs = (each: Policy | undefined) => each !== undefined && policyKey(each) === key;
  const ownedKeys = matching
    .filter(([, workload]) => isOurs(policyOf(view, workload)))
    .map(([workloadKey]) => workloadKey);
  const owned = ownedKeys.flatMap((workloadKey) => {
    const outcome = known.outcomes.get(workloadKey);
    return outcome?.policyKey === key ? [outcome] : [];
  });
  const failures = owned.flatMap(({ failure }) => failure ?? []);
  const counts = {
    workloads: matching.length,
    owned: ownedKeys.length,
    unread: ownedKeys.length - owned.length,
    failing: failures.length,
  };
  const status: PolicyStatus = {
    conditions: conditionsOf(
      policyObservations({ ...counts, failure: failures[0] }),
      policy.status?.conditions,
      { now: timestamp(known.nowSeconds), generation: policy.generation },
    ),
    observedGeneration: policy.generation,
    workloads: counts.workloads,
    owned: counts.owned,
    recommended: owned.filter(({ state }) => state === 'Recommended' || state === 'Fits').length,
    held: owned.filter(({ reason }) => reason !== undefined).length,
    savings: quantities(totalSavings(owned)),
  };
  return isDeepStrictEqual(comparable(status), comparable(policy.status)) ? undefined : status;
}

function totalSavings(outcomes: readonly Outcome[]): { cpu: number; memory: number } {
  return {
    cpu: outcomes.reduce((sum, { savings }) => sum + savings.cpu, 0),
    memory: outcomes.reduce((sum, { savings }) => sum + savings.memory, 0),
  };
}

function comparable(status: PolicyStatus | undefined): unknown {
  return JSON.parse(JSON.stringify(status ?? null));
}
