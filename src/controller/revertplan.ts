import type { Mode } from '../api/policy.ts';
import { ADMISSION_LABEL } from '../api/group.ts';
import { governanceOf } from './gather.ts';
import { workloadKey, type ClusterView, type Pod, type Workload } from './ports.ts';
import { recommendationName } from './reconcile.ts';
import { podRevert, type PodRevert, type TemplateContainer } from './revert.ts';
import { SUSPEND, suspensionOf } from './suspension.ts';

/** What of the cluster is known to be ours, beyond what the view shows. */
export interface Traces {
  /** Uids of pods that our field manager has resized. */
  readonly resizedPods: ReadonlySet<string>;
  /** Keys of workloads in whose template our field manager states sizes. */
  readonly ownTemplates: ReadonlySet<string>;
}

export interface RevertInput {
  readonly view: ClusterView;
  readonly traces: Traces;
  /** The user named this very workload: all its pods are meant. */
  readonly isNamed: boolean;
  readonly template: readonly TemplateContainer[];
}

/** All that is to be put back of one workload. */
export interface WorkloadRevert {
  readonly workload: Workload;
  readonly pods: readonly PodRevert[];
  /** Our fields of the template go back to whoever else manages them; its controller then replaces the pods. */
  readonly givesBackTemplate: boolean;
  /** Pods that differ and are left alone, a sentence each. */
  readonly leftAlone: readonly string[];
}

/** Undefined where there is nothing to say of the workload. */
export function workloadRevert(workload: Workload, input: RevertInput): WorkloadRevert | undefined {
  const { view, traces, template } = input;
  const givesBackTemplate = traces.ownTemplates.has(workloadKey(workload.ref));
  const differing = view
    .pods(workload.ref)
    .filter((pod) => !pod.isTerminating && !pod.hasEnded && isMeant(pod, workload, input))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((pod) => podRevert(pod, template) ?? []);
  const others = differing.filter(({ pod }) => pod.otherResizer !== undefined);
  const own = differing.filter(({ pod }) => pod.otherResizer === undefined);
  if (differing.length === 0 && !givesBackTemplate) return undefined;
  return {
    workload,
    // Pods that are replaced in a moment need not be changed before.
    pods: givesBackTemplate ? [] : own,
    givesBackTemplate,
    leftAlone: others.map(
      ({ pod }) => `pod ${pod.name} is left alone: ${pod.otherResizer ?? ''} has resized it since`,
    ),
  };
}

function isMeant(pod: Pod, workload: Workload, { view, traces, isNamed }: RevertInput): boolean {
  return isNamed || traces.resizedPods.has(pod.uid) || hasRecommendation(view, workload);
}

function hasRecommendation(view: ClusterView, { ref }: Workload): boolean {
  return view.recommendations.has(`${ref.namespace}/${recommendationName(ref)}`);
}

/** A policy that sizes what is put back again. */
export interface Actor {
  /** `RightsizePolicy web (mode InPlace)`. */
  readonly text: string;
  /** `NewPods`: those that run stay as they are put. */
  readonly acts: 'AtOnce' | 'NewPods';
}

const STRENGTH: readonly Mode[] = ['InPlace', 'Recreate', 'Rollout', 'Admission'];

/** What would size the workload again; undefined where nothing would, as when it is suspended. */
export function actorOf(
  view: ClusterView,
  workload: Workload,
  nowSeconds: number,
): Actor | undefined {
  const governance = governanceOf(view, workload);
  if (governance === undefined) return unseenActor(view, workload);
  const { policy, modes } = governance;
  const mode = STRENGTH.find((each) => [...modes.values()].includes(each));
  if (mode === undefined) return undefined;
  if (suspensionOf(view, workload, policy, nowSeconds) !== undefined) return undefined;
  return actor(`${policy.kind} ${policy.name}`, mode);
}

/**
 * Who may not read cluster policies still sees in the Recommendation which one acts. A Recommendation that is left over
 * from a policy that is gone says so too, as long as nobody takes it away: then it is better to ask once too often.
 */
function unseenActor(view: ClusterView, { ref, annotations }: Workload): Actor | undefined {
  const isSeen = view.namespace(ref.namespace) !== undefined;
  const name = `${ref.namespace}/${recommendationName(ref)}`;
  const { policy, mode, reason } = view.recommendations.get(name)?.status ?? {};
  const isSuspended = reason === 'Suspended' || annotations[SUSPEND] !== undefined;
  if (isSeen || isSuspended || mode === undefined || !STRENGTH.includes(mode)) return undefined;
  return policy?.kind === 'ClusterRightsizePolicy'
    ? actor(`${policy.kind} ${policy.name}`, mode)
    : undefined;
}

function actor(policy: string, mode: Mode): Actor {
  return { text: `${policy} (mode ${mode})`, acts: mode === 'Admission' ? 'NewPods' : 'AtOnce' };
}

/** Why pods to come are not made as the template says, as a sentence; undefined where they are. */
export function newPodsNote(
  view: ClusterView,
  workload: Workload,
  actsOnIt: Actor | undefined,
): string | undefined {
  const { namespace, kind, name } = workload.ref;
  const stored = view.recommendations.get(`${namespace}/${recommendationName(workload.ref)}`);
  if (actsOnIt !== undefined) {
    return `new pods are still sized by ${actsOnIt.text}: add --suspend, or annotate the ${kind} ${name} with ${SUSPEND}=true`;
  }
  if (stored?.isActive !== true) return undefined;
  return `new pods are still sized by Recommendation ${stored.name}, which no operator has withdrawn: kubectl -n ${namespace} label recommendation ${stored.name} ${ADMISSION_LABEL}-`;
}
