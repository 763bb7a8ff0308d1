import { isDeepStrictEqual } from 'node:util';
import type { RecommendationStatus } from '../api/recommendation.ts';
import type { ClusterWriter, StoredRecommendation, Workload } from './ports.ts';

export interface Desired {
  readonly name: string;
  readonly stored: StoredRecommendation | undefined;
  readonly status: RecommendationStatus;
}

/**
 * Writes what differs. New pods are sized while the label is there: it goes before their sizes go, and comes after
 * they have come.
 */
export async function writeRecommendation(
  workload: Workload,
  { name, stored, status }: Desired,
  writer: ClusterWriter,
  signal: AbortSignal,
): Promise<'Created' | 'Updated' | 'Unchanged'> {
  const isKept = isOwned(stored, workload);
  const { before, first, after } = labelsOf(stored, status);
  const labelled = (label: Label) => writer.applyRecommendation(workload, name, label, signal);
  const steps: (() => Promise<void>)[] = [];
  if (!isKept || first !== before) steps.push(() => labelled(first));
  if (!isKept || differs(status, stored?.status)) {
    const at = { namespace: workload.ref.namespace, name };
    steps.push(() => writer.applyRecommendationStatus(at, status, signal));
  }
  if (after !== first) steps.push(() => labelled(after));
  for (const step of steps) await step();
  if (steps.length === 0) return 'Unchanged';
  return stored === undefined ? 'Created' : 'Updated';
}

type Label = Parameters<ClusterWriter['applyRecommendation']>[2];

/** The label as it is, as it has to be while the status is written, and as it has to be then. */
function labelsOf(
  stored: StoredRecommendation | undefined,
  { admission }: RecommendationStatus,
): Readonly<Record<'before' | 'first' | 'after', Label>> {
  const before = stored?.isActive === true ? 'Active' : 'Inactive';
  if (admission === undefined) return { before, first: 'Inactive', after: 'Inactive' };
  return { before, first: before, after: 'Active' };
}

function isOwned(stored: StoredRecommendation | undefined, workload: Workload): boolean {
  return stored?.ownerUid === workload.uid && isAbout(stored, workload);
}

function isAbout({ targetRef }: StoredRecommendation, { ref, apiVersion }: Workload): boolean {
  const { kind, name } = ref;
  return isDeepStrictEqual({ ...targetRef }, { apiVersion, kind, name });
}

/**
 * Whether a status says something new. Sentences and raw amounts move a little with every sample; they are brought
 * up to date when anything else changes, and once a day with the evidence.
 */
function differs(status: RecommendationStatus, before: RecommendationStatus | undefined): boolean {
  return before === undefined || !isDeepStrictEqual(material(status), material(before));
}

function material(status: RecommendationStatus): unknown {
  const { conditions, containers, summary, ...others } = status;
  return JSON.parse(
    JSON.stringify({
      ...others,
      // Risks realised move with every sample, as the figures of the containers do.
      summary: summary && { ...summary, cpuRisk: undefined, memoryRisk: undefined },
      conditions: conditions?.map(({ type, status, reason }) => ({ type, status, reason })),
      containers: containers?.map(({ name, kind, current, target, clamps, evidence, ...rest }) => ({
        name,
        kind,
        current,
        target,
        clamps: clamps?.map(({ clamp, resource, field }) => ({ clamp, resource, field })),
        evidence: { ...evidence, behaviour: undefined },
        reasons: [rest.cpu?.reason, rest.memory?.reason],
        oomKill: rest.memory?.oomKill,
      })),
    }),
  );
}
