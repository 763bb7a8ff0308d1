import { conditionsOf, type Observation } from '../api/conditions.ts';
import type { RecommendationStatus } from '../api/recommendation.ts';
import { formatTime } from '../api/timestamp.ts';
import { ALONE, type FleetView } from '../recommend/fleet.ts';
import { recommend, type ContainerRecommendation } from '../recommend/recommend.ts';
import type { Amounts } from '../recommend/usage.ts';
import { autoscalerTargets } from './autoscalertargets.ts';
import { containerOutcomes, type ContainerOutcome } from './containeroutcome.ts';
import { gather, type Governance } from './gather.ts';
import { talliesOf, withTallies } from './keptstatus.ts';
import { leaksOf } from './leaks.ts';
import { withNewPods } from './newpods.ts';
import { recommendationObservations } from './observations.ts';
import { policyKey } from './policy.ts';
import { PackedOutcomes } from './packedoutcomes.ts';
import type { ClusterView, Policy, UsageFailure, Workload } from './ports.ts';
import { amountsOf, podCount, statusOf } from './status.ts';
import type { KnownUsage } from './usage.ts';

/** What became of a workload, for policy status, metrics and events. */
export interface Outcome {
  readonly policyKey: string;
  readonly state: string;
  readonly reason: string | undefined;
  readonly savings: Required<Amounts>;
  readonly failure: UsageFailure | undefined;
  /** Those that are sized; undefined while usage was never read. */
  readonly containers: Iterable<ContainerOutcome> | undefined;
}

/** The containers of those whose usage was read. */
export function* containersOf(outcomes: Iterable<Outcome>): Generator<ContainerOutcome> {
  for (const { containers = [] } of outcomes) yield* containers;
}

export interface ComposeInput {
  readonly view: ClusterView;
  readonly nowSeconds: number;
  readonly governance: Governance;
  readonly usage: KnownUsage;
  readonly stored: RecommendationStatus | undefined;
  /** Left out: nothing is known of the other workloads of the policy. */
  readonly fleet?: FleetView;
}

export interface Composed {
  readonly status: RecommendationStatus;
  readonly outcome: Outcome;
  /** When what stands against sizing new pods may be gone by itself; undefined where nothing does. */
  readonly untilSeconds: number | undefined;
}

/** The status that a workload's Recommendation ought to have, and what that comes to. */
export function compose(workload: Workload, input: ComposeInput): Composed {
  const { view, nowSeconds, governance, usage, stored, fleet = ALONE } = input;
  const { policy, mode, settings } = governance;
  const recommendations = recommend(
    gather(view, workload, { governance, usage, stored, fleet, nowSeconds }),
  );
  keepWalks(recommendations, usage);
  const { failure } = usage;
  const observations = recommendationObservations({ recommendations, failure });
  const bare = statusOf({
    pods: podCount(workload),
    kinds: new Map(workload.containers.map(({ name, kind }) => [name, kind])),
    policy: policyRef(policy),
    mode,
    settings,
    recommendations,
  });
  const tallies = talliesOf(bare, stored, { usage: usage.containers, nowSeconds });
  const autoscalers = autoscalerTargets(workload, { view, settings, recommendations, stored });
  const content = {
    ...withTallies(bare, tallies),
    ...(autoscalers.length > 0 && { autoscalers: [...autoscalers] }),
  };
  const kept = usage.isRead ? undefined : stored;
  const fresh = usage.isRead ? { content, observations } : unread(content, failure);
  const said = withNewPods(kept === undefined ? fresh : keep(kept, observations), workload, {
    view,
    governance,
    nowSeconds,
    stored,
    leaks: usage.isRead ? leaksOf(usage.containers, nowSeconds) : undefined,
  });
  const now = formatTime(nowSeconds);
  const status = {
    ...said.content,
    conditions: conditionsOf(said.observations, stored?.conditions, { now }),
  };
  const containers = usage.isRead
    ? new PackedOutcomes(
        containerOutcomes(recommendations, { settings, pods: podCount(workload), tallies }),
      )
    : undefined;
  return {
    status,
    outcome: { ...outcomeOf(status, policy, failure), containers },
    untilSeconds: said.gate?.untilSeconds,
  };
}

function keepWalks(
  recommendations: readonly ContainerRecommendation[],
  { walks }: Pick<KnownUsage, 'walks'>,
): void {
  if (walks === undefined) return;
  for (const { name, walked } of recommendations) {
    if (walked !== undefined) walks.keepWalk(name, walked);
  }
}

/** Before usage could be read once, nothing is known of it: not that there is none, nor that there is little. */
function unread(
  content: RecommendationStatus,
  failure: UsageFailure | undefined,
): { readonly content: RecommendationStatus; readonly observations: readonly Observation[] } {
  const { reason, message } = failure ?? { reason: 'ReadingHistory', message: 'not read yet' };
  const { summary, ...others } = content;
  return {
    content: {
      ...others,
      ...(summary && { summary: { ...summary, status: `Degraded:${reason}` } }),
    },
    observations: [
      {
        type: 'Ready',
        status: 'Unknown',
        reason,
        message: `Usage could not be read yet, so nothing is known of it: ${message}`,
      },
    ],
  };
}

function outcomeOf(
  status: RecommendationStatus,
  policy: Policy,
  failure: UsageFailure | undefined,
): Omit<Outcome, 'containers'> {
  return {
    policyKey: policyKey(policy),
    ...stateOf(status),
    savings: amountsOf(status.savings ?? {}),
    failure,
  };
}

function policyRef({ kind, name, uid, generation }: Policy) {
  return { kind, name, uid, generation };
}

/** While usage was not read in this process, the last recommendation stays as it is, with the reason beside it. */
function keep(
  status: RecommendationStatus,
  fresh: readonly Observation[],
): { readonly content: RecommendationStatus; readonly observations: readonly Observation[] } {
  const before = (status.conditions ?? []).filter(({ type }) => type !== 'Degraded');
  const degraded = fresh.filter(({ type }) => type === 'Degraded');
  return { content: status, observations: [...before, ...degraded] };
}

export function stateOf({
  summary,
  reason,
}: RecommendationStatus): Pick<Outcome, 'state' | 'reason'> {
  return { state: summary?.status ?? '', reason };
}
