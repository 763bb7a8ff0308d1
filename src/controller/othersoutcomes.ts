import { stateOf, type Outcome } from './compose.ts';
import { policyKey } from './policy.ts';
import type {
  ClusterView,
  StoredRecommendation,
  UsageFailure,
  UsageFailureReason,
} from './ports.ts';
import { recommendationName } from './reconcile.ts';
import { amountsOf } from './status.ts';

/** What became of workloads that are another shard's, as their Recommendations say; one that has none is left out. */
export function outcomesOfOthers(
  workloads: readonly string[],
  policy: string,
  view: ClusterView,
): readonly Outcome[] {
  return workloads.flatMap((key) => {
    const workload = view.workloads.get(key);
    if (workload === undefined) return [];
    const { ref } = workload;
    const stored = view.recommendations.get(`${ref.namespace}/${recommendationName(ref)}`);
    const outcome = stored && outcomeOf(stored);
    return outcome?.policyKey === policy ? [outcome] : [];
  });
}

/** Of a Recommendation, as long as it stays the same: those of all other shards are asked for every few seconds. */
const KNOWN = new WeakMap<StoredRecommendation, Outcome | undefined>();

function outcomeOf(stored: StoredRecommendation): Outcome | undefined {
  if (!KNOWN.has(stored)) KNOWN.set(stored, readOutcome(stored));
  return KNOWN.get(stored);
}

function readOutcome({ namespace, status }: StoredRecommendation): Outcome | undefined {
  if (status?.policy === undefined) return undefined;
  const { name } = status.policy;
  return {
    policyKey:
      status.policy.kind === 'RightsizePolicy'
        ? policyKey({ kind: 'RightsizePolicy', namespace, name })
        : policyKey({ kind: 'ClusterRightsizePolicy', namespace: undefined, name }),
    ...stateOf(status),
    savings: amountsOf(status.savings ?? {}),
    failure: failureOf(status.conditions),
    containers: undefined,
  };
}

function failureOf(
  conditions: NonNullable<StoredRecommendation['status']>['conditions'],
): UsageFailure | undefined {
  const degraded = conditions?.find(({ type, status }) => type === 'Degraded' && status === 'True');
  // What was taken back is no failure to read usage.
  if (degraded?.reason.startsWith('Prometheus') !== true) return undefined;
  return { reason: degraded.reason as UsageFailureReason, message: degraded.message };
}
