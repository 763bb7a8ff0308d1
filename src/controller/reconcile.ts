import { createHash } from 'node:crypto';
import { conditionsOf, type Observation } from '../api/conditions.ts';
import type { RecommendationStatus } from '../api/recommendation.ts';
import { parseDuration } from '../api/duration.ts';
import { formatTime } from '../api/timestamp.ts';
import { ALONE, type FleetView } from '../recommend/fleet.ts';
import { recommend } from '../recommend/recommend.ts';
import type { Amounts } from '../recommend/usage.ts';
import { admissionGate, sizesNewPods } from './admission.ts';
import { containerOutcomes, type ContainerOutcome } from './calibration.ts';
import type { KnownFleet } from './fleets.ts';
import { gather, governanceOf, type Governance } from './gather.ts';
import { talliesOf, withTallies } from './keptstatus.ts';
import { withNewPods } from './newpods.ts';
import { recommendationObservations } from './observations.ts';
import {
  type ClusterView,
  type ClusterWriter,
  type Clock,
  type StoredRecommendation,
  type UsageFailure,
  type Workload,
  type WorkloadRef,
} from './ports.ts';
import { policyKey } from './policy.ts';
import type { Policy } from './ports.ts';
import { amountsOf, podCount, statusOf } from './status.ts';
import type { KnownUsage } from './usage.ts';
import { writeRecommendation } from './write.ts';

/** What became of a workload, for policy status, metrics and events. */
export interface Outcome {
  readonly policyKey: string;
  readonly state: string;
  readonly reason: string | undefined;
  readonly savings: Required<Amounts>;
  readonly failure: UsageFailure | undefined;
  /** Those that are sized; undefined while usage was never read. */
  readonly containers: readonly ContainerOutcome[] | undefined;
}

export type Written = 'Created' | 'Updated' | 'Unchanged' | 'Deleted' | 'Waiting';

export interface Reconciled {
  readonly written: Written;
  /** Undefined when no policy selects the workload. */
  readonly outcome: Outcome | undefined;
  /** When something stops to hold by itself; undefined where nothing does. */
  readonly againSeconds?: number | undefined;
}

export interface ReconcileContext {
  readonly view: ClusterView;
  readonly writer: ClusterWriter;
  readonly clock: Clock;
  /** Asks for usage and gives what is known of it. */
  readonly usageOf: (workload: WorkloadRef, windowSeconds: number) => KnownUsage;
  /** What the workloads of a policy say together. */
  readonly fleetOf: (policy: Policy) => KnownFleet;
}

const LONGEST_NAME = 253;

/** `deployment-cart`; a name that would be too long is cut and told apart by a hash. */
export function recommendationName({ kind, name }: Pick<WorkloadRef, 'kind' | 'name'>): string {
  const full = `${kind.toLowerCase()}-${name}`;
  if (full.length <= LONGEST_NAME) return full;
  const hash = createHash('sha256').update(full).digest('hex').slice(0, 10);
  // Each part between dots must begin and end with a letter or digit.
  const cut = full.slice(0, LONGEST_NAME - hash.length - 1).replace(/[.-]+$/, '');
  return `${cut}-${hash}`;
}

/**
 * Brings the Recommendation of one workload in line with its policy and usage, and writes only on a difference.
 * Nothing is written before usage was read once, so that a restart shows in no status.
 */
export async function reconcileWorkload(
  key: string,
  context: ReconcileContext,
  signal: AbortSignal,
): Promise<Reconciled> {
  const { view } = context;
  const workload = view.workloads.get(key);
  // What belongs to a workload that is gone is collected with it.
  if (workload === undefined) return { written: 'Unchanged', outcome: undefined };
  const name = recommendationName(workload.ref);
  const found = view.recommendations.get(`${workload.ref.namespace}/${name}`);
  if (isOfUnreadablePolicy(found, view)) return { written: 'Unchanged', outcome: undefined };
  const governance = governanceOf(view, workload);
  if (governance === undefined) return withdraw(found, context, signal);
  if (hasUnknownGuardrails(governance.policy, view)) {
    return { written: 'Unchanged', outcome: undefined };
  }
  const { isForbidden, againSeconds } = gateOf(workload, governance, context);
  // What stands against sizing new pods needs no usage to be seen, and holds at once.
  const isWithdrawn = isForbidden && found?.isActive === true;
  if (isWithdrawn) await context.writer.applyRecommendation(workload, name, 'Inactive', signal);
  const stored = isWithdrawn ? { ...found, isActive: false } : found;
  const reconciled = await update(workload, { governance, name, stored }, context, signal);
  return { ...reconciled, againSeconds };
}

function gateOf(
  workload: Workload,
  governance: Governance,
  { view, clock }: ReconcileContext,
): { readonly isForbidden: boolean } & Pick<Reconciled, 'againSeconds'> {
  const nowSeconds = clock.nowSeconds();
  const gate = admissionGate(workload, { view, governance, nowSeconds });
  const until = gate?.untilSeconds;
  return {
    isForbidden: gate !== undefined || !sizesNewPods(governance),
    againSeconds: until === undefined ? undefined : until - nowSeconds,
  };
}

