import { createHash } from 'node:crypto';
import { conditionsOf } from '../api/conditions.ts';
import type { RecommendationStatus } from '../api/recommendation.ts';
import { parseDuration } from '../api/duration.ts';
import { formatTime } from '../api/timestamp.ts';
import { withActing } from './actingstatus.ts';
import type { Asked } from './actinginput.ts';
import type { Actor } from './actor.ts';
import { admissionGate, sizesNewPods } from './admission.ts';
import { compose, stateOf, type Composed, type Outcome } from './compose.ts';
import type { KnownFleet } from './fleets.ts';
import { governanceOf, type Governance } from './gather.ts';
import { historyOf } from './history.ts';
import {
  type ClusterView,
  type ClusterWriter,
  type Clock,
  type StoredRecommendation,
  type Workload,
  type WorkloadRef,
} from './ports.ts';
import type { Policy } from './ports.ts';
import type { KnownUsage } from './usage.ts';
import type { Prepared } from './prepared.ts';
import { writeRecommendation } from './write.ts';

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
  readonly actor: Actor;
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
  // The status of a Recommendation that is kept packed is no property that a copy has.
  const stored = isWithdrawn ? { ...found, status: found.status, isActive: false } : found;
  const reconciled = await update(workload, { governance, name, stored }, context, signal);
  return { ...reconciled, againSeconds: soonest(againSeconds, reconciled.againSeconds) };
}

function soonest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** What came to pass while the workload was looked at is looked at again at once. */
function inSeconds(untilSeconds: number | undefined, { clock }: ReconcileContext) {
  return untilSeconds === undefined ? undefined : Math.max(0, untilSeconds - clock.nowSeconds());
}

function gateOf(
  workload: Workload,
  governance: Governance,
  context: ReconcileContext,
): { readonly isForbidden: boolean } & Pick<Reconciled, 'againSeconds'> {
  const { view, clock } = context;
  const nowSeconds = clock.nowSeconds();
  const gate = admissionGate(workload, { view, governance, nowSeconds });
  return {
    isForbidden: gate !== undefined || !sizesNewPods(governance),
    againSeconds: inSeconds(gate?.untilSeconds, context),
  };
}

interface Known {
  readonly governance: Governance;
  readonly name: string;
  readonly stored: StoredRecommendation | undefined;
}

async function update(
  workload: Workload,
  known: Known,
  context: ReconcileContext,
  signal: AbortSignal,
): Promise<Reconciled> {
  const { governance, stored } = known;
  const { window } = governance.policy.spec.history;
  const usage = context.usageOf(workload.ref, parseDuration(window));
  const isUnknown = !usage.isRead && usage.failure === undefined;
  if (isUnknown && stored?.status === undefined) return { written: 'Waiting', outcome: undefined };
  const { status, outcome, untilSeconds } = recommended(workload, known, usage, context);
  const asked = { governance, status, usage, given: givenBy(stored) };
  const prepared = await context.actor.prepare(workload, asked, signal);
  const againSeconds = soonest(prepared.againSeconds, inSeconds(untilSeconds, context));
  try {
    // A restart shows in no status; who is in need, and what became of a change, does.
    if (isUnknown && !hasNews(prepared)) {
      return { written: 'Waiting', outcome: undefined, againSeconds };
    }
    const acted = withChanges(status, prepared, {
      before: stored?.status?.conditions,
      nowSeconds: context.clock.nowSeconds(),
    });
    const desired = { name: known.name, stored, status: acted };
    const written = await writeRecommendation(workload, desired, context.writer, signal);
    await context.actor.carryOut(prepared);
    if (isUnknown) return { written: 'Waiting', outcome: undefined, againSeconds };
    return { written, outcome: { ...outcome, ...stateOf(acted) }, againSeconds };
  } finally {
    prepared.release();
  }
}

function givenBy(stored: StoredRecommendation | undefined): Asked['given'] {
  return stored?.status?.admission ?? [];
}

/** What is recommended now, and what the workload says of itself to its policy. */
function recommended(
  workload: Workload,
  { governance, stored }: Known,
  usage: KnownUsage,
  context: ReconcileContext,
): Composed {
  const fleet = context.fleetOf(governance.policy);
  const { view, clock } = context;
  const nowSeconds = clock.nowSeconds();
  const input = { view, nowSeconds, governance, usage, stored: stored?.status, fleet };
  const fresh = compose(workload, input);
  if (fleet.isComplete || !restsOnFleet(stored?.status)) return fresh;
  // What is recommended then stays what it was; what stands against it, and who is in need, is seen all the same.
  const kept = compose(workload, { ...input, usage: { ...usage, isRead: false } });
  return { ...kept, outcome: fresh.outcome };
}

function hasNews({ judged, plan, template }: Prepared): boolean {
  const changes = plan.patches.length + plan.evictions.length;
  return judged.length + changes > 0 || template?.change !== undefined;
}

/** The status with what is changed in pods; conditions that hold on keep their time. */
function withChanges(
  status: RecommendationStatus,
  { said, records }: Prepared,
  at: { readonly before: RecommendationStatus['conditions']; readonly nowSeconds: number },
): RecommendationStatus {
  const { conditions, ...content } = status;
  const acted = withActing({ content, observations: conditions ?? [] }, said, historyOf(records));
  const now = formatTime(at.nowSeconds);
  return { ...acted.content, conditions: conditionsOf(acted.observations, at.before, { now }) };
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
  if (unreadablePolicies.size === 0) return false;
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
  if (stored === undefined || mayBeSelectedUnread(stored, view)) {
    return { written: 'Unchanged', outcome: undefined };
  }
  await writer.deleteRecommendation(stored, signal);
  return { written: 'Deleted', outcome: undefined };
}

/** A policy that cannot be read may be the one that selects it, if it is of this namespace or of the cluster. */
function mayBeSelectedUnread(
  { namespace }: StoredRecommendation,
  { unreadablePolicies }: ClusterView,
): boolean {
  const reaching = ['ClusterRightsizePolicy/', `RightsizePolicy/${namespace}/`];
  return [...unreadablePolicies.keys()].some((key) =>
    reaching.some((each) => key.startsWith(each)),
  );
}