interface Known {
  readonly governance: Governance;
  readonly name: string;
  readonly stored: StoredRecommendation | undefined;
}

async function update(
  workload: Workload,
  { governance, name, stored }: Known,
  context: ReconcileContext,
  signal: AbortSignal,
): Promise<Reconciled> {
  const { window } = governance.policy.spec.history;
  const usage = context.usageOf(workload.ref, parseDuration(window));
  if (!usage.isRead && usage.failure === undefined) {
    return { written: 'Waiting', outcome: undefined };
  }
  const fleet = context.fleetOf(governance.policy);
  const { status, outcome } = compose(workload, {
    view: context.view,
    nowSeconds: context.clock.nowSeconds(),
    governance,
    usage,
    stored: stored?.status,
    fleet,
  });
  const isTooEarly = !fleet.isComplete && restsOnFleet(stored?.status);
  if (isTooEarly) return { written: 'Unchanged', outcome };
  const desired = { name, stored, status };
  const written = await writeRecommendation(workload, desired, context.writer, signal);
  return { written, outcome };
}

/** After a start the margins of the fleet are not known before all of it was read: those of the prior would show for a while. */
function restsOnFleet(status: RecommendationStatus | undefined): boolean {
  return status?.containers?.some(({ evidence }) => evidence?.basis === 'Fleet') ?? false;
}

/** What a policy said that cannot be read now stays: another policy that matches would say something else for a while. */
export function isOfUnreadablePolicy(
  stored: StoredRecommendation | undefined,
  { unreadablePolicies }: ClusterView,
): boolean {
  const policy = stored?.status?.policy;
  if (stored === undefined || policy === undefined) return false;
  const isNamespaced = policy.kind === 'RightsizePolicy';
  return unreadablePolicies.has(
    `${policy.kind}/${isNamespaced ? stored.namespace : ''}/${policy.name}`,
  );
}

/** A cluster policy that cannot be read may have guardrails for every namespaced one: nothing is begun without them. */
function hasUnknownGuardrails({ kind }: Policy, { unreadablePolicies }: ClusterView): boolean {
  const ofCluster = [...unreadablePolicies.keys()].some((key) =>
    key.startsWith('ClusterRightsizePolicy/'),
  );
  return kind === 'RightsizePolicy' && ofCluster;
}

async function withdraw(
  stored: StoredRecommendation | undefined,
  { view, writer }: ReconcileContext,
  signal: AbortSignal,
): Promise<Reconciled> {
  // A policy that cannot be read may be the one that selects it.
  if (stored === undefined || view.unreadablePolicies.size > 0) {
    return { written: 'Unchanged', outcome: undefined };
  }
  await writer.deleteRecommendation(stored, signal);
  return { written: 'Deleted', outcome: undefined };
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

/** The status that a workload's Recommendation ought to have, and what that comes to. */
export function compose(
  workload: Workload,
  input: ComposeInput,
): { readonly status: RecommendationStatus; readonly outcome: Outcome } {
  const { view, nowSeconds, governance, usage, stored, fleet = ALONE } = input;
  const { policy, mode, settings } = governance;
  const recommendations = recommend(
    gather(view, workload, { governance, usage: usage.containers, stored, fleet, nowSeconds }),
  );
  const { failure } = usage;
  const observations = recommendationObservations({ recommendations, mode, failure });
  const bare = statusOf({
    pods: podCount(workload),
    kinds: new Map(workload.containers.map(({ name, kind }) => [name, kind])),
    policy: policyRef(policy),
    mode,
    settings,
    recommendations,
  });
  const tallies = talliesOf(bare, stored, { usage: usage.containers, nowSeconds });
  const content = withTallies(bare, tallies);
  const kept = usage.isRead ? undefined : stored;
  const fresh = usage.isRead ? { content, observations } : unread(content, failure);
  const said = withNewPods(kept === undefined ? fresh : keep(kept, observations), workload, {
    view,
    governance,
    nowSeconds,
    stored,
  });
  const now = formatTime(nowSeconds);
  const status = {
    ...said.content,
    conditions: conditionsOf(said.observations, stored?.conditions, { now }),
  };
  const containers = usage.isRead
    ? containerOutcomes(recommendations, { settings, pods: podCount(workload), tallies })
    : undefined;
  return { status, outcome: { ...outcomeOf(status, policy, failure), containers } };
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
  { summary, reason, savings = {} }: RecommendationStatus,
  policy: Policy,
  failure: UsageFailure | undefined,
): Omit<Outcome, 'containers'> {
  return {
    policyKey: policyKey(policy),
    state: summary?.status ?? '',
    reason,
    savings: amountsOf(savings),
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
